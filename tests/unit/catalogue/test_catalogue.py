"""The catalogue on a real database."""

from dataclasses import replace
from datetime import date

import pytest
from sqlmodel import Session

from governance.catalogue import ALWAYS, Catalogue, Study, StudyQuery
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database

TODAY = date(2026, 11, 24)


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


def of_trust(session: Session, catalogue: Catalogue, ods: str) -> list[str]:
    """Give the UIDs of the studies a trust answers for."""
    return [one.study_uid for one in catalogue.search(session, [StudyQuery(ALWAYS, TODAY, custodians=[ods])])]


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
        assert of_trust(session, catalogue, "RRK") == ["1.2.4"]


def test_a_study_that_lost_its_owner_has_none(
    database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser
) -> None:
    put(database, catalogue, study("1.2.3", pseudonymiser))
    put(database, catalogue, study("1.2.3", pseudonymiser, custodians=()))

    with database.reading() as session:
        found = catalogue.study(session, "1.2.3")
        assert found is not None
        assert found.custodians == ()
        assert of_trust(session, catalogue, "RRK") == []


def test_of_two_lines_with_one_uid_the_last_wins(
    database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser
) -> None:
    last = study("1.2.3", pseudonymiser, custodians=("RKB",))
    put(database, catalogue, study("1.2.3", pseudonymiser, custodians=("RRK", "RJE")), last)

    with database.reading() as session:
        assert catalogue.study(session, "1.2.3") == last


def test_finds_many_by_pseudonym(database: Database, catalogue: Catalogue, pseudonymiser: Pseudonymiser) -> None:
    studies = [study(f"1.2.{number}", pseudonymiser) for number in range(1_200)]
    put(database, catalogue, *studies)

    with database.reading() as session:
        found = catalogue.studies_by_pseudonym(session, [one.study for one in studies] + ["t-unknown"])
        assert found == {one.study: one for one in studies}


def test_an_empty_upsert_changes_nothing(database: Database, catalogue: Catalogue) -> None:
    put(database, catalogue)

    with database.reading() as session:
        assert of_trust(session, catalogue, "RRK") == []
