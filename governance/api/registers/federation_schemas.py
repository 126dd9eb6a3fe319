"""What the federation's endpoints take and give. The directory checks what a value may be; these fix the shapes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from governance.federation import WHOLE_REGION, AiManifest, IdentityProvider, Person, ServiceClient, Trust
from governance.vocabulary import Attestation, Purpose, Role, Scope, SubjectType


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrustBody(_Shape):
    """An organisation of the network."""

    ods: str
    name: str

    def registered(self) -> Trust:
        """Give the organisation it registers."""
        return Trust(self.ods, self.name)


class IdentityProviderBody(_Shape):
    """An accepted issuer of identity tokens; without ``ods`` it is national and speaks for any organisation."""

    issuer: str
    ods: str | None = None
    jwks_uri: str
    audiences: list[str] = Field(description="The values of aud accepted in its tokens", min_length=1, max_length=20)

    def registered(self) -> IdentityProvider:
        """Give the identity provider it registers."""
        return IdentityProvider(self.issuer, self.ods, self.jwks_uri, tuple(self.audiences))


class ClientBody(_Shape):
    """A registered service. ``jwks`` holds public keys only (RFC 7517)."""

    client_id: str
    ods: str
    name: str
    kind: Literal["service", "ai_service"]
    jwks: dict[str, Any]
    scopes: list[Scope] = Field(default=[], max_length=50)
    audiences: list[str] = Field(default=[], description="Whom it may ask tokens for", max_length=100)
    ai_version: str | None = None
    token_audience: str | None = Field(default=None, description="Of an archive: the audience its tokens carry")
    asks_for: list[str] = Field(
        default=[],
        description="Trusts (ODS codes, * for all) whose people it may ask about beside its own",
        max_length=200,
    )
    attests: list[Attestation] = Field(
        default=[], description="What counts when it says it of its own trust's people", max_length=2
    )
    writes_for: Literal["region"] | Annotated[list[str], Field(max_length=100)] = Field(
        default=[],
        description="For which trusts beside its own it writes the registers its scopes open: ODS codes, or region",
    )
    origins: list[str] = Field(default=[], description="Web origins of its pages, for browsers (CORS)", max_length=20)

    def registered(self) -> ServiceClient:
        """Give the service it registers."""
        return ServiceClient(
            client_id=self.client_id,
            ods=self.ods,
            name=self.name,
            kind=SubjectType(self.kind),
            jwks=self.jwks,
            scopes=frozenset(scope.value for scope in self.scopes),
            audiences=tuple(self.audiences),
            ai_version=self.ai_version,
            token_audience=self.token_audience,
            asks_for=frozenset(self.asks_for),
            attests=frozenset(self.attests),
            writes_for=frozenset([WHOLE_REGION] if self.writes_for == WHOLE_REGION else self.writes_for),
            origins=tuple(self.origins),
        )


class CredentialsBody(_Shape):
    """What a service may prove itself with beside its keys; it replaces what was there.

    The secret is kept as a hash, and given back by nobody.
    """

    certificates: list[str] = Field(
        default=[], description="SHA-256 thumbprints, base64url (RFC 8705 x5t#S256)", max_length=10
    )
    secret: SecretStr | None = Field(default=None, description="32 to 256 printable ASCII characters without spaces")


class CredentialsAnswer(BaseModel):
    """What a service may prove itself with; of a secret only whether there is one."""

    client_id: str
    certificates: list[str]
    has_secret: bool


class ManifestBody(_Shape):
    """What one version of an AI service was assessed for."""

    service_id: str
    version: str
    modalities: list[str] = Field(max_length=50)
    body_parts: list[str] = Field(max_length=200)
    trusts: list[str] = Field(max_length=200)
    purposes: list[Purpose] = Field(max_length=20)
    daily_volume: int = Field(ge=1, le=10_000_000, description="Studies it may read in a day")

    def registered(self) -> AiManifest:
        """Give the manifest it registers, unapproved."""
        return AiManifest(
            service_id=self.service_id,
            version=self.version,
            modalities=frozenset(self.modalities),
            body_parts=frozenset(self.body_parts),
            trusts=frozenset(self.trusts),
            purposes=frozenset(self.purposes),
            daily_volume=self.daily_volume,
        )


class PersonBody(_Shape):
    """A console account. ``subject`` is kept and given back as a pseudonym."""

    issuer: str
    subject: str = Field(min_length=1, max_length=200)
    ods: str
    roles: list[Role] = Field(max_length=20)

    def registered(self) -> Person:
        """Give the console account it registers; its subject is still as it was sent."""
        return Person(self.issuer, self.subject, self.ods, frozenset(self.roles))


class ManifestAnswer(ManifestBody):
    """A manifest and its approval."""

    approved: bool
    approved_at: datetime | None
    withdrawn_at: datetime | None


class TrustList(BaseModel):
    """Every organisation, by ODS code."""

    trusts: list[TrustBody]


class IdentityProviderList(BaseModel):
    """Every identity provider, by issuer."""

    identity_providers: list[IdentityProviderBody]


class ClientList(BaseModel):
    """Every registered service, by client id."""

    clients: list[ClientBody]


class ManifestList(BaseModel):
    """Every manifest, by service and version."""

    manifests: list[ManifestAnswer]


class PersonList(BaseModel):
    """Every console account, by issuer and subject."""

    persons: list[PersonBody]
