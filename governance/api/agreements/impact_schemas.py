"""Request and response bodies of impact analysis."""

from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from governance.agreements import InForce, Moved, Transition
from governance.agreements.documents import check
from governance.impact import ImpactReport
from governance.impact.comparison import Effect
from governance.impact.impact import EXAMPLES_MAXIMUM
from governance.impact.rendering import document
from governance.vocabulary import Purpose

CHANGES_MAXIMUM = 20


class SupposedChange(BaseModel):
    """Either a document as if it were signed and in force, or a step of a version on file."""

    model_config = ConfigDict(extra="forbid")

    agreement: dict[str, Any] | None = None
    agreement_id: Annotated[str, StringConstraints(max_length=64)] | None = None
    version: Annotated[int, Field(ge=1, le=9999)] | None = None
    transition: Literal["activate", "expire", "suspend", "terminate"] | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        named = [self.agreement_id, self.version, self.transition]
        whole = None not in named if self.agreement is None else not any(one is not None for one in named)
        if not whole:
            raise ValueError("give either agreement, or agreement_id with version and transition")
        return self


class ImpactRequest(SupposedChange):
    """What would change, and over which period of decisions; ``also`` holds changes made together with the first."""

    also: Annotated[list[SupposedChange], Field(max_length=CHANGES_MAXIMUM - 1)] = []
    since: AwareDatetime
    until: AwareDatetime
    examples: Annotated[int, Field(ge=0, le=EXAMPLES_MAXIMUM)] = 3


class ExampleView(BaseModel):
    """A decision, by its id and its place in the log."""

    decision_id: str
    log_index: int


class AccessChangeView(BaseModel):
    """Decisions whose outcome changes alike. ``trust`` asks, ``custodian`` holds the images."""

    effect: Effect
    trust: str
    custodian: str
    role: str
    purpose: Purpose
    action: str
    decisions: int
    reasons: dict[str, int]
    examples: list[ExampleView]


class NotReproducedView(BaseModel):
    """Decisions that today's policy decides otherwise than was logged; ``other_revision`` were made on other terms."""

    permitted_then: int
    denied_then: int
    other_revision: int


class ImpactView(BaseModel):
    """Who gains and who loses, and how far to trust it; ``recorded_as`` is the log index of the record of this look.

    ``policy_revision`` names the agreements' terms and ``rules`` the policies they were asked by; both as they are and
    as they would be.
    """

    since: AwareDatetime
    until: AwareDatetime
    policy_revision: str
    supposed_revision: str
    rules: str
    supposed_rules: str
    decisions: int
    gains: int
    loses: int
    may_gain: int
    may_lose: int
    still_permitted: int
    still_denied: int
    set_aside: dict[str, int]
    not_reproduced: NotReproducedView
    changes: list[AccessChangeView]
    summary: list[str]
    recorded_as: int


def changes_of(asked: ImpactRequest) -> tuple[InForce | Moved, ...]:
    """Give what is supposed, every document checked; raises InvalidInput with each fault named by its path."""
    rest = (_change(one, f"/also/{number}/agreement") for number, one in enumerate(asked.also))
    return (_change(asked, "/agreement"), *rest)


def view_of(report: ImpactReport, recorded_as: int) -> ImpactView:
    """Show a report."""
    return ImpactView.model_validate(document(report) | {"recorded_as": recorded_as})


def _change(asked: SupposedChange, prefix: str) -> InForce | Moved:
    if asked.agreement_id is not None and asked.version is not None and asked.transition is not None:
        return Moved(asked.agreement_id, asked.version, Transition(asked.transition))
    return InForce(check(asked.agreement or {}, prefix).agreement)
