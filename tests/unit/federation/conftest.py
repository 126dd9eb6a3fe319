"""A directory of two trusts, a service and an AI service."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from governance.federation import (
    FederationDirectory,
    ServiceClient,
)
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database
from governance.vocabulary import SubjectType
from tests.worlds.federation import PROVIDER, TRUSTS


@pytest.fixture(scope="module")
def jwks() -> dict[str, Any]:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
    return {"keys": [key | {"kid": "k1", "use": "sig", "alg": "ES256"}]}


@pytest.fixture
def client(jwks: dict[str, Any]) -> ServiceClient:
    return ServiceClient(
        client_id="viewer-rkb",
        ods="RKB",
        name="Viewer",
        kind=SubjectType.SERVICE,
        jwks=jwks,
        scopes=frozenset({"access.evaluate", "audit.write"}),
        audiences=("https://archive.rrk.example",),
    )


@pytest.fixture
def triage(jwks: dict[str, Any]) -> ServiceClient:
    return ServiceClient(
        client_id="ich-triage",
        ods="RRK",
        name="Haemorrhage triage",
        kind=SubjectType.AI_SERVICE,
        jwks=jwks,
        ai_version="2.1",
    )


@pytest.fixture
def directory(database: Database, pseudonymiser: Pseudonymiser) -> FederationDirectory:
    made = FederationDirectory(pseudonymiser)
    with database.transaction() as session:
        for trust in TRUSTS:
            made.register_trust(session, trust)
        made.register_identity_provider(session, PROVIDER)
    return made
