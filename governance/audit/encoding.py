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
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

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
from governance.vocabulary import EventKind, Outcome, Purpose, SubjectType

VERSION = 1
MAXIMUM_ENTRY = 65_535  # bytes
MAXIMUM_INTEGER = 2**53 - 1  # RFC 8785 section 3.2.2.3: the integers every JSON reader agrees on
MAXIMUM_DEPTH = 32  # levels of nesting inside ``detail``

_PLAIN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Unrecordable(ValueError):
    """An event that the log cannot carry exactly; the message says why in words that repeat none of its content."""


def encode(event: RecordedEvent, index: int, sealed: Sequence[Sealed]) -> bytes:
    """Give the entry bytes of a recorded event at ``index``, with its envelopes.

    What the event itself says of its index, envelopes and leaf hash is not looked at, so that a draft can be encoded
    without being copied first. Raises Unrecordable when it cannot be carried exactly or is too large.
    """
    document = _document(event, index, sealed)
    plain = _all_plain((event.detail, event.bytes, event.resource.instances if event.resource else None))
    entry = canonical(document, plain=plain)
    if len(entry) > MAXIMUM_ENTRY:
        raise Unrecordable(f"the event is larger than {MAXIMUM_ENTRY} bytes")
    return entry


def canonical(document: Mapping[str, JsonValue], *, plain: bool) -> bytes:
    """Give the RFC 8785 bytes of a JSON object; raises Unrecordable when it has none.

    ``plain`` says that the object holds no floats and no names beyond ASCII: for such, the standard encoder writes
    exactly RFC 8785, several times faster.
    """
    try:
        encoded = _PLAIN.encode(document).encode() if plain else rfc8785.dumps(document)
    except UnicodeEncodeError:
        raise Unrecordable("a text is not valid Unicode") from None
    except rfc8785.CanonicalizationError:
        raise Unrecordable("a number cannot be carried exactly") from None
    if b"\\u0000" in encoded:
        _is_plain(document, MAXIMUM_DEPTH)  # tells a real NUL from text that merely spells one
    return encoded


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
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def check_text(value: str) -> str:
    """Give back a text that every part of the log can carry; raises Unrecordable for NUL and lone surrogates."""
    if "\x00" in value:
        raise Unrecordable("a text contains the NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unrecordable("a text is not valid Unicode") from None
    return value


def _document(event: RecordedEvent, index: int, sealed: Sequence[Sealed]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "v": VERSION,
        "index": index,
        "recorded_at": instant(event.recorded_at),
        "id": event.id,
        "time": instant(event.time),
        "source": {"id": event.source.id, "ods": event.source.ods},
        "kind": event.kind.value,
        "outcome": event.outcome.value,
    }
    optional = {
        "subject": _subject(event.subject),
        "purpose": event.purpose.value if event.purpose else None,
        "resource": _resource(event.resource),
        "authority": _authority(event.authority),
        "break_glass": event.break_glass or None,
        "bytes": event.bytes,
        "destination": event.destination,
        "detail": event.detail or None,
        "sealed": [{"owner": part.owner, "envelope": part.envelope} for part in sealed] or None,
    }
    document.update(_present(optional))
    return document


def _subject(subject: Subject | None) -> dict[str, Any] | None:
    if subject is None:
        return None
    return _present(
        {
            "id": subject.id,
            "type": subject.type.value,
            "role": subject.role,
            "ods": subject.ods,
            "department": subject.department,
            "session": subject.session,
            "device": subject.device,
            "site": subject.site,
        }
    )


def _resource(resource: RecordedResource | None) -> dict[str, Any] | None:
    if resource is None:
        return None
    return _present(
        {
            "patient": resource.patient,
            "study": resource.study,
            "series": resource.series,
            "instances": resource.instances,
            "modality": resource.modality,
            "body_part": resource.body_part,
            "study_date": resource.study_date.isoformat() if resource.study_date else None,
            "custodian": resource.custodian,
        }
    )


def _authority(authority: Authority) -> dict[str, Any] | None:
    ids = {
        "decision_id": authority.decision_id,
        "token_jti": authority.token_jti,
        "agreement_id": authority.agreement_id,
    }
    return _present(ids) or None


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _event(document: dict[str, Any], leaf: bytes) -> RecordedEvent:
    subject, resource, purpose = document.get("subject"), document.get("resource"), document.get("purpose")
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
    )


def _read_resource(fields: dict[str, Any]) -> RecordedResource:
    day = fields.get("study_date")
    return RecordedResource(**{**fields, "study_date": date.fromisoformat(day) if day else None})


def _is_plain(value: Any, depth: int) -> bool:
    """Check what no encoder may carry, and tell whether the standard encoder writes the rest canonically."""
    if depth < 0:
        raise Unrecordable(f"the detail is nested deeper than {MAXIMUM_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        if "\x00" in value:
            raise Unrecordable("a text contains the NUL character")
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
