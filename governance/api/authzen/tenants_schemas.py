"""What a tenant's endpoints take: AuthZEN's own shapes, whose types, actions and properties are the tenant's."""

from typing import Any

from pydantic import Field

from governance.api.authzen.schemas import TEXT, SearchPage
from governance.api.authzen.schemas import _Open as Open


class TenantEntity(Open):
    """Who acts, or what it is done to (AuthZEN sections 5.1 and 5.2)."""

    type: str = Field(min_length=1, max_length=TEXT)
    id: str = Field(min_length=1, max_length=TEXT)
    properties: dict[str, Any] = Field(default_factory=dict)


class TenantAction(Open):
    """What is done (section 5.3)."""

    name: str = Field(min_length=1, max_length=TEXT)
    properties: dict[str, Any] = Field(default_factory=dict)


class TenantSearched(Open):
    """Whom or what a search looks for (sections 8.2 and 8.3): a type; properties narrow it, an id is ignored."""

    type: str = Field(min_length=1, max_length=TEXT)
    properties: dict[str, Any] = Field(default_factory=dict)


class TenantEvaluationRequest(Open):
    """One question to a tenant."""

    subject: TenantEntity
    action: TenantAction
    resource: TenantEntity
    context: dict[str, Any] = Field(default_factory=dict)


class TenantSubjectSearchRequest(Open):
    """A search for those who may do this with this resource (section 8.2)."""

    subject: TenantSearched
    action: TenantAction
    resource: TenantEntity
    context: dict[str, Any] = Field(default_factory=dict)
    page: SearchPage = SearchPage.model_construct(token=None, limit=None)


class TenantResourceSearchRequest(Open):
    """A search for the resources they may do this with (section 8.3)."""

    subject: TenantEntity
    action: TenantAction
    resource: TenantSearched
    context: dict[str, Any] = Field(default_factory=dict)
    page: SearchPage = SearchPage.model_construct(token=None, limit=None)


class TenantActionSearchRequest(Open):
    """A search for what they may do with this resource (section 8.4)."""

    subject: TenantEntity
    resource: TenantEntity
    context: dict[str, Any] = Field(default_factory=dict)
    page: SearchPage = SearchPage.model_construct(token=None, limit=None)


class TenantMetadata(Open):
    """Where a tenant's endpoints are (section 9); what cannot be searched has none."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str | None = None
    search_resource_endpoint: str | None = None
    search_action_endpoint: str | None = None
    jwks_uri: str
    signed_metadata: str
