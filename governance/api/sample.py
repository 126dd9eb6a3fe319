"""The random audit: accesses drawn by chance, verdicts on them, and the miss rate that follows."""

from datetime import date, datetime
from typing import Annotated

from flask import Blueprint, Response, jsonify
from pydantic import BaseModel, ConfigDict, Field

from governance.api.alerts import viewer
from governance.detection.sampling import Drawn, SampleQuery, Summary
from governance.detection.sampling.sampling import HIGHEST_RATE, MAXIMUM_PAGE, MAXIMUM_REASON
from governance.vocabulary import Scope, Verdict
from governance.web import current_services, operation, requires
from governance.web.body import query as read_query
from governance.web.body import validated

blueprint = Blueprint("sample", __name__)
_PATH = "/alerts/v1/sample"


class SampleFilter(BaseModel):
    """What a listing understands; ``cursor`` comes from the page before."""

    model_config = ConfigDict(extra="forbid")

    judged: bool | None = None
    cursor: int | None = Field(default=None, ge=0, lt=2**62)
    limit: int = Field(default=50, ge=1, le=MAXIMUM_PAGE)


class DrawnView(BaseModel):
    """One drawn access and what somebody found; people, patients and studies are pseudonyms."""

    index: int
    ods: str
    day: date
    at: datetime
    subject: str
    patient: str | None
    study: str | None
    verdict: Verdict | None
    reason: str | None
    judged_by: str | None
    judged_at: datetime | None


class SummaryView(BaseModel):
    """What is known of one trust: the interval holds the true share with 95 % confidence (Wilson)."""

    ods: str
    rate: float
    looked: int = Field(description="unexplained accesses without an alert, on the days that were drawn")
    drawn: int
    waiting: int
    judged: int
    wrong: int
    unclear: int = Field(description="left out of the miss rate")
    miss_rate: float | None
    low: float
    high: float
    sentence: str


class SamplePage(BaseModel):
    """Drawn accesses, newest first, and what is known; ``cursor`` is null on the last page."""

    drawn: list[DrawnView]
    summaries: list[SummaryView]
    cursor: int | None


class SampleVerdict(BaseModel):
    """What a person found, and why."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    reason: Annotated[str, Field(min_length=1, max_length=MAXIMUM_REASON, description="free text; stays here")]


class SampleRate(BaseModel):
    """The share of unexplained accesses without an alert that is drawn; ``ods`` by whoever acts for the region."""

    model_config = ConfigDict(extra="forbid")

    rate: float = Field(gt=0, le=HIGHEST_RATE)
    ods: str | None = None


@blueprint.get(_PATH)
@requires(Scope.ALERTS_READ)
@operation(summary="List what the random audit drew", tag="alerts", query=SampleFilter, response=SamplePage)
def sample() -> Response:
    """Give a page of drawn accesses, and the miss rate of each trust."""
    asked, sampling = read_query(SampleFilter), current_services().uses.sampling
    found = sampling.list(viewer(), SampleQuery(asked.judged, asked.cursor, asked.limit))
    shown = found[: asked.limit]
    answer = SamplePage(
        drawn=[_drawn(one) for one in shown],
        summaries=[_summary(one) for one in sampling.summaries(viewer())],
        cursor=shown[-1].index if len(found) > asked.limit else None,
    )
    return jsonify(answer.model_dump(mode="json"))


@blueprint.post(f"{_PATH}/<int:index>/verdict")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Judge an access that was drawn",
    tag="alerts",
    request=SampleVerdict,
    response=DrawnView,
    refusals={409: "Somebody judged it already."},
    example={"verdict": "justified", "reason": "The patient was on the ward's list; its feed came late."},
)
def verdict(index: int) -> Response:
    """Judge; a verdict stands."""
    asked = validated(SampleVerdict)
    return jsonify(
        _drawn(current_services().uses.sampling.judge(viewer(), index, asked.verdict, asked.reason)).model_dump(
            mode="json"
        )
    )


@blueprint.post(f"{_PATH}/rate")
@requires(Scope.ALERTS_REVIEW)
@operation(
    summary="Choose how much the random audit draws",
    tag="alerts",
    request=SampleRate,
    response=SampleRate,
    example={"rate": 0.001},
)
def rate() -> Response:
    """Choose the rate of a trust, for days that end from now on."""
    asked = validated(SampleRate)
    chosen = current_services().uses.sampling.choose_rate(viewer(), asked.ods, asked.rate)
    return jsonify(SampleRate(rate=chosen, ods=asked.ods or viewer().ods).model_dump(mode="json"))


def _drawn(one: Drawn) -> DrawnView:
    return DrawnView(
        index=one.index,
        ods=one.ods,
        day=one.day,
        at=one.at,
        subject=one.subject,
        patient=one.patient,
        study=one.study,
        verdict=one.verdict,
        reason=one.reason,
        judged_by=one.by,
        judged_at=one.judged_at,
    )


def _summary(one: Summary) -> SummaryView:
    return SummaryView(
        ods=one.ods,
        rate=one.rate,
        looked=one.looked,
        drawn=one.drawn,
        waiting=one.waiting,
        judged=one.miss.judged,
        wrong=one.miss.wrong,
        unclear=one.unclear,
        miss_rate=one.miss.share,
        low=one.miss.low,
        high=one.miss.high,
        sentence=one.sentence,
    )
