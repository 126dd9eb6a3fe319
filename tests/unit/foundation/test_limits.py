"""Every wait has a limit: who waits for the log, the terms, a bundle, an engine or the end of a process.

What they wait for does not come here, and each is told so after the little patience that this file has.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlmodel import Session

from governance.agreements import PolicyData
from governance.audit import AuditLog, NoteSigner
from governance.bootstrap import Services, build
from governance.clock import FixedClock
from governance.decisions import EngineFault, PolicySource
from governance.decisions.opa import host
from governance.edges import Bundles
from governance.errors import Unavailable
from governance.formats import Frame
from governance.intake.syslog_server import SyslogLimits, SyslogServer
from governance.jobs import Job, Runtime, Ticker, ticker
from governance.pseudonyms import Pseudonymiser, Vault
from governance.settings import Settings
from governance.storage import Database, patience
from governance.telemetry import Metrics
from governance.tokens import Revoked
from governance.vocabulary import ReasonCode
from tests.conftest import NOON
from tests.peers.opa import engine_at
from tests.worlds.agreements import World
from tests.worlds.log import ORIGIN, MakeEvent, make_event, signer
from tests.worlds.policy import policy_data

__all__ = ["make_event", "signer"]  # fixtures
SOON = 0.1  # seconds: the patience of this file
LONG_ENOUGH = 60.0  # seconds, after which a thing that has a limit has come to it on the busiest machine


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LONG_PATIENCE", SOON)
    monkeypatch.setattr(ticker, "_JOIN", SOON)
    monkeypatch.setattr(host, "_LOADS", SOON)


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """Give what does not come while the test runs."""
    event = threading.Event()
    yield event
    event.set()


@contextmanager
def held(act: Callable[[], object], reached: threading.Event, never: threading.Event) -> Iterator[None]:
    """Let another thread be in the middle of something, until the end of the block."""
    other = threading.Thread(target=act, daemon=True)
    other.start()
    try:
        assert reached.wait(LONG_ENOUGH)
        yield
    finally:
        never.set()
        other.join(LONG_ENOUGH)


class SilentDisk(Database):
    """A database whose write transactions do not begin, once it is silent."""

    silent = False

    def __init__(self, url: str, never: threading.Event) -> None:
        super().__init__(url)
        self.reached = threading.Event()
        self._never = never

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        if self.silent:
            self.reached.set()
            self._never.wait(LONG_ENOUGH)
        with super().transaction() as session:
            yield session


Log = tuple[AuditLog, SilentDisk]


@pytest.fixture
def silent(
    database: Database,
    pseudonymiser: Pseudonymiser,
    vault: Vault,
    signer: NoteSigner,
    clock: FixedClock,
    never: threading.Event,
) -> Iterator[Log]:
    disk = SilentDisk(database.url, never)
    log = AuditLog(disk, pseudonymiser, vault, signer, clock, ORIGIN)
    log.start()  # and sign itself
    disk.silent = True
    yield log, disk
    never.set()
    disk.dispose()


def test_who_appends_to_a_log_that_does_not_answer(silent: Log, make_event: MakeEvent, never: threading.Event) -> None:
    log, _ = silent
    with pytest.raises(Unavailable, match="in time") as late:
        log.append([make_event(0)])
    assert (late.value.reason, late.value.retry_after) == ("audit.unavailable", 1)
    never.set()
    patience.LONG_PATIENCE = LONG_ENOUGH  # put back by the fixture
    again = log.append([make_event(0)])[0]
    assert (again.index, again.duplicate) == (0, True), "it was recorded all the same, and sending it again finds out"
    log.close()


def test_who_closes_a_log_that_is_still_writing(silent: Log, make_event: MakeEvent, never: threading.Event) -> None:
    log, disk = silent
    futures = [log.submit([make_event(0)])]
    assert disk.reached.wait(LONG_ENOUGH)
    futures.append(log.submit([make_event(1)]))
    with pytest.raises(Unavailable, match="still being written"):
        log.close()
    with pytest.raises(Unavailable, match="not taking"):
        log.submit([make_event(2)])
    never.set()
    assert [future.result(LONG_ENOUGH)[0].index for future in futures] == [0, 1], "what was taken is kept"


@pytest.fixture
def world(database: Database, clock: FixedClock) -> World:
    return World(database, clock, "RRK", "RKB", "RWP")


def test_who_needs_terms_that_another_is_taking_up(world: World, never: threading.Event) -> None:
    reached, slow = threading.Event(), False

    def subscriber(_policy: PolicyData) -> None:
        if slow:
            reached.set()
            never.wait(LONG_ENOUGH)

    world.service.subscribe(subscriber)
    slow = True
    with held(world.active, reached, never), pytest.raises(Unavailable) as late:
        world.service.refresh()
    assert late.value.reason == "policy.changing"


class Signer:
    """Takes its time over a bundle."""

    def __init__(self, never: threading.Event) -> None:
        self.reached = threading.Event()
        self._never = never

    def __call__(self, claims: object) -> str:
        self.reached.set()
        self._never.wait(LONG_ENOUGH)
        return "a.b.c"


def bundles(sign: Callable[[object], str], revoked: Callable[[], Revoked]) -> Bundles:
    return Bundles(PolicySource.from_directory(), sign, 3, clock=FixedClock(NOON), revoked=revoked, stale_after=40)


def test_who_needs_a_bundle_that_another_is_building(never: threading.Event) -> None:
    signer = Signer(never)
    made = bundles(signer, Revoked)
    made.load(policy_data({"care/1": {}}))
    with held(lambda: made.bundle("imaging"), signer.reached, never), pytest.raises(Unavailable) as late:
        made.bundle("imaging")
    assert late.value.reason == "bundle.not_ready"


def test_who_needs_revocations_that_another_is_reading(never: threading.Event) -> None:
    reached = threading.Event()

    def revoked() -> Revoked:
        reached.set()
        never.wait(LONG_ENOUGH)
        return Revoked()

    made = bundles(lambda _: "a.b.c", revoked)
    with held(lambda: made.load(policy_data({"care/1": {}})), reached, never), pytest.raises(Unavailable) as late:
        made.refresh()
    assert late.value.reason == "bundle.not_ready"


def test_who_loads_an_engine_that_is_being_loaded(never: threading.Event) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # connects, and says nothing
        engine = engine_at(f"http://127.0.0.1:{deaf.getsockname()[1]}", PolicySource.from_directory(), LONG_ENOUGH)
        reached = threading.Event()

        def load() -> None:
            with pytest.raises(EngineFault):
                engine.load(policy_data({"care/1": {}}))

        def accept() -> None:
            with deaf.accept()[0]:
                reached.set()
                never.wait(LONG_ENOUGH)

        threading.Thread(target=accept, daemon=True).start()
        with held(load, reached, never), pytest.raises(EngineFault) as late:
            engine.load(policy_data({"care/1": {}}))
        assert late.value.reason is ReasonCode.ENGINE_TIMEOUT


def test_who_closes_a_syslog_port_whose_log_does_not_answer(never: threading.Event) -> None:
    reached = threading.Event()

    def take(frames: Sequence[Frame], peer: str) -> None:
        reached.set()
        never.wait(LONG_ENOUGH)

    server = SyslogServer(("127.0.0.1", 0), take, SyslogLimits(drain=SOON))
    server.start()
    port = server.port
    senders = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    try:
        for sender in senders:
            sender.sendall(b"5 <13>x5 <13>x")
        assert reached.wait(LONG_ENOUGH)
        server.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    finally:
        for sender in senders:
            sender.close()


def test_who_stops_jobs_that_do_not_end(never: threading.Event) -> None:
    reached: list[threading.Event] = [threading.Event() for _ in range(3)]

    def hangs(event: threading.Event) -> Callable[[], bool]:
        def run() -> bool:
            event.set()
            return never.wait(LONG_ENOUGH)

        return run

    jobs = Ticker([Job(f"hangs-{n}", 1.0, hangs(event)) for n, event in enumerate(reached)], Metrics())
    jobs.start()
    assert all(event.wait(LONG_ENOUGH) for event in reached)
    jobs.stop()
    assert not never.is_set()


@pytest.fixture
def services(settings: Settings, clock: FixedClock) -> Services:
    return build(settings, clock)


def test_a_step_of_stopping_that_fails_keeps_no_other_from_being_taken(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Runtime(services)
    runtime.start(jobs=False)
    disposed: list[bool] = []

    def late() -> None:
        raise Unavailable("audit.unavailable", "The audit log is still being written.")

    closed = services.infrastructure.audit.close
    monkeypatch.setattr(services.uses.detection, "release", late)  # a lease runs out by itself
    monkeypatch.setattr(services.uses.intake, "flush", lambda **_: late())
    monkeypatch.setattr(services.infrastructure.database, "dispose", lambda: disposed.append(True))
    with pytest.raises(Unavailable):
        runtime.stop()
    assert disposed == [True]
    assert not services.infrastructure.audit.running
    closed()
