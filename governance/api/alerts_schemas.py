"""Shapes of the alerts' endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from governance.alerts import Alert, Change, Evidence, HistoryEntry
from governance.alerts.lifecycle import MAXIMUM_TEXT
from governance.alerts.query import MAXIMUM_PAGE
from governance.vocabulary import AlertState, Severity, Verdict

LIMIT_DEFAULT = 50

Text = Annotated[str, Field(min_length=1, max_length=256)]
Words = Annotated[str, Field(min_length=1, max_length=MAXIMUM_TEXT, description="free text; stays with the alert")]
Patient = Annotated[str, Field(pattern=r"^p-[a-z2-7]{26}$", description="a patient's pseudonym")]


class AlertsQuery(BaseModel):
    """What a listing understands; every filter given must hold. ``cursor`` comes from the page before."""

    model_config = ConfigDict(extra="forbid")

    state: AlertState | None = None
    severity: Severity | None = None
    rule: Text | None = None
    ods: Text | None = None
    subject: Annotated[Text, Field(description="a person's pseudonym or a service's id")] | None = None
    patient: Patient | None = None
    cursor: int | None = Field(default=None, ge=1, lt=2**62)
    limit: int = Field(default=LIMIT_DEFAULT, ge=1, le=MAXIMUM_PAGE)


class EvidenceView(BaseModel):
    """One signal: what was seen, what was expected, from how many observations, and the same in plain English."""

    signal: str
    observed: float | str
    expected: float | str | None
    sample: int
    bits: float | None
    sentence: str


class HistoryView(BaseModel):
    """One act of a person on an alert."""

    at: datetime
    actor: str
    change: Change
    comment: str | None
    assignee: str | None
    verdict: Verdict | None


class AlertView(BaseModel):
    """An alert; people and patients are pseudonyms, times are event times."""

    id: str
    number: int
    opened_at: datetime
    latest_at: datetime
    severity: Severity
    state: AlertState
    assignee: str | None
    verdict: Verdict | None
    reason: str | None
    family: str
    rule_ids: list[str]
    subject: str | None
    subjects: list[str]
    patient: str | None
    trusts: list[str]
    evidence: list[EvidenceView]
    events: list[int]
    agreement_ids: list[str]
    decision_ids: list[str]
    token_jtis: list[str]
    grouped_under: str | None
    history: list[HistoryView]


class AlertsPage(BaseModel):
    """Alerts, newest first; ``cursor`` is null on the last page."""

    alerts: list[AlertView]
    cursor: int | None


class NoticeView(BaseModel):
    """What one message of the stream carries: what changed last, and the alert as it is now."""

    change: Change
    alert: AlertView


class Assignment(BaseModel):
    """Who takes the alert; whoever asks, when nobody is named."""

    model_config = ConfigDict(extra="forbid")

    assignee: Text | None = None


class Comment(BaseModel):
    """Words for the history."""

    model_config = ConfigDict(extra="forbid")

    comment: Words


class Closing(BaseModel):
    """What a person concluded, and why."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    reason: Words


def view_of(alert: Alert) -> AlertView:
    """Give an alert as the API shows it."""
    return AlertView(
        id=alert.id,
        number=alert.number,
        opened_at=alert.opened_at,
        latest_at=alert.latest_at,
        severity=alert.severity,
        state=alert.case.state,
        assignee=alert.case.assignee,
        verdict=alert.case.verdict,
        reason=alert.case.reason,
        family=alert.family,
        rule_ids=list(alert.rule_ids),
        subject=alert.subject,
        subjects=list(alert.subjects),
        patient=alert.patient,
        trusts=list(alert.trusts),
        evidence=[_evidence(item) for item in alert.evidence],
        events=list(alert.events),
        agreement_ids=list(alert.agreement_ids),
        decision_ids=list(alert.decision_ids),
        token_jtis=list(alert.token_jtis),
        grouped_under=alert.grouped_under,
        history=[_history(entry) for entry in alert.history],
    )


def _evidence(item: Evidence) -> EvidenceView:
    return EvidenceView(
        signal=item.signal,
        observed=item.observed,
        expected=item.expected,
        sample=item.sample,
        bits=item.bits,
        sentence=item.sentence,
    )


def _history(entry: HistoryEntry) -> HistoryView:
    return HistoryView(
        at=entry.at,
        actor=entry.actor,
        change=entry.change,
        comment=entry.comment,
        assignee=entry.assignee,
        verdict=entry.verdict,
    )
