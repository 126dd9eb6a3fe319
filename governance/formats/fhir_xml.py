"""FHIR XML to the JSON shape of the same resource (FHIR R4 section 2.6.2), for what an AuditEvent feed carries.

Which elements repeat is not in the document, so it is the table here: it covers Bundle and AuditEvent.
"""

from typing import Any
from xml.etree.ElementTree import Element  # nosec B405 - types only; parsing is defusedxml's

from governance.errors import Fault, InvalidInput
from governance.formats.dicom import parse_xml

NAMESPACE = "{http://hl7.org/fhir}"
DEPTH_MAXIMUM = 24  # elements inside one another: an AuditEvent in a Bundle needs eight

_REPEATED = frozenset(
    {
        "agent",
        "coding",
        "contained",
        "detail",
        "entity",
        "entry",
        "extension",
        "modifierExtension",
        "policy",
        "profile",
        "purposeOfEvent",
        "purposeOfUse",
        "security",
        "securityLabel",
        "subtype",
        "tag",
    }
)
_REPEATED_IN = frozenset({("agent", "role"), ("source", "type")})
_BOOLEANS = frozenset({"requestor", "userSelected"})
_RESOURCES = frozenset({"contained", "resource"})


def resource_from_xml(raw: bytes) -> dict[str, Any]:
    """Read an AuditEvent or Bundle in XML; raises InvalidInput for XML that is unsafe, broken or of another kind."""
    root = parse_xml(raw)
    if not str(root.tag).startswith(NAMESPACE):
        raise InvalidInput([Fault("", "must be in the namespace http://hl7.org/fhir")])
    return _resource(root, 0)


def _resource(element: Element, depth: int) -> dict[str, Any]:
    return {"resourceType": _local(element)} | _content(element, depth)


def _content(element: Element, depth: int) -> dict[str, Any]:
    if depth > DEPTH_MAXIMUM:
        raise InvalidInput([Fault("", "is nested too deeply")])
    made: dict[str, Any] = {}
    for child in element:
        name = _local(child)
        value = _value(child, name, depth + 1)
        if name in _REPEATED or (_local(element), name) in _REPEATED_IN:
            made.setdefault(name, []).append(value)
        elif name in made:
            raise InvalidInput([Fault(f"/{name}", "is given more than once")])
        else:
            made[name] = value
    return made


def _value(element: Element, name: str, depth: int) -> Any:
    if name in _RESOURCES and len(element) == 1:
        return _resource(element[0], depth)
    written = element.get("value")
    if written is None:
        return _content(element, depth)
    return {"true": True, "false": False}.get(written, written) if name in _BOOLEANS else written


def _local(element: Element) -> str:
    return str(element.tag).removeprefix(NAMESPACE)
