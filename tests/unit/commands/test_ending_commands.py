"""The commands that end what was registered or issued: federation end, sessions, keys withdraw."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from governance.bootstrap import Services, build
from governance.cli import main
from governance.clock import SystemClock
from governance.federation import IdentityProvider, Person, Registered, ServiceClient, Trust
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.vocabulary import Role, SubjectType
from governance.web import _session_store as sessions
from governance.web.enforcement_keys import enforcement_key
from tests.worlds.basics import demo_environment
from tests.worlds.tokens import KeyPair

IDP = "https://id.rrk.example"


@pytest.fixture
def server(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Give what a server has beside which the commands run, an archive and an officer registered."""
    path = tmp_path / "cli.sqlite"
    shutil.copy(sqlite_template, path)
    environment = demo_environment(f"sqlite:///{path}")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = build(from_environment(environment), SystemClock())
    runtime = Runtime(made)
    runtime.start(jobs=False)
    register = made.registers.federation
    jwks = {"keys": [KeyPair.ec("pacs").public]}
    archive = ServiceClient("pacs", "RRK", "PACS", SubjectType.SERVICE, jwks, token_audience="https://pacs.example")
    with made.infrastructure.database.transaction() as session:
        register.register_trust(session, Trust("RRK", "Birmingham"))
        register.register_identity_provider(session, IdentityProvider(IDP, "RRK", f"{IDP}/jwks", ("us",)))
        register.register_client(session, archive)
        register.register_person(session, Person(IDP, "officer-1", "RRK", frozenset({Role.IG_OFFICER})))
    yield made
    runtime.stop()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def done(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def acts(server: Services) -> list[dict[str, Any]]:
    """Give the details of the events that tell of an end."""
    details = [dict(one.detail) for one in server.infrastructure.audit.read(0, 100)]
    return [one for one in details if "ended" in one or "withdrawn" in one]


def test_sessions_are_listed_as_pseudonyms_and_ended_by_handle(server: Services) -> None:
    now = server.infrastructure.clock.now()
    person = sessions.SignedInPerson(IDP, "officer-1", "RRK", "A Name", frozenset({Role.IG_OFFICER}), now)
    until = now.replace(year=now.year + 1)
    with server.infrastructure.database.transaction() as session:
        sessions.save(session, sessions.StoredSession("hash", "handle-1", now, now, until, person))
    printed = done("sessions", "list")
    (listed,) = json.loads(printed)
    assert (listed["handle"], listed["ods"], listed["roles"]) == ("handle-1", "RRK", ["ig_officer"])
    assert "officer-1" not in printed
    assert "A Name" not in printed
    assert run("sessions", "end", "another").exit_code == 1
    done("sessions", "end", "handle-1")
    assert json.loads(done("sessions", "list")) == []
    with server.infrastructure.database.reading() as session:
        assert sessions.find(session, "hash") is None
    assert [(one["ended"], one["handle"]) for one in acts(server)] == [("session", "handle-1")]


def test_a_withdrawn_signing_key_is_published_by_no_process_and_never_comes_back(server: Services) -> None:
    (first,) = [key["kid"] for key in json.loads(done("keys", "list"))["keys"]]
    assert run("keys", "withdraw", "no-such-key").exit_code == 1
    said = done("keys", "withdraw", first)
    server.registers.tokens.refresh_keys()
    published = [key["kid"] for key in server.registers.tokens.jwks()["keys"]]
    assert first not in published
    assert said.strip() == f"{first} is withdrawn; the key that signs is {published[0]}"
    done("keys", "rotate")
    assert first not in [key["kid"] for key in json.loads(done("keys", "list"))["keys"]]
    assert [(one["withdrawn"], one["kid"]) for one in acts(server)] == [("signing_key", first)]


def test_a_withdrawn_bundle_key_signs_no_more(server: Services) -> None:
    first, second = json.loads(done("keys", "bundles"))["keys"]
    done("keys", "withdraw", first)
    assert next(iter(json.loads(done("keys", "bundles"))["keys"])) == second
    assert server.registers.bundle_keys.kid() == second


def test_the_key_of_an_enforcement_point_is_the_one_that_counts_now(server: Services) -> None:
    secret = server.infrastructure.settings.key_encryption_key.get_secret_value()

    def printed() -> str:
        return done("keys", "enforcement-point", "pacs").strip()

    assert printed() == enforcement_key(secret, "pacs")
    done("federation", "end", "rotate", "enforcement-key", "pacs")
    assert printed() == enforcement_key(secret, "pacs", 1)
    done("federation", "end", "suspend", "enforcement-key", "pacs")
    assert run("keys", "enforcement-point", "pacs").exit_code == 1


def test_people_and_the_network_are_ended_by_name(server: Services) -> None:
    said = json.loads(done("federation", "end", "suspend", "person", IDP, "clinician-1"))
    pseudonym = server.infrastructure.pseudonymiser.subject("clinician-1")
    assert (said["kind"], said["name"], said["in_force"]) == ("person", f"RRK {pseudonym}", False)
    bounded = json.loads(done("federation", "end", "not-before", "network"))
    for words, named in (
        ("only not_before is possible of the network", ("network",)),
        ("SUBJECT: is missing: a person is ISSUER SUBJECT", ("person", "jsmith")),
        ("/issuer: is required", ("person",)),
        ("/client_id: is required", ("client",)),
        ("/client_id: is required", ("credentials",)),
        ("/issuer: is required", ("identity-provider",)),
        ("/subject: belongs to a person alone", ("client", "pacs", "jsmith")),
    ):
        refused = run("federation", "end", "suspend", *named)
        assert (refused.exit_code, words in refused.output) == (1, True), refused.output
    assert json.loads(done("federation", "standings")) == [bounded, said]
    assert [one["ended"] for one in acts(server)] == [Registered.PERSON.value, Registered.NETWORK.value]
