"""Shapes of the token endpoints, for the API's description; the forms themselves are read by the tokens room."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ClientAuthentication(BaseModel):
    """How a client proves itself in a form (RFC 7523 section 2.2)."""

    client_assertion_type: str | None = Field(
        None, description="urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    )
    client_assertion: str | None = Field(None, description="a JWT signed with the client's registered key")


class TokenRequest(ClientAuthentication):
    """The form of a token request."""

    grant_type: str = Field(description="client_credentials or urn:ietf:params:oauth:grant-type:token-exchange")
    scope: str | None = None
    audience: str | None = Field(None, description="exchange: whom the token is for")
    resource: str | None = Field(None, description="the same as audience")
    subject_token: str | None = Field(None, description="exchange: the identity token of the person")
    subject_token_type: str | None = None
    requested_token_type: str | None = None
    authorization_details: str | None = Field(
        None, description="exchange: JSON array of one imaging_study object: study_uid, actions, purpose"
    )


class TokenAnswer(BaseModel):
    """A token (RFC 6749 section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    issued_token_type: str | None = None


class IntrospectionRequest(ClientAuthentication):
    """The form of an introspection."""

    token: str


class IntrospectionResponse(BaseModel):
    """What is known of a token; only ``active`` when it is not (RFC 7662 section 2.2)."""

    model_config = ConfigDict(extra="allow")

    active: bool


class RevocationRequest(ClientAuthentication):
    """The form of a revocation."""

    token: str


class ServerMetadata(BaseModel):
    """Authorization server metadata (RFC 8414 section 2)."""

    model_config = ConfigDict(extra="allow")

    issuer: str
    token_endpoint: str
    jwks_uri: str


class KeySet(BaseModel):
    """A JWK set (RFC 7517 section 5)."""

    keys: list[dict[str, Any]]
