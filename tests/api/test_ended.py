"""Ending registrations by API and command line, and what another process of the service then says.

No job runs in either process but where a test ticks it: nothing takes the change up in passing.
"""

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask, Response
from flask.testing import FlaskClient

from governance.bootstrap import Services, build
from governance.cli import main
from governance.clock import FixedClock
from governance.errors import Unauthenticated
from governance.federation import WHOLE_REGION, IdentityProvider, Person, Registered, ServiceClient
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import Settings
from governance.vocabulary import Role, Scope, SubjectType
from governance.web.enforcement_keys import enforcement_key
from governance.web.services import EXTENSION
from governance.web.sessions import BrowserSession, SignedInPerson
from tests.worlds.basics import demo_environment
from tests.worlds.callers import REGION, Callers

PATH = "/federation/v1/standings"
BOTH = (Scope.FEDERATION_READ, Scope.FEDERATION_WRITE)


@pytest.fixture
def other(services: Services, settings: Settings, clock: FixedClock) -> Iterator[Flask]:
    """Give the application of another process on the same database."""
    made = build(settings, clock)
    runtime = Runtime(made)
    runtime.start(jobs=False)
    yield create_app(made)
    runtime.stop()


class Two:
    """Two processes; what one ends, the other is asked about."""

    def __init__(self, app: Flask, services: Services, other: Flask, clock: FixedClock) -> None:
        self.services, self.clock = services, clock
        self.callers = Callers(app, services)
        self.there: FlaskClient = other.test_client()
        self.office = self.callers.headers("office-region", REGION, BOTH, writes_for=[WHOLE_REGION])
        self.rrk = self.callers.headers("office-rrk", "RRK", BOTH)

    def end(self, act: str, by: dict[str, str] | None = None, **body: Any) -> Any:
        return self.callers.http.post(PATH, json={"act": act, **body}, headers=by or self.office)

    def later(self) -> None:
        self.clock.advance(timedelta(seconds=1))


@pytest.fixture
def two(app: Flask, services: Services, other: Flask, clock: FixedClock) -> Two:
    return Two(app, services, other, clock)


def test_a_suspended_client_is_refused_at_its_next_call_elsewhere(two: Two) -> None:
    headers = two.callers.headers("reader", "RRK", BOTH)
    assert two.there.get("/federation/v1/trusts", headers=headers).status_code == 200
    answer = two.end("suspend", kind="client", client_id="reader")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.get_json()["in_force"] is False
    assert two.there.get("/federation/v1/trusts", headers=headers).status_code == 401
    two.later()
    assert two.end("resume", kind="client", client_id="reader").get_json()["in_force"] is True
    assert two.there.get("/federation/v1/trusts", headers=headers).status_code == 401
    two.later()
    fresh = {"Authorization": f"Bearer {two.callers.token('reader')}"}
    assert two.there.get("/federation/v1/trusts", headers=fresh).status_code == 200


def test_what_was_ended_is_listed_and_nothing_else(two: Two) -> None:
    two.end("suspend", kind="client", client_id="office-rrk")
    listed = two.there.get(PATH, headers=two.office).get_json()["standings"]
    assert [(one["kind"], one["name"], one["in_force"]) for one in listed] == [("client", "office-rrk", False)]


def test_a_trust_ends_its_own_alone(two: Two) -> None:
    two.callers.headers("reader", "RRK", BOTH)
    stranger = two.callers.headers("office-rl4", "RL4", BOTH)
    assert two.end("suspend", stranger, kind="client", client_id="reader").status_code == 403
    assert two.end("suspend", two.rrk, kind="client", client_id="reader").status_code == 200
    assert two.there.get(PATH, headers=stranger).get_json() == {"standings": []}
    assert [one["name"] for one in two.there.get(PATH, headers=two.rrk).get_json()["standings"]] == ["reader"]
    assert two.end("suspend", two.rrk, kind="client", client_id="nobody").status_code == 404
    assert two.end("rotate", two.rrk, kind="client", client_id="reader").status_code == 400


def test_what_is_missing_of_a_name_is_said(two: Two) -> None:
    for body, missing in (
        ({"kind": "client"}, ["/client_id"]),
        ({"kind": "credentials", "issuer": IDP}, ["/client_id"]),
        ({"kind": "identity_provider"}, ["/issuer"]),
        ({"kind": "person", "subject": "jsmith"}, ["/issuer"]),
        ({"kind": "person", "issuer": "https://id.example"}, ["/subject"]),
        ({"kind": "person"}, ["/issuer", "/subject"]),
    ):
        answer = two.end("suspend", **body)
        assert answer.status_code == 400, body
        assert [(one["pointer"], one["detail"][:11]) for one in answer.get_json()["errors"]] == [
            (path, "is required") for path in missing
        ]


def test_an_archives_key_is_refused_elsewhere_once_it_is_suspended_or_rotated(two: Two) -> None:
    archive = ServiceClient(
        "pacs", "RRK", "PACS", SubjectType.SERVICE, two.callers.jwks(), token_audience="https://pacs.rrk.example"
    )
    with two.services.infrastructure.database.transaction() as session:
        two.services.registers.federation.register_client(session, archive)
    secret = two.services.infrastructure.settings.key_encryption_key.get_secret_value()
    keys = [enforcement_key(secret, "pacs", generation) for generation in range(2)]

    def proven(key: str) -> bool:
        """Say whether an archive's gateway with a key is one: what is wrong then is the missing token."""
        headers = {"X-Enforcement-Point": "pacs", "X-Enforcement-Key": key}
        headers |= {"X-Original-Method": "GET", "X-Original-URI": "/dicom-web/studies/1.2.3"}
        answer = two.there.get("/enforce/nginx", headers=headers)
        assert answer.status_code == 401
        return answer.headers["X-Governance-Reason"] != "enforcement.key"

    named = {"kind": "enforcement_key", "client_id": "pacs"}
    seen = [[proven(key) for key in keys]]
    for act in ("suspend", "resume", "rotate", "delete"):
        assert two.end(act, two.rrk, **named).status_code == 200
        seen.append([proven(key) for key in keys])
    assert len(set(keys)) == 2
    assert seen == [[True, False], [False, False], [True, False], [False, True], [False, False]]


@pytest.mark.parametrize("act", ["suspend", "delete", "not_before"])
def test_a_long_poll_ends_with_its_client(two: Two, other: Flask, act: str) -> None:
    """The OPA waits in one process, its client is ended in the other, whose next refresh answers it."""
    two.callers.headers("edge", "RRK", (Scope.BUNDLES_READ, Scope.AUDIT_WRITE))
    there: Services = other.extensions[EXTENSION]
    bundles = there.uses.bundles
    etag = bundles.bundle("imaging").etag
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bundles.newer, "imaging", etag, 60.0, "edge")
        while not bundles.waiting:
            threading.Event().wait(0.01)
        bundles.refresh()
        assert not waiting.done()
        two.end(act, kind="client", client_id="edge")
        bundles.refresh()
        with pytest.raises(Unauthenticated):
            waiting.result(timeout=30)


def test_a_stream_of_alerts_ends_with_its_client(two: Two) -> None:
    headers = two.callers.headers("siem", "RRK", (Scope.ALERTS_READ,))
    answer = two.there.get("/alerts/v1/stream", headers=headers)
    parts = iter(answer.response)
    assert next(parts)  # it is open
    two.end("suspend", kind="client", client_id="siem")
    assert len(list(parts)) <= 2  # the sign of life it began with, and the last word
    answer.close()


IDP = "https://id.rrk.example"


@pytest.fixture
def signed_in(two: Two, app: Flask) -> str:
    """Register an officer of RRK and sign them in here; gives the cookie."""
    person = Person(IDP, "officer-1", "RRK", frozenset({Role.IG_OFFICER}))
    with two.services.infrastructure.database.transaction() as session:
        federation = two.services.registers.federation
        federation.register_identity_provider(session, IdentityProvider(IDP, "RRK", f"{IDP}/jwks", ("us",)))
        federation.register_person(session, person)
    return cookie_of(two, app, person)


def cookie_of(two: Two, app: Flask, person: Person) -> str:
    began, answer = BrowserSession(None, None), Response()
    began.sign_in(SignedInPerson(person.issuer, person.subject, person.ods, "A Name", person.roles, two.clock.now()))
    sessions = app.session_interface
    with app.test_request_context("/console/"):
        sessions.save_session(app, began, answer)
    return answer.headers["Set-Cookie"].split(";")[0]


def at_the_console(two: Two, cookie: str) -> bool:
    """Say whether the other process shows the browser a page, and does not send it to sign in."""
    browser = two.there.application.test_client()
    browser.set_cookie(*cookie.split("=", 1))
    return bool(browser.get("/console/").status_code == 200)


@pytest.mark.parametrize(
    "named", [{"kind": "person", "issuer": IDP, "subject": "officer-1"}, {"kind": "identity_provider", "issuer": IDP}]
)
def test_sessions_end_with_their_person_and_issuer_and_stay_ended(
    two: Two, app: Flask, signed_in: str, named: dict[str, str]
) -> None:
    seen = [at_the_console(two, signed_in)]
    assert two.end("suspend", two.rrk, **named).status_code == 200
    seen.append(at_the_console(two, signed_in))
    two.later()
    two.end("resume", two.rrk, **named)
    seen.append(at_the_console(two, signed_in))
    two.later()
    fresh = cookie_of(two, app, Person(IDP, "officer-1", "RRK", frozenset({Role.IG_OFFICER})))
    seen.append(at_the_console(two, fresh))
    two.end("not_before", two.rrk, **named)
    seen.append(at_the_console(two, fresh))
    assert seen == [True, False, False, True, False]


def test_a_suspended_issuer_is_not_offered_to_sign_in_at(two: Two, signed_in: str) -> None:
    def offered() -> bool:
        return "/console/sign-in/RRK" in two.there.get("/console/sign-in").get_data(as_text=True)

    seen = [offered()]
    for act in ("suspend", "resume", "delete"):
        two.end(act, two.rrk, kind="identity_provider", issuer=IDP)
        seen.append(offered())
    assert seen == [True, False, True, False]
    assert two.there.get("/console/sign-in/RRK").status_code == 404


def test_an_office_lists_and_ends_the_sessions_of_its_own_people_alone(two: Two, signed_in: str) -> None:
    stranger = two.callers.headers("office-rl4", "RL4", BOTH)
    path = "/federation/v1/sessions"
    (found,) = two.there.get(path, headers=two.rrk).get_json()["sessions"]
    assert found["subject"] == two.services.infrastructure.pseudonymiser.subject("officer-1")
    assert two.there.get(path, headers=stranger).get_json() == {"sessions": []}
    end = f"{path}/{found['handle']}/end"
    assert two.callers.http.post(end, headers=stranger).status_code == 404
    assert at_the_console(two, signed_in)
    assert two.callers.http.post(end, headers=two.rrk).status_code == 200
    assert not at_the_console(two, signed_in)
    (event,) = [one for one in two.services.infrastructure.audit.read(0, 1_000) if one.detail.get("ended") == "session"]
    assert event.detail["handle"] == found["handle"]
    assert two.callers.http.post(end, headers=two.rrk).status_code == 404


def test_the_operator_does_it_at_the_command_line(two: Two, signed_in: str, settings: Settings) -> None:
    """By the command line's own process, whose settings are this service's."""
    environment = dict(os.environ) | demo_environment(settings.database_url.get_secret_value())

    def run(*arguments: str) -> str:
        """Give what a command printed, at the service's time: its clock stands still, the machine's does not."""
        done = CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    two.callers.headers("reader", "RRK", BOTH)
    said = json.loads(run("federation", "end", "suspend", "client", "reader"))
    assert (said["kind"], said["name"], said["in_force"]) == ("client", "reader", False)
    assert "office-rrk" not in run("federation", "standings")
    with two.services.infrastructure.database.reading() as session:
        assert two.services.registers.federation.client(session, "reader") is None


def test_the_record_of_an_act_says_what_was_before_and_after(two: Two) -> None:
    two.end("suspend", two.rrk, kind="client", client_id="office-rrk")
    event = two.services.infrastructure.audit.read(0, 1_000)[-1]
    assert (event.kind, event.subject.id if event.subject else None) == ("config", "office-rrk")
    assert event.detail["before"]["in_force"] is True
    assert event.detail["after"]["in_force"] is False
    assert json.loads(json.dumps(event.detail))["client_id"] == "office-rrk"
    assert Registered(event.detail["ended"]) is Registered.CLIENT


def test_a_trust_is_told_who_brings_back_what_the_office_ended(two: Two) -> None:
    """By API the office, at the command line the operator: a trust undoes the end of neither."""
    two.callers.headers("reader", "RRK", BOTH)
    named = {"kind": "client", "client_id": "reader"}
    assert two.end("suspend", two.office, **named).get_json()["by_region"] is True
    refused = two.end("resume", two.rrk, **named)
    assert (refused.status_code, refused.get_json()["reason"]) == (403, "row.not_yours")
    assert "/act: was ended by the network's office, which alone lifts that" in refused.get_json()["detail"]
    assert two.end("delete", two.office, **named).status_code == 200
    body = {"client_id": "reader", "ods": "RRK", "name": "Again", "kind": "service", "jwks": two.callers.jwks()}
    body |= {"scopes": [], "audiences": []}
    again = two.callers.http.post("/federation/v1/clients", json=body, headers=two.rrk)
    assert again.status_code == 403
    assert "the network's office, which alone lifts that" in again.get_json()["detail"]
    assert two.callers.http.post("/federation/v1/clients", json=body, headers=two.office).status_code == 200
    assert two.end("resume", two.rrk, **named).status_code == 403
    assert two.end("resume", two.office, **named).get_json()["by_region"] is False
