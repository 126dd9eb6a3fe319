"""Split a feed into lines and read each line's fields, gathering the faults."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from governance.errors import Fault, InvalidInput
from governance.feeds.numbers import MESSAGE, NumberOutOfRange, NumberReader

T = TypeVar("T")
Row = TypeVar("Row")
Reader = Callable[[object], T]

FAULTS_SHOWN = 10  # faults named of one line: enough to mend it, too few to make an answer larger than its question

_CODE = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one call may carry: ``lines`` a body, ``line_bytes`` a line."""

    lines: int = 10_000
    line_bytes: int = 16_384


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class LineFault:
    """Why a line was not taken: its number from 1, and every fault in it as ``/field: message``."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed(Generic[Row]):
    """What a body held: the good rows in order, a fault for each line that was not, and of each row its line.

    ``numbers`` are the lines' numbers, ``named`` the names of the members each line had, null ones included: a member
    that is absent leaves what is on file, so absent and null are not the same.
    """

    rows: tuple[Row, ...]
    faults: tuple[LineFault, ...]
    numbers: tuple[int, ...] = ()
    named: tuple[frozenset[str], ...] = ()


def in_one_line(faults: Sequence[Fault]) -> str:
    """Name the faults of one line, the first :data:`FAULTS_SHOWN` of them."""
    return "; ".join(f"{fault.path}: {fault.message}".removeprefix(": ") for fault in faults[:FAULTS_SHOWN])


class LineRejectedError(Exception):
    """A line has faults; ``faults`` holds them all."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(in_one_line(faults))
        self.faults = tuple(faults)


class Fields:
    """The fields of one line, read one by one; faults gather until :meth:`finish`.

    A getter gives a meaningless value once it has recorded a fault, so nothing may be built before ``finish`` returned.
    ``named`` are the names the line has.
    """

    def __init__(self, document: Mapping[str, object], known: frozenset[str]) -> None:
        self._document = document
        self.named = frozenset(document)
        unknown = (name for name in document if name not in known)
        self._faults = [Fault(f"/{_shown(name)}", "is not a field of this feed") for name in unknown]

    def required(self, name: str, reader: Reader[T]) -> T:
        """Read a field that must be there and not null."""
        value = self._document.get(name)
        if value is None:
            self.fail(name, "is required")
            return cast(T, None)
        return self._read(name, value, reader)

    def kept(self, name: str, reader: Reader[T]) -> T:
        """Read a field that may be absent where the row is on file, which keeps it; null is no value of it.

        What is given for an absent one means nothing: whoever puts rows on file fills it in, or refuses the line.
        """
        return self.required(name, reader) if name in self.named else cast(T, None)

    def optional(self, name: str, reader: Reader[T]) -> T | None:
        """Read a field that may be absent or null."""
        value = self._document.get(name)
        return None if value is None else self._read(name, value, reader)

    def many(self, name: str, reader: Reader[T], most: int, *, required: bool = False) -> tuple[T, ...]:
        """Read a list of at most ``most`` values, without repeats and in the given order; absent is empty."""
        value = self._document.get(name)
        if value is None:
            if required:
                self.fail(name, "is required")
            return ()
        if not isinstance(value, list) or len(value) > most:
            self.fail(name, f"must be a list of at most {most}")
            return ()
        return tuple(dict.fromkeys(self._read(f"{name}/{place}", item, reader) for place, item in enumerate(value)))

    def fail(self, name: str, message: str) -> None:
        """Record a fault of a field."""
        self._faults.append(Fault(f"/{name}", message))

    def finish(self) -> None:
        """Say that every field was read; raises LineRejectedError when any had a fault."""
        if self._faults:
            raise LineRejectedError(self._faults)

    def _read(self, name: str, value: object, reader: Reader[T]) -> T:
        try:
            return reader(value)
        except (ValueError, OverflowError) as problem:
            self.fail(name, str(problem))
            return cast(T, None)


def parse(body: bytes, limits: Limits, known: frozenset[str], build: Callable[[Fields], Row]) -> Parsed[Row]:
    """Read a feed.

    Args:
        body: the whole request body, as :func:`split` takes it.
        limits: how many lines and how long.
        known: the names a line may have.
        build: makes a row of one line's fields; it calls ``fields.finish()`` before it builds.

    Raises InvalidInput when the body has more lines than ``limits.lines``: nothing was taken.
    """
    rows: list[Row] = []
    numbers: list[int] = []
    named: list[frozenset[str]] = []
    faults: list[LineFault] = []
    for number, line in split(body, limits):
        try:
            fields = fields_of(line, limits, known)
            rows.append(build(fields))
            numbers.append(number)
            named.append(fields.named)
        except LineRejectedError as rejected:
            faults.append(LineFault(number, str(rejected)))
    return Parsed(tuple(rows), tuple(faults), tuple(numbers), tuple(named))


def split(body: bytes, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a body that are not blank, with their numbers.

    Args:
        body: UTF-8, lines ended by LF or CRLF; a byte order mark at its start is passed over.
        limits: how many lines.

    Raises InvalidInput when there are more.
    """
    lines = body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if len(lines) - (not lines[-1]) > limits.lines:
        raise InvalidInput(
            [Fault("", f"a body carries at most {limits.lines} lines; send the rest in further calls")],
            "The feed has too many lines; none was taken.",
            "feed.too_many_lines",
        )
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def lines_of(array: bytes) -> bytes:
    """Turn a JSON array into the lines that say the same, one an item, so that both are read by the same rules.

    Raises InvalidInput for anything but a JSON array that every reader reads alike.
    """
    try:
        items = _READER.read_all(array.decode())
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list):
        raise InvalidInput(
            [Fault("", "must be a JSON array in UTF-8, without repeated names")],
            "The body is not a JSON array.",
            "body.malformed",
        )
    return b"\n".join(json.dumps(item).encode() for item in items)


def fields_of(line: bytes, limits: Limits, known: frozenset[str]) -> Fields:
    """Give the fields of one line; raises LineRejectedError when it is too long or no JSON object."""
    return Fields(_object(line, limits), known)


def _object(line: bytes, limits: Limits) -> Mapping[str, object]:
    if len(line) > limits.line_bytes:
        raise LineRejectedError([Fault("", f"the line is longer than {limits.line_bytes} bytes")])
    try:
        document = _READER.read(line.decode())
    except UnicodeDecodeError:
        raise LineRejectedError([Fault("", "the line is not UTF-8")]) from None
    except NumberOutOfRange as error:
        raise LineRejectedError([Fault(error.path, MESSAGE)]) from None
    except (ValueError, RecursionError):
        raise LineRejectedError([Fault("", "the line is not JSON that every reader reads alike")]) from None
    if not isinstance(document, dict):
        raise LineRejectedError([Fault("", "the line is not a JSON object")])
    return document


def _shown(name: str) -> str:
    """Give a field's name if it looks like one: a name that was made up could carry anything."""
    return name if _CODE.fullmatch(name) else "?"


_READER = NumberReader(unique=True)
