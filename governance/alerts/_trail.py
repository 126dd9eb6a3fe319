"""The audit events that alerts leave behind: raised, reviewed, unmasked. No free text of a person goes into the log."""

from __future__ import annotations

from governance.alerts.alert import Change, HistoryEntry
from governance.alerts.finding import Finding
from governance.alerts.query import Viewer
from governance.audit import Event, Recorder
from governance.audit.event import JsonValue, Subject
from governance.vocabulary import EventKind, Severity, SubjectType


def raised_event(recorder: Recorder, alert: str, change: Change, severity: Severity, finding: Finding) -> Event:
    """Make the event of an alert that was opened or grew more severe; the same finding always makes the same event."""
    step = change.value if change is Change.OPENED else severity.value
    return recorder.event(
        EventKind.SECURITY_ALERT,
        id=f"{alert}/{step}",
        time=finding.occurred_at,
        detail={"alert": alert, "change": change.value, "rule": finding.rule_id, "severity": severity.value},
    )


def reviewed_event(recorder: Recorder, alert: str, entry: HistoryEntry, viewer: Viewer) -> Event:
    """Make the event of a person's act on an alert. The words given stay with the alert."""
    detail: dict[str, JsonValue] = {"alert": alert, "change": entry.change.value, "history": entry.number}
    if entry.verdict is not None:
        detail["verdict"] = entry.verdict.value
    return recorder.event(
        EventKind.AUDIT_READ if entry.change is Change.UNMASKED else EventKind.CONFIG,
        id=f"{alert}/history/{entry.number}",
        time=entry.at,
        subject=Subject(
            id=viewer.id,
            type=SubjectType.PRACTITIONER if viewer.person else SubjectType.SERVICE,
            ods=viewer.ods,
        ),
        detail=detail,
    )
