"""Shapes of the endpoints of legal holds."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from governance.erasure.holds import TEXT

LIMIT_DEFAULT, LIMIT_MAXIMUM = 50, 200
Text = Annotated[str, Field(min_length=1, max_length=256)]
Words = Annotated[str, Field(min_length=1, max_length=TEXT, description="free text; stays with the hold")]


class HoldsQuery(BaseModel):
    """What a listing understands; ``cursor`` comes from the page before."""

    model_config = ConfigDict(extra="forbid")

    ended: bool = Field(False, description="those that were ended too")
    cursor: Text | None = None
    limit: int = Field(LIMIT_DEFAULT, ge=1, le=LIMIT_MAXIMUM)


class HoldBody(BaseModel):
    """A hold on a patient, a member of staff or a case: exactly one of them."""

    model_config = ConfigDict(extra="forbid")

    reason: Words
    patient: Text | None = Field(None, description="NHS number, or the patient's pseudonym")
    staff: Text | None = Field(
        None,
        description="user id or pseudonym, of the caller's own trust; for the network's office of any",
    )
    case: Text | None = Field(None, description="id of an alert: whoever it names is held")


class EndBody(BaseModel):
    """Why a hold ends."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


class HoldView(BaseModel):
    """A hold; ``person`` is a pseudonym, ``ended_at`` is null while it holds."""

    id: str
    person: str | None
    case: str | None
    reason: str
    ods: str | None
    set_by: str
    set_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    end_reason: str | None


class HoldsPage(BaseModel):
    """Holds by their ids; ``cursor`` is null on the last page."""

    holds: list[HoldView]
    cursor: str | None
