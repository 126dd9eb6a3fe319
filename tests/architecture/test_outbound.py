"""Nobody calls strangers but the outbound client: who imports what can open a connection, and why."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

from governance.clock import SystemClock
from governance.decisions.opa.line import Line
from governance.outbound import Outbound
from governance.outbound._adapter import Adapter
from governance.web.sign_in import ConsoleClient, SignIn

GOVERNANCE = Path(__file__).resolve().parents[2] / "governance"
CONNECTS = {  # modules by which a program can call another
    "aiohttp",
    "ftplib",
    "http.client",
    "httpx",
    "imaplib",
    "poplib",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "urllib.request",
    "urllib3",
    "websockets",
    "xmlrpc",
}
EXCEPTIONS: Mapping[str, tuple[set[str], str]] = {
    "commands/archive.py": ({"requests"}, "reports the errors of the simulator's own calls"),
    "commands/_ports.py": ({"socket"}, "listens for a moment; asks whether OPA is there, and says nothing"),
    "commands/evaluate.py": ({"requests"}, "reports the errors of the simulator's own calls"),
    "commands/simulate.py": ({"requests"}, "reports the errors of the simulator's own calls"),
    "decisions/opa/line.py": ({"requests"}, "opa-python-client's session, equipped by the outbound client"),
    "intake/_syslog_connection.py": ({"socket"}, "reads what somebody opened, and calls nobody"),
    "intake/syslog_server.py": ({"socket"}, "listens, and calls nobody"),
    "settings/places.py": ({"ssl"}, "reads a certificate and its key, and calls nobody"),
    "web/sign_in.py": ({"requests"}, "authlib's session, equipped by the outbound client"),
}
ROOMS = ("outbound/", "simulation/")  # the client itself, and those who speak the public surface from outside


def connecting(path: Path) -> set[str]:
    """Give the modules of ``CONNECTS`` that a file imports, whole or in part."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {known for known in CONNECTS for name in names if f"{name}.".startswith(f"{known}.")}


@pytest.mark.parametrize("path", sorted(GOVERNANCE.rglob("*.py")), ids=lambda path: str(path.relative_to(GOVERNANCE)))
def test_no_other_room_opens_a_connection(path: Path) -> None:
    place = str(path.relative_to(GOVERNANCE))
    if not place.startswith(ROOMS):
        assert connecting(path) == EXCEPTIONS.get(place, (set(), ""))[0]


def test_every_exception_is_still_there() -> None:
    assert [place for place in EXCEPTIONS if not (GOVERNANCE / place).is_file()] == []


@pytest.mark.parametrize("word", ["open_connection", "create_connection", "urlopen", "getaddrinfo"])
def test_no_other_room_asks_the_event_loop_or_the_system_for_one(word: str) -> None:
    files = [path for path in GOVERNANCE.rglob("*.py") if word in path.read_text()]
    found = {str(path.relative_to(GOVERNANCE)) for path in files}
    assert not {place for place in found if not place.startswith(ROOMS)}


def test_the_libraries_with_sessions_of_their_own_call_through_the_outbound_client() -> None:
    """The two exceptions that could call somebody hold sessions whose every connection is the outbound client's."""
    sign_in = SignIn(ConsoleClient("console", "https://governance.example/callback"), SystemClock(), Outbound())
    metadata = dict.fromkeys(("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"), "https://idp.example")
    sign_in._metadata._fetch = lambda _issuer: metadata
    line = Line("http://127.0.0.1:9", 1.0)
    for session in (
        line.client()._session,
        line.loading()._session,
        sign_in._provider("https://idp.example")._get_oauth_client(),
    ):
        assert {type(adapter) for adapter in session.adapters.values()} == {Adapter}
        assert session.trust_env is False
