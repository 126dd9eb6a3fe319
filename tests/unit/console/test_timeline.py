"""A patient's timeline: what is on it, whose part is shown, and how it pages."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from governance.audit import AuditLog, AuditSearch, NoteSigner
from governance.audit.event import Authority, Event, Resource, Source, Subject
from governance.clock import FixedClock
from governance.console._timeline import PAGE, Timeline, timeline
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome, SubjectType

PATIENT = "9990000018"
NAMES = {"RRK": "Birmingham", "RKB": "Coventry"}


@pytest.fixture
def log(sqlite_database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock) -> Iterator[AuditLog]:
    """Open a log of the test's own."""
    signer = NoteSigner.from_seed("log.test/console", b"s" * 32)
    with AuditLog(sqlite_database, pseudonymiser, vault, signer, clock, "log.test/console") as opened:
        yield opened


def event(clock: FixedClock, number: int, kind: EventKind, custodian: str, ods: str) -> Event:
    """Make an event about the patient."""
    return Event(
        id=f"e-{number}",
        time=clock.now() + timedelta(minutes=number),
        source=Source("archive", custodian),
        kind=kind,
        outcome=Outcome.SUCCESS,
        subject=Subject(f"user-{number}", SubjectType.PRACTITIONER, "clinician", ods),
        resource=Resource(patient=PATIENT, modality="CT", custodian=custodian),
        authority=Authority(f"d-{number}"),
    )


def page_of(
    database: Database, patient: str, ods: str | None, trust: str | None = None, before: int | None = None
) -> Timeline:
    """Read a page in a snapshot of its own."""
    with database.reading() as session:
        return timeline(session, AuditSearch(database), NAMES, patient, ods, trust, before)


def test_it_pages_without_gap_or_repeat_whatever_lies_between(
    log: AuditLog, sqlite_database: Database, clock: FixedClock, pseudonymiser: Pseudonymiser
) -> None:
    kinds = (EventKind.DECISION, EventKind.TOKEN, EventKind.ACCESS, EventKind.AUDIT_READ)
    log.append([event(clock, n, kinds[n % 4], "RRK", "RKB") for n in range(400)])
    seen: list[int] = []
    before: int | None = None
    while True:
        page = page_of(sqlite_database, pseudonymiser.patient(PATIENT), "RRK", before=before)
        assert len(page.rows) == PAGE
        seen += [row.index for row in page.rows]
        before = page.next_before
        if before is None:
            break
    assert seen == [n for n in reversed(range(400)) if n % 4 == 2]


def test_a_trust_sees_its_images_and_its_people(
    log: AuditLog, sqlite_database: Database, clock: FixedClock, pseudonymiser: Pseudonymiser
) -> None:
    parts = [("RRK", "RRK"), ("RRK", "RKB"), ("RKB", "RRK"), ("RKB", "RKB"), ("RNA", "RNA")]
    log.append([event(clock, n, EventKind.ACCESS, custodian, ods) for n, (custodian, ods) in enumerate(parts)])
    patient = pseudonymiser.patient(PATIENT)

    def shown(ods: str | None, trust: str | None = None) -> list[int]:
        return [row.index for row in page_of(sqlite_database, patient, ods, trust).rows]

    assert shown("RRK") == [2, 1, 0]
    assert shown("RKB") == [3, 2, 1]
    assert shown(None) == [4, 3, 2, 1, 0]
    assert shown("RRK", "RKB") == [2, 1]
    assert shown("RXW") == []


def test_it_names_the_trusts_it_shows(
    log: AuditLog, sqlite_database: Database, clock: FixedClock, pseudonymiser: Pseudonymiser
) -> None:
    log.append([event(clock, 1, EventKind.ACCESS, "RRK", "RXW")])
    page = page_of(sqlite_database, pseudonymiser.patient(PATIENT), None)
    assert page.trusts == (("RRK", "Birmingham"), ("RXW", "RXW"))
    assert page.rows[0].custodian == "Birmingham"


def test_uses_are_found_behind_thousands_of_other_events(
    log: AuditLog, sqlite_database: Database, clock: FixedClock, pseudonymiser: Pseudonymiser
) -> None:
    log.append([event(clock, 0, EventKind.ACCESS, "RRK", "RKB")])
    log.append([event(clock, n, EventKind.DECISION, "RRK", "RKB") for n in range(1, 2_101)])
    page = page_of(sqlite_database, pseudonymiser.patient(PATIENT), "RRK")
    assert [row.index for row in page.rows] == [0]
    assert page.trusts == (("RRK", "Birmingham"), ("RKB", "Coventry"))
