"""A real log on a throwaway database, a factory of events, and the checker's verdict on what is stored."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from governance.audit import (
    AuditLog,
    Authority,
    Event,
    NoteSigner,
    RecordedEvent,
    RecordedResource,
    Recorder,
    Resource,
    Source,
    Subject,
)
from governance.audit.checker import Report, open_reader, read_key, verify
from governance.audit.history import KeptNote
from governance.audit.signer import ed25519_valid
from governance.clock import FixedClock
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome, Purpose, SubjectType
from tests.worlds.basics import NOON

ORIGIN = "audit.example.nhs.uk/log"
MakeEvent = Callable[..., Event]
CheckLog = Callable[..., Report]
RECORDED = RecordedEvent(
    index=7,
    recorded_at=NOON,
    leaf_hash=b"\0" * 32,
    id="evt-1",
    time=datetime(2026, 11, 24, 11, 58, 0, 123000, tzinfo=UTC),
    source=Source("vna-1", "RRK"),
    kind=EventKind.ACCESS,
    outcome=Outcome.SUCCESS,
    subject=Subject("s-" + "a" * 26, SubjectType.PRACTITIONER, "nurse", "RKB", device="WS-1"),
    purpose=Purpose.TREAT,
    resource=RecordedResource("p-" + "b" * 26, "t-" + "c" * 26, None, 3, "CT", "HEAD", None, "RRK"),
    authority=Authority("d-1", "j-1", "A-1"),
    destination="PACS2",
)


@pytest.fixture
def signer() -> NoteSigner:
    return NoteSigner.from_seed(ORIGIN, b"s" * 32)


def some_event(number: int, **changes: Any) -> Event:
    """Make the event of a number: an access by one of 7 people to a study of one of 11 patients."""
    event = Event(
        id=f"event-{number}",
        time=datetime(2026, 11, 24, 11, number % 60, tzinfo=UTC),
        source=Source("pacs-rkb", "RKB"),
        kind=EventKind.ACCESS,
        outcome=Outcome.SUCCESS,
        subject=Subject(f"user-{number % 7}", SubjectType.PRACTITIONER, role="clinician", ods="RRK", device="ws-1"),
        purpose=Purpose.TREAT,
        resource=Resource(
            patient=f"999000000{number % 11}",
            study_uid=f"1.2.826.0.1.{number}",
            modality="CT",
            body_part="HEAD",
            study_date=date(2026, 11, 1),
            custodian="RKB",
            instances=number,
        ),
        authority=Authority(f"decision-{number}", f"jti-{number}", "direct-care"),
    )
    return replace(event, **changes)


def erase(session: Session, vault: Vault, recorder: Recorder, clock: FixedClock, owner: str) -> int:
    """Destroy the key of an owner with its record, as the erasure of a person does; gives the index."""
    vault.destroy(session, owner, clock.now())
    return recorder.record_in(session, EventKind.CONFIG, time=clock.now(), detail={"erased": owner})


@pytest.fixture
def make_event() -> MakeEvent:
    """Give the maker of events."""
    return some_event


@pytest.fixture
def kept_note(tmp_path: Path) -> KeptNote:
    """Keep the newest signed checkpoint outside the database."""
    return KeptNote(tmp_path / "newest-checkpoint")


@pytest.fixture
def log(
    database: Database,
    pseudonymiser: Pseudonymiser,
    vault: Vault,
    signer: NoteSigner,
    clock: FixedClock,
    kept_note: KeptNote,
) -> Iterator[AuditLog]:
    with AuditLog(database, pseudonymiser, vault, signer, clock, ORIGIN, kept=kept_note) as started:
        yield started


@pytest.fixture
def check_log(database: Database, signer: NoteSigner, vault: Vault) -> CheckLog:
    """Run the independent checker over the database of the test, vault and all."""

    def check(*expected: str) -> Report:
        reader = open_reader(database.url)
        try:
            keys = [read_key(signer.verifier_key())]
            return verify(
                reader, keys, ed25519_valid, expected_checkpoints=expected, opens=vault.opens, rows_key=vault.rows_key
            )
        finally:
            reader.close()

    return check
