"""Services in the federation's directory: what may be registered, their keys, their token audience."""

from dataclasses import replace
from typing import Any

import pytest

from governance.errors import Conflict
from governance.federation import (
    FederationDirectory,
    ServiceClient,
)
from governance.storage import Database
from governance.vocabulary import SubjectType
from tests.worlds.federation import faults, register


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"client_id": ""}, "/client_id"),
        ({"client_id": "a/b"}, "/client_id"),
        ({"client_id": "../x"}, "/client_id"),
        ({"client_id": "imaging-governance"}, "/client_id"),
        ({"client_id": "Imaging-Governance-2"}, "/client_id"),
        ({"ods": "RJE"}, "/ods"),
        ({"name": "a\nb"}, "/name"),
        ({"kind": SubjectType.PRACTITIONER}, "/kind"),
        ({"scopes": frozenset({"everything"})}, "/scopes"),
        ({"audiences": ("",)}, "/audiences/0"),
        ({"ai_version": "1"}, "/ai_version"),
        ({"kind": SubjectType.AI_SERVICE}, "/ai_version"),
        ({"token_audience": ""}, "/token_audience"),
        ({"asks_for": frozenset({"*", "rkb?"})}, "/asks_for"),
    ],
)
def test_refuses_a_service_that_cannot_be_right(
    database: Database, directory: FederationDirectory, client: ServiceClient, changes: dict[str, Any], path: str
) -> None:
    assert path in faults(database, directory, replace(client, **changes))


def test_names_everything_wrong_with_a_registration(
    database: Database, directory: FederationDirectory, client: ServiceClient
) -> None:
    wrong = replace(client, client_id="", ods="RJE", name="", jwks={})

    assert faults(database, directory, wrong) == {"/client_id", "/ods", "/name", "/jwks/keys"}


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        ({"d": "AAAA"}, "/jwks/keys/0"),
        ({"k": "AAAA"}, "/jwks/keys/0"),
        ({"kid": None}, "/jwks/keys/0/kid"),
        ({"kid": ""}, "/jwks/keys/0/kid"),
        ({"use": "enc"}, "/jwks/keys/0/use"),
        ({"kty": "oct"}, "/jwks/keys/0"),
        ({"crv": "P-192"}, "/jwks/keys/0"),
        ({"x": "AAAA"}, "/jwks/keys/0"),
        ({"x": "!" * 43}, "/jwks/keys/0"),
        ({"y": None}, "/jwks/keys/0"),
        ({"kty": "RSA", "n": "A" * 171, "e": "AQAB"}, "/jwks/keys/0"),
        ({"kty": "OKP", "crv": "X25519"}, "/jwks/keys/0"),
    ],
)
def test_a_key_set_holds_public_signing_keys_only(
    database: Database, directory: FederationDirectory, client: ServiceClient, spoil: dict[str, Any], path: str
) -> None:
    spoilt = {"keys": [client.jwks["keys"][0] | spoil]}

    assert path in faults(database, directory, replace(client, jwks=spoilt))


def test_takes_rsa_and_ed25519_keys(database: Database, directory: FederationDirectory, client: ServiceClient) -> None:
    keys = [
        {"kty": "RSA", "kid": "r", "n": "A" * 342, "e": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "o", "x": "A" * 43},
    ]
    register(database, directory, replace(client, jwks={"keys": keys}))


@pytest.mark.parametrize("keys", [None, [], "x", [1], [{"kty": "EC"}] * 11])
def test_a_key_set_is_a_short_list_of_keys(
    database: Database, directory: FederationDirectory, client: ServiceClient, keys: object
) -> None:
    found = faults(database, directory, replace(client, jwks={"keys": keys}))

    assert any(path.startswith("/jwks/keys") for path in found)


def test_two_keys_need_two_kids(database: Database, directory: FederationDirectory, client: ServiceClient) -> None:
    twice = {"keys": client.jwks["keys"] * 2}

    assert faults(database, directory, replace(client, jwks=twice)) == {"/jwks/keys"}


def test_a_token_audience_belongs_to_one_archive(
    database: Database, directory: FederationDirectory, client: ServiceClient
) -> None:
    archive = replace(client, client_id="archive-rkb", token_audience="https://archive.rkb.example")
    register(database, directory, client, archive, archive)

    with database.reading() as session:
        assert directory.archive(session, "https://archive.rkb.example") == archive
        assert directory.archive(session, "https://archive.rrk.example") is None
    assert archive.archive
    assert not client.archive
    with pytest.raises(Conflict) as refused:
        register(database, directory, replace(archive, client_id="impostor"))
    assert refused.value.reason == "client.audience_taken"
