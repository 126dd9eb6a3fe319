"""Two trusts, an identity provider, an AI manifest, and how values are registered with a directory."""

from datetime import UTC, datetime

import pytest

from governance.errors import InvalidInput
from governance.federation import (
    AiManifest,
    FederationDirectory,
    IdentityProvider,
    Person,
    ServiceClient,
    Trust,
)
from governance.storage import Database
from governance.vocabulary import Purpose

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TRUSTS = (Trust("RKB", "Coventry and Warwickshire"), Trust("RRK", "Birmingham"))
PROVIDER = IdentityProvider("https://id.rrk.example", "RRK", "https://id.rrk.example/jwks", ("imaging-governance",))
MANIFEST = AiManifest(
    service_id="ich-triage",
    version="2.1",
    modalities=frozenset({"CT"}),
    body_parts=frozenset({"HEAD"}),
    trusts=frozenset({"RRK", "RKB"}),
    purposes=frozenset({Purpose.TREAT, Purpose.ETREAT}),
    daily_volume=400,
)


def register(database: Database, directory: FederationDirectory, *values: object) -> None:
    inserts = {
        AiManifest: directory.register_manifest,
        IdentityProvider: directory.register_identity_provider,
        Person: directory.register_person,
        ServiceClient: directory.register_client,
        Trust: directory.register_trust,
    }
    with database.transaction() as session:
        for value in values:
            inserts[type(value)](session, value)  # type: ignore[operator]


def faults(database: Database, directory: FederationDirectory, value: object) -> set[str]:
    with pytest.raises(InvalidInput) as refused:
        register(database, directory, value)
    return {fault.path for fault in refused.value.faults}
