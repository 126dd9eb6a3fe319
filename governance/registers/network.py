"""A whole network as one document names it: its organisations, their issuers, services, AI manifests and accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.federation import AiManifest, IdentityProvider, Person, ServiceClient, Trust


@dataclass(frozen=True, slots=True)
class ApprovedManifest:
    """A manifest, and since when its version is approved; None while it is not."""

    manifest: AiManifest
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Network:
    """What is registered together."""

    trusts: Sequence[Trust] = ()
    identity_providers: Sequence[IdentityProvider] = ()
    clients: Sequence[ServiceClient] = ()
    manifests: Sequence[ApprovedManifest] = ()
    persons: Sequence[Person] = ()

    def counts(self) -> dict[str, int]:
        """Give how many there are of each part."""
        return {
            "trusts": len(self.trusts),
            "identity_providers": len(self.identity_providers),
            "clients": len(self.clients),
            "manifests": len(self.manifests),
            "persons": len(self.persons),
        }
