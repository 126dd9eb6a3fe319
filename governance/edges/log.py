"""Decision logs of the trusts' own OPAs, as audit events (OPA's Decision Log Service API).

1. Pure: one entry in, one event out, or every fault of it by its path; no fault repeats a value.
2. The decision's id is the event's, its source the edge that made it: an entry sent again is the same event again.
3. Only what our policy decided is an entry. Without a ``result`` the edge had no policy: that is a denial too.
4. What an edge's own masking took away (``erased``, ``masked``) is absent here and named in ``detail``; what it put in
   its place is never believed. The result may not be masked: what was decided is what the log is for.
5. Our policy input names no study. An edge that puts ``study_uid`` and ``patient`` into ``input.resource`` makes its
   decisions findable by them; the policy does not look at either.
6. What the log shows openly (ids, roles, revisions) may hold no NHS number: such an entry is a fault, and is not shown.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from governance.audit.event import Authority, BreakGlass, Event, JsonValue, Resource, Source, Subject
from governance.decisions.decision import Answer, InvalidAnswer, parse_answer
from governance.edges.bundle import POLICY_BUNDLE
from governance.errors import Fault, InvalidInput
from governance.feeds import choice, dicom_code, ods, patient, study_uid, text, timestamp
from governance.formats.native import check_time, reason
from governance.vocabulary import Action, EventKind, Outcome, Purpose, ReasonCode, SubjectType, is_nhs_number

PATH = "imaging/decision/answer"
ENTRIES = 10_000  # of one upload
_MASKS = 100  # pointers of one entry
_UNDEFINED = Answer(
    permit=False, reasons=(ReasonCode.ENGINE_UNDEFINED,), obligations=(), agreement=None, requestable=False, revision=""
)
_TEN_DIGITS = re.compile(r"(?<!\d)\d{10}(?!\d)")
_HOLDERS = ("/bundles", f"/bundles/{POLICY_BUNDLE}", "/input", "/input/context", "/input/resource", "/input/subject")
_AGE = "age_seconds"  # what an answer at an edge has beyond the answers of our own engines
_user = partial(text, most=256)
T = TypeVar("T")


def entries_of(items: object) -> Iterator[tuple[int, Any]]:
    """Give the entries of an upload with their places.

    Raises:
        InvalidInput: it is no array, or has too many; nothing of it was read.
    """
    if not isinstance(items, list):
        raise InvalidInput([Fault("", "must be an array of decision log entries")])
    if len(items) > ENTRIES:
        raise InvalidInput([Fault("", f"may hold {ENTRIES} entries at most")])
    return enumerate(items, 1)


def read_entry(item: object, source: Source, now: datetime) -> Event:
    """Read one entry.

    Args:
        item: the entry as decoded JSON.
        source: the edge.
        now: the recorder's clock; an entry may be ten minutes ahead of it.

    Raises:
        InvalidInput: every fault and its path.
    """
    if not isinstance(item, dict):
        raise InvalidInput([Fault("", "must be an object")])
    entry = _Entry(item)
    decision_id = entry.required("/decision_id", _open)
    time = entry.required("/timestamp", lambda value: check_time(timestamp(value), now))
    entry.required("/path", _our_path)
    for holder in _HOLDERS:
        entry.holds(holder)
    answer = _answer(entry)
    subject, resource = _subject(entry), _resource(entry)
    purpose = entry.optional("/input/purpose", choice(Purpose))
    override = entry.optional("/input/context/break_glass_reason", reason)
    detail = _detail(entry, answer)
    entry.finish()
    return Event(
        id=decision_id,
        time=time,
        source=source,
        kind=EventKind.DECISION,
        outcome=Outcome.SUCCESS if answer.permit else Outcome.MINOR,
        subject=subject,
        purpose=purpose,
        resource=resource,
        authority=Authority(decision_id=decision_id, agreement_id=answer.agreement.id if answer.agreement else None),
        break_glass=BreakGlass(override) if override else None,
        detail=detail,
    )


class _Entry:
    """One entry, read by JSON pointer; what was withheld reads as absent and is noted."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._faults: list[Fault] = []
        self._masks = self._pointers("erased") | self._pointers("masked")
        self.withheld: set[str] = set()

    def required(self, pointer: str, reader: Callable[[object], T]) -> T:
        """Read what must be there; after a fault the value means nothing, and ``finish`` raises."""
        value = self.optional(pointer, reader)
        if value is None and not any(fault.path == pointer for fault in self._faults):
            self.fail(pointer, "is required")
        return value  # type: ignore[return-value]

    def optional(self, pointer: str, reader: Callable[[object], T]) -> T | None:
        """Read what may be absent, null or withheld."""
        if self.masked(pointer):
            self.withheld.add(pointer)
            return None
        value = self.value(pointer)
        try:
            return None if value is None else reader(value)
        except (ValueError, OverflowError) as problem:
            self.fail(pointer, str(problem))
            return None

    def holds(self, pointer: str) -> None:
        """Record a fault when what should hold members is there and is something else, unless that was put there."""
        value = self.value(pointer)
        if value is not None and not isinstance(value, dict) and not self.masked(pointer):
            self.fail(pointer, "must be an object")

    def value(self, pointer: str) -> Any:
        """Give what is at a pointer, None when nothing is."""
        found: Any = self._document
        for part in pointer.split("/")[1:]:
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def masked(self, pointer: str) -> bool:
        """Say whether a value, what holds it, or a part of it was withheld."""
        return any(
            mask == pointer or pointer.startswith(f"{mask}/") or mask.startswith(f"{pointer}/") for mask in self._masks
        )

    def fail(self, pointer: str, message: str) -> None:
        """Record a fault."""
        self._faults.append(Fault(pointer, message))

    def finish(self) -> None:
        """Raise InvalidInput when there was any fault."""
        if self._faults:
            raise InvalidInput(self._faults, "The decision log entry is not valid.")

    def _pointers(self, name: str) -> frozenset[str]:
        given = self._document.get(name) or []
        if not isinstance(given, list) or len(given) > _MASKS or not all(isinstance(one, str) for one in given):
            self.fail(f"/{name}", f"must be a list of at most {_MASKS} JSON pointers")
            return frozenset()
        return frozenset(given)


def decided_here(item: object) -> bool:
    """Say whether an entry is, or may be, of our policy; what names another path is that policy's own affair."""
    path = item.get("path") if isinstance(item, dict) else None
    return not isinstance(path, str) or path.strip("/") == PATH


def _open(value: object) -> str:
    """Read text that the log shows to all its readers."""
    found = text(value)
    if any(is_nhs_number(digits) for digits in _TEN_DIGITS.findall(found)):
        raise ValueError("may hold no NHS number")
    return found


def _seconds(value: object) -> int:
    if type(value) is not int:
        raise ValueError("must be whole seconds or null")
    return value


def _our_path(value: object) -> str:
    if not isinstance(value, str) or value.strip("/") != PATH:
        raise ValueError(f"must be {PATH}: only decisions of our policy belong here")
    return PATH


def _answer(entry: _Entry) -> Answer:
    """Read what was decided (rules 3 and 4)."""
    if entry.masked("/result"):
        entry.fail("/result", "may not be masked or erased")
        return _UNDEFINED
    raw = entry.value("/result")
    if raw is None:
        return _UNDEFINED
    if isinstance(raw, dict):
        raw = {name: value for name, value in raw.items() if name != _AGE}
    try:
        return parse_answer(raw)
    except InvalidAnswer as error:
        entry.fail("/result", str(error))
        return _UNDEFINED


def _subject(entry: _Entry) -> Subject | None:
    user = entry.optional("/input/subject/id", _user)
    kind = entry.optional("/input/subject/type", choice(SubjectType))
    role = entry.optional("/input/subject/role", _open)
    trust = entry.optional("/input/subject/ods", ods)
    return Subject(id=user, type=kind, role=role, ods=trust) if user and kind else None


def _resource(entry: _Entry) -> Resource | None:
    made = Resource(
        patient=entry.optional("/input/resource/patient", patient),
        study_uid=entry.optional("/input/resource/study_uid", study_uid),
        modality=entry.optional("/input/resource/modality", dicom_code),
        body_part=entry.optional("/input/resource/body_part", dicom_code),
        custodian=entry.optional("/input/resource/custodians", _first),
    )
    return None if made == Resource() else made


def _first(value: object) -> str | None:
    if not isinstance(value, list):
        raise ValueError("must be a list of ODS codes")  # noqa: TRY004 - readers raise one kind of error
    return ods(value[0]) if value else None


def _detail(entry: _Entry, answer: Answer) -> dict[str, JsonValue]:
    action = entry.optional("/input/action", choice(Action))
    claimed = entry.optional("/input/context/self_claim_reason", reason)
    agreement = answer.agreement
    detail: dict[str, JsonValue] = {
        "action": action.value if action else None,
        "agreement_version": agreement.version if agreement else None,
        "bundle_revision": entry.optional(f"/bundles/{POLICY_BUNDLE}/revision", _open),
        "clause": agreement.clause if agreement else None,
        "data_age_seconds": entry.optional(f"/result/{_AGE}", _seconds),
        "door": "edge",
        "obligations": [obligation.type for obligation in answer.obligations],
        "permit": answer.permit,
        "reasons": [code.value for code in answer.reasons],
        "revision": answer.revision,
        "self_claimed": claimed is not None,
    }
    return {**detail, "withheld": sorted(entry.withheld)} if entry.withheld else detail
