"""DICOM audit messages (PS3.15 A.5, RFC 3881) to events: the dialects that archives and senders really write.

Taken: ``csd-code`` with ``originalText`` (current), ``code`` with ``displayName`` (RFC 3881), the audit source's type
as an attribute or as elements, object descriptions wrapped or direct, a root with or without a namespace, and the IHE
Year 4 interim format.

1. A document type declaration is refused before anything is expanded: an audit message needs none, an entity bomb does.
2. ``EventDateTime`` without an offset is UTC (RFC 3881 section 5.1.3); the event notes that it was assumed.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError  # nosec B405 - types only; parsing is defusedxml's

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from governance.audit.event import Event
from governance.errors import Fault, InvalidInput
from governance.formats._assemble import assemble
from governance.formats._message import Context, Message, Participant, TouchedObject
from governance.formats.iheyr4 import read_year4
from governance.vocabulary import Outcome

MESSAGE_MAXIMUM = 1024 * 1024  # bytes

_ACTIONS = frozenset("CRUDE")
_YEAR4 = frozenset({"IHEYr4", "IHE-Syslog-Audit-Message"})


def parse_message(raw: bytes, context: Context) -> tuple[Event, ...]:
    """Read one audit message.

    Args:
        raw: the XML document, :data:`MESSAGE_MAXIMUM` bytes at most.
        context: what the receiver knows.

    Returns:
        one event, or one for each study or patient when there are several.

    Raises:
        InvalidInput: names the part at fault.
    """
    root = parse_xml(raw)
    if _local(root) in _YEAR4:
        return assemble(read_year4(root, raw, read_time), context)
    if _local(root) != "AuditMessage":
        raise _fault("", "is not an AuditMessage")
    return assemble(_read(root, raw), context)


def parse_xml(raw: bytes) -> Element:
    """Read a document that holds neither DTD nor entity; raises InvalidInput, never with a piece of the document."""
    if len(raw) > MESSAGE_MAXIMUM:
        raise _fault("", f"is longer than {MESSAGE_MAXIMUM} bytes")
    try:
        root: Element = fromstring(raw, forbid_dtd=True)
    except DefusedXmlException:
        raise _fault("", "declares a document type or an entity") from None
    except ParseError as error:
        line, column = error.position
        raise _fault("", f"is not well-formed XML (line {line}, column {column})") from None
    except (ValueError, LookupError):
        raise _fault("", "is in a character encoding that is not read here") from None
    return root


def read_time(value: str, path: str) -> tuple[datetime, bool]:
    """Read an xsd:dateTime; gives UTC and whether the offset had to be assumed. Raises InvalidInput naming ``path``."""
    try:
        at = datetime.fromisoformat(value.strip())
        assumed = at.tzinfo is None
        return (at.replace(tzinfo=UTC) if assumed else at.astimezone(UTC)), assumed
    except (ValueError, OverflowError):
        raise _fault(path, "must be a date and time such as 2026-11-24T12:00:00Z") from None


def _read(root: Element, raw: bytes) -> Message:
    parts = _parts(root)
    if "EventIdentification" not in parts:
        raise _fault("/EventIdentification", "is required")
    event = parts["EventIdentification"][0]
    about = _parts(event)
    code = next(map(_code, about.get("EventID", ())), "")
    if not code:
        raise _fault("/EventIdentification/EventID", "needs a csd-code (or code)")
    at, assumed = read_time(event.get("EventDateTime", ""), "/EventIdentification/EventDateTime")
    action = event.get("EventActionCode")
    source = next(iter(parts.get("AuditSourceIdentification", ())), None)
    if source is None or not source.get("AuditSourceID", "").strip():
        raise _fault("/AuditSourceIdentification/AuditSourceID", "is required")
    return Message(
        raw=raw,
        format="dicom",
        code=code,
        types=tuple(filter(None, map(_code, about.get("EventTypeCode", ())))),
        action=action if action in _ACTIONS else None,
        at=at,
        outcome=_outcome(event.get("EventOutcomeIndicator", "")),
        source_id=source.get("AuditSourceID", "").strip(),
        site=source.get("AuditEnterpriseSiteID", "").strip() or None,
        site_path="/AuditSourceIdentification/AuditEnterpriseSiteID",
        participants=tuple(map(_participant, parts.get("ActiveParticipant", ()))),
        objects=tuple(map(_object, parts.get("ParticipantObjectIdentification", ()))),
        purposes=tuple(map(_code, about.get("PurposeOfUse", ()))),
        outcome_description=_text(about.get("EventOutcomeDescription")),
        notes={"time_zone": "assumed"} if assumed else {},
    )


def _outcome(value: str) -> Outcome:
    try:
        return Outcome.from_dicom_code(int(value))
    except ValueError:
        raise _fault("/EventIdentification/EventOutcomeIndicator", "must be 0, 4, 8 or 12") from None


def _participant(element: Element) -> Participant:
    kind = element.get("UserTypeCode", "")
    parts = _parts(element)
    media = [*parts.get("MediaType", ()), *(each for outer in parts.get("MediaIdentifier", ()) for each in outer)]
    return Participant(
        user_id=element.get("UserID", "").strip(),
        alternative_id=element.get("AlternativeUserID", "").strip(),
        requestor=element.get("UserIsRequestor", "").strip().lower() in {"true", "1"},
        person={"1": True, "2": False}.get(kind) if kind else _person_by_id_type(parts.get("UserIDTypeCode", ())),
        codes=frozenset(filter(None, map(_code, parts.get("RoleIDCode", ())))),
        media=frozenset(map(_code, media)),
        network=element.get("NetworkAccessPointID", "").strip(),
    )


def _person_by_id_type(types: Sequence[Element]) -> bool | None:
    """Tell from UserIDTypeCode: 113871 Person ID; 110119 Station AE Title, 110182 Node ID, 12 URI are none."""
    code = next(map(_code, types), "")
    return {"113871": True, "110119": False, "110182": False, "12": False}.get(code)


def _object(element: Element) -> TouchedObject:
    parts = _parts(element)
    classes = [each for each in element.iter() if each.get("NumberOfInstances") and _local(each) == "SOPClass"]
    counts = [int(each.get("NumberOfInstances", "")) for each in classes if _is_count(each.get("NumberOfInstances"))]
    details = {
        each.get("type", ""): _decoded(each.get("value", "")).decode("utf-8", "replace")
        for each in parts.get("ParticipantObjectDetail", ())
    }
    return TouchedObject(
        identifier=element.get("ParticipantObjectID", "").strip(),
        identifier_type=next(map(_code, parts.get("ParticipantObjectIDTypeCode", ())), ""),
        type=element.get("ParticipantObjectTypeCode", ""),
        role=element.get("ParticipantObjectTypeCodeRole", ""),
        query=_decoded(_text(parts.get("ParticipantObjectQuery"))),
        details=details,
        instances=sum(counts) if counts else None,
    )


def _is_count(value: str | None) -> bool:
    return value is not None and value.isascii() and value.isdigit() and len(value) < 10


def _decoded(value: str) -> bytes:
    """Decode base64; what is none (some senders write plain text) is returned unchanged."""
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return value.encode("utf-8", "replace")


def _code(element: Element) -> str:
    return (element.get("csd-code") or element.get("code") or "").strip()


def _local(element: Element) -> str:
    tag: str = element.tag
    return tag.rpartition("}")[2] if tag[0] == "{" else tag


def _parts(element: Element) -> dict[str, list[Element]]:
    """Give the children by their local name, in order."""
    parts: dict[str, list[Element]] = {}
    for each in element:
        parts.setdefault(_local(each), []).append(each)
    return parts


def _text(elements: Sequence[Element] | None) -> str:
    return (elements[0].text or "").strip() if elements else ""


def _fault(path: str, message: str) -> InvalidInput:
    return InvalidInput([Fault(path, message)], "The audit message cannot be taken.")
