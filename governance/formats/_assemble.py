"""From a message of another format to events of ours.

1. A message about several studies or several patients becomes one event for each: a timeline is about one person, and
   an erasure must reach every record of them. The first keeps the message's name, the others get ``.2``, ``.3``, ….
2. The subject is the person who asked, else the system that asked. Whoever only carried the data is the destination.
3. Names and free text of people are not taken over: the event needs the identifier, the log should hold no more.
"""

import re
from collections.abc import Iterator, Mapping

from governance.audit.event import Authority, BreakGlass, Event, JsonValue, Resource, Source, Subject
from governance.errors import Fault, InvalidInput
from governance.feeds import text
from governance.formats._codes import (
    APPLICATION,
    BEGIN_TRANSFER,
    DESTINATION,
    DESTINATION_MEDIA,
    NODE_ROLES,
    OVERRIDE_STOPPED,
    PATIENT_NUMBER,
    PRINT_MEDIA,
    REPORT_NUMBER,
    STUDY_UID,
    kind_of,
)
from governance.formats._message import EVENTS_MAXIMUM, Context, Message, Participant, TouchedObject
from governance.formats._query import QueryShape, query_shape
from governance.formats._references import patient_from_cx, patient_reference, study_reference
from governance.formats.native import REASON_MAXIMUM, check_time, source_id
from governance.vocabulary import EventKind, Purpose, SubjectType

JTI = "urn:ietf:params:oauth:jti:"
AGREEMENT = "urn:imaging-governance:agreement"
DECISION = "urn:imaging-governance:decision"
TOKEN = "urn:imaging-governance:token"

_PERSON_ROLES = frozenset({"IRCP", "UserOauthAgent"})
_PURPOSES = frozenset(Purpose)
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_DETAILS = {
    "agreement_id": AGREEMENT,
    "decision_id": DECISION,
    "token_jti": TOKEN,
    "jti": TOKEN,
}


def assemble(message: Message, context: Context) -> tuple[Event, ...]:
    """Make the events of a message; raises InvalidInput that names what is wrong with it."""
    kind = kind_of(message.code, message.types, message.action)
    if kind is None:
        raise InvalidInput([Fault("/event", "has an event code that no event kind stands for")])
    if kind is EventKind.EXPORT and any(each.media & PRINT_MEDIA for each in message.participants):
        kind = EventKind.PRINT
    source = Source(
        _source_id(message.source_id),
        context.trust_of(message.source_id, message.site, message.site_path),
    )
    actor = _actor(message.participants)
    shape = _shape(message.objects)
    resources = _resources(message, shape, source.ods)
    name = context.identify(message.raw)
    make = _Maker(message, context, source, kind, actor, shape)
    return tuple(
        make.event(name if place == 1 else f"{name}.{place}", resource) for place, resource in enumerate(resources, 1)
    )


class _Maker:
    """Holds what all events of one message share."""

    def __init__(
        self,
        message: Message,
        context: Context,
        source: Source,
        kind: EventKind,
        actor: Participant | None,
        shape: QueryShape,
    ) -> None:
        try:
            self._time = check_time(message.at, context.now)
        except ValueError as problem:
            raise InvalidInput([Fault("/time", str(problem))]) from None
        self._message = message
        self._source = source
        self._kind = kind
        self._subject = _subject(actor, message.participants) if actor else None
        self._authority = _authority(message)
        self._destination = _destination(message.participants, actor)
        self._detail = _detail(message, shape)

    def event(self, event_id: str, resource: Resource | None) -> Event:
        return Event(
            id=event_id,
            time=self._time,
            source=self._source,
            kind=self._kind,
            outcome=self._message.outcome,
            subject=self._subject,
            purpose=next((Purpose(code) for code in self._message.purposes if code in _PURPOSES), None),
            resource=resource,
            authority=self._authority,
            break_glass=_break_glass(self._message) if self._kind is EventKind.BREAK_GLASS else None,
            destination=self._destination,
            detail=self._detail,
        )


def _actor(participants: tuple[Participant, ...]) -> Participant | None:
    """Choose who acted: a person before a system, who asked before who did not, a plain part before a node's."""

    def weight(each: Participant) -> tuple[bool, bool, bool, bool]:
        return (
            bool(each.codes & _PERSON_ROLES),
            each.requestor,
            bool(each.person),
            not each.codes & NODE_ROLES and not _is_node(each),
        )

    named = [each for each in participants if each.user_id]
    return max(named, key=weight, default=None)


def _is_node(each: Participant) -> bool:
    return each.person is False or each.alternative_id.startswith("AETITLES=")


def _subject(actor: Participant, participants: tuple[Participant, ...]) -> Subject:
    if actor.person is None:
        is_person = bool(actor.codes & _PERSON_ROLES) or not (actor.codes & NODE_ROLES or _is_node(actor))
    else:
        is_person = actor.person
    client = next((each for each in participants if APPLICATION in each.codes and each is not actor), None)
    return Subject(
        id=_checked(actor.user_id, 256, "/participant/userId"),
        type=SubjectType.PRACTITIONER if is_person else SubjectType.SERVICE,
        role=_short(actor.role),
        ods=_short(next((each.organisation for each in participants if each.organisation), "")),
        device=_short(actor.network or (client.network or client.user_id if client else "")),
    )


def _destination(participants: tuple[Participant, ...], actor: Participant | None) -> str | None:
    for code in (DESTINATION, DESTINATION_MEDIA):
        for each in participants:
            if code in each.codes and each is not actor:
                return _short(each.user_id or each.network)
    return None


def _resources(message: Message, shape: QueryShape, ods: str) -> list[Resource | None]:
    patients = _unique(_patient(each, ods) for each in message.objects if _is_patient(each))
    if not patients and shape.patient:
        patients = _unique([_reference(shape.patient, [], ods)])
    studies = {
        uid: each
        for each in message.objects
        if _is_study(each) and (uid := study_reference(each.identifier)) is not None
    }
    if not studies and shape.study and (uid := study_reference(shape.study)):
        studies[uid] = TouchedObject(uid)
    if not studies:
        made: list[Resource | None] = [Resource(patient=patient) for patient in patients] or [None]
    else:
        shared = patients[0] if len(patients) == 1 else None
        made = [Resource(patient=shared, study_uid=uid, instances=each.instances) for uid, each in studies.items()]
        if shared is None:  # nothing says which study is whose: each patient still gets an event
            made += [Resource(patient=patient) for patient in patients]
    if len(made) > EVENTS_MAXIMUM:
        raise InvalidInput([Fault("/object", f"names more than {EVENTS_MAXIMUM} studies and patients")])
    return made


def _is_patient(each: TouchedObject) -> bool:
    return each.type == "1" and (each.role == "1" or each.identifier_type == PATIENT_NUMBER)


def _is_study(each: TouchedObject) -> bool:
    untyped = each.identifier_type in {"", REPORT_NUMBER} and each.type == "2" and each.role == "3" and not each.query
    return each.identifier_type == STUDY_UID or untyped


def _patient(each: TouchedObject, ods: str) -> str | None:
    try:
        if each.assigners:
            return patient_reference(each.identifier, list(each.assigners), ods)
        reference = patient_from_cx(each.identifier, ods)
        return None if reference is None else text(reference)
    except ValueError as problem:
        raise InvalidInput([Fault("/object/patient", str(problem))]) from None


def _reference(identifier: str, assigners: list[str], ods: str) -> str | None:
    """Read an identifier a query searched by; one that cannot be a reference names nobody."""
    try:
        return patient_reference(identifier.rpartition("|")[2], assigners, ods)
    except ValueError:
        return None


def _shape(objects: tuple[TouchedObject, ...]) -> QueryShape:
    return next((query_shape(each.query) for each in objects if each.query), QueryShape())


def _authority(message: Message) -> Authority:
    found: dict[str, str] = {}
    for each in message.objects:
        if each.identifier_type in {AGREEMENT, DECISION, TOKEN}:
            found.setdefault(each.identifier_type, each.identifier)
        elif each.identifier.startswith(JTI):
            found.setdefault(TOKEN, each.identifier)
        for name, value in each.details.items():
            if name in _DETAILS:
                found.setdefault(_DETAILS[name], value)
    for participant in message.participants:
        for policy in participant.policies:
            if policy.startswith(JTI) or (participant.codes & _PERSON_ROLES and "://" not in policy):
                found.setdefault(TOKEN, policy)
    token = found.get(TOKEN, "").removeprefix(JTI)
    return Authority(_short(found.get(DECISION, "")), _short(token), _short(found.get(AGREEMENT, "")))


def _break_glass(message: Message) -> BreakGlass:
    default = "emergency override stopped" if OVERRIDE_STOPPED in message.types else "emergency override started"
    return BreakGlass(_clean(message.outcome_description)[:REASON_MAXIMUM] or default)


def _detail(message: Message, shape: QueryShape) -> Mapping[str, JsonValue]:
    """Keep what is not about a person: the codes the sender used, and the shape of a query."""
    detail: dict[str, JsonValue] = {"format": message.format, "event_code": message.code, **message.notes}
    types = [each for each in message.types if _SAFE.fullmatch(each)]
    if types:
        detail["event_types"] = types
    if message.action:
        detail["action"] = message.action
    if message.code == BEGIN_TRANSFER:
        detail["phase"] = "begun"
    if shape.names:
        detail["query"] = list(shape.names)
    return detail


def _unique(values: Iterator[str | None] | list[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value is not None))


def _source_id(value: str) -> str:
    try:
        return source_id(value)
    except ValueError as problem:
        raise InvalidInput([Fault("/source", str(problem))]) from None


def _checked(value: str, most: int, path: str) -> str:
    try:
        return text(value, most)
    except ValueError as problem:
        raise InvalidInput([Fault(path, str(problem))]) from None


def _clean(value: str) -> str:
    if not value.isprintable():
        value = "".join(each if each.isprintable() else " " for each in value)
    return " ".join(value.split())


def _short(value: str) -> str | None:
    """Give descriptive text in one printable line of 128 characters at most; None when nothing is left."""
    return _clean(value)[:128] or None
