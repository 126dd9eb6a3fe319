"""Pseudonyms are keyed and joinable; sealed fields can be forgotten for good."""

from datetime import UTC, datetime

import pytest

from governance.pseudonyms import OwnerForgotten, Pseudonymiser, Vault
from governance.pseudonyms.keyed import CACHED
from governance.storage import Database

NUMBER = "9990000018"
AT = datetime(2026, 11, 24, tzinfo=UTC)


def test_the_same_identifier_has_the_same_pseudonym_however_it_is_spaced(pseudonymiser: Pseudonymiser) -> None:
    assert pseudonymiser.patient(NUMBER) == pseudonymiser.patient("999 000 0018")
    assert pseudonymiser.patient(NUMBER).startswith("p-")


def test_kinds_never_meet(pseudonymiser: Pseudonymiser) -> None:
    made = {pseudonymiser.patient(NUMBER)[2:], pseudonymiser.subject(NUMBER)[2:], pseudonymiser.study(NUMBER)[2:]}
    assert len(made) == 3


def test_a_pseudonym_passes_unchanged_but_only_as_its_own_kind(pseudonymiser: Pseudonymiser) -> None:
    patient = pseudonymiser.patient(NUMBER)
    assert pseudonymiser.patient(patient) == patient
    assert pseudonymiser.subject(patient) != patient


def test_a_memory_of_pseudonyms_changes_none_and_stays_small(pseudonymiser: Pseudonymiser) -> None:
    for number in range(CACHED + 10):
        pseudonymiser.patient(str(number))
    for reference in ("5", str(CACHED), "x" * 100):
        assert pseudonymiser.patient(reference) == Pseudonymiser(b"k" * 32).patient(reference)
    remembered = pseudonymiser._cached.cache_info()
    assert remembered.currsize == CACHED
    assert remembered.hits == 1


def test_another_key_makes_another_pseudonym(pseudonymiser: Pseudonymiser) -> None:
    assert Pseudonymiser(b"j" * 32).patient(NUMBER) != pseudonymiser.patient(NUMBER)
    with pytest.raises(ValueError, match="32 bytes"):
        Pseudonymiser(b"short")


def test_what_is_sealed_opens_for_its_owner_alone(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        sealed = vault.seal(session, "p-one", {"patient": NUMBER})
        vault.seal(session, "p-two", {"patient": "other"})
    assert NUMBER not in sealed
    with database.reading() as session:
        assert vault.unseal(session, "p-one", sealed) == {"patient": NUMBER}
        with pytest.raises(ValueError, match="do not open"):
            vault.unseal(session, "p-two", sealed)
        assert vault.unseal(session, "p-nobody", sealed) is None


def test_an_altered_envelope_does_not_open(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        sealed = vault.seal(session, "p-one", {"patient": NUMBER})
    flipped = sealed[:30] + ("A" if sealed[30] != "A" else "B") + sealed[31:]
    with database.reading() as session, pytest.raises(ValueError, match="do not open"):
        vault.unseal(session, "p-one", flipped)


def test_a_forgotten_owner_stays_forgotten(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        sealed = vault.seal(session, "p-one", {"patient": NUMBER})
        vault.destroy(session, "p-one", AT)
        vault.destroy(session, "p-never-seen", AT)
    with database.transaction() as session:
        assert vault.unseal(session, "p-one", sealed) is None
        for owner in ("p-one", "p-never-seen"):
            with pytest.raises(OwnerForgotten):
                vault.seal(session, owner, {"patient": NUMBER})
