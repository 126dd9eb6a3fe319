"""Staff and accounts that are called the same: each is found by in whose names it is called so, or not at all."""

import pytest

from governance.bootstrap._watching import _patient_of
from governance.federation import FederationDirectory, IdentityProvider, Person, StaffMember
from governance.federation.people import chosen, recorded
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database
from governance.vocabulary import Role
from tests.worlds.federation import PROVIDER, register

NATIONAL = "https://cis2.example"
RRK = StaffMember("s-1", "RRK", "clinician", patient_key="p-1")
RKB = StaffMember("s-1", "RKB", "nurse")
AT_RRK, AT_RKB = (StaffMember("s-1", ods, "clinician", issuer=NATIONAL) for ods in ("RRK", "RKB"))


@pytest.mark.parametrize(
    ("called", "ods", "named_by", "expected"),
    [
        ((), "RRK", None, None),
        ((RRK,), None, None, RRK),
        ((RRK, RKB), None, None, None),
        ((RRK, RKB), "RKB", None, RKB),
        ((RRK, RKB), "RNA", None, None),
        ((RRK, RKB), "RRK", "RKB", None),
        ((AT_RRK, RRK), "RRK", None, RRK),
        ((AT_RRK, RRK), "RRK", NATIONAL, AT_RRK),
        ((AT_RRK, AT_RKB), None, None, AT_RKB),
        ((AT_RRK, AT_RKB), "RRK", None, AT_RRK),
        ((AT_RRK, RKB), None, None, None),
        ((AT_RRK, RKB), None, NATIONAL, AT_RRK),
    ],
)
def test_one_is_chosen_or_nobody(
    called: tuple[StaffMember, ...], ods: str | None, named_by: str | None, expected: StaffMember | None
) -> None:
    assert chosen(called, ods, named_by) == expected


def test_a_record_of_a_national_person_is_theirs_at_whichever_trust_they_acted() -> None:
    assert recorded((AT_RRK, RKB), "RWP") == AT_RRK
    assert recorded((AT_RRK, RKB), "RKB") == RKB
    assert recorded((RRK, RKB), "RWP") is None


def test_the_register_keeps_both_and_says_where_a_name_is_one(
    database: Database, directory: FederationDirectory, pseudonymiser: Pseudonymiser
) -> None:
    teams = {ods: StaffMember("s-2", ods, "nurse", team_ids=("night",)) for ods in ("RRK", "RKB")}
    with database.transaction() as session:
        directory.upsert_staff(session, [RRK, RKB, AT_RRK, *teams.values()])
    with database.reading() as session:
        assert set(directory.namesakes(session, "s-1")) == {RRK, RKB, AT_RRK}
        assert directory.staff_many(session, ["s-1", "s-3"]).keys() == {"s-1"}
        night = pseudonymiser.subject("night")
        assert directory.trusts_naming(session, ["s-1", night, "s-3"]) == {
            "s-1": {"RRK", "RKB"},
            night: {"RRK", "RKB"},
            "s-3": set(),
        }
        pages, after = [], ("", "", "")
        while page := directory.staff_of(session, ["RRK", "RKB"], after, 1):
            pages.extend(page)
            after = page[-1].id, page[-1].ods, page[-1].issuer
        assert pages == [RKB, RRK, AT_RRK, teams["RKB"], teams["RRK"]]


def test_nobody_reviews_their_own_record_and_a_namesake_may(database: Database, directory: FederationDirectory) -> None:
    with database.transaction() as session:
        directory.upsert_staff(session, [RRK, RKB])
    with database.reading() as session:
        assert [_patient_of(directory, session, "s-1", ods) for ods in ("RRK", "RKB", "RNA")] == ["p-1", None, None]


def test_a_console_account_is_that_of_its_issuers_person(database: Database, directory: FederationDirectory) -> None:
    other = IdentityProvider("https://id.rkb.example", "RKB", "https://id.rkb.example/jwks", ("imaging-governance",))
    account = Person(PROVIDER.issuer, "officer", "RRK", frozenset({Role.IG_OFFICER}))
    register(database, directory, other, account)
    with database.reading() as session:
        assert directory.person(session, PROVIDER.issuer, "officer") is not None
        assert directory.person(session, other.issuer, "officer") is None
