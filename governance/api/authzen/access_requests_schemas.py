"""Shapes of the AuthZEN access-request draft, as far as an emergency uses them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from governance.api.authzen.schemas import REASON, TEXT, Context, NamedAction, Resource, Subject

TOKEN = 1_024  # characters of a binding token
INSTANT = 64  # characters of a time


class _Open(BaseModel):
    """Members this service does not know are ignored, as everywhere in AuthZEN."""

    model_config = ConfigDict(extra="ignore", strict=True)


class RequestContext(Context):
    """The context of the denied evaluation, with what the person adds."""

    business_justification: str | None = Field(
        None, max_length=REASON, description="why it is an emergency; break_glass.reason says the same"
    )


class RequestedAccess(_Open):
    """What is asked for."""

    emergency: bool = Field(False, description="must be true: nothing else can be requested here")
    requested_until: str | None = Field(None, max_length=INSTANT, description="RFC 3339; the grant ends then at last")


class Denial(_Open):
    """The denial that is answered, with the members of its context sent back unchanged."""

    expires_at: str = Field(max_length=INSTANT)
    evaluation_id: str | None = Field(None, max_length=TEXT)
    binding_token: str | None = Field(None, max_length=TOKEN)
    reason: str | None = Field(None, max_length=TEXT)


class AccessRequestSubmission(_Open):
    """A request to open what was denied, for some minutes, because it is an emergency."""

    subject: Subject
    action: NamedAction
    resource: Resource
    context: RequestContext
    requested_access: RequestedAccess
    denial: Denial
    client: dict[str, Any] | None = Field(None, description="kept nowhere: the caller is who authenticated")


class Task(BaseModel):
    """The task; ``expires_at`` is when it can no longer be looked up."""

    id: str
    status: str = Field(description="approved")
    status_endpoint: str
    expires_at: str
    links: dict[str, str] = Field(description="revoke: where the grant is ended before its time")


class Approval(BaseModel):
    """The grant; it opens nothing until an evaluation finds it and permits."""

    id: str
    approved_at: str
    approved_until: str


class Result(BaseModel):
    """What to do now: ``reevaluate``."""

    mode: str
    approval: Approval


class TaskAnswer(BaseModel):
    """A task and its result."""

    task: Task
    result: Result
