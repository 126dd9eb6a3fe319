"""The catalogue on a real database."""

from dataclasses import replace
from datetime import date

import pytest

from governance.catalogue import Catalogue, Study
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database


def study(uid: str, pseudonymiser: Pseudonymiser, **changes: object) -> Study:
    made = Study(
        study_uid=uid,
        study=pseudonymiser.study(uid),
        custodians=("RRK",),
        patient=pseudonymiser.patient("9990000018"),
        modality="CT",
        body_part="HEAD",
        study_date=date(2026, 10, 1),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


def put(database: Database, catalogue: Catalogue, *studies: Study) -> None:
    with database.transaction() as session:
        catalogue.upsert(session, studies)


def test_gives_back_what_was_kept(database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser) -> None:
    kept = study("1.2.3", pseudonymiser, custodians=("RRK", "RKB", "RJE"), labels=frozenset({"sealed", "decoy"}))
    bare = study("1.2.4", pseudonymiser, body_part=None)
    put(database, catalogue, kept, bare)

    with database.reading() as session:
        assert catalogue.study(session, "1.2.3") == kept
        assert catalogue.study_by_pseudonym(session, kept.study) == kept
        assert catalogue.study(session, "1.2.4") == bare
        assert catalogue.study(session, "1.2.5") is None
        assert catalogue.study_by_pseudonym(session, "t-unknown") is None


def test_keeps_the_order_of_custodians(database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser) -> None:
    kept = study("1.2.3", pseudonymiser, custodians=("RXW", "RBK", "RKB"))
    put(database, catalogue, kept)

    with database.reading() as session:
        assert catalogue.study(session, "1.2.3") == kept


def test_an_upsert_replaces_the_study_whole(
    database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser
) -> None:
    put(database, catalogue, study("1.2.3", pseudonymiser, labels=frozenset({"sealed"})), study("1.2.4", pseudonymiser))
    moved = study("1.2.3", pseudonymiser, custodians=("RKB",), modality="MR", body_part=None)
    put(database, catalogue, moved)

    with database.reading() as session:
        assert catalogue.study(session, "1.2.3") == moved
        assert [one.study_uid for one in catalogue.for_custodian(session, "RRK")] == ["1.2.4"]


def test_a_study_that_lost_its_owner_has_none(
    database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser
) -> None:
    put(database, catalogue, study("1.2.3", pseudonymiser))
    put(database, catalogue, study("1.2.3", pseudonymiser, custodians=()))

    with database.reading() as session:
        found = catalogue.study(session, "1.2.3")
        assert found is not None
        assert found.custodians == ()
        assert catalogue.count_for_custodian(session, "RRK") == 0


def test_of_two_lines_with_one_uid_the_last_wins(
    database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser
) -> None:
    last = study("1.2.3", pseudonymiser, custodians=("RKB",))
    put(database, catalogue, study("1.2.3", pseudonymiser, custodians=("RRK", "RJE")), last)

    with database.reading() as session:
        assert catalogue.study(session, "1.2.3") == last


def test_gives_a_patients_studies_newest_first(
    database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser
) -> None:
    old = study("1.2.3", pseudonymiser, study_date=date(2019, 1, 1), custodians=("RKB", "RRK"))
    new = study("1.2.4", pseudonymiser)
    other = study("1.2.5", pseudonymiser, patient=pseudonymiser.patient("9990000026"))
    put(database, catalogue, old, new, other)

    with database.reading() as session:
        assert catalogue.for_patient(session, old.patient) == (new, old)


def test_pages_through_a_trusts_studies(database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser) -> None:
    put(database, catalogue, *(study(f"1.2.{number}", pseudonymiser, custodians=("RRK", "RKB")) for number in range(5)))

    with database.reading() as session:
        first = catalogue.for_custodian(session, "RKB", limit=3)
        rest = catalogue.for_custodian(session, "RKB", after=first[-1].study_uid, limit=3)
        assert [one.study_uid for one in first + rest] == [f"1.2.{number}" for number in range(5)]
        assert all(one.custodians == ("RRK", "RKB") for one in first + rest)
        assert catalogue.for_custodian(session, "RJE") == ()
        assert catalogue.count_for_custodian(session, "RKB") == 5


def test_finds_many_by_pseudonym_and_knows_decoys(
    database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser
) -> None:
    studies = [study(f"1.2.{number}", pseudonymiser) for number in range(1_200)]
    decoy = study("1.3", pseudonymiser, labels=frozenset({"decoy"}))
    put(database, catalogue, *studies, decoy)

    with database.reading() as session:
        found = catalogue.studies_by_pseudonym(session, [one.study for one in studies] + ["t-unknown"])
        assert found == {one.study: one for one in studies}
        assert catalogue.is_decoy(session, decoy.study)
        assert not catalogue.is_decoy(session, studies[0].study)
        assert not catalogue.is_decoy(session, "t-unknown")


def test_an_empty_upsert_changes_nothing(database: Database, catalogue: Catalogue) -> None:
    put(database, catalogue)

    with database.reading() as session:
        assert catalogue.for_custodian(session, "RRK") == ()
