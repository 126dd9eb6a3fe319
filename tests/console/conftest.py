"""The console as people meet it: the real application on a real server, a real identity provider, a real browser."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext
from werkzeug.serving import make_server

from governance.bootstrap import Services, build
from governance.clock import FixedClock
from governance.console.assets import TARGET
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import Settings, from_environment
from governance.storage import Database
from governance.vocabulary import Role
from governance.web.sessions import BrowserSession, SignedInPerson
from tests.peers.browser import PATIENCE, Visit, running_browser
from tests.peers.identity_provider import identity_provider
from tests.worlds.basics import demo_environment
from tests.worlds.console import BIRMINGHAM, COVENTRY, PEOPLE, Region, Seeded, seed, sign_in

ISSUER = "https://id.example/rrk"
OFFICER = "ig.officer.rrk"


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """Serve a seeded region on a free port, with its identity provider in a process beside it."""
    assert (TARGET / "nhsuk-frontend.min.css").is_file(), "run make assets first"
    bound = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    url = f"sqlite:///{tmp_path_factory.mktemp('console')}/console.sqlite"
    settings = from_environment(demo_environment(url, address))
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    services = build(settings)
    runtime = Runtime(services)
    runtime.start(jobs=False)
    with identity_provider() as issuer:
        seeded = seed(services, {ods: f"{issuer}/{ods}" for ods in (BIRMINGHAM, COVENTRY)}, PEOPLE)
        server = make_server(*bound.getsockname(), create_app(services), threaded=True, fd=bound.detach())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Region(address, services, seeded)
        server.shutdown()
        thread.join()
    runtime.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium."""
    with running_browser() as browser:
        yield browser


@pytest.fixture
def visit(chromium: Browser, region: Region) -> Iterator[Callable[..., Visit]]:
    """Give a way to open windows, signed in or not, at a width."""
    contexts: list[BrowserContext] = []

    def open_window(name: str | None = None, width: int = 1280) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 900}, locale="en-GB")
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        made = Visit(context.new_page(), region.address)
        made.page.on("console", made.heard)
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        if name is not None:
            sign_in(made, name)
        return made

    yield open_window
    for context in contexts:
        context.close()


@pytest.fixture
def settings(database: Database) -> Settings:
    """Give settings for either database."""
    return from_environment(demo_environment(database.url))


@pytest.fixture
def seeded(services: Services) -> Seeded:
    """Fill the region, with an officer of Birmingham."""
    people = {"officer": (OFFICER, BIRMINGHAM, Role.IG_OFFICER)}
    return seed(services, {BIRMINGHAM: ISSUER, COVENTRY: "https://id.example/rkb"}, people)


@pytest.fixture
def officer(app: Flask, clock: FixedClock) -> FlaskClient:
    """Open a client with the cookie of the officer's session."""
    return signed_in_officer(app, clock)


def signed_in_officer(app: Flask, clock: FixedClock) -> FlaskClient:
    """Open a client with the cookie of a session that the officer began now."""
    session, answer = BrowserSession(None, None), Response()
    session.sign_in(
        SignedInPerson(ISSUER, OFFICER, BIRMINGHAM, "Helen Sharpe", frozenset({Role.IG_OFFICER}), clock.now())
    )
    app.session_interface.save_session(app, session, answer)
    name, _, value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
    client = app.test_client()
    client.set_cookie(name, value)
    return client
