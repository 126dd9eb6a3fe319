"""Framing and header: what right senders write, what wrong ones write, and the way back to the next message."""

import pytest

from governance.formats import Frame, Framer, Framing, parse_syslog

HEADER = "<85>1 2026-11-24T12:00:00Z vna dcm4chee 42 IHE+RFC-3881 - "


def text(name: str, header: str = HEADER) -> str:
    return f'{header}<?xml version="1.0"?><AuditMessage><P UserName="{name}"/></AuditMessage>'


def counted(message: str, count: int | None = None) -> bytes:
    raw = message.encode()
    return f"{len(raw) if count is None else count} ".encode() + raw


def cut(stream: bytes, step: int, maximum: int = 1024 * 1024) -> list[Frame]:
    framer = Framer(maximum)
    frames = [frame for at in range(0, len(stream), step) for frame in framer.feed(stream[at : at + step])]
    return frames + list(framer.flush())


A, B, ZOE = text("a"), text("b"), text("Zoë")
CHARACTERS = len(ZOE)  # what npm's atna-audit writes instead of octets: one less

STREAMS: dict[str, tuple[bytes, list[tuple[str, str | None]]]] = {
    "octet counts": (counted(A) + counted(B), [(A, None), (B, None)]),
    "octet counts and line ends between": (counted(A) + b"\n" + counted(B) + b"\r\n", [(A, None), (B, None)]),
    "count that includes the line end": (counted(A + "\n") + counted(B), [(A + "\n", None), (B, None)]),
    "characters counted as octets": (
        counted(ZOE, CHARACTERS) + counted(B),
        [(ZOE, "the octet count is too low"), (B, None)],
    ),
    "every count too low": (counted(ZOE, CHARACTERS) * 3, [(ZOE, "the octet count is too low")] * 3),
    "count too high": (
        counted(A, len(A) + 20) + counted(B) + counted(A),
        [(A, "the octet count is too high"), (B, None), (A, None)],
    ),
    "count beyond reason": (
        b"9999999999 " + A.encode() + counted(B),
        [(A, "the octet count is too high"), (B, None)],
    ),
    "message cut short by its sender": (counted(A[:80]) + counted(B), [(A[:80], None), (B, None)]),
    "lines": (f"{A}\n{B}\n".encode(), [(A, None), (B, None)]),
    "nothing between messages": (f"{A}{B}".encode(), [(A, None), (B, None)]),
    "NUL between messages": (f"{A}\0{B}\0".encode(), [(A, None), (B, None)]),
    "line ends inside the XML": (
        f"{A.replace('<P', chr(10) + '<P')}\n{B}\n".encode(),
        [(A.replace("<P", "\n<P"), None), (B, None)],
    ),
    "line end between header and XML": (
        f"{HEADER}\n".encode() + A.removeprefix(HEADER).encode() + b"\n" + counted(B),
        [(f"{HEADER}\n{A.removeprefix(HEADER)}", None), (B, None)],
    ),
    "garbage first": (b"hello\n" + counted(A), [("hello", "no syslog frame begins here"), (A, None)]),
    "plain text messages": (b"<13>hello world\n<13>again\n", [("<13>hello world", None), ("<13>again\n", None)]),
    "both framings": (counted(A) + B.encode() + b"\n" + counted(A), [(A, None), (B, None), (A, None)]),
    "stream that ends inside": (
        counted(A) + counted(B)[:-20],
        [(A, None), (B[:-20], "the stream ended inside the message")],
    ),
}


@pytest.mark.parametrize("step", [1, 7, 64, 100_000])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_cut_the_same_however_it_arrives(name: str, step: int) -> None:
    stream, expected = STREAMS[name]
    assert [(frame.raw.decode(), frame.defect) for frame in cut(stream, step)] == expected


def test_a_right_frame_comes_out_with_its_last_byte() -> None:
    framer = Framer()
    stream = counted(A)
    assert list(framer.feed(stream[:-1])) == []
    assert [frame.raw for frame in framer.feed(stream[-1:])] == [A.encode()]
    assert framer.waiting == 0


@pytest.mark.parametrize("step", [1, 50, 4096])
def test_a_message_over_the_limit_is_kept_in_part_and_the_next_is_whole(step: int) -> None:
    long = HEADER + "x" * 5_000
    for first in (counted(long), long.encode() + b"\n"):
        frames = cut(first + counted(A), step, maximum=1_000)
        assert frames == [
            Frame(long[:1_000].encode(), Framing.RECOVERED, "the message is over the size limit"),
            Frame(A.encode(), Framing.OCTETS, None),
        ]


def test_an_endless_message_takes_no_more_memory_than_the_limit() -> None:
    framer = Framer(10_000)
    for _ in range(100):
        list(framer.feed(b"<13>" + b"x" * 5_000))
        assert framer.waiting < 16_000


def test_a_header_is_read() -> None:
    message = parse_syslog(A.encode())
    assert (message.facility, message.severity) == (10, 5)
    assert (message.host, message.application, message.message_id) == ("vna", "dcm4chee", "IHE+RFC-3881")
    assert message.payload.startswith(b"<?xml")


@pytest.mark.parametrize(
    "header",
    [
        "<85>1 - - - - - - ",
        '<80>1 2026-11-24T12:00:00Z h a 1 DICOM+RFC3881 [x@1 a="b\\]c" d="e"][y@1] ',
        "<85>1 2026-11-24T12:00:00Z h a 1 IHE+DICOM -\n",
        "<85>1 2026-11-24T12:00:00Z h a 1 IHE+RFC-3881 - \ufeff",
        "<13>1 2026-11-24T12:00:00Z h a ",
        "<13>Nov 24 12:00:00 host app: ",
        "<13>",
        "<85>1 2026-11-24T12:00:00Z h a 1 IHE+RFC-3881 - #012",
    ],
)
def test_the_payload_is_found_behind_any_header(header: str) -> None:
    assert parse_syslog(text("a", header).encode()).payload.endswith(b"</AuditMessage>")
    assert b"<AuditMessage>" in parse_syslog(text("a", header).encode()).payload


@pytest.mark.parametrize("raw", [b"", b"hello", b"<>1 ", b"<192>1 - - - - - - x", b"85>1"])
def test_what_has_no_priority_is_no_syslog_message(raw: bytes) -> None:
    with pytest.raises(ValueError, match="priority"):
        parse_syslog(raw)
