"""The audit events that alerts leave behind: raised, revised, reviewed. No free text of a person goes into the log.

Each says where it left the alert (state, severity, and what a closed case came to), so that whoever checks the log can
hold the tables to it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from governance.alerts.alert import Case, Change, HistoryEntry, Step
from governance.alerts.finding import Finding
from governance.alerts.incident import Incident
from governance.alerts.query import Viewer
from governance.audit import Event, Recorder
from governance.audit.event import JsonValue, Subject
from governance.vocabulary import EventKind, SubjectType


def raised_event(recorder: Recorder, incident: Incident, finding: Finding) -> Event:
    """Make the event of an alert that was opened; the same finding always makes the same event."""
    detail: dict[str, JsonValue] = {
        "alert": incident.id,
        "change": Change.OPENED.value,
        "kind": incident.kind.value,
        "rule": finding.rule_id,
        "severity": incident.severity.value,
    }
    return recorder.event(
        EventKind.SECURITY_ALERT,
        id=f"{incident.id}/{Change.OPENED.value}",
        time=finding.occurred_at,
        detail=detail | _standing(incident.case),
    )


def stepped_event(recorder: Recorder, incident: Incident, change: Change, at: datetime, step: Step | None) -> Event:
    """Make the event of what became of an alert by itself; steps of one alert are numbered."""
    detail: dict[str, JsonValue] = {
        "alert": incident.id,
        "change": change.value,
        "kind": incident.kind.value,
        "severity": incident.severity.value,
    }
    if incident.joined_to:
        detail["joined_to"] = incident.joined_to
    return recorder.event(
        EventKind.SECURITY_ALERT,
        id=f"{incident.id}/step/{incident.steps}",
        time=at,
        detail=detail | _standing(incident.case) | _named(step),
    )


def with_history(event: Event, entry: HistoryEntry) -> Event:
    """Give an event that names the step of the alert's history it tells of."""
    return replace(event, detail=dict(event.detail) | {"history": entry.number})


def reviewed_event(
    recorder: Recorder, alert: str, entry: HistoryEntry, viewer: Viewer, before: Case, case: Case
) -> Event:
    """Make the event of a person's act on an alert. The words given stay with the alert."""
    detail: dict[str, JsonValue] = {"alert": alert, "change": entry.change.value, "history": entry.number}
    given = [one.capacity.value for one in case.verdicts if one not in before.verdicts]
    if given:
        detail |= {"capacities": given, "ods": viewer.ods}
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
        detail=detail | _standing(case),
    )


def _standing(case: Case) -> dict[str, JsonValue]:
    """Say where an alert is now: its state, and what it came to."""
    return {"state": case.state.value, "concluded": case.verdict.value if case.verdict else None}


def _named(step: Step | None) -> dict[str, JsonValue]:
    if step is None:
        return {}
    return {"step": step.what, "signal": step.signal} if step.signal else {"step": step.what}
