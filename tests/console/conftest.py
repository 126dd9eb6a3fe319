"""The console as people meet it: the real application on a real server, a real identity provider, a real browser."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from werkzeug.serving import make_server

from governance.bootstrap import Services, build
from governance.console.assets import TARGET
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import from_environment
from governance.vocabulary import EventKind, Role
from tests.conftest import secret
from tests.peers.identity_provider import identity_provider
from tests.worlds.console import BIRMINGHAM, COVENTRY, Seeded, seed

CHROMIUM = "/usr/bin/chromium"
PATIENCE = 60_000  # milliseconds: how long a busy machine may take before a missing page is a fault
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
OFFICER, OTHER_OFFICER, ANALYST, STRANGER = "Helen Sharpe", "Martin Croft", "Jas Gill", "Prof Idris Bello"
PEOPLE = {
    OFFICER: ("ig.officer.rrk", BIRMINGHAM, Role.IG_OFFICER),
    OTHER_OFFICER: ("ig.officer.rkb", COVENTRY, Role.IG_OFFICER),
    ANALYST: ("soc.analyst.rrk", BIRMINGHAM, Role.SOC_ANALYST),
}
TRUST_OF = dict.fromkeys((OFFICER, ANALYST, STRANGER), "University Hospitals Birmingham") | {
    OTHER_OFFICER: "University Hospitals Coventry and Warwickshire"
}


@dataclass(frozen=True, slots=True)
class Region:
    """The running service: where it is, what is inside, and what was put in."""

    address: str
    services: Services
    seeded: Seeded

    def looks(self) -> list[dict[str, object]]:
        """Give the details of every look at the audit so far, oldest first."""
        size, _ = self.services.infrastructure.audit.tree_head()
        events = self.services.infrastructure.audit.read(0, size)
        return [dict(event.detail) for event in events if event.kind is EventKind.AUDIT_READ]


@dataclass
class Visit:
    """One page in one browser window, and what the browser complained about."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> int:
        """Open a path and give the status."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        return answer.status

    def heard(self, message: ConsoleMessage) -> None:
        """Keep what the browser's console says is wrong."""
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """Serve a seeded region on a free port, with its identity provider in a process beside it."""
    assert (TARGET / "nhsuk-frontend.min.css").is_file(), "run make assets first"
    bound = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    settings = from_environment(
        {
            "GOVERNANCE_PROFILE": "demo",
            "GOVERNANCE_ISSUER": address,
            "GOVERNANCE_ORGANISATION": "QHL",
            "GOVERNANCE_DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('console')}/console.sqlite",
            "GOVERNANCE_PSEUDONYM_KEY": secret(1),
            "GOVERNANCE_KEY_ENCRYPTION_KEY": secret(2),
            "GOVERNANCE_LOG_SIGNING_KEY": secret(3),
            "GOVERNANCE_SESSION_KEY": secret(4),
        }
    )
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
    """Start the system's Chromium, without its background traffic."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


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


def sign_in(visit: Visit, name: str) -> None:
    """Sign in as somebody of the identity provider's list, from wherever the service sends one to sign in."""
    if "/console/sign-in" not in visit.page.url:
        visit.go("/console/sign-in")
    visit.page.get_by_role("link", name=TRUST_OF[name], exact=True).click()
    visit.page.get_by_role("radio", name=name).check()
    with visit.page.expect_navigation(
        url=lambda url: url.startswith(visit.address)
    ):  # back from the provider, whatever it said
        visit.page.get_by_role("button", name="Sign in").click()
