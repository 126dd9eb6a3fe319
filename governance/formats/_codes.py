"""Event codes of DICOM PS3.15 A.5, RFC 3881, IHE and FHIR, and the event kind each one means.

Codes: DICOM PS3.16 context groups CID 400 (event ids), 401 (event types), 402 (participant roles), 405 (media).
"""

from collections.abc import Collection

from governance.vocabulary import EventKind

APPLICATION = "110150"
DESTINATION = "110152"
SOURCE = "110153"
DESTINATION_MEDIA = "110154"
SOURCE_MEDIA = "110155"
NODE_ROLES = frozenset({APPLICATION, "110151", DESTINATION, SOURCE, DESTINATION_MEDIA, SOURCE_MEDIA})

PATIENT_NUMBER = "2"  # RFC 3881 participant object id type
REPORT_NUMBER = "9"  # RFC 3881; what senders wrote before DICOM gave study UIDs a code
STUDY_UID = "110180"
OVERRIDE_STARTED = "110127"
OVERRIDE_STOPPED = "110138"
BEGIN_TRANSFER = "110102"
TRANSFERRED = "110104"
PRINT_MEDIA = frozenset({"110010", "110038"})  # film, paper document

_SECURITY_ALERT = "110113"
_USER_AUTHENTICATION = "110114"

_BY_EVENT = {
    "110100": EventKind.RECORDING,
    "110101": EventKind.AUDIT_READ,
    "110103": EventKind.ACCESS,
    "110105": EventKind.DELETE,
    "110106": EventKind.EXPORT,
    "110107": EventKind.IMPORT,
    "110108": EventKind.NODE_AUTH,
    "110109": EventKind.ACCESS,
    "110110": EventKind.ACCESS,
    "110111": EventKind.ACCESS,
    "110112": EventKind.QUERY,
    _SECURITY_ALERT: EventKind.SECURITY_ALERT,
    _USER_AUTHENTICATION: EventKind.LOGIN,
}
_BY_TYPE = {
    "110122": EventKind.LOGIN,
    "110123": EventKind.LOGOUT,
    "110126": EventKind.NODE_AUTH,
    OVERRIDE_STARTED: EventKind.BREAK_GLASS,
    "110128": EventKind.CONFIG,
    "110129": EventKind.CONFIG,
    "110130": EventKind.CONFIG,
    "110131": EventKind.CONFIG,
    "110133": EventKind.RECORDING,
    "110134": EventKind.RECORDING,
    "110135": EventKind.CONFIG,
    "110136": EventKind.CONFIG,
    "110137": EventKind.CONFIG,
    OVERRIDE_STOPPED: EventKind.BREAK_GLASS,
    "110144": EventKind.DECISION,
    "110147": EventKind.DECISION,
    "AuthZ-Consent": EventKind.DECISION,
    "AuthZ-Role": EventKind.DECISION,
    "ITI-71": EventKind.TOKEN,
}
_BY_LIFECYCLE = {
    "access": EventKind.ACCESS,
    "destroy": EventKind.DELETE,
    "disclose": EventKind.EXPORT,
    "extract": EventKind.EXPORT,
    "originate": EventKind.IMPORT,
    "receive": EventKind.IMPORT,
    "transmit": EventKind.EXPORT,
}
_BY_INTERACTION = {
    "create": EventKind.IMPORT,
    "delete": EventKind.DELETE,
    "patch": EventKind.IMPORT,
    "search": EventKind.QUERY,
    "search-system": EventKind.QUERY,
    "search-type": EventKind.QUERY,
    "update": EventKind.IMPORT,
}
_BY_ACTION = {"C": EventKind.IMPORT, "D": EventKind.DELETE, "E": EventKind.QUERY}


def kind_of(code: str, types: Collection[str], action: str | None) -> EventKind | None:
    """Say what an event is, None when its code means nothing to us.

    Args:
        code: the event id (DICOM) or type (FHIR).
        types: event type codes (DICOM) or subtypes (FHIR); the one of weight is found wherever it stands.
        action: C, R, U, D, E or None.
    """
    by_type = next((_BY_TYPE[each] for each in types if each in _BY_TYPE), None)
    if code in {_SECURITY_ALERT, _USER_AUTHENTICATION, "110100"} and by_type is not None:
        return by_type
    if code in {BEGIN_TRANSFER, TRANSFERRED}:
        return EventKind.IMPORT if action in {"C", "U"} else EventKind.ACCESS
    if code in {"110103", "110109", "110110", "110111"} and action == "D":
        return EventKind.DELETE
    if code in _BY_EVENT:
        return _BY_EVENT[code]
    if code == "rest":
        by_interaction = next((_BY_INTERACTION[each] for each in types if each in _BY_INTERACTION), None)
        return by_interaction or _BY_ACTION.get(action or "", EventKind.ACCESS)
    return _BY_LIFECYCLE.get(code)
