"""A log to measure on: realistic events, a real file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from governance.audit import AuditLog, Authority, Event, NoteSigner, Resource, Source, Subject
from governance.clock import SystemClock
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database, migrate
from governance.vocabulary import EventKind, Outcome, Purpose, SubjectType

BATCH = 500
START = datetime(2026, 11, 1, tzinfo=UTC)
PATIENTS = 5_000


def open_log(folder: Path) -> tuple[AuditLog, Database]:
    """Open an empty log in a folder, with its writer running."""
    database = Database(f"sqlite:///{folder}/log.sqlite")
    migrate.upgrade(database)
    signer = NoteSigner.from_seed("bench.example/log", bytes(range(32)))
    log = AuditLog(
        database,
        Pseudonymiser(bytes(range(32))),
        Vault(bytes(range(1, 33))),
        signer,
        SystemClock(),
        "bench.example/log",
    )
    log.start()
    return log, database


def events(start: int, count: int) -> list[Event]:
    """Make events that differ as real ones do: 200 people, 5,000 patients, a study each few events."""
    return [_event(number) for number in range(start, start + count)]


def filled_log(folder: Path, rows: int) -> tuple[str, str]:
    """Fill a log, sign it, close it; gives its URL and verifier key."""
    log, database = open_log(folder)
    for start in range(0, rows, 2_000):
        log.append(events(start, 2_000))
    log.sign_checkpoint()
    log.close()
    database.dispose()
    return database.url, NoteSigner.from_seed("bench.example/log", bytes(range(32))).verifier_key()


def _event(number: int) -> Event:
    return Event(
        id=f"event-{number}",
        time=START + timedelta(seconds=number),
        source=Source("archive-rrk", "RRK"),
        kind=EventKind.ACCESS,
        outcome=Outcome.SUCCESS,
        subject=Subject(f"user-{number % 200}", SubjectType.PRACTITIONER, "clinician", "RKB", "emergency"),
        purpose=Purpose.TREAT,
        resource=Resource(
            patient=f"patient-{number % PATIENTS}",
            study_uid=f"1.2.826.0.1.{number // 3}",
            modality="CT",
            body_part="HEAD",
            custodian="RRK",
            instances=120,
        ),
        authority=Authority(f"decision-{number}", None, "wm-direct-care"),
    )
