"""Browser sessions: opaque, revocable, short-lived, and new at sign-in."""

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask, request, session
from sqlalchemy import text
from werkzeug.test import Client

from governance.clock import FixedClock
from governance.storage import Database
from governance.vocabulary import Role
from governance.web.sessions import ServerSideSessions, SessionPolicy, SignedInPerson, current_session

ISSUER, SUBJECT = "https://id.example/rrk", "officer-1"


def application(sessions: ServerSideSessions, clock: FixedClock) -> Flask:
    """Make an application whose pages do what the console's do with a session."""
    app = Flask("sessions")
    app.secret_key = b"s" * 32
    app.session_interface = sessions

    @app.get("/console/in")
    def _sign_in() -> str:
        roles = frozenset({Role.IG_OFFICER})
        current_session().sign_in(SignedInPerson(ISSUER, SUBJECT, "RRK", "A Name", roles, clock.now()))
        return "in"

    @app.get("/console/out")
    def _sign_out() -> str:
        current_session().sign_out()
        return "out"

    @app.get("/console/keep")
    def _keep() -> str:
        session["kept"] = request.args["value"]
        return "kept"

    @app.get("/console/who")
    def _who() -> str:
        person = current_session().person
        return f"{person.subject if person else 'nobody'} {session.get('kept', '-')}"

    @app.get("/api/who")
    def _api() -> str:
        person = current_session().person
        current_session()["kept"] = "never"
        return person.subject if person else "nobody"

    return app


@pytest.fixture
def sessions(database: Database, clock: FixedClock) -> ServerSideSessions:
    """Keep sessions over https on the test's database."""
    return ServerSideSessions(database, clock, SessionPolicy(secure=True))


@pytest.fixture
def browser(sessions: ServerSideSessions, clock: FixedClock) -> Iterator[Client]:
    """Browse over https."""
    with application(sessions, clock).test_client() as client:
        client.environ_base["wsgi.url_scheme"] = "https"
        yield client


def get(browser: Client, path: str) -> str:
    return browser.get(path, base_url="https://governance.example").get_data(as_text=True)


def cookie(browser: Client) -> str | None:
    found = browser.get_cookie("__Host-governance", domain="governance.example")
    return found.value if found else None


def rows(database: Database) -> list[str]:
    with database.reading() as opened:
        return [str(tuple(row)) for row in opened.connection().execute(text("SELECT * FROM web_session"))]


def test_the_cookie_is_bound_to_the_host_and_closed_to_scripts(browser: Client) -> None:
    answer = browser.get("/console/in", base_url="https://governance.example")
    header = answer.headers["Set-Cookie"]
    assert header.startswith("__Host-governance=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in header
    assert "Domain" not in header


def test_without_tls_the_cookie_has_a_plain_name(database: Database, clock: FixedClock) -> None:
    app = application(ServerSideSessions(database, clock, SessionPolicy(secure=False)), clock)
    header = app.test_client().get("/console/in").headers["Set-Cookie"]
    assert header.startswith("governance=")
    assert "Secure" not in header


def test_a_reader_without_anything_to_keep_gets_no_cookie_and_no_row(browser: Client, database: Database) -> None:
    assert get(browser, "/console/who") == "nobody -"
    assert cookie(browser) is None
    assert rows(database) == []


def test_the_table_never_holds_the_cookie(browser: Client, database: Database) -> None:
    get(browser, "/console/in")
    token = cookie(browser)
    assert token is not None
    assert len(token) >= 43
    assert all(token not in row for row in rows(database))


def test_signing_in_changes_the_cookie_and_forgets_what_came_before(browser: Client, database: Database) -> None:
    get(browser, "/console/keep?value=planted")
    before = cookie(browser)
    get(browser, "/console/in")
    assert cookie(browser) != before
    assert get(browser, "/console/who") == f"{SUBJECT} -"
    assert len(rows(database)) == 1


def test_a_cookie_from_before_sign_in_opens_nothing_afterwards(browser: Client) -> None:
    get(browser, "/console/keep?value=planted")
    planted = cookie(browser)
    get(browser, "/console/in")
    browser.set_cookie("__Host-governance", planted or "", domain="governance.example", secure=True)
    assert get(browser, "/console/who") == "nobody planted"


def test_a_visitor_leaves_no_row_and_keeps_a_quarter_of_an_hour(
    browser: Client, clock: FixedClock, database: Database
) -> None:
    for number in range(20):
        get(browser, f"/console/keep?value={number}")
    assert rows(database) == []
    clock.advance(timedelta(minutes=14))
    assert get(browser, "/console/who") == "nobody 19"
    clock.advance(timedelta(minutes=1))
    assert get(browser, "/console/who") == "nobody -"


def test_what_a_visitor_keeps_cannot_be_changed_and_is_bounded(browser: Client) -> None:
    get(browser, "/console/keep?value=mine")
    kept = cookie(browser) or ""
    said, _, signature = kept.rpartition(".")
    for forged in (f"{said}x.{signature}", f"{said}.{signature[:-2]}", f".{signature}", "a.b", "."):
        browser.set_cookie("__Host-governance", forged, domain="governance.example", secure=True)
        assert get(browser, "/console/who") == "nobody -"
    get(browser, f"/console/keep?value={secrets.token_urlsafe(4_000)}")
    assert cookie(browser) is None


def test_signing_out_deletes_the_row_and_a_copied_cookie_is_dead(browser: Client, database: Database) -> None:
    get(browser, "/console/in")
    copied = cookie(browser)
    get(browser, "/console/out")
    assert rows(database) == []
    browser.set_cookie("__Host-governance", copied or "", domain="governance.example", secure=True)
    assert get(browser, "/console/who") == "nobody -"


def test_it_ends_after_half_an_hour_unused(browser: Client, clock: FixedClock) -> None:
    get(browser, "/console/in")
    clock.advance(timedelta(minutes=29))
    assert get(browser, "/console/who").startswith(SUBJECT)
    clock.advance(timedelta(minutes=29))
    assert get(browser, "/console/who").startswith(SUBJECT)
    clock.advance(timedelta(minutes=30))
    assert get(browser, "/console/who").startswith("nobody")


def test_it_ends_after_ten_hours_however_busy(browser: Client, clock: FixedClock) -> None:
    get(browser, "/console/in")
    for _ in range(29):
        clock.advance(timedelta(minutes=20))
        assert get(browser, "/console/who").startswith(SUBJECT)
    clock.advance(timedelta(minutes=20))
    assert get(browser, "/console/who").startswith("nobody")


def test_a_revoked_session_is_over_at_once(browser: Client, sessions: ServerSideSessions) -> None:
    get(browser, "/console/in")
    (held,) = sessions.of_person(ISSUER, SUBJECT)
    assert sessions.revoke(held.handle)
    assert not sessions.revoke(held.handle)
    assert get(browser, "/console/who").startswith("nobody")


def test_every_session_of_a_person_can_be_revoked(sessions: ServerSideSessions, clock: FixedClock) -> None:
    app = application(sessions, clock)
    browsers = [app.test_client() for _ in range(3)]
    for one in browsers:
        get(one, "/console/in")
    assert sessions.revoke_person(ISSUER, SUBJECT) == 3
    assert {get(one, "/console/who") for one in browsers} == {"nobody -"}
    assert sessions.of_person(ISSUER, SUBJECT) == ()


def test_a_session_revoked_during_a_request_does_not_come_back(
    sessions: ServerSideSessions, clock: FixedClock, database: Database
) -> None:
    app = application(sessions, clock)

    @app.get("/console/slow")
    def _slow() -> str:
        sessions.revoke_person(ISSUER, SUBJECT)
        session["kept"] = "late"
        return "late"

    browser = app.test_client()
    get(browser, "/console/in")
    get(browser, "/console/slow")
    assert rows(database) == []
    assert get(browser, "/console/who") == "nobody -"


def test_the_api_neither_reads_nor_sets_a_cookie(browser: Client) -> None:
    get(browser, "/console/in")
    answer = browser.get("/api/who", base_url="https://governance.example")
    assert answer.get_data(as_text=True) == "nobody"
    assert "Set-Cookie" not in answer.headers


def test_expired_rows_are_purged(
    browser: Client, sessions: ServerSideSessions, clock: FixedClock, database: Database
) -> None:
    get(browser, "/console/in")
    clock.advance(timedelta(hours=10))
    sessions.purge()
    assert rows(database) == []


@pytest.mark.parametrize("forged", ["", "x", "a" * 43, "é", "../../etc/passwd"])
def test_a_made_up_cookie_is_nobody(browser: Client, forged: str) -> None:
    browser.set_cookie("__Host-governance", forged, domain="governance.example", secure=True)
    assert get(browser, "/console/who") == "nobody -"
