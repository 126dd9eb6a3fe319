"""Processes that append are killed without warning, and run side by side: what was acknowledged is in the log."""

import multiprocessing
import os
import threading
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from governance.audit import AuditLog, AuditSearch, Event, NoteSigner, Query, Resource, Source, Subject
from governance.audit.checker import open_reader, read_key, verify
from governance.audit.signer import ed25519_valid
from governance.clock import SystemClock
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome, SubjectType

ORIGIN = "audit.example.nhs.uk/log"
SIGNER = NoteSigner.from_seed(ORIGIN, b"s" * 32)
KILLS = 50
CALLERS = 4
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["governance.audit", "governance.audit.checker"])


def event(name: str) -> Event:
    return Event(
        id=name,
        time=datetime(2026, 11, 24, 12, tzinfo=UTC),
        source=Source("pacs", "RKB"),
        kind=EventKind.ACCESS,
        outcome=Outcome.SUCCESS,
        subject=Subject(f"user-{name}", SubjectType.PRACTITIONER),
        resource=Resource(patient=f"patient-{name}"),
    )


def open_log(url: str) -> AuditLog:
    return AuditLog(Database(url), Pseudonymiser(b"k" * 32), Vault(b"e" * 32), SIGNER, SystemClock(), ORIGIN)


def append_for_ever(url: str, run: int, acknowledged: Connection) -> None:
    """Append from several threads until killed, and tell each receipt only once it is given."""
    log = open_log(url)
    log.start()
    telling = threading.Lock()

    def caller(number: int) -> None:
        turn = 0
        while True:
            names = [f"{run}-{number}-{turn + part}" for part in range(1 + number)]
            turn += len(names)
            receipts = log.append([event(name) for name in names])
            with telling:
                acknowledged.send([(receipt.index, name) for receipt, name in zip(receipts, names, strict=True)])
            if number == 0 and turn % 5 == 0:
                log.sign_checkpoint()

    for number in range(CALLERS):
        threading.Thread(target=caller, args=(number,), daemon=True).start()
    threading.Event().wait()


def append_some(url: str, run: int, count: int) -> None:
    """Append one event after the other and leave."""
    with open_log(url) as log:
        for number in range(count):
            log.append([event(f"{run}-{number}")])
        log.sign_checkpoint()


def start(target: Any, *arguments: object) -> BaseProcess:
    process = SERVER.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def acknowledgements(listening: Connection, at_least: int) -> list[tuple[int, str]]:
    """Hear a number of receipts, in whatever groups they come."""
    heard: list[tuple[int, str]] = []
    while len(heard) < at_least:
        heard += listening.recv()
    return heard


def rest_of(listening: Connection) -> list[tuple[int, str]]:
    """Hear what was said before the end; the last message may have been cut off by the kill."""
    heard: list[tuple[int, str]] = []
    try:
        while True:
            heard += listening.recv()
    except (EOFError, OSError):
        return heard


def check_whole(database: Database) -> int:
    """Run the independent checker; gives how many entries the log has."""
    reader = open_reader(database.url)
    report = verify(reader, [read_key(SIGNER.verifier_key())], ed25519_valid)
    reader.close()
    assert report.ok, report.lines()
    return report.size


@pytest.mark.timeout(300)
def test_fifty_kills_under_load_lose_nothing_acknowledged(database: Database) -> None:
    acknowledged: dict[int, str] = {}
    for run in range(KILLS):
        listening, telling = SERVER.Pipe(duplex=False)
        process = start(append_for_ever, database.url, run, telling)
        telling.close()
        heard = acknowledgements(listening, 3 + run % 17)
        process.kill()
        process.join()
        heard += rest_of(listening)
        listening.close()
        assert not acknowledged.keys() & {index for index, _ in heard}
        acknowledged.update(heard)
        if run % 10 == 9:
            check_whole(database)
    held = {held.index: held.id for held in AuditSearch(database).find(Query(), 1_000_000)}
    assert len(acknowledged) >= 3 * KILLS
    assert acknowledged.items() <= held.items()
    assert sorted(held) == list(range(check_whole(database)))


@pytest.mark.timeout(120)
def test_processes_side_by_side_make_one_log(database: Database) -> None:
    processes = [start(append_some, database.url, run, 60) for run in range(3)]
    for process in processes:
        process.join()
        assert process.exitcode == os.EX_OK
    assert check_whole(database) == 180
    names = [found.id for found in AuditSearch(database).find(Query(), 1000, newest_first=False)]
    for run in range(3):
        own = [name for name in names if name.startswith(f"{run}-")]
        assert own == [f"{run}-{number}" for number in range(60)]
