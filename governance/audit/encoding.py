"""Entry bytes: the one form of an event that is hashed and stored.

1. An entry is RFC 8785 canonical JSON with ``"v": 1`` and its own ``"index"``. Empty fields are left out.
2. Stored bytes are hashed as they are and never made again from their meaning: a later version of this module may write
   differently, and must still read every version it ever wrote. A new field is optional; a new meaning is a new ``v``.
3. Times are RFC 3339 in UTC with six decimals, always; dates are ISO 8601.
4. What cannot be carried exactly is refused, never rounded: integers beyond 2**53 - 1, NaN, lone surrogates, NUL.
5. An entry fits the 16-bit length of a C2SP entry bundle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any, cast

import rfc8785

from governance.audit.event import (
    Authority,
    JsonValue,
    RecordedEvent,
    RecordedResource,
    Sealed,
    Source,
    Subject,
)
from governance.audit.merkle import leaf_hash
from governance.vocabulary import DecisionScope, EventKind, Outcome, Purpose, SubjectType

VERSION = 1
MAXIMUM_ENTRY = 65_535  # bytes
MAXIMUM_INTEGER = 2**53 - 1  # RFC 8785 section 3.2.2.3: the integers every JSON reader agrees on
MAXIMUM_DEPTH = 32  # levels of nesting inside ``detail``

_HAS_NUL = "a text contains the NUL character"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # as JSON escapes it, and not a text that merely spells the escape
_TEXT = frozenset((str,))
_quote = encode_basestring
# For objects without floats and with ASCII names alone, the standard encoder writes exactly RFC 8785.
_PLAIN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Unrecordable(ValueError):
    """An event that the log cannot carry exactly; the message says why in words that repeat none of its content."""


def encode(event: RecordedEvent, index: int, sealed: Sequence[Sealed], commitments: Mapping[str, str]) -> bytes:
    """Give the entry bytes of a recorded event at ``index``, with its envelopes and the commitments to their fields.

    What the event itself says of its index, envelopes, commitments and leaf hash is not looked at, so that a draft can
    be encoded without being copied first. Raises Unrecordable when it cannot be carried exactly or is too large.
    """
    times = instant(event.recorded_at), instant(event.time)
    count = event.resource.instances if event.resource else None
    detail = _flat(event.detail) if _is_count(event.bytes) and _is_count(count) else None
    plain = detail is not None or _all_plain((event.detail, event.bytes, count))
    try:
        if detail is None:
            detail = _json(event.detail, plain=plain)
        members = _members(event, index, sealed, commitments, times, detail, plain=plain)
        entry = _object(list(filter(None, members))).encode()
    except UnicodeEncodeError:
        raise Unrecordable("a text is not valid Unicode") from None
    except rfc8785.CanonicalizationError:
        raise Unrecordable("a number cannot be carried exactly") from None
    if b"\\" in entry and _NUL.search(entry):
        raise Unrecordable(_HAS_NUL)
    if len(entry) > MAXIMUM_ENTRY:
        raise Unrecordable(f"the event is larger than {MAXIMUM_ENTRY} bytes")
    return entry


def parse(entry: bytes) -> RecordedEvent:
    """Read entry bytes back; raises ValueError when they are not an entry of a known version."""
    try:
        document = json.loads(entry)
        if document["v"] != VERSION:
            raise ValueError("the entry has an unknown version")
        return _event(document, leaf_hash(entry))
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise ValueError("the bytes are not an entry of the log") from None


def instant(value: datetime) -> str:
    """Write an aware instant as RFC 3339 in UTC with microseconds; raises Unrecordable for a naive one."""
    if value.tzinfo is None:
        raise Unrecordable("a time has no timezone")
    return _instant(value if value.tzinfo is UTC else value.astimezone(UTC))


@lru_cache(256)  # a whole group of events is recorded at one instant
def _instant(value: datetime) -> str:
    """Write an instant of UTC, where equal values are the same instant; in a zone that sets clocks back two are not."""
    return value.isoformat(timespec="microseconds")[:-6] + "Z"


def check_text(value: str) -> str:
    """Give back a text that every part of the log can carry; raises Unrecordable for NUL and lone surrogates."""
    if "\x00" in value:
        raise Unrecordable(_HAS_NUL)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unrecordable("a text is not valid Unicode") from None
    return value


def _members(
    event: RecordedEvent,
    index: int,
    sealed: Sequence[Sealed],
    commitments: Mapping[str, str],
    times: tuple[str, str],
    detail: str,
    *,
    plain: bool,
) -> tuple[str, ...]:
    """Give an entry's members in RFC 8785 order, each as JSON with its name; an absent one is empty."""
    authority = _AUTHORITY.write(event.authority)
    recorded_at, time = times
    return (
        f'"authority":{authority}' if authority != "{}" else "",
        '"break_glass":true' if event.break_glass else "",
        f'"bytes":{_json(event.bytes, plain=plain)}' if event.bytes is not None else "",
        f'"commitments":{_texts(commitments)}' if commitments else "",
        f'"continues":{_quote(event.continues)}' if event.continues is not None else "",
        f'"decision_scope":{_quote(event.decision_scope)}' if event.decision_scope is not None else "",
        f'"destination":{_quote(event.destination)}' if event.destination is not None else "",
        f'"detail":{detail}' if event.detail else "",
        f'"expires_at":"{instant(event.expires_at)}"' if event.expires_at is not None else "",
        f'"id":{_quote(event.id)},"index":{index},"kind":{_quote(event.kind)},"outcome":{_quote(event.outcome)}',
        f'"purpose":{_quote(event.purpose)}' if event.purpose else "",
        f'"recorded_at":"{recorded_at}"',
        f'"resource":{_RESOURCE.write(event.resource, plain=plain)}' if event.resource is not None else "",
        f'"sealed":[{",".join([_sealed(part) for part in sealed])}]' if sealed else "",
        f'"source":{{"id":{_quote(event.source.id)},"ods":{_quote(event.source.ods)}}}',
        f'"subject":{_SUBJECT.write(event.subject)}' if event.subject is not None else "",
        f'"time":"{time}","v":{VERSION}',
    )


class _Part:
    """Writes the fields that one kind of part of an event has, in RFC 8785 order; empty ones are left out."""

    def __init__(self, kind: type) -> None:
        names = sorted(field.name for field in fields(kind))
        self._values: Callable[[object], tuple[Any, ...]] = attrgetter(*names)
        self._heads = [f'"{name}":' for name in names]

    def write(self, part: object, *, plain: bool = True) -> str:
        """Give the JSON object of a part."""
        pairs = zip(self._heads, self._values(part), strict=True)
        return _object(
            [
                head + (_quote(value) if type(value) is str else _json(value, plain=plain))
                for head, value in pairs
                if value is not None
            ]
        )


_AUTHORITY, _RESOURCE, _SUBJECT = _Part(Authority), _Part(RecordedResource), _Part(Subject)


def _sealed(part: Sealed) -> str:
    return f'{{"envelope":{_quote(part.envelope)},"owner":{_quote(part.owner)}}}'


def _texts(texts: Mapping[str, str]) -> str:
    """Write texts by names that are ASCII."""
    return _object([f"{_quote(name)}:{_quote(texts[name])}" for name in sorted(texts)])


def _json(value: Any, *, plain: bool) -> str:
    """Write one value; ``plain`` says that the standard encoder writes it canonically, several times faster."""
    if isinstance(value, str):
        return _quote(value)
    if type(value) is int:
        return str(value)
    if isinstance(value, date):
        return _quote(value.isoformat())
    return _PLAIN.encode(value) if plain else rfc8785.dumps(value).decode()


def _flat(detail: Mapping[str, JsonValue]) -> str | None:
    """Check and write in one pass a detail as nearly all are: short values and lists of text under ASCII names.

    None for any other, good or bad: the general check then takes it, and names what is wrong.
    """
    if type(detail) is not dict or not _TEXT.issuperset(map(type, detail)):
        return None
    members = []
    for name in sorted(detail):
        value = detail[name]
        text = _quote(value) if type(value) is str else _flat_value(value)
        if text is None:
            return None
        members.append(f"{_quote(name)}:{text}")
    written = _object(members)
    return None if "\\" in written or not "".join(detail).isascii() else written


def _flat_value(value: JsonValue) -> str | None:
    kind = type(value)
    if kind is list and _TEXT.issuperset(map(type, cast("list[object]", value))):
        return f"[{','.join(map(_quote, cast('list[str]', value)))}]"
    if kind is int:
        return str(value) if _is_count(value) else None
    if kind is bool:
        return "true" if value else "false"
    return "null" if value is None else None


def _is_count(value: object) -> bool:
    """Say whether a number is absent or surely carried exactly."""
    return value is None or (type(value) is int and -MAXIMUM_INTEGER <= value <= MAXIMUM_INTEGER)


def _object(members: Sequence[str]) -> str:
    return "{" + ",".join(members) + "}"


def _event(document: dict[str, Any], leaf: bytes) -> RecordedEvent:
    subject, resource, purpose = document.get("subject"), document.get("resource"), document.get("purpose")
    scope, expires_at = document.get("decision_scope"), document.get("expires_at")
    return RecordedEvent(
        index=document["index"],
        recorded_at=datetime.fromisoformat(document["recorded_at"]),
        leaf_hash=leaf,
        id=document["id"],
        time=datetime.fromisoformat(document["time"]),
        source=Source(**document["source"]),
        kind=EventKind(document["kind"]),
        outcome=Outcome(document["outcome"]),
        subject=Subject(**{**subject, "type": SubjectType(subject["type"])}) if subject else None,
        purpose=Purpose(purpose) if purpose else None,
        resource=_read_resource(resource) if resource is not None else None,
        authority=Authority(**document.get("authority", {})),
        break_glass=document.get("break_glass", False),
        bytes=document.get("bytes"),
        destination=document.get("destination"),
        detail=document.get("detail", {}),
        sealed=tuple(Sealed(**part) for part in document.get("sealed", ())),
        commitments=dict(document.get("commitments", {})),
        continues=document.get("continues"),
        decision_scope=DecisionScope(scope) if scope else None,
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
    )


def _read_resource(fields: dict[str, Any]) -> RecordedResource:
    day = fields.get("study_date")
    return RecordedResource(**{**fields, "study_date": date.fromisoformat(day) if day else None})


def _is_plain(value: Any, depth: int) -> bool:
    """Check what no encoder may carry, and say whether the standard encoder writes the rest canonically."""
    if depth < 0:
        raise Unrecordable(f"the detail is nested deeper than {MAXIMUM_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        if "\x00" in value:
            raise Unrecordable(_HAS_NUL)
        return True
    if isinstance(value, (int, float)):
        if abs(value) > MAXIMUM_INTEGER and value == value // 1:
            raise Unrecordable("a whole number is larger than 2**53 - 1")
        return isinstance(value, int)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) and "\x00" not in key for key in value):
            raise Unrecordable("a name in the detail is not plain text")
        return _all_plain(value.values(), depth - 1) and all(key.isascii() for key in value)
    if isinstance(value, (list, tuple)):
        return _all_plain(value, depth - 1)
    raise Unrecordable("the detail holds something that is not JSON")


def _all_plain(values: Iterable[Any], depth: int = MAXIMUM_DEPTH) -> bool:
    plain = [_is_plain(value, depth) for value in values]  # a list first, so that every value is checked
    return all(plain)
