"""The syslog listener over real sockets: what is sent is recorded or kept, whatever goes wrong on the way."""

import errno
import hashlib
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

import pytest

from governance.audit import AuditLog, NoteSigner, Recorder, Source
from governance.audit.encoding import instant
from governance.clock import FixedClock, SystemClock
from governance.errors import Unavailable
from governance.formats import Frame
from governance.intake import SYSLOG, Intake, syslog_server
from governance.intake.quarantine import Quarantine
from governance.intake.syslog import record_cuts, take_frames
from governance.intake.syslog_server import Cut, SyslogLimits, SyslogServer, Why
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.telemetry import Metrics
from governance.vocabulary import SYSTEM, EventKind
from tests.golden.audit.build import GOOD_DICOM, HOSTILE_DICOM
from tests.worlds.audit_messages import READER, event, message, patient, source, study
from tests.worlds.descriptors import readable
from tests.worlds.intake import make_intake

_BYTES_ACKED = 120  # where tcp_info(7) has tcpi_bytes_acked
LONG = 60.0  # seconds: longer than a test may take
HEADER = b"<85>1 2026-11-24T12:00:00Z vna app 42 IHE+RFC-3881 - "


def audit(name: str) -> bytes:
    """Make an audit message that a name tells from others."""
    return message(event("110103"), READER.replace("jdoe", name), source(), study(), patient())


def ended(connection: socket.socket) -> bool:
    """Wait until the other end has ended a connection, by a reset or not; False when it says something first."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def refuses(server: SyslogServer) -> bool:
    """Say whether a new connection is ended at once, before it is there or after."""
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as connection:
            return ended(connection)
    except ConnectionResetError:
        return True


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
    limits = SyslogLimits(connections=4, idle=0.3, drain=1.0, unused=LONG)
    recorder = Recorder(log, clock, Source(SYSTEM, "QHL"), lambda: str(uuid.uuid4()))
    server = SyslogServer(
        ("127.0.0.1", 0),
        take_frames(intake),
        limits,
        clock=clock,
        counted=metrics.syslog_ended,
        told=lambda cuts: record_cuts(recorder, cuts),
    )
    with log, server:
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
    assert refuses(listener.server)
    held[0].sendall(counted(audit("a")))
    until(lambda: listener.size == 1)
    for connection in held:
        connection.close()


def test_closing_takes_in_what_was_sent_and_names_what_was_cut_off(listener: Listener, clock: FixedClock) -> None:
    whole, half = counted(audit("c")), counted(audit("d"))[:-20]
    with listener.connect() as connection, listener.connect(), listener.connect() as done:
        done.sendall(counted(audit("z")))
        done.shutdown(socket.SHUT_WR)
        connection.sendall(counted(audit("a")) + counted(audit("b")))
        until(lambda: listener.size == 3)
        connection.sendall(whole + half)
        listener.server.close()
    assert listener.quarantine.waiting() == 1, "a frame half read is kept"
    (told,) = [event for event in listener.log.read(0, 10) if event.kind is EventKind.RECORDING]
    (cut,) = told.detail["named"]
    assert told.detail["connections"] == 1, "who is silent, or has said all it had to say, is cut off from nothing"
    assert cut["last_frame_sha256"] == hashlib.sha256(whole.partition(b" ")[2]).hexdigest()
    assert (cut["source"], cut["why"], cut["unread_bytes"], cut["frames_kept"]) == ("127.0.0.1", "stopping", 0, 3)
    assert listener.log.entry(cut["last_index"]).kind is EventKind.ACCESS
    assert cut["half_frame_bytes"] == len(half)
    assert cut["time"] == instant(clock.now())
    text = listener.metrics.render("text/plain")[0].decode()
    assert "governance_syslog_cut_connections_total 1.0" in text
    assert 'governance_syslog_connections_total{why="done"} 1.0' in text


def test_bytes_that_a_stop_leaves_unread_are_named() -> None:
    """When the log cannot be written at a stop, the frame in hand and what lies behind it are lost by name."""
    reached, cuts = threading.Event(), list[Cut]()

    def away(_frames: Sequence[Frame], _peer: str) -> None:
        reached.set()
        raise Unavailable("audit.unavailable", "The log is away.", retry_after=1)

    server = SyslogServer(("127.0.0.1", 0), away, SyslogLimits(drain=0.2), told=cuts.extend)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"<13>one\n<13>two")
        assert reached.wait(LONG)
        connection.sendall(b"<13>behind\n<13>")
        server.close()
    (cut,) = cuts
    assert (cut.lost, cut.frames, cut.last_frame, cut.unread) == (2, 0, None, len(b"<13>behind\n<13>"))


class LateClock(SystemClock):
    """A clock during whose look more arrives: it is asked between counting what is left and the end."""

    def __init__(self) -> None:
        self.late: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        self.late()
        return super().now()


def acknowledged(connection: socket.socket) -> int:
    """Give how many bytes the other end has acknowledged, the first of them the connection's own beginning."""
    (count,) = struct.unpack_from("Q", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), _BYTES_ACKED)
    return int(count) - 1


@pytest.mark.parametrize("goes_on", ["until it is refused", "while the rest is counted"])
def test_whatever_was_acknowledged_to_a_sender_who_goes_on_writing_is_kept_or_named(goes_on: str) -> None:
    taken, cuts, frame, clock = list[Frame](), list[Cut](), b"<13>" + b"x" * 400 + b"\n", LateClock()
    server = SyslogServer(("127.0.0.1", 0), collect(taken), SyslogLimits(drain=0.05), told=cuts.extend, clock=clock)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as connection:
        sent = 0

        def write(most: float = inf) -> None:
            nonlocal sent
            with suppress(ConnectionError):
                while sent < most:
                    sent += connection.send(frame[sent % len(frame) :] + frame * 3)

        def late() -> None:
            before = acknowledged(connection)
            write(sent + 1)
            for _ in range(25):  # in vain, when nothing is taken any more
                if acknowledged(connection) > before:
                    break
                time.sleep(0.02)

        endless = goes_on == "until it is refused"
        sender = threading.Thread(target=write, args=(inf if endless else 100 * len(frame),))
        sender.start()
        until(lambda: len(taken) > 90)
        if not endless:
            sender.join(LONG)
            connection.send(frame[:9])  # a half frame: something is to be said
            sent, clock.late = sent + 9, late
        server.close()
        sender.join(LONG)
        assert not sender.is_alive(), "who goes on writing is refused at once"
        heard = acknowledged(connection)
    (cut,) = cuts
    assert cut.unread is not None
    assert heard <= cut.frames * len(frame) + cut.half + cut.unread <= sent


def test_one_address_takes_only_its_share_and_another_comes_in() -> None:
    taken: list[Frame] = []
    limits = SyslogLimits(connections=4, each=3, drain=0.2, unused=LONG)
    with SyslogServer(("127.0.0.1", 0), collect(taken), limits) as server, ExitStack() as links:
        held = [links.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(3)]
        assert refuses(server)
        other = links.enter_context(
            socket.create_connection(("127.0.0.1", server.port), source_address=("127.0.0.2", 0))
        )
        other.sendall(b"<13>fine\n<13>x")
        until(lambda: [frame.raw for frame in taken] == [b"<13>fine"])
        assert held


def test_silent_connections_make_room_those_first_that_never_sent_anything() -> None:
    taken: list[Frame] = []
    limits = SyslogLimits(connections=2, each=2, drain=0.2, unused=0.0, quiet=0.0)
    with SyslogServer(("127.0.0.1", 0), collect(taken), limits) as server, ExitStack() as links:

        def connect(text: bytes) -> socket.socket:
            link = links.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=LONG))
            link.sendall(text)
            return link

        speaking = connect(b"<13>one\n<13>")
        until(lambda: len(taken) == 1)
        speaking.sendall(b"two\n" + b"<13>")  # it holds half of the next
        until(lambda: len(taken) == 2)
        silent = connect(b"")
        newcomer = connect(b"<13>three\n<13>x\n<13>")
        assert ended(silent)
        until(lambda: len(taken) == 4)
        assert newcomer.fileno() != speaking.fileno()
        assert refuses(server), "both of the others hold something"
        speaking.sendall(b"three\n<13>")
        until(lambda: len(taken) == 5)


@pytest.mark.parametrize(("limits", "why"), [(SyslogLimits(slow=0.2), Why.SLOW), (SyslogLimits(silence=0.2), Why.IDLE)])
def test_a_connection_that_dribbles_or_says_nothing_ends(limits: SyslogLimits, why: Why) -> None:
    taken, ended, cuts = list[Frame](), list[str](), list[Cut]()

    def count(*, why: str, cut: bool) -> None:
        ended.append(f"{why} {cut}")

    server = SyslogServer(("127.0.0.1", 0), collect(taken), limits, counted=count, told=cuts.extend)
    with server, socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as connection:
        if why is Why.SLOW:
            with suppress(ConnectionError):
                for _ in range(600):
                    connection.sendall(b"9999 <13>")
                    if readable(connection, 0.1):
                        break
        with suppress(ConnectionError):
            assert connection.recv(1) == b""
        until(lambda: ended == [f"{why.value} {why is Why.SLOW}"])
        until(lambda: len(cuts) == (why is Why.SLOW))


def test_what_cannot_be_told_is_told_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog_server, "_TELL", 0.0)
    told = list[Cut]()
    failures = iter([Unavailable("audit.unavailable", "The log is away."), RuntimeError("a bug")])

    def tell(cuts: Sequence[Cut]) -> None:
        if (failure := next(failures, None)) is not None:
            raise failure
        told.extend(cuts)

    server = SyslogServer(("127.0.0.1", 0), collect([]), SyslogLimits(slow=0.1), told=tell)
    with server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"9999 <13>")
        until(lambda: bool(told))
    assert [cut.why for cut in told] == [Why.SLOW]
    assert next(failures, None) is None


def test_a_system_that_refuses_to_accept_does_not_end_the_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Frame] = []
    refusals = iter([OSError(errno.EMFILE, "Too many open files"), OSError(errno.ECONNABORTED, "gone")])
    accept = socket.socket.accept

    def refusing(listener: socket.socket) -> tuple[socket.socket, object]:
        if (refusal := next(refusals, None)) is not None:
            raise refusal
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", refusing)
    with SyslogServer(("127.0.0.1", 0), collect(taken)) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"<13>fine\n")
        until(lambda: len(taken) == 1)
    assert next(refusals, None) is None


def collect(taken: list[Frame]) -> Callable[[Sequence[Frame], str], None]:
    def take(frames: Sequence[Frame], _peer: str) -> None:
        taken.extend(frames)

    return take


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

    def starts_none(thread: threading.Thread) -> None:
        if thread.name == "syslog-connection":
            raise RuntimeError("can't start new thread")
        start(thread)

    def take(frames: Sequence[Frame], _peer: str) -> None:
        taken.extend(frames)

    with SyslogServer(("127.0.0.1", 0), take, SyslogLimits(connections=2, drain=0.2)) as server:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", starts_none)
            for _ in range(3):
                assert refuses(server)
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
