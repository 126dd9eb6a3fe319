"""The line to an OPA server: opa-python-client, whose session calls through the outbound client.

A question has one budget, in seconds and in bytes, and so has a load; whatever spends more is a fault of the engine.
The server may be on any address and speak http, since the address is the operator's; ``unix:/path`` is a socket of this
machine.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from opa_client.opa import OpaClient

from governance.decisions.engine import EngineFault
from governance.outbound import Budget, CallOutcome, CallPurpose, Outbound, OutboundFailed, Peers
from governance.vocabulary import ReasonCode

ANSWER_MAXIMUM = 1 << 20  # bytes of an answer to one question
LISTING_MAXIMUM = 1 << 26  # bytes of an answer while loading: a list of policies carries their syntax trees
LOAD_TIMEOUT = 30.0  # seconds; loading is not on the path of a request
_AT_ONCE = 64  # questions of one process at a time
_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNIX = "unix:"
_FAULTS = {
    CallOutcome.BUSY: (ReasonCode.ENGINE_TIMEOUT, "the OPA server has too many questions already"),
    CallOutcome.TIMEOUT: (ReasonCode.ENGINE_TIMEOUT, "the OPA server did not answer in time"),
    CallOutcome.TOO_LONG: (ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's answer is too long"),
    CallOutcome.UNREACHABLE: (ReasonCode.ENGINE_UNAVAILABLE, "the OPA server cannot be reached"),
}

T = TypeVar("T")


class Client(OpaClient):  # type: ignore[misc]
    """The client over a session that calls through the outbound client.

    Args:
        equip: makes the session call so.
        arguments: those of opa-python-client.
    """

    def __init__(self, equip: Callable[[requests.Session], requests.Session], **arguments: Any) -> None:
        self._equip = equip
        super().__init__(**arguments)

    def _init_session(self) -> requests.Session:
        return self._equip(super()._init_session())

    def policies(self) -> dict[str, str]:
        """Give the text of every policy that the server holds, by its path; the library asks for them one by one."""
        answer = self._session.get(f"{self.root_url}/policies")
        answer.raise_for_status()
        return {policy["id"]: policy["raw"] for policy in answer.json().get("result", [])}

    def compile_filter(self, path: str, known: Mapping[str, Any], unknowns: list[str]) -> Any:
        """Ask the Compile API for a filter as UCAST: never as SQL, whose values would be text of the statement."""
        answer = self._session.post(
            f"{self.root_url}/compile/{path}",
            json={"input": known, "unknowns": unknowns},
            headers={"Accept": "application/vnd.opa.ucast.all+json"},
        )
        answer.raise_for_status()
        return answer.json()


class _Clients(threading.local):
    """The calling thread's client."""

    client: Client | None = None


class Line:
    """The connection to one OPA server: a client for each thread.

    Args:
        url: base URL of the server, without a path, or ``unix:`` and the path of a socket.
        timeout: seconds a question may take.
        token: bearer token for the server's API, if it asks for one.
        outbound: the client that calls; one that may call this server and nobody else unless given.
    """

    def __init__(self, url: str, timeout: float, token: str | None, outbound: Outbound | None = None) -> None:
        self._unix = url.removeprefix(_UNIX) if url.startswith(_UNIX) else None
        self._address = address_of("http://localhost" if self._unix else url, token)
        self._timeout = timeout
        self._outbound = outbound or Outbound(Peers(own=[url]))
        self._clients = _Clients()

    def client(self) -> Client:
        """Give the calling thread's client for questions."""
        if self._clients.client is None:
            self._clients.client = self._open(self._timeout, ANSWER_MAXIMUM)
        return self._clients.client

    def loading(self, timeout: float = LOAD_TIMEOUT) -> Client:
        """Open a client for policies and data."""
        return self._open(timeout, LISTING_MAXIMUM)

    def query(self, asked: Mapping[str, Any], package: str, rule: str) -> Any:
        """Ask for the value of a rule; once more at once when the connection was kept alive in vain."""
        try:
            return self.client().query_rule(asked, package, rule)
        except OutboundFailed as failed:
            if failed.outcome is not CallOutcome.UNREACHABLE:  # else the server has closed it meanwhile
                raise
            return self.client().query_rule(asked, package, rule)

    def _open(self, timeout: float, size: int) -> Client:
        budget = Budget(timeout, size, _AT_ONCE, plain_http=True)
        return Client(
            lambda session: self._outbound.equip(session, CallPurpose.OPA, budget, self._unix), **self._address
        )


def put_policies(client: Client, held: Mapping[str, str], prefix: str, modules: Sequence[tuple[str, str]]) -> None:
    """Make the policies at a server below a prefix these, and send only what differs from those it holds."""
    wanted = dict(modules)
    for path in sorted(name for name in held.keys() - wanted.keys() if name.startswith(prefix)):
        client.delete_policy(path)
    for path, text in modules:
        if held.get(path) != text:
            client.update_policy_from_string(text, path, rego_compat=False)


def address_of(url: str, token: str | None) -> dict[str, Any]:
    """Give the client's arguments for a server; raises ValueError when the URL is not one of a server."""
    split = urlsplit(url)
    if split.scheme not in _DEFAULT_PORTS or not split.hostname or split.path not in {"", "/"}:
        raise ValueError("the URL of an OPA is http or https, a host and perhaps a port")
    host = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
    return {
        "host": host,
        "port": split.port or _DEFAULT_PORTS[split.scheme],
        "ssl": split.scheme == "https",
        "token": token,
        "retries": 0,
    }


@contextmanager
def alone(loading: threading.Lock, seconds: float) -> Iterator[None]:
    """Load for the block, alone; raises EngineFault when another load does not end in that time."""
    if not loading.acquire(timeout=seconds):
        raise EngineFault(ReasonCode.ENGINE_TIMEOUT, "the OPA server is still being loaded")
    try:
        yield
    finally:
        loading.release()


def guarded(step: Callable[[], T]) -> T:
    """Run a step of the client; whatever it raises is a fault of the engine, without the cause's own text."""
    try:
        return step()
    except Exception as error:  # the client's own error classes share no base
        raise _fault(error) from error


def _fault(error: Exception) -> EngineFault:
    if isinstance(error, OutboundFailed):
        unavailable = (ReasonCode.ENGINE_UNAVAILABLE, f"the call to the OPA server failed ({error.outcome.value})")
        return EngineFault(*_FAULTS.get(error.outcome, unavailable))
    if isinstance(error, requests.JSONDecodeError):
        return EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's answer is not JSON")
    return EngineFault(ReasonCode.ENGINE_UNAVAILABLE, f"the OPA server refused ({type(error).__name__})")
