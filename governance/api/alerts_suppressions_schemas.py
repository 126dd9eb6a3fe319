"""Shapes of the endpoints of suppressions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from governance.alerts import Suppression, SuppressionKind
from governance.alerts.suppressions import Withheld
from governance.alerts.suppressions.suppression import MAXIMUM_TEXT
from governance.vocabulary import Severity

LIMIT_DEFAULT, LIMIT_MAXIMUM = 50, 200
Text = Annotated[str, Field(min_length=1, max_length=256)]
Words = Annotated[str, Field(min_length=1, max_length=MAXIMUM_TEXT, description="free text; stays with it")]


class SuppressionsQuery(BaseModel):
    """What a listing understands; ``cursor`` comes from the page before."""

    model_config = ConfigDict(extra="forbid")

    ended: bool = Field(default=False, description="those that ended or expired too")
    cursor: Text | None = None
    limit: int = Field(default=LIMIT_DEFAULT, ge=1, le=LIMIT_MAXIMUM)


class SuppressionBody(BaseModel):
    """What is to be held back, for whom, why and until when.

    A suppression names a rule or a signal. A known relation names a user and a patient, and nothing else.
    """

    model_config = ConfigDict(extra="forbid")

    kind: SuppressionKind = SuppressionKind.SUPPRESSION
    reason: Words
    expires_at: Annotated[AwareDatetime, Field(description="at most 90 days from now")]
    rule: Annotated[Text | None, Field(description="id of a detector")] = None
    signal: Annotated[Text | None, Field(description="a signal, as alerts name it in their evidence")] = None
    subject: Annotated[Text | None, Field(description="user id or pseudonym, or a service's id")] = None
    team: Annotated[Text | None, Field(description="a team's id or pseudonym")] = None
    patient: Annotated[Text | None, Field(description="NHS number, or the patient's pseudonym")] = None
    trust: Annotated[Text | None, Field(description="ODS code; a trust names its own alone")] = None


class SuppressionEnd(BaseModel):
    """Why it ends."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


class SuppressionView(BaseModel):
    """A suppression or a known relation; people and patients are pseudonyms.

    ``ods`` is whose it is (null: the region's), ``trust`` part of its scope. ``state`` is waiting (for a second
    person), in_force, expired or ended. ``hits`` counts the findings it held back.
    """

    id: str
    kind: SuppressionKind
    state: str
    ods: str | None
    rule: str | None
    signal: str | None
    subject: str | None
    team: str | None
    patient: str | None
    trust: str | None
    reason: str
    owner: str
    set_at: datetime
    expires_at: datetime
    needs_approval: bool
    approved_by: str | None
    approved_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    end_reason: str | None
    hits: int
    last_hit_at: datetime | None


class WithheldView(BaseModel):
    """One finding that was held back, and the log entries it rests on; ``occurred_at`` is event time."""

    rule: str
    severity: Severity
    occurred_at: datetime
    events: list[int]
    sentence: str


class SuppressionWhole(SuppressionView):
    """A suppression with the latest of what it held back."""

    withheld: list[WithheldView]


class SuppressionsPage(BaseModel):
    """Suppressions by their ids; ``cursor`` is null on the last page."""

    suppressions: list[SuppressionView]
    cursor: str | None


def view_of(held: Suppression, now: datetime) -> SuppressionView:
    """Give a suppression as the API shows it."""
    values = {name: getattr(held, name) for name in SuppressionView.model_fields if name != "state"}
    return SuppressionView(state=held.state_at(now), **values)


def whole_of(held: Suppression, withheld: tuple[Withheld, ...], now: datetime) -> SuppressionWhole:
    """Give a suppression with what it held back."""
    shown = [
        WithheldView(
            rule=one.rule,
            severity=one.severity,
            occurred_at=one.occurred_at,
            events=list(one.events),
            sentence=one.sentence,
        )
        for one in withheld
    ]
    return SuppressionWhole(**view_of(held, now).model_dump(), withheld=shown)
