"""Syslog as audit senders speak it: the header (RFC 5424) and the cutting of a stream into messages (RFC 6587, 5425).

The framer keeps three promises whatever a sender does:

1. A frame of a right sender comes out as soon as its last byte is in.
2. A wrong octet count costs nothing beyond its own message: npm's atna-audit counts characters, so each accent makes
   the count one short and would shift every later frame. The message's own end, or the next header, shows where the
   next frame begins.
3. Memory is bounded: past the maximum the rest of a message is skipped, and the frame says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MESSAGE_MAXIMUM = 1024 * 1024  # bytes of one message

_COUNTED = re.compile(rb"([1-9][0-9]{0,9}) (?=<[0-9]{1,3}>)")
_COUNTED_BEGINNING = re.compile(rb"[1-9][0-9]{0,9}( (<[0-9]{0,3})?)?")
_NEXT = re.compile(rb"[1-9][0-9]{0,9} <[0-9]{1,3}>1 |<[0-9]{1,3}>1 ")
_XML_START = re.compile(rb"<\?xml|<(?:\w+:)?(?:AuditMessage|IHEYr4|IHE-Syslog-Audit-Message)[\s>]")
_XML_END = re.compile(rb"</(?:\w+:)?(?:AuditMessage|IHEYr4|IHE-Syslog-Audit-Message)\s*>")
_LINE_END = re.compile(rb"[\n\0]")
_BETWEEN = b" \t\r\n\0"
_LONGEST = 64  # bytes that a tag or a frame's beginning may span: how far back a later search must look again

_HEADER = re.compile(rb"<([0-9]{1,3})>1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32})[ \r\n]+")
_STRUCTURED = re.compile(rb'-|(?:\[[^ =\]"]{1,32}(?: [^ =\]"]{1,32}="(?:[^"\\\]]|\\.)*")*\])+')
_BSD_HEADER = re.compile(rb"<([0-9]{1,3})>(?!1 )")
_BOM = b"\xef\xbb\xbf"
_LESS_THAN = 0x3C


class Framing(StrEnum):
    """How a frame's end was known."""

    LINE = "line"
    OCTETS = "octets"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Frame:
    """One message cut out of a stream; ``defect`` says in plain words what was wrong with its framing, if anything."""

    raw: bytes
    framing: Framing
    defect: str | None = None


@dataclass(frozen=True, slots=True)
class SyslogMessage:
    """A syslog message: its header's fields (``-`` is None) and its payload without byte order mark."""

    facility: int
    severity: int
    host: str | None
    application: str | None
    message_id: str | None
    payload: bytes


def parse_syslog(raw: bytes) -> SyslogMessage:
    """Read a message's header (RFC 5424 section 6, and what older senders write instead).

    An XML payload is found wherever it begins, so a broken header does not lose it. Raises ValueError for bytes that do
    not begin with a priority.
    """
    header = _HEADER.match(raw)
    if header is None:
        legacy = _BSD_HEADER.match(raw) or re.match(rb"<([0-9]{1,3})>1 ", raw)
        if legacy is None:
            raise ValueError("does not begin with a syslog priority")
        facility, severity = divmod(_priority(legacy[1]), 8)
        return SyslogMessage(facility, severity, None, None, None, _payload(raw, legacy.end()))
    facility, severity = divmod(_priority(header[1]), 8)
    structured = _STRUCTURED.match(raw, header.end())
    start = structured.end() if structured else header.end()
    return SyslogMessage(
        facility, severity, _value(header[3]), _value(header[4]), _value(header[6]), _payload(raw, start)
    )


def _priority(digits: bytes) -> int:
    priority = int(digits)
    if priority > 191:
        raise ValueError("has a syslog priority over 191")
    return priority


def _value(field: bytes) -> str | None:
    return None if field == b"-" else field.decode("ascii", "replace")


def _payload(raw: bytes, start: int) -> bytes:
    found = _XML_START.search(raw)
    if found:
        start = found.start()
    return raw[start:].strip(_BETWEEN).removeprefix(_BOM)


class Framer:
    """Cuts one connection's stream into frames; not shared between threads.

    No byte is searched twice for the same thing, so a sender that dribbles costs no more than one that does not.

    Args:
        maximum: bytes kept of one message; the rest of a longer one is skipped.
    """

    def __init__(self, maximum: int = MESSAGE_MAXIMUM) -> None:
        self._maximum = maximum
        self._buffer = bytearray()
        self._found: dict[re.Pattern[bytes], tuple[int, int]] = {}
        self._seen: dict[re.Pattern[bytes], int] = {}
        self._skipping = False

    @property
    def waiting(self) -> int:
        """Give how many bytes wait for the rest of their message."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes as they arrive and give every frame that is complete."""
        self._buffer += data
        while not self._skipping or self._skip():
            self._drop(self._blanks(0))
            frame = self._next() if self._buffer else None
            if frame is None:
                return
            yield frame

    def flush(self) -> Iterator[Frame]:
        """Give what is left when the sender has gone silent or closed, marked with what was wrong with it."""
        self._skipping = False
        self._drop(self._blanks(0))
        while self._buffer:
            counted = _COUNTED.match(self._buffer)
            tag = self._search(_XML_END, 0)
            cut = tag[1] if tag else len(self._buffer)
            defect: str | None
            if counted:
                defect = "the octet count is too high" if tag else "the stream ended inside the message"
            else:
                defect = None if self._buffer[0] == _LESS_THAN else "no syslog frame begins here"
            start = counted.end() if counted else 0
            yield self._take(start, cut, Framing.RECOVERED if defect else Framing.LINE, defect)
            yield from self.feed(b"")

    def _next(self) -> Frame | None:
        counted = _COUNTED.match(self._buffer)
        if counted:
            return self._counted(counted.end(), int(counted[1]))
        if _COUNTED_BEGINNING.fullmatch(self._buffer):
            return None
        return self._line() if self._buffer[0] == _LESS_THAN else self._garbage()

    def _counted(self, start: int, count: int) -> Frame | None:
        """Read a frame that says its length (RFC 6587 section 3.4.1), believing the count only as far as it fits."""
        end = start + count
        tag = self._search(_XML_END, start)
        if tag and tag[1] < end and self._blanks(tag[1]) < end and _NEXT.match(self._buffer, self._blanks(tag[1])):
            return self._take(start, tag[1], Framing.RECOVERED, "the octet count is too high")
        if count > self._maximum:
            return self._oversize(start)
        if len(self._buffer) < end:
            return None
        whole = (tag is not None and tag[1] <= end) or not self._opens_before(start, end)
        after = self._blanks(end)
        if _NEXT.match(self._buffer, after) or (whole and self._may_begin(after)):
            return self._take(start, end, Framing.OCTETS, None)
        return self._beyond(start, end, tag)

    def _beyond(self, start: int, end: int, tag: tuple[int, int] | None) -> Frame | None:
        """End a frame whose count was too low: at its end tag, or where the next frame begins; else wait for either."""
        following = self._search(_NEXT, end)
        cuts = [tag[1]] if tag and tag[1] > end else []
        cuts += [following[0]] if following else []
        if cuts:
            return self._take(start, min(cuts), Framing.RECOVERED, "the octet count is too low")
        return self._oversize(start)

    def _line(self) -> Frame | None:
        """Read a frame without a count: to its line end, or over line ends to the end tag when it carries XML."""
        opened = self._search(_XML_START, 0)
        ended = self._search(_LINE_END, 0)
        if opened and (ended is None or opened[0] <= self._blanks(ended[0])):
            tag = self._search(_XML_END, opened[0])
            if tag:
                return self._take(0, tag[1], Framing.LINE, None)
        elif ended:
            after = bytes(self._buffer[self._blanks(ended[0]) :][:_LONGEST])
            if after and not any(start.startswith(after) for start in (b"<?xml", b"<AuditMessage", b"<IHE")):
                return self._take(0, ended[0], Framing.LINE, None)
        return self._oversize(0)

    def _garbage(self) -> Frame | None:
        cuts = [found[0] for found in (self._search(_NEXT, 0), self._search(_LINE_END, 0)) if found]
        if cuts:
            return self._take(0, min(cuts), Framing.RECOVERED, "no syslog frame begins here")
        return self._oversize(0)

    def _oversize(self, start: int) -> Frame | None:
        """Give the first part of a message over the maximum once it is in, and skip to where the next begins."""
        if len(self._buffer) - start <= self._maximum:
            return None
        self._skipping = True
        return self._take(start, start + self._maximum, Framing.RECOVERED, "the message is over the size limit")

    def _skip(self) -> bool:
        """Drop bytes to the next frame; False when more bytes are needed."""
        following = self._search(_NEXT, 0)
        self._drop(following[0] if following else max(0, len(self._buffer) - _LONGEST))
        self._skipping = following is None
        return not self._skipping

    def _opens_before(self, start: int, end: int) -> bool:
        opened = self._search(_XML_START, start)
        return opened is not None and opened[0] < end

    def _may_begin(self, at: int) -> bool:
        """Say whether what stands there is nothing yet, or may become the beginning of a frame."""
        rest = bytes(self._buffer[at : at + _LONGEST])
        return not rest or rest[0] == _LESS_THAN or bool(_COUNTED.match(rest) or _COUNTED_BEGINNING.fullmatch(rest))

    def _search(self, pattern: re.Pattern[bytes], start: int) -> tuple[int, int] | None:
        """Find the first place of a pattern from ``start`` on, continuing where the last look at this message ended."""
        if pattern not in self._found:
            match = pattern.search(self._buffer, max(start, self._seen.get(pattern, 0)))
            if match is None:
                self._seen[pattern] = max(0, len(self._buffer) - _LONGEST)
                return None
            self._found[pattern] = match.span()
        return self._found[pattern]

    def _blanks(self, at: int) -> int:
        """Give the first place from ``at`` on that is no blank and no trailer of a frame."""
        while at < len(self._buffer) and self._buffer[at] in _BETWEEN:
            at += 1
        return at

    def _take(self, start: int, end: int, framing: Framing, defect: str | None) -> Frame:
        frame = Frame(bytes(self._buffer[start:end]), framing, defect)
        self._drop(end)
        return frame

    def _drop(self, count: int) -> None:
        if count:
            del self._buffer[:count]
            self._found.clear()
            self._seen.clear()
