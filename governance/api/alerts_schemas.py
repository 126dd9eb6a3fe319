"""Shapes of the alerts' endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from governance.alerts import Alert, Change, ClosedBy, EventExplanation, GivenVerdict, HistoryEntry
from governance.alerts.lifecycle import MAXIMUM_TEXT
from governance.alerts.query import MAXIMUM_PAGE
from governance.vocabulary import AlertKind, AlertState, Capacity, Severity, Verdict

LIMIT_DEFAULT = 50

Text = Annotated[str, Field(min_length=1, max_length=256)]
Words = Annotated[str, Field(min_length=1, max_length=MAXIMUM_TEXT, description="free text; stays with the alert")]
Patient = Annotated[str, Field(pattern=r"^p-[a-z2-7]{26}$", description="a patient's pseudonym")]


class AlertsQuery(BaseModel):
    """What a listing understands; every filter given must hold. ``cursor`` comes from the page before."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[
        AlertKind | None, Field(description="alerts alone, or notices alone; both when it is not given")
    ] = None
    state: AlertState | None = None
    review: Annotated[
        Literal["waiting"] | None, Field(description="notices that were drawn for review and wait for it")
    ] = None
    awaiting: Annotated[Text | None, Field(description="what the verdict of this trust is still wanted on")] = None
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
    """One step of an alert's history: an act of a person, or what happened by itself (``actor`` is the service)."""

    at: datetime
    actor: str
    ods: str | None
    change: Change
    comment: str | None
    assignee: str | None
    verdict: Verdict | None


class AskedView(BaseModel):
    """A trust whose verdict is wanted, and in what capacity."""

    ods: str
    capacity: Capacity


class VerdictView(AskedView):
    """What one trust concluded in one capacity."""

    verdict: Verdict
    reason: str
    at: datetime


class ReviewView(BaseModel):
    """The review of a notice: whether it was drawn, until when it is due, when it was done and by whom."""

    drawn: bool
    due: datetime | None
    done: datetime | None
    done_by: str | None


class BarView(BaseModel):
    """One bar of a picture: what was seen, and what is usual among peers."""

    label: str
    seen: float
    usual: float | None


class PictureView(BaseModel):
    """The data of one small picture: a person's days against their peers."""

    title: str
    unit: str
    bars: list[BarView]


class EventExplanationView(BaseModel):
    """Why somebody may have looked, as far as it is known now; ``pending`` while nobody has explained it yet."""

    index: int
    kind: str
    edge: str | None
    source: str | None
    age_seconds: float | None
    strength: float


class AlertView(BaseModel):
    """An alert or a notice; people and patients are pseudonyms, times are event times.

    ``events``, ``decision_ids``, ``token_jtis`` and ``subjects`` list 200 at the most; the totals say how many there
    are. ``verdict`` and ``reason`` are what a closed case came to. ``explanations``, one for each event listed, come
    with one alert that is read; in lists and in the stream they are null.
    """

    id: str
    number: int
    kind: AlertKind
    opened_at: datetime
    latest_at: datetime
    severity: Severity
    state: AlertState
    assignee: str | None
    verdicts: list[VerdictView]
    waits_for: list[AskedView]
    verdict: Verdict | None
    reason: str | None
    closed_by: ClosedBy | None
    review: ReviewView | None
    family: str
    rule_ids: list[str]
    subject: str | None
    subjects: list[str]
    subjects_total: int
    patient: str | None
    trusts: list[str]
    evidence: list[EvidenceView]
    picture: PictureView | None
    events: list[int]
    events_total: int
    explanations: list[EventExplanationView] | None
    agreement_ids: list[str]
    decision_ids: list[str]
    decisions_total: int
    token_jtis: list[str]
    tokens_total: int
    grouped_under: str | None
    joined_to: str | None
    history: list[HistoryView]


class AlertsPage(BaseModel):
    """Alerts, newest first; ``cursor`` is null on the last page."""

    alerts: list[AlertView]
    cursor: int | None


class NoticeView(BaseModel):
    """What one message of the stream carries: what changed last, whether to call somebody, and the alert as it is now.

    ``told`` is false for what only adds to an alert that was told; a notice is told each time it gains a use.
    """

    change: Change
    told: bool
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
    """What a person concluded, and why.

    It is the verdict of the caller's trust; the alert closes once nobody else's is wanted. A region-wide caller closes
    for all.
    """

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    reason: Words
    capacity: Annotated[
        Capacity | None, Field(description="in one capacity alone; without it in every one in which the trust is asked")
    ] = None


def view_of(alert: Alert, explanations: Mapping[int, EventExplanation] | None = None) -> AlertView:
    """Give an alert as the API shows it; with the explanations of its events where one alert is read."""
    case, totals = alert.case, alert.totals
    return AlertView(
        id=alert.id,
        number=alert.number,
        kind=alert.kind,
        opened_at=alert.opened_at,
        latest_at=alert.latest_at,
        severity=alert.severity,
        state=case.state,
        assignee=case.assignee,
        verdicts=[_verdict(given) for given in case.verdicts],
        waits_for=[AskedView(ods=party.ods, capacity=party.capacity) for party in sorted(case.waits_for)],
        verdict=case.verdict,
        reason=case.reason,
        closed_by=case.ending,
        review=_review(alert),
        family=alert.family,
        rule_ids=list(alert.rule_ids),
        subject=alert.subject,
        subjects=list(alert.subjects),
        subjects_total=totals.subjects,
        patient=alert.patient,
        trusts=list(alert.trusts),
        evidence=[EvidenceView(**asdict(item)) for item in alert.evidence],
        picture=None if alert.picture is None else PictureView.model_validate(asdict(alert.picture)),
        events=list(alert.events),
        events_total=totals.events,
        explanations=_explanations(explanations),
        agreement_ids=list(alert.agreement_ids),
        decision_ids=list(alert.decision_ids),
        decisions_total=totals.decisions,
        token_jtis=list(alert.token_jtis),
        tokens_total=totals.tokens,
        grouped_under=alert.grouped_under,
        joined_to=alert.joined_to,
        history=[_history(entry) for entry in alert.history],
    )


def _verdict(given: GivenVerdict) -> VerdictView:
    return VerdictView(ods=given.ods, capacity=given.capacity, verdict=given.verdict, reason=given.reason, at=given.at)


def _review(alert: Alert) -> ReviewView | None:
    review = alert.review
    if review is None:
        return None
    return ReviewView(drawn=review.drawn, due=review.due, done=review.done_at, done_by=review.done_by)


def _explanations(found: Mapping[int, EventExplanation] | None) -> list[EventExplanationView] | None:
    if found is None:
        return None
    return [EventExplanationView(index=index, **asdict(found[index])) for index in sorted(found)]


def _history(entry: HistoryEntry) -> HistoryView:
    return HistoryView(
        at=entry.at,
        actor=entry.actor,
        ods=entry.ods,
        change=entry.change,
        comment=entry.comment,
        assignee=entry.assignee,
        verdict=entry.verdict,
    )
