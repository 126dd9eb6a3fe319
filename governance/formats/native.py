"""The native audit event: one JSON object a line (or an item of an array) of the public surface.

Every field is checked and every fault of an event is named by its path; no message repeats a value. The rules beyond a
field's own form:

1. ``time`` may be at most :data:`AHEAD` in front of the recorder's clock: an event from the future would age every
   window that detection keeps. Old events are welcome, back to :data:`EARLIEST`.
2. The kinds that are about a person's act name a ``subject``; looking at or releasing images names a ``resource``.
3. A ``resource`` names a study or a patient.
4. Integers stay within 2**53 - 1, the range in which every JSON reader agrees (RFC 8785 section 3.2.2.3).
5. No source bears this service's own name, in any spelling: only it records its decisions and tokens under that name,
   and what comes from outside could otherwise pass for them. Sources report decisions and tokens of their own.
6. ``continues`` is for what looks at or releases images, ``decision_scope`` for decisions, ``expires_at`` for tokens.
   They and the subject's ``version`` are recorded as the source's word.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

from governance.audit.encoding import MAXIMUM_INTEGER, instant
from governance.audit.event import (
    Authority,
    BreakGlass,
    Event,
    RecordedEvent,
    Resource,
    Source,
    Subject,
)
from governance.errors import Fault, InvalidInput
from governance.feeds import (
    Fields,
    Limits,
    LineRejectedError,
    choice,
    day,
    dicom_code,
    fields_of,
    ods,
    patient,
    split,
    study_uid,
    text,
    timestamp,
)
from governance.vocabulary import SYSTEM, DecisionScope, EventKind, Outcome, Purpose, SubjectType

Part = TypeVar("Part")

AHEAD = timedelta(minutes=10)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LIMITS = Limits(lines=10_000, line_bytes=65_536)
REASON_MAXIMUM = 1_000  # characters of a break-glass reason

NEEDS_SUBJECT = frozenset(
    {
        EventKind.ACCESS,
        EventKind.BREAK_GLASS,
        EventKind.DELETE,
        EventKind.EXPORT,
        EventKind.LOGIN,
        EventKind.LOGOUT,
        EventKind.PRINT,
        EventKind.QUERY,
    }
)
NEEDS_RESOURCE = frozenset({EventKind.ACCESS, EventKind.EXPORT, EventKind.PRINT})

_EVENT = frozenset(
    {
        "authority",
        "break_glass",
        "bytes",
        "continues",
        "decision_scope",
        "destination",
        "expires_at",
        "id",
        "kind",
        "outcome",
        "purpose",
        "resource",
        "source",
        "subject",
        "time",
    }
)
_SOURCE = frozenset({"id", "ods"})
_SUBJECT = frozenset({"department", "device", "id", "ods", "role", "session", "site", "type", "version"})
_RESOURCE = frozenset(
    {"body_part", "custodian", "instances", "modality", "patient", "series_uid", "study_date", "study_uid"}
)
_AUTHORITY = frozenset({"agreement_id", "decision_id", "token_jti"})
_BREAK_GLASS = frozenset({"reason"})

_kind = choice(EventKind)
_outcome = choice(Outcome)
_purpose = choice(Purpose)
_subject_type = choice(SubjectType)
_scope = choice(DecisionScope)
_user = partial(text, most=256)


def event_lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a body of ``application/x-ndjson`` with their numbers; raises InvalidInput for too many."""
    return split(body, LIMITS)


def event_items(value: object) -> Iterator[tuple[int, object]]:
    """Give the items of a JSON array with their numbers, counted from 1; raises InvalidInput for any other value."""
    if not isinstance(value, list):
        raise InvalidInput([Fault("", "must be an array of events")])
    if len(value) > LIMITS.lines:
        raise InvalidInput([Fault("", f"may hold {LIMITS.lines} events at most")])
    return enumerate(value, 1)


def parse_line(line: bytes, now: datetime) -> Event:
    """Read the event of one line.

    Args:
        line: at most ``LIMITS.line_bytes`` long.
        now: the recorder's clock, for rule 1.

    Raises:
        InvalidInput: every fault and its path.
    """
    try:
        return _event(fields_of(line, LIMITS, _EVENT), now)
    except LineRejectedError as rejected:
        raise InvalidInput(rejected.faults, "The audit event is not valid.") from None


def parse_event(value: object, now: datetime) -> Event:
    """Read one event from its decoded JSON; raises InvalidInput with every fault and its path."""
    if not isinstance(value, dict):
        raise InvalidInput([Fault("", "must be an object")])
    try:
        return _event(Fields(value, _EVENT), now)
    except LineRejectedError as rejected:
        raise InvalidInput(rejected.faults, "The audit event is not valid.") from None


def check_time(at: datetime, now: datetime) -> datetime:
    """Give the time back when it can be when something happened (rule 1); raises ValueError."""
    if at > now + AHEAD:
        minutes = int(AHEAD.total_seconds() // 60)
        raise ValueError(f"is more than {minutes} minutes ahead of the recorder's clock; check the source's clock")
    if at < EARLIEST:
        raise ValueError(f"is before {EARLIEST.year}")
    return at


def source_id(value: object) -> str:
    """Read the name of a source outside this service (rule 5); raises ValueError."""
    given = text(value)
    if f"{given.casefold().strip()}-".startswith(f"{SYSTEM}-"):
        raise ValueError("is this service's own name; a source reports under a name of its own")
    return given


def integer(value: object) -> int:
    """Read a whole number from 0 to 2**53 - 1; raises ValueError."""
    if type(value) is not int or not 0 <= value <= MAXIMUM_INTEGER:
        raise ValueError("must be a whole number from 0 to 2^53 - 1")
    return value


def reason(value: object) -> str:
    """Read a reason in free text: line breaks and tabs become spaces, other control characters are refused."""
    given = " ".join(value.split()) if isinstance(value, str) else value
    return text(given, REASON_MAXIMUM)


def _event(fields: Fields, now: datetime) -> Event:
    event_id = fields.required("id", text)
    time = fields.required("time", lambda value: check_time(timestamp(value), now))
    source = cast(Source, _part(fields, "source", _SOURCE, _source, required=True))
    kind = fields.required("kind", _kind)
    outcome = fields.required("outcome", _outcome)
    subject = _part(fields, "subject", _SUBJECT, _subject, required=kind in NEEDS_SUBJECT)
    purpose = fields.optional("purpose", _purpose)
    resource = _part(fields, "resource", _RESOURCE, _resource, required=kind in NEEDS_RESOURCE)
    authority = _part(fields, "authority", _AUTHORITY, _authority) or Authority()
    break_glass = _part(fields, "break_glass", _BREAK_GLASS, _break_glass)
    size = fields.optional("bytes", integer)
    destination = fields.optional("destination", _user)
    continues = fields.optional("continues", text)
    scope = fields.optional("decision_scope", _scope)
    expires_at = fields.optional("expires_at", timestamp)
    for name, given, kinds in (
        ("continues", continues, NEEDS_RESOURCE),
        ("decision_scope", scope, {EventKind.DECISION}),
        ("expires_at", expires_at, {EventKind.TOKEN}),
    ):
        if given is not None and kind not in kinds:
            fields.fail(name, f"is for {', '.join(sorted(kinds))} only")
    if continues is not None and continues == event_id:
        fields.fail("continues", "names the event itself")
    fields.finish()
    return Event(
        id=event_id,
        time=time,
        source=source,
        kind=kind,
        outcome=outcome,
        subject=subject,
        purpose=purpose,
        resource=resource,
        authority=authority,
        break_glass=break_glass,
        bytes=size,
        destination=destination,
        continues=continues,
        decision_scope=scope,
        expires_at=expires_at,
    )


def _source(fields: Fields) -> Source:
    made = fields.required("id", source_id), fields.required("ods", ods)
    fields.finish()
    return Source(*made)


def _subject(fields: Fields) -> Subject:
    made = Subject(
        id=fields.required("id", _user),
        type=fields.required("type", _subject_type),
        role=fields.optional("role", text),
        ods=fields.optional("ods", ods),
        department=fields.optional("department", text),
        session=fields.optional("session", text),
        device=fields.optional("device", text),
        site=fields.optional("site", text),
        version=fields.optional("version", text),
    )
    fields.finish()
    return made


def _resource(fields: Fields) -> Resource:
    made = Resource(
        patient=fields.optional("patient", patient),
        study_uid=fields.optional("study_uid", study_uid),
        series_uid=fields.optional("series_uid", study_uid),
        instances=fields.optional("instances", integer),
        modality=fields.optional("modality", dicom_code),
        body_part=fields.optional("body_part", dicom_code),
        study_date=fields.optional("study_date", day),
        custodian=fields.optional("custodian", ods),
    )
    fields.finish()
    if made.patient is None and made.study_uid is None:
        fields.fail("patient", "a resource names a patient or a study_uid")
        fields.finish()
    return made


def _authority(fields: Fields) -> Authority:
    made = Authority(
        decision_id=fields.optional("decision_id", text),
        token_jti=fields.optional("token_jti", text),
        agreement_id=fields.optional("agreement_id", text),
    )
    fields.finish()
    return made


def _break_glass(fields: Fields) -> BreakGlass:
    given = fields.required("reason", reason)
    fields.finish()
    return BreakGlass(given)


def _part(
    fields: Fields, name: str, known: frozenset[str], build: Callable[[Fields], Part], *, required: bool = False
) -> Part | None:
    """Read a nested object, its faults named by their whole path."""
    document = (fields.required if required else fields.optional)(name, _object)
    if document is None:
        return None
    try:
        return build(Fields(document, known))
    except LineRejectedError as rejected:
        for fault in rejected.faults:
            fields.fail(f"{name}{fault.path}", fault.message)
        return None


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004 - readers raise one kind of error
    return value


def render(recorded: RecordedEvent) -> dict[str, Any]:
    """Give a recorded event as JSON: the native fields with pseudonyms, and its place in the log.

    ``leaf_hash`` is the RFC 6962 leaf hash in hexadecimal. The sealed envelopes are never part of it.
    """
    subject, resource = recorded.subject, recorded.resource
    document: dict[str, Any] = {
        "index": recorded.index,
        "recorded_at": instant(recorded.recorded_at),
        "leaf_hash": recorded.leaf_hash.hex(),
        "id": recorded.id,
        "time": instant(recorded.time),
        "source": {"id": recorded.source.id, "ods": recorded.source.ods},
        "kind": recorded.kind.value,
        "outcome": recorded.outcome.value,
        "subject": subject and _present({name: getattr(subject, name) for name in sorted(_SUBJECT)}),
        "purpose": recorded.purpose,
        "resource": resource and _present({name: getattr(resource, name) for name in _RECORDED_RESOURCE}),
        "authority": _present({name: getattr(recorded.authority, name) for name in sorted(_AUTHORITY)}),
        "break_glass": recorded.break_glass,
        "bytes": recorded.bytes,
        "continues": recorded.continues,
        "decision_scope": recorded.decision_scope,
        "destination": recorded.destination,
        "expires_at": recorded.expires_at and instant(recorded.expires_at),
        "detail": dict(recorded.detail),
    }
    return _present(document)


_RECORDED_RESOURCE = (
    "body_part",
    "custodian",
    "instances",
    "modality",
    "patient",
    "series",
    "study",
    "study_date",
)


def _present(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if name == "study_date" else value
        for name, value in document.items()
        if value is not None and value != {}
    }
