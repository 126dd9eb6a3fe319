"""A tenant and what it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.access import Searched
from governance.decisions import TenantPolicy

EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Entity:
    """Somebody or something a tenant knows, in AuthZEN's terms (section 5); an action has its name as ``id``."""

    type: str
    id: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """May this subject do this with this resource: each as AuthZEN writes it, with ``properties`` always there."""

    subject: Mapping[str, Any]
    action: Mapping[str, Any]
    resource: Mapping[str, Any]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as its folder says.

    ``name`` is part of its addresses, ``title`` is for people. ``clients`` are the registered services that may ask,
    ``*`` for every one that holds the scope. ``searches`` is what can be searched, over ``entities``: those of a kind
    in the order of the data. ``receipts`` says whether an answer tells where it is recorded.
    """

    name: str
    title: str
    policy: TenantPolicy
    clients: frozenset[str]
    searches: frozenset[Searched]
    entities: Mapping[Searched, tuple[Entity, ...]]
    receipts: bool = True

    def admits(self, client_id: str) -> bool:
        """Say whether a registered service may ask here."""
        return EVERYBODY in self.clients or client_id in self.clients

    def knows(self, kind: Searched, type_: str, id_: str) -> bool:
        """Say whether the tenant's data has an entity."""
        return any(entity.type == type_ and entity.id == id_ for entity in self.entities[kind])

    def knows_type(self, kind: Searched, type_: str) -> bool:
        """Say whether the tenant's data has an entity of a type."""
        return any(entity.type == type_ for entity in self.entities[kind])
