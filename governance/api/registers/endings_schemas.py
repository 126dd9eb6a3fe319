"""What the endpoint that ends registrations takes and gives."""

from dataclasses import asdict
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from governance.federation import Registered, Standing
from governance.registers import Ending, Target


class EndingBody(BaseModel):
    """One act on one registration, which its kind and its keys name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Registered = Field(description="client, credentials, enforcement_key, identity_provider, person or network")
    client_id: str | None = Field(None, max_length=200, description="Of a client, its credentials or its archive's key")
    issuer: str | None = Field(None, max_length=500, description="Of an identity provider, or who names a person")
    subject: str | None = Field(None, max_length=200, description="Of a person, plain or as a pseudonym")
    act: Ending = Field(
        description="suspend, resume, delete, not_before, or rotate an enforcement_key; of the network not_before alone"
    )
    not_before: AwareDatetime | None = Field(
        None, description="With not_before: what was issued or begun up to then is dead; now without it"
    )

    def target(self) -> Target:
        """Give what it names."""
        by_issuer = self.kind in {Registered.IDENTITY_PROVIDER, Registered.PERSON}
        return Target(self.kind, (self.issuer if by_issuer else self.client_id) or "", self.subject)


class StandingAnswer(BaseModel):
    """Where a registration stands.

    ``name`` is its client id or its issuer; of a person, their trust or national issuer, a space, and their pseudonym.
    """

    kind: Registered
    name: str
    in_force: bool
    suspended_at: datetime | None
    deleted_at: datetime | None
    not_before: datetime | None
    by_region: bool = Field(
        description="The network's office has put it out of force, or a part in that: it alone brings it back"
    )
    generation: int = Field(description="Of an enforcement_key: how many keys there were before this one")

    @classmethod
    def of(cls, standing: Standing) -> "StandingAnswer":
        """Give the answer for a standing."""
        return cls(in_force=standing.in_force, **asdict(standing))


class StandingList(BaseModel):
    """Where everything stands that was ever suspended, deleted or bounded."""

    standings: list[StandingAnswer]
