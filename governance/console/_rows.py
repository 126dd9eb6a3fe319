"""An audit event as one row of a table, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from governance.audit.event import RecordedEvent
from governance.console import _wording as wording
from governance.vocabulary import EventKind, Outcome

USES_OF_IMAGES = frozenset(
    {EventKind.ACCESS, EventKind.DELETE, EventKind.EXPORT, EventKind.PRINT, EventKind.BREAK_GLASS}
)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event; ``subject`` and ``patient`` are pseudonyms, trusts are named where the federation knows them.

    ``reason`` says in words why whoever looked may have; None for an event at which no images were seen.
    """

    index: int
    time: datetime
    what: str
    failed: bool
    outcome: str
    subject: str | None
    role: str | None
    subject_trust: str | None
    patient: str | None
    study_known: bool
    modality: str | None
    body_part: str | None
    study_date: date | None
    custodian: str | None
    purpose: str | None
    break_glass: bool
    decision_id: str | None
    needs_decision: bool
    reason: str | None = None


def row_of(
    event: RecordedEvent, names: Mapping[str, str], reasons: Mapping[int, str] = MappingProxyType({})
) -> EventRow:
    """Give the row of an event.

    Args:
        event: as the log holds it.
        names: organisations' names by ODS code.
        reasons: why whoever looked may have, in words, by index; an event at which no images were seen has none.
    """
    subject, resource = event.subject, event.resource
    return EventRow(
        index=event.index,
        time=event.time,
        what=wording.EVENT_KINDS[event.kind],
        failed=event.outcome is not Outcome.SUCCESS,
        outcome=wording.OUTCOMES[event.outcome],
        subject=subject.id if subject else None,
        role=wording.role_name(subject.role) if subject else None,
        subject_trust=named(subject.ods, names) if subject else None,
        patient=resource.patient if resource else None,
        study_known=resource is not None and (resource.study is not None or resource.modality is not None),
        modality=resource.modality if resource else None,
        body_part=resource.body_part if resource else None,
        study_date=resource.study_date if resource else None,
        custodian=named(resource.custodian, names) if resource else None,
        purpose=wording.PURPOSES[event.purpose] if event.purpose else None,
        break_glass=event.break_glass,
        decision_id=event.authority.decision_id,
        needs_decision=event.kind in USES_OF_IMAGES
        and event.authority.decision_id is None
        and event.authority.token_jti is None,
        reason=reasons.get(event.index),
    )


def named(ods: str | None, names: Mapping[str, str]) -> str | None:
    """Give an organisation's name, its code when nobody named it, None for none."""
    return names.get(ods, ods) if ods else None
