"""The disk fills up while the log is written: callers are told, and nothing acknowledged is lost."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as engine_event
from sqlmodel import SQLModel

from governance.audit import AuditLog, Event, NoteSigner, Source
from governance.audit.checker import open_reader, read_key, verify
from governance.audit.signer import ed25519_valid
from governance.clock import FixedClock
from governance.errors import Unavailable
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome

ORIGIN = "audit.example.nhs.uk/log"
ROOM = 400  # pages of 4 kB


def numbered(number: int) -> Event:
    return Event(
        id=str(number),
        time=datetime(2026, 11, 24, 12, tzinfo=UTC),
        source=Source("pacs", "RKB"),
        kind=EventKind.ACCESS,
        outcome=Outcome.SUCCESS,
        detail={"padding": "x" * 2000},
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Database:
    """Open a SQLite file with a limit that SQLite reports exactly as a full disk."""
    limited = Database(f"sqlite:///{tmp_path}/small.sqlite")
    SQLModel.metadata.create_all(limited.engine)
    limited.dispose()

    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {ROOM}")

    for engine in limited.engines:
        engine_event.listen(engine, "connect", limit)
    return limited


def test_a_full_disk_is_told_and_costs_nothing_acknowledged(
    small_disk: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock
) -> None:
    signer = NoteSigner.from_seed(ORIGIN, b"s" * 32)
    parts = (pseudonymiser, vault, signer, clock, ORIGIN)
    acknowledged: dict[int, str] = {}
    refused = 0
    with AuditLog(small_disk, *parts) as log:
        for number in range(0, 1200, 4):
            batch = [numbered(number + part) for part in range(4)]
            try:
                receipts = log.append(batch)
            except Unavailable:
                refused += 1
                continue
            acknowledged.update({receipt.index: sent.id for receipt, sent in zip(receipts, batch, strict=True)})
    assert acknowledged
    assert refused
    roomy = Database(small_disk.url)
    with AuditLog(roomy, *parts) as log:
        assert log.append([numbered(9999)])[0].index == len(acknowledged)
        log.sign_checkpoint()
        held = {held.index: held.id for held in log.read(0, 10_000)}
    assert acknowledged.items() <= held.items()
    reader = open_reader(roomy.url)
    assert verify(reader, [read_key(signer.verifier_key())], ed25519_valid).ok
    reader.close()
    roomy.dispose()
    small_disk.dispose()
