"""The IHE Year 4 interim audit format, which long-lived archives still send, read into the common shape.

One element below the root names the event; ``Host`` is the source and ``TimeStamp`` the time. What each event element
means in DICOM's codes is the table here.
"""

from collections.abc import Callable
from datetime import datetime
from xml.etree.ElementTree import Element  # nosec B405 - types only; parsing is defusedxml's

from governance.errors import Fault, InvalidInput
from governance.formats._codes import DESTINATION_MEDIA, PATIENT_NUMBER, STUDY_UID
from governance.formats._message import Message, Participant, TouchedObject
from governance.vocabulary import Outcome

# element: (DICOM event id, action; None where the message itself says)
_EVENTS: dict[str, tuple[str, str | None]] = {
    "ActorConfig": ("110100", "E"),
    "ActorStartStop": ("110100", "E"),
    "AuditLogUsed": ("110101", "R"),
    "BeginStoringInstances": ("110102", "E"),
    "DICOMInstancesDeleted": ("110103", "D"),
    "DICOMInstancesUsed": ("110103", None),
    "DicomQuery": ("110112", "E"),
    "Export": ("110106", "R"),
    "Import": ("110107", "C"),
    "InstancesSent": ("110104", "R"),
    "InstancesStored": ("110104", "C"),
    "NetworkEntry": ("110108", "E"),
    "OrderRecord": ("110109", None),
    "PatientRecord": ("110110", None),
    "ProcedureRecord": ("110111", None),
    "SecurityAlert": ("110113", "E"),
    "StudyDeleted": ("110105", "D"),
    "UserAuthenticated": ("110114", "E"),
}
_ACTIONS = {"Access": "R", "Create": "C", "Delete": "D", "Modify": "U"}
_TYPES = {
    ("AlertType", "NodeAuthenticationFailure"): "110126",
    ("Action", "Failure"): "110122",
    ("Action", "Login"): "110122",
    ("Action", "Logout"): "110123",
    ("ApplicationAction", "Start"): "110120",
    ("ApplicationAction", "Stop"): "110121",
    ("ConfigType", "Networking"): "110128",
    ("ConfigType", "Security"): "110129",
    ("MachineAction", "Attach"): "110124",
    ("MachineAction", "Detach"): "110125",
}


def read_year4(root: Element, raw: bytes, read_time: Callable[[str, str], tuple[datetime, bool]]) -> Message:
    """Read a message of the interim format; raises InvalidInput naming what is missing."""
    event = next((each for each in root if _local(each) in _EVENTS), None)
    if event is None:
        raise InvalidInput([Fault("", "has no event element of the IHE Year 4 format")])
    code, action = _EVENTS[_local(event)]
    words = [(_local(each), (each.text or "").strip()) for each in event.iter()]
    types = tuple(_TYPES[word] for word in words if word in _TYPES)
    stated = next((_ACTIONS[text] for name, text in words if name == "ObjectAction" and text in _ACTIONS), None)
    failed = ("Action", "Failure") in words or code == "110113"
    at, assumed = read_time(_word(root, "TimeStamp"), "/TimeStamp")
    return Message(
        raw=raw,
        format="ihe-year4",
        code=code,
        types=types,
        action=action or stated,
        at=at,
        outcome=Outcome.MINOR if failed else Outcome.SUCCESS,
        source_id=_word(root, "Host"),
        site=None,
        site_path="/Host",
        participants=_participants(event),
        objects=_objects(event),
        notes={"time_zone": "assumed"} if assumed else {},
    )


def _participants(event: Element) -> tuple[Participant, ...]:
    found = []
    for each in event.iter():
        name, text = _local(each), (each.text or "").strip()
        if name in {"LocalUsername", "LocalUser"} and text:
            found.append(Participant(user_id=text, requestor=True, person=True))
        elif name in {"Requestor", "RemoteNode", "Node", "RNode"} and (
            node := _word(each, "IP") or _word(each, "Hname")
        ):
            titles = _word(each, "AET")
            found.append(
                Participant(
                    user_id=node,
                    alternative_id=f"AETITLES={titles}" if titles else "",
                    requestor=name in {"Requestor", "RemoteNode"},
                    person=False,
                    network=_word(each, "IP"),
                )
            )
        elif name in {"LocalPrinter", "MediaID"} and text:
            media = frozenset({"110010"}) if name == "LocalPrinter" else frozenset[str]()
            found.append(Participant(text, person=False, codes=frozenset({DESTINATION_MEDIA}), media=media))
    return tuple(found)


def _objects(event: Element) -> tuple[TouchedObject, ...]:
    patients = [
        TouchedObject(text, PATIENT_NUMBER, type="1", role="1")
        for each in event.iter()
        if _local(each) == "Patient" and (text := _word(each, "PatientID"))
    ]
    studies = [
        TouchedObject((each.text or "").strip(), STUDY_UID, type="2", role="3")
        for each in event.iter()
        if _local(each) == "SUID"
    ]
    return (*patients, *studies)


def _word(element: Element, name: str) -> str:
    return next(((each.text or "").strip() for each in element.iter() if _local(each) == name), "")


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
