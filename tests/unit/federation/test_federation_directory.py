"""The federation's directory on a real database: organisations, identity providers, accounts and staff."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from governance.federation import (
    FederationDirectory,
    IdentityProvider,
    Person,
    ServiceClient,
    StaffMember,
    Trust,
)
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database
from governance.vocabulary import Role
from tests.worlds.federation import PROVIDER, TRUSTS, faults, register


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
        assert directory.staff_many(session, [one.id for one in others] + ["s-unknown"]) == {
            one.id: (one,) for one in others
        }
    moved = StaffMember(member.id, "RRK", "radiographer")
    with database.transaction() as session:
        directory.upsert_staff(session, [moved])
        directory.upsert_staff(session, [])
    with database.reading() as session:
        assert directory.staff(session, member.id) == moved
