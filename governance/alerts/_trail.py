"""The audit events that alerts leave behind: raised, reviewed, unmasked. No free text of a person goes into the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlmodel import Session

from governance.alerts.alert import Change, HistoryEntry
from governance.alerts.finding import Finding
from governance.alerts.query import Viewer
from governance.audit import Receipt
from governance.audit.event import Event, Source, Subject
from governance.vocabulary import EventKind, Outcome, Severity, SubjectType


class AuditTrail(Protocol):
    """Takes events inside the caller's write transaction, so that a change and its record are one commit."""

    def append_in(self, session: Session, events: Sequence[Event]) -> Sequence[Receipt]:
        """Append the events; one receipt each, whose ``index`` raises when the log refused the event."""
        ...


def raised_event(source: Source, alert: str, change: Change, severity: Severity, finding: Finding) -> Event:
    """Make the event of an alert that was opened or grew more severe; the same finding always makes the same event."""
    step = change.value if change is Change.OPENED else severity.value
    return Event(
        id=f"{alert}/{step}",
        time=finding.occurred_at,
        source=source,
        kind=EventKind.SECURITY_ALERT,
        outcome=Outcome.SUCCESS,
        detail={"alert": alert, "change": change.value, "rule": finding.rule_id, "severity": severity.value},
    )


def reviewed_event(source: Source, alert: str, entry: HistoryEntry, viewer: Viewer) -> Event:
    """Make the event of a person's act on an alert. The words given stay with the alert."""
    detail: dict[str, str | int] = {"alert": alert, "change": entry.change.value, "history": entry.number}
    if entry.verdict is not None:
        detail["verdict"] = entry.verdict.value
    return Event(
        id=f"{alert}/history/{entry.number}",
        time=entry.at,
        source=source,
        kind=EventKind.AUDIT_READ if entry.change is Change.UNMASKED else EventKind.CONFIG,
        outcome=Outcome.SUCCESS,
        subject=Subject(
            id=viewer.id,
            type=SubjectType.PRACTITIONER if viewer.person else SubjectType.SERVICE,
            ods=viewer.ods,
        ),
        detail=detail,
    )
