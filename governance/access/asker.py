"""Who asks: a service or a person that proved who they are, as the use cases of this room see them."""

from dataclasses import dataclass
from typing import Protocol

from governance.federation import ServiceClient


class Asker(Protocol):
    """Who asks: a service or a person that proved who they are."""

    @property
    def id(self) -> str:
        """Their client id or pseudonym."""
        ...

    @property
    def ods(self) -> str | None:
        """Their trust; None for a region-wide caller."""
        ...


@dataclass(frozen=True, slots=True)
class _Asker:
    id: str
    ods: str | None


def asker_of(client: ServiceClient) -> Asker:
    """Take a registered service as the one who asks."""
    return _Asker(client.client_id, client.ods)
