"""Shapes of the AuthZEN Authorization API 1.0, as far as imaging uses them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TEXT = 256  # characters of an identifier or a code
REASON = 500  # characters of a reason a person gives
TOKEN = 16_384  # characters of a token about a subject
PAGE_TOKEN = 1_024  # characters of a page token
SEARCH_LIMIT = 50  # results of a page when nobody says how many
SEARCH_MAXIMUM = 500  # results of a page at most


class _Open(BaseModel):
    """AuthZEN entities may carry members this service does not know (section 5): they are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)


class SubjectProperties(_Open):
    """What the caller says of who acts: the staff register, or a token, says who it is.

    It can only make an answer stricter. ``assurance`` and ``managed_device`` count from a service that is registered to
    attest them of its own trust's people.
    """

    role: str | None = Field(None, max_length=TEXT, description="role of the network, such as consultant_radiologist")
    ods: str | None = Field(None, max_length=10, description="ODS code of the organisation the subject acts for")
    assurance: int | None = Field(None, ge=0, le=3, description="identity assurance level (1 to 3)")
    managed_device: bool | None = None
    version: str | None = Field(None, max_length=TEXT, description="version an AI service runs")
    issuer: str | None = Field(None, max_length=2_000, description="identity provider in whose names the id is one")


class Subject(_Open):
    """Who acts (AuthZEN section 5.1)."""

    type: str = Field(min_length=1, max_length=TEXT, description="practitioner, service or ai_service")
    id: str = Field(min_length=1, max_length=TEXT)
    properties: SubjectProperties = SubjectProperties.model_construct()


class NamedAction(_Open):
    """What is done (section 5.3)."""

    name: str = Field(min_length=1, max_length=TEXT, description="read, search, report, annotate, export or delete")
    properties: dict[str, Any] = Field(default_factory=dict)


class Resource(_Open):
    """What it is done to (section 5.2): a study, by its instance UID."""

    type: str = Field(min_length=1, max_length=TEXT, description="study")
    id: str = Field(min_length=1, max_length=TEXT)
    properties: dict[str, Any] = Field(default_factory=dict)


class Emergency(_Open):
    """An emergency override or a self-claimed relationship, with the reason the person gives."""

    reason: str = Field(max_length=REASON)


class Context(_Open):
    """Why, and what the enforcement point can do about it (section 5.4)."""

    purpose: str = Field("TREAT", max_length=TEXT, description="HL7 v3 ActReason code")
    break_glass: Emergency | None = None
    self_claim: Emergency | None = None
    supported_obligations: list[str] | None = Field(
        None, description="obligation types the enforcement point can do; what it cannot do denies"
    )
    subject_token: str | None = Field(
        None,
        max_length=TOKEN,
        description="identity token of the subject, or access token of ours about them (RFC 8693)",
    )
    subject_token_type: Literal[
        "urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:access_token"
    ] = Field("urn:ietf:params:oauth:token-type:id_token", description="which of the two it is (RFC 8693 section 3)")


class EvaluationRequest(_Open):
    """One question."""

    subject: Subject
    action: NamedAction
    resource: Resource
    context: Context = Context.model_construct(purpose="TREAT")


class Options(_Open):
    """How a batch is evaluated (section 7.1.2)."""

    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = "execute_all"


class EvaluationsRequest(_Open):
    """Many questions; top-level members are defaults of each."""

    subject: dict[str, Any] | None = None
    action: dict[str, Any] | None = None
    resource: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    evaluations: list[dict[str, Any]] = Field(default_factory=list, max_length=1_000)
    options: Options = Options.model_construct(evaluations_semantic="execute_all")


class EvaluationAnswer(BaseModel):
    """A decision and why (section 6.2); ``context`` names the signed clause it stands on."""

    decision: bool
    context: dict[str, Any] = Field(default_factory=dict)


class EvaluationsAnswer(BaseModel):
    """Decisions in the order of the questions."""

    evaluations: list[EvaluationAnswer]


class SearchedSubject(_Open):
    """Whom a subject search looks for (section 8.2): their kind; an id is ignored.

    ``role`` and ``ods`` narrow the search. ``assurance``, ``managed_device`` and ``version`` say how those found are to
    act: what is not said counts as not known.
    """

    type: str = Field(min_length=1, max_length=TEXT, description="practitioner, service or ai_service")
    properties: SubjectProperties = SubjectProperties.model_construct()


class SearchedResource(_Open):
    """What a resource search looks for (section 8.3): studies; an id is ignored."""

    type: str = Field(min_length=1, max_length=TEXT, description="study")


class SearchPage(_Open):
    """Which part of the results (section 8.1.1); a token goes with the very request it came for."""

    token: str | None = Field(None, max_length=PAGE_TOKEN, description="next_token of the page before")
    limit: int | None = Field(
        None, ge=0, description=f"results of a page; {SEARCH_LIMIT} when it is left out, {SEARCH_MAXIMUM} at most"
    )
    properties: dict[str, Any] = Field(default_factory=dict)


class SubjectSearchRequest(_Open):
    """A search for those who may do this with this study (section 8.2)."""

    subject: SearchedSubject
    action: NamedAction
    resource: Resource
    context: Context = Context.model_construct(purpose="TREAT")
    page: SearchPage = SearchPage.model_construct(token=None, limit=None)


class ResourceSearchRequest(_Open):
    """A search for the studies they may do this with (section 8.3)."""

    subject: Subject
    action: NamedAction
    resource: SearchedResource
    context: Context = Context.model_construct(purpose="TREAT")
    page: SearchPage = SearchPage.model_construct(token=None, limit=None)


class ActionSearchRequest(_Open):
    """A search for what they may do with this study (section 8.4)."""

    subject: Subject
    resource: Resource
    context: Context = Context.model_construct(purpose="TREAT")
    page: SearchPage = SearchPage.model_construct(token=None, limit=None)


class NextPage(BaseModel):
    """Where the results go on (section 8.1.2); an empty token is the end."""

    next_token: str
    count: int


class SearchAnswer(BaseModel):
    """What was found: entities by type and id, actions by name."""

    page: NextPage
    results: list[dict[str, Any]]
    context: dict[str, Any] = Field(default_factory=dict)


class Metadata(BaseModel):
    """Where the endpoints are and what they can do (section 9); ``signed_metadata`` is a JWT of the same values."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    access_request_endpoint: str
    search_subject_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str
    capabilities: list[str]
    supported_obligations: list[str]
    jwks_uri: str
    signed_metadata: str
