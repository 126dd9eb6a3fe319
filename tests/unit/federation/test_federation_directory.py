"""The federation's directory on a real database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from governance.errors import Conflict, InvalidInput, NotFound
from governance.federation import (
    AiManifest,
    FederationDirectory,
    IdentityProvider,
    Person,
    ServiceClient,
    StaffMember,
    Trust,
)
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database
from governance.vocabulary import Purpose, Role, SubjectType

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TRUSTS = (Trust("RKB", "Coventry and Warwickshire"), Trust("RRK", "Birmingham"))
PROVIDER = IdentityProvider("https://id.rrk.example", "RRK", "https://id.rrk.example/jwks", ("imaging-governance",))


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


MANIFEST = AiManifest(
    service_id="ich-triage",
    version="2.1",
    modalities=frozenset({"CT"}),
    body_parts=frozenset({"HEAD"}),
    trusts=frozenset({"RRK", "RKB"}),
    purposes=frozenset({Purpose.TREAT, Purpose.ETREAT}),
    daily_volume=400,
)


@pytest.fixture
def directory(database: Database, pseudonymiser: Pseudonymiser) -> FederationDirectory:
    made = FederationDirectory(pseudonymiser)
    with database.transaction() as session:
        for trust in TRUSTS:
            made.register_trust(session, trust)
        made.register_identity_provider(session, PROVIDER)
    return made


def register(database: Database, directory: FederationDirectory, *values: object) -> None:
    doors = {
        AiManifest: directory.register_manifest,
        IdentityProvider: directory.register_identity_provider,
        Person: directory.register_person,
        ServiceClient: directory.register_client,
        Trust: directory.register_trust,
    }
    with database.transaction() as session:
        for value in values:
            doors[type(value)](session, value)  # type: ignore[operator]


def faults(database: Database, directory: FederationDirectory, value: object) -> set[str]:
    with pytest.raises(InvalidInput) as refused:
        register(database, directory, value)
    return {fault.path for fault in refused.value.faults}


def test_knows_what_is_registered_and_nothing_else(
    database: Database, directory: FederationDirectory, client: ServiceClient
) -> None:
    register(database, directory, client)

    with database.reading() as session:
        assert directory.trusts(session) == TRUSTS
        assert directory.trust(session, "RRK") == TRUSTS[1]
        assert directory.trust(session, "RJE") is None
        assert directory.identity_providers(session) == (PROVIDER,)
        assert directory.identity_provider(session, PROVIDER.issuer) == PROVIDER
        assert directory.identity_provider(session, PROVIDER.issuer + "/") is None
        assert directory.client(session, "viewer-rkb") == client
        assert directory.client(session, "viewer-RKB") is None
        assert directory.clients(session) == (client,)


def test_registering_again_replaces_the_whole_record(
    database: Database, directory: FederationDirectory, client: ServiceClient
) -> None:
    changed = replace(client, name="Reader", scopes=frozenset(), audiences=())
    register(database, directory, client, changed, Trust("RRK", "Birmingham, renamed"))

    with database.reading() as session:
        assert directory.client(session, client.client_id) == changed
        assert directory.trust(session, "RRK") == Trust("RRK", "Birmingham, renamed")


def test_a_trusts_provider_speaks_for_it_alone_and_a_national_one_for_any(
    database: Database, directory: FederationDirectory
) -> None:
    national = IdentityProvider("https://cis2.example", None, "https://cis2.example/jwks", ("network",))
    register(database, directory, national)

    with database.reading() as session:
        assert directory.identity_provider(session, national.issuer) == national
    assert national.vouches_for("RKB")
    assert PROVIDER.vouches_for("RRK")
    assert not PROVIDER.vouches_for("RKB")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"issuer": "http://id.rrk.example"}, "/issuer"),
        ({"issuer": "https://id.rrk.example?x=1"}, "/issuer"),
        ({"issuer": "https://user@id.rrk.example"}, "/issuer"),
        ({"issuer": "https://[broken"}, "/issuer"),
        ({"issuer": "https://id.rrk.example:port"}, "/issuer"),
        ({"issuer": ""}, "/issuer"),
        ({"jwks_uri": "file:///etc/passwd"}, "/jwks_uri"),
        ({"jwks_uri": "http://10.0.0.1/jwks"}, "/jwks_uri"),
        ({"audiences": ()}, "/audiences"),
        ({"audiences": ("a", "")}, "/audiences/1"),
        ({"ods": "RJE"}, "/ods"),
        ({"ods": "no"}, "/ods"),
    ],
)
def test_refuses_a_provider_that_cannot_be_trusted(
    database: Database, directory: FederationDirectory, changes: dict[str, Any], path: str
) -> None:
    assert path in faults(database, directory, replace(PROVIDER, **changes))


def test_takes_a_provider_on_the_loopback(database: Database, directory: FederationDirectory) -> None:
    register(
        database,
        directory,
        IdentityProvider("http://127.0.0.1:8090/rrk", "RRK", "http://127.0.0.1:8090/rrk/jwks", ("network",)),
    )


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
        assert directory.archives(session, "RKB") == (archive,)
        assert directory.archives(session, "RRK") == ()
        assert directory.archive(session, "https://archive.rkb.example") == archive
        assert directory.archive(session, "https://archive.rrk.example") is None
    assert archive.archive
    assert not client.archive
    with pytest.raises(Conflict) as refused:
        register(database, directory, replace(archive, client_id="impostor"))
    assert refused.value.reason == "client.audience_taken"


def test_a_manifest_counts_only_while_approved(
    database: Database, directory: FederationDirectory, triage: ServiceClient
) -> None:
    register(database, directory, triage, MANIFEST)
    later = NOW + timedelta(days=3)

    with database.transaction() as session:
        registered = directory.manifest(session, "ich-triage", "2.1")
        approved = directory.approve_manifest(session, "ich-triage", "2.1", NOW)
        again = directory.approve_manifest(session, "ich-triage", "2.1", later)
        withdrawn = directory.withdraw_manifest(session, "ich-triage", "2.1", later)
        still = directory.withdraw_manifest(session, "ich-triage", "2.1", later + timedelta(days=1))
        kept = directory.manifests(session, "ich-triage")
    assert registered == MANIFEST
    assert not MANIFEST.approved
    assert approved == again
    assert approved.approved
    assert withdrawn == still
    assert not withdrawn.approved
    assert kept == (withdrawn,)
    assert [withdrawn.approved_on(NOW + timedelta(days=days)) for days in (-1, 0, 2, 3)] == [False, True, True, False]
    assert not MANIFEST.approved_on(NOW)


def test_an_approved_manifest_does_not_change(
    database: Database, directory: FederationDirectory, triage: ServiceClient
) -> None:
    register(database, directory, triage, MANIFEST)
    wider = replace(MANIFEST, modalities=frozenset({"CT", "MR"}))
    with database.transaction() as session:
        approved = directory.approve_manifest(session, "ich-triage", "2.1", NOW)
        assert directory.register_manifest(session, MANIFEST) == approved

    with pytest.raises(Conflict) as refused:
        register(database, directory, wider)
    assert refused.value.reason == "manifest.approved"
    with database.transaction() as session:
        directory.withdraw_manifest(session, "ich-triage", "2.1", NOW)
        assert directory.register_manifest(session, wider) == wider
        assert directory.manifest(session, "ich-triage", "2.1") == wider


def test_a_manifest_never_arrives_approved(
    database: Database, directory: FederationDirectory, triage: ServiceClient
) -> None:
    register(database, directory, triage, replace(MANIFEST, approved_at=NOW))

    with database.reading() as session:
        assert directory.manifest(session, "ich-triage", "2.1") == MANIFEST


def test_without_a_version_the_manifest_is_of_the_one_that_runs(
    database: Database, directory: FederationDirectory, triage: ServiceClient, client: ServiceClient
) -> None:
    register(database, directory, client, triage, MANIFEST, replace(MANIFEST, version="2.2"))

    with database.reading() as session:
        assert directory.manifest(session, "ich-triage") == MANIFEST
        assert directory.manifest(session, "ich-triage", "2.3") is None
        assert directory.manifest(session, "viewer-rkb") is None
        assert directory.manifest(session, "unknown") is None
        assert [one.version for one in directory.manifests(session)] == ["2.1", "2.2"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"service_id": "viewer-rkb"}, "/service_id"),
        ({"service_id": "unknown"}, "/service_id"),
        ({"version": "2/1"}, "/version"),
        ({"modalities": frozenset()}, "/modalities"),
        ({"modalities": frozenset({"ct"})}, "/modalities"),
        ({"body_parts": frozenset()}, "/body_parts"),
        ({"trusts": frozenset()}, "/trusts"),
        ({"trusts": frozenset({"RJE"})}, "/trusts"),
        ({"purposes": frozenset()}, "/purposes"),
        ({"daily_volume": 0}, "/daily_volume"),
    ],
)
def test_refuses_a_manifest_that_bounds_nothing(
    database: Database,
    directory: FederationDirectory,
    triage: ServiceClient,
    client: ServiceClient,
    changes: dict[str, Any],
    path: str,
) -> None:
    register(database, directory, triage, client)

    assert path in faults(database, directory, replace(MANIFEST, **changes))


def test_an_unknown_manifest_is_neither_approved_nor_withdrawn(
    database: Database, directory: FederationDirectory
) -> None:
    with database.transaction() as session:
        for act in (directory.approve_manifest, directory.withdraw_manifest):
            with pytest.raises(NotFound):
                act(session, "ich-triage", "9", NOW)


def test_a_console_account_is_kept_under_the_pseudonym_of_its_subject(
    database: Database, directory: FederationDirectory, pseudonymiser: Pseudonymiser
) -> None:
    roles = frozenset({Role.IG_OFFICER, Role.SOC_ANALYST})
    register(database, directory, Person(PROVIDER.issuer, "officer-1", "RRK", roles))
    kept = Person(PROVIDER.issuer, pseudonymiser.subject("officer-1"), "RRK", roles)

    with database.reading() as session:
        assert directory.person(session, PROVIDER.issuer, "officer-1") == kept
        assert directory.person(session, PROVIDER.issuer, kept.subject) == kept
        assert directory.person(session, "https://other.example", "officer-1") is None
        assert directory.person(session, PROVIDER.issuer, "officer-2") is None
        assert directory.persons(session) == (kept,)


def test_a_console_account_needs_a_known_issuer_and_organisation(
    database: Database, directory: FederationDirectory
) -> None:
    wrong = Person("https://other.example", "officer-1", "RJE", frozenset())

    assert faults(database, directory, wrong) == {"/issuer", "/ods"}


def test_staff_are_found_by_pseudonym_and_replaced_whole(
    database: Database, directory: FederationDirectory, pseudonymiser: Pseudonymiser
) -> None:
    member = StaffMember(
        id=pseudonymiser.subject("u-17"),
        ods="RRK",
        role="radiographer",
        department="ct",
        site="qe",
        team_ids=("stroke", "night"),
        patient_key=pseudonymiser.patient("9990000018"),
        household_key="aGg=",
        surname_key="c24=",
        surname_share=0.01,
        postcode_key="cGM=",
        training_valid_to=date(2027, 3, 31),
        leaves_on=date(2027, 6, 30),
    )
    others = [StaffMember(pseudonymiser.subject(f"o-{number}"), "RJE", "nurse") for number in range(1_100)]
    with database.transaction() as session:
        directory.upsert_staff(session, [replace(member, role="nurse"), member, *others])

    with database.reading() as session:
        assert directory.staff(session, member.id) == member
        assert directory.staff(session, "s-unknown") is None
        assert directory.staff_who_are(session, pseudonymiser.patient("9990000018")) == (member,)
        assert directory.staff_many(session, [one.id for one in others] + ["s-unknown"]) == {
            one.id: one for one in others
        }
    moved = StaffMember(member.id, "RKB", "radiographer")
    with database.transaction() as session:
        directory.upsert_staff(session, [moved])
        directory.upsert_staff(session, [])
    with database.reading() as session:
        assert directory.staff(session, member.id) == moved
