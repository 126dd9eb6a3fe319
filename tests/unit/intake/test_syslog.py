"""The syslog listener over real sockets: what is sent is recorded or kept, whatever goes wrong on the way."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from governance.audit import AuditLog, NoteSigner
from governance.clock import FixedClock
from governance.errors import Unavailable
from governance.formats import Frame
from governance.intake import SYSLOG, Intake
from governance.intake.quarantine import Quarantine
from governance.intake.syslog import take_frames
from governance.intake.syslog_server import SyslogLimits, SyslogServer
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.telemetry import Metrics
from tests.golden.audit.build import GOOD_DICOM, HOSTILE_DICOM
from tests.worlds.audit_messages import READER, event, message, patient, source, study
from tests.worlds.intake import make_intake

HEADER = b"<85>1 2026-11-24T12:00:00Z vna app 42 IHE+RFC-3881 - "


def audit(name: str) -> bytes:
    """Make an audit message that a name tells from others."""
    return message(event("110103"), READER.replace("jdoe", name), source(), study(), patient())


def counted(payload: bytes, short: int = 0) -> bytes:
    frame = HEADER + payload
    return f"{len(frame) - short} ".encode() + frame


def until(condition: Callable[[], bool]) -> None:
    """Wait until something has come true, as long as any machine may need."""
    for _ in range(1_000):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it never came true")


@dataclass
class Listener:
    server: SyslogServer
    intake: Intake
    log: AuditLog
    quarantine: Quarantine
    metrics: Metrics

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port))

    def send(self, stream: bytes) -> None:
        with self.connect() as connection:
            connection.sendall(stream)

    @property
    def size(self) -> int:
        return self.log.tree_head()[0]


@pytest.fixture
def listener(
    sqlite_database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock
) -> Iterator[Listener]:
    log = AuditLog(sqlite_database, pseudonymiser, vault, NoteSigner.from_seed("log", b"s" * 31 + b"t"), clock, "log")
    quarantine = Quarantine(sqlite_database, pseudonymiser, vault, clock)
    metrics = Metrics()
    intake = make_intake(log, quarantine, pseudonymiser, clock, metrics, ["RRK"])
    limits = SyslogLimits(connections=4, idle=0.3, drain=1.0)
    with log, SyslogServer(("127.0.0.1", 0), take_frames(intake), limits) as server:
        yield Listener(server, intake, log, quarantine, metrics)


def test_both_framings_and_many_connections_lose_nothing(listener: Listener) -> None:
    def sender(number: int) -> None:
        frames = [counted(audit(f"user-{number}-{each}")) for each in range(10)]
        lines = [HEADER + audit(f"user-{number}-line-{each}") + b"\n" for each in range(10)]
        listener.send(b"".join(frames + lines))

    threads = [threading.Thread(target=sender, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: listener.size == 60)
    assert listener.quarantine.waiting() == 0


def test_a_sender_that_counts_characters_loses_nothing(listener: Listener) -> None:
    accented = audit("Zoë")  # two of them: the user, and the patient's name
    listener.send(
        b"".join([counted(accented, short=2), counted(audit("a")), counted(accented, short=2), counted(audit("b"))])
    )
    until(lambda: listener.size == 3)
    assert listener.quarantine.waiting() == 0


def test_the_same_message_again_is_a_duplicate(listener: Listener) -> None:
    listener.send(counted(audit("a")) * 3 + counted(audit("b")))
    until(lambda: listener.size == 2)
    until(lambda: 'result="duplicate"} 2.0' in listener.metrics.render("text/plain")[0].decode())


def test_what_cannot_be_read_is_kept_and_its_neighbours_recorded(listener: Listener) -> None:
    stream = b"".join(counted(raw) + counted(audit(name)) for name, raw in sorted(HOSTILE_DICOM.items()))
    listener.send(stream)
    until(lambda: listener.size == len(HOSTILE_DICOM) and listener.quarantine.waiting() >= len(HOSTILE_DICOM))
    assert listener.quarantine.waiting() == len(HOSTILE_DICOM)
    assert {each.peer for each in listener.quarantine.page()} == {"127.0.0.1"}


def test_garbage_is_kept_and_the_next_message_recorded(listener: Listener) -> None:
    listener.send(b"\x16\x03\x01\x02 hello\n" + counted(audit("a")))
    until(lambda: listener.size == 1 and listener.quarantine.waiting() == 1)
    assert listener.quarantine.page()[0].reason == (
        "no syslog frame begins here; message: does not begin with a syslog priority"
    )


def test_an_unfinished_message_is_taken_after_silence_and_at_the_end(listener: Listener) -> None:
    with listener.connect() as connection:
        connection.sendall(HEADER + audit("a")[:-20])
        until(lambda: listener.quarantine.waiting() == 1)
        connection.sendall(counted(audit("b"))[:-20])
    until(lambda: listener.quarantine.waiting() == 2)


def test_kept_messages_are_recorded_once_their_sender_is_known(
    sqlite_database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock, listener: Listener
) -> None:
    listener.send(counted(GOOD_DICOM["ihe-year-4"]))
    until(lambda: listener.quarantine.waiting() == 1)
    knowing = make_intake(
        listener.log, listener.quarantine, pseudonymiser, clock, listener.metrics, ["RRK"], {"vna-1": "RRK"}
    )
    assert knowing.retry(SYSLOG).recorded == 1
    assert (listener.size, listener.quarantine.waiting()) == (1, 0)


def test_a_connection_too_many_is_hung_up_and_the_others_go_on(listener: Listener) -> None:
    held = [listener.connect() for _ in range(4)]
    until(lambda: sum(thread.name.startswith("syslog-") for thread in threading.enumerate()) == 5)
    with listener.connect() as refused:
        assert refused.recv(1) == b""
    held[0].sendall(counted(audit("a")))
    until(lambda: listener.size == 1)
    for connection in held:
        connection.close()


def test_closing_takes_in_what_was_sent(
    sqlite_database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock, listener: Listener
) -> None:
    with listener.connect() as connection:
        connection.sendall(counted(audit("a")) + counted(audit("b"))[:-5])
        until(lambda: listener.size == 1)
        connection.sendall(counted(audit("c"))[:0] + b"sage>")
        listener.server.close()
    assert listener.size == 2


@dataclass
class FlakyLog:
    """A log that cannot be written the first times."""

    failures: int
    taken: list[Frame] = field(default_factory=list)
    asked: int = 0

    def take(self, frames: Sequence[Frame], peer: str) -> None:
        self.asked += 1
        if self.asked <= self.failures:
            raise Unavailable("audit.full", "The log is full.", retry_after=0)
        self.taken.extend(frames)


def test_a_log_that_cannot_be_written_makes_the_sender_wait() -> None:
    log = FlakyLog(failures=3)
    with SyslogServer(("127.0.0.1", 0), log.take) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(counted(b"<AuditMessage></AuditMessage>"))
        until(lambda: len(log.taken) == 1)
    assert log.asked == 4


def test_whatever_keeps_messages_from_being_taken_they_are_held_until_they_are() -> None:
    taken: list[bytes] = []
    failures = iter([RuntimeError("a bug"), OSError("no disk")])

    def take(frames: Sequence[Frame], peer: str) -> None:
        if (failure := next(failures, None)) is not None:
            raise failure
        taken.extend(frame.raw for frame in frames)

    with SyslogServer(("127.0.0.1", 0), take) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"<13>one\n<13>two")
        until(lambda: taken == [b"<13>one", b"<13>two"])


def test_a_connection_that_breaks_off_leaves_what_it_had_begun_to_send(listener: Listener) -> None:
    connection = listener.connect()
    connection.sendall(counted(audit("a")) + counted(audit("b"))[:-20])
    until(lambda: listener.size == 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()  # without lingering: the other end hears a reset, not an end
    until(lambda: listener.quarantine.waiting() == 1)


def test_a_machine_without_threads_hangs_up_and_the_listener_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Frame] = []
    start = threading.Thread.start

    def refuses(thread: threading.Thread) -> None:
        if thread.name == "syslog-connection":
            raise RuntimeError("can't start new thread")
        start(thread)

    def take(frames: Sequence[Frame], _peer: str) -> None:
        taken.extend(frames)

    with SyslogServer(("127.0.0.1", 0), take, SyslogLimits(connections=2, drain=0.2)) as server:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuses)
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", server.port), timeout=30.0) as refused:
                    assert refused.recv(1) == b""
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"<13>fine\n<13>x")
        until(lambda: len(taken) == 2)


def test_one_broken_connection_leaves_the_door_open() -> None:
    taken: list[Frame] = []

    def take(frames: Sequence[Frame], peer: str) -> None:
        if b"boom" in frames[0].raw:
            raise RuntimeError("a bug")
        taken.extend(frames)

    with SyslogServer(("127.0.0.1", 0), take, SyslogLimits(drain=0.2)) as server:
        for text in (b"<13>boom\n<13>x", b"<13>fine\n<13>x"):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(text)
        until(lambda: len(taken) == 2)
        assert [frame.raw for frame in taken] == [b"<13>fine", b"<13>x"]
