"""Group commit: many callers, one order; nothing acknowledged that is not kept; back-pressure instead of loss."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from governance.audit import AuditLog, NoteSigner, Receipt
from governance.audit.health import LogHealth
from governance.clock import FixedClock
from governance.errors import Unavailable
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.telemetry import Metrics
from governance.threads import VitalThreads, dropped
from tests.worlds.log import ORIGIN, CheckLog, MakeEvent

PATIENCE = 60.0  # seconds that nothing here takes
PROMPT = 10.0  # seconds: far less than an append waits for a writer that lives


class FailingDisk(Database):
    """A database whose commits fail while ``broken``, as when a flush fails: after the work, at the very end."""

    broken = False
    fault: type[BaseException] | None = None  # what else a commit raises

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
            if self.fault:
                raise self.fault
            if self.broken:
                raise OperationalError("COMMIT", {}, Exception("disk I/O error"))


class HeldDisk(FailingDisk):
    """A database whose transactions, once it is held, begin only when they are let through."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def hold(self) -> None:
        """Hold the transactions from now on: a log that starts signs itself first."""
        self.reached.clear()
        self.go_on.clear()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        self.reached.set()
        assert self.go_on.wait(PATIENCE), "nobody lets it through"
        with super().transaction() as session:
            yield session


class Listener:
    """Remembers what the writer told it."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.failures: list[tuple[int, str]] = []

    def committed(self, receipts: Sequence[Receipt]) -> None:
        self.groups.append(len(receipts))

    def failed(self, events: int, error: BaseException) -> None:
        self.failures.append((events, type(error).__name__))


class Panic(BaseException):
    """As libraries written in Rust raise it: no ``Exception``."""


class Raising:
    """An observer that only raises."""

    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def committed(self, receipts: Sequence[Receipt]) -> None:
        raise self._error

    def failed(self, events: int, error: BaseException) -> None:
        raise self._error


@pytest.fixture
def parts(
    pseudonymiser: Pseudonymiser, vault: Vault, signer: NoteSigner, clock: FixedClock
) -> tuple[Pseudonymiser, Vault, NoteSigner, FixedClock, str]:
    return pseudonymiser, vault, signer, clock, ORIGIN


Parts = tuple[Pseudonymiser, Vault, NoteSigner, FixedClock, str]


def test_sixteen_callers_get_one_order_without_gaps(log: AuditLog, make_event: MakeEvent, check_log: CheckLog) -> None:
    def caller(number: int) -> list[int]:
        return [log.append([make_event(number * 1000 + turn)])[0].index for turn in range(25)]

    with ThreadPoolExecutor(16) as pool:
        per_caller = list(pool.map(caller, range(16)))
    assert sorted(index for indexes in per_caller for index in indexes) == list(range(400))
    assert all(indexes == sorted(indexes) for indexes in per_caller)
    assert check_log().ok


def test_the_same_event_from_many_callers_is_recorded_once(log: AuditLog, make_event: MakeEvent) -> None:
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: log.append([make_event(1)])[0], range(8)))
    assert {receipt.index for receipt in receipts} == {0}
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert log.tree_head()[0] == 1


def test_a_failed_commit_is_not_acknowledged_and_not_tried_again(
    database: Database, parts: Parts, make_event: MakeEvent, check_log: CheckLog
) -> None:
    disk, listener = FailingDisk(database.url), Listener()
    with AuditLog(disk, *parts, observer=listener) as log:
        log.append([make_event(0)])
        disk.broken = True
        with pytest.raises(Unavailable) as refused:
            log.append([make_event(1), make_event(2)])
        assert refused.value.retry_after > 0
        assert log.tree_head()[0] == 1
        disk.broken = False
        assert log.append([make_event(2)])[0].index == 1
    assert listener.failures == [(2, "OperationalError")]
    assert check_log().ok
    disk.dispose()


def test_the_posture_is_what_the_last_commit_said_and_every_commit_is_counted(
    database: Database, parts: Parts, make_event: MakeEvent
) -> None:
    disk, metrics = FailingDisk(database.url), Metrics()
    posture = LogHealth(metrics)
    with AuditLog(disk, *parts, observer=posture) as log:
        log.append([make_event(0), make_event(1)])
        disk.broken = True
        with pytest.raises(Unavailable):
            log.append([make_event(2)])
        assert not posture.ok
        disk.broken = False
        log.append([make_event(2)])
    assert posture.ok
    text = metrics.render("text/plain")[0].decode()
    assert 'governance_audit_commits_total{result="ok"} 2.0' in text
    assert 'governance_audit_commits_total{result="failed"} 1.0' in text
    disk.dispose()


def test_a_failed_commit_fails_every_waiter_of_its_group(
    database: Database, parts: Parts, make_event: MakeEvent
) -> None:
    disk, listener = HeldDisk(database.url), Listener()
    with AuditLog(disk, *parts, observer=listener) as log:
        disk.broken = True
        disk.hold()
        futures = [log.submit([make_event(0)])]
        assert disk.reached.wait(PATIENCE)
        futures += [log.submit([make_event(number)]) for number in range(1, 6)]
        disk.go_on.set()
        for future in futures:
            with pytest.raises(Unavailable):
                future.result()
        assert log.tree_head()[0] == 0
    assert [events for events, _ in listener.failures] == [1, 5]
    disk.dispose()


def test_those_who_wait_are_committed_together(database: Database, parts: Parts, make_event: MakeEvent) -> None:
    disk, listener = HeldDisk(database.url), Listener()
    with AuditLog(disk, *parts, observer=listener, group=10) as log:
        disk.hold()
        futures = [log.submit([make_event(0)])]
        assert disk.reached.wait(PATIENCE)
        futures += [log.submit([make_event(2 * number), make_event(2 * number + 1)]) for number in range(1, 8)]
        assert log.queued == 14
        disk.go_on.set()
        receipts = [receipt for future in futures for receipt in future.result()]
    assert [receipt.index for receipt in receipts] == list(range(15))
    assert listener.groups == [1, 10, 4]
    disk.dispose()


def test_a_full_queue_answers_at_once_and_loses_nothing(
    database: Database, parts: Parts, make_event: MakeEvent, check_log: CheckLog
) -> None:
    disk = HeldDisk(database.url)
    with AuditLog(disk, *parts, capacity=3) as log:
        disk.hold()
        taken = [log.submit([make_event(0)])]
        assert disk.reached.wait(PATIENCE)
        taken += [log.submit([make_event(number)]) for number in (1, 2, 3)]
        with pytest.raises(Unavailable, match="more waiting"):
            log.append([make_event(4)])
        disk.go_on.set()
        assert [future.result()[0].index for future in taken] == [0, 1, 2, 3]
        assert log.append([make_event(4)])[0].index == 4
    assert check_log().ok
    disk.dispose()


def test_closing_commits_what_waits_and_takes_no_more(database: Database, parts: Parts, make_event: MakeEvent) -> None:
    disk = HeldDisk(database.url)
    log = AuditLog(disk, *parts)
    log.start()
    disk.hold()
    futures = [log.submit([make_event(number)]) for number in range(5)]
    closing = threading.Thread(target=log.close)
    closing.start()
    disk.go_on.set()
    closing.join()
    assert [future.result()[0].index for future in futures] == [0, 1, 2, 3, 4]
    with pytest.raises(Unavailable, match="not taking"):
        log.append([make_event(9)])
    disk.dispose()


def test_a_log_that_was_not_started_takes_nothing(database: Database, parts: Parts, make_event: MakeEvent) -> None:
    with pytest.raises(Unavailable):
        AuditLog(database, *parts).append([make_event(0)])


@pytest.mark.parametrize("error", [OSError, ValueError, Panic])
def test_whatever_an_observer_raises_the_writer_goes_on(
    database: Database, parts: Parts, make_event: MakeEvent, error: type[BaseException]
) -> None:
    disk, before = FailingDisk(database.url), dropped().get("observer", 0)
    with AuditLog(disk, *parts, observer=Raising(error)) as log:
        assert log.append([make_event(0)])[0].index == 0
        disk.broken = True
        with pytest.raises(Unavailable):
            log.append([make_event(1)])
        disk.broken = False
        assert log.append([make_event(1)])[0].index == 1
        assert log.running
    assert dropped()["observer"] == before + 3
    disk.dispose()


def test_a_commit_that_panics_fails_its_group_and_the_writer_goes_on(
    database: Database, parts: Parts, make_event: MakeEvent
) -> None:
    disk = FailingDisk(database.url)
    with AuditLog(disk, *parts) as log:
        disk.fault = Panic
        with pytest.raises(Unavailable):
            log.append([make_event(0)])
        disk.fault = None
        assert log.append([make_event(0)])[0].index == 0
    disk.dispose()


def test_a_lost_writer_is_told_and_nobody_waits_for_it(database: Database, parts: Parts, make_event: MakeEvent) -> None:
    threads, told = VitalThreads(), list[tuple[str, BaseException]]()
    threads.on_death(lambda name, error: told.append((name, error)))
    disk = HeldDisk(database.url)
    log = AuditLog(disk, *parts, threads=threads)
    log.start()
    disk.fault = SystemExit
    disk.hold()
    first = log.submit([make_event(0)])
    assert disk.reached.wait(PATIENCE)
    waiting = [log.submit([make_event(number)]) for number in (1, 2)]
    disk.go_on.set()
    for request in [first, *waiting]:
        with pytest.raises(Unavailable):
            request.result(PROMPT)
    with pytest.raises(Unavailable, match="not taking"):
        log.append([make_event(3)])
    log.close()
    assert not log.running
    assert threads.dead == ("audit-writer",)
    assert [(name, type(error)) for name, error in told] == [("audit-writer", SystemExit)]
    assert log.queued == 0
    disk.dispose()
