"""The line to an OPA server: opa-python-client, whose session calls through the outbound client.

A question has one budget, in seconds and in bytes, and so has a load; whatever spends more is a fault of the engine.
The server may be on any address and speak http, since the address is the operator's; ``unix:/path`` is a socket of this
machine. It is shown a bearer token, a client certificate, both or neither (:class:`OpaAccess`); what it would let a
stranger do is asked without either.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests
from opa_client.opa import OpaClient

from governance.decisions.engine import EngineFault
from governance.outbound import Budget, CallOutcome, CallPurpose, ClientCertificate, Outbound, OutboundFailed, Peers
from governance.vocabulary import DEFAULT_PORTS, ReasonCode

ANSWER_MAXIMUM = 1 << 20  # bytes of an answer to one question
LISTING_MAXIMUM = 1 << 26  # bytes of an answer while loading: a list of policies carries their syntax trees
LOAD_TIMEOUT = 30.0  # seconds; loading is not on the path of a request
_AT_ONCE = 64  # questions of one process at a time
_UNIX = "unix:"
_NO_HANDSHAKE = {CallOutcome.BROKEN, CallOutcome.TLS_FAILED, CallOutcome.UNREACHABLE}
_FAULTS = {
    CallOutcome.BUSY: (ReasonCode.ENGINE_TIMEOUT, "the OPA server has too many questions already"),
    CallOutcome.TIMEOUT: (ReasonCode.ENGINE_TIMEOUT, "the OPA server did not answer in time"),
    CallOutcome.TOO_LONG: (ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's answer is too long"),
    CallOutcome.UNREACHABLE: (ReasonCode.ENGINE_UNAVAILABLE, "the OPA server cannot be reached"),
}

_NOT_FOUND = 404
_REFUSED = 400  # OPA's status for Rego it does not compile, and for anything of a form it does not take
_PROBES = (  # what a stranger must not be able to do; each is of a form that changes nothing once OPA lets it in
    ("GET", "policies", b"", frozenset({200})),
    ("PUT", "policies/governance-probe", b"{", frozenset({200, _REFUSED})),
    ("DELETE", "policies/governance-probe", b"", frozenset({200, _NOT_FOUND})),
    ("PUT", "data/governance_probe", b"{", frozenset({200, 204, 304, _REFUSED})),
    ("PATCH", "data/governance_probe", b"{", frozenset({200, 204, _REFUSED, _NOT_FOUND})),
    ("DELETE", "data/governance_probe", b"", frozenset({200, 204, _NOT_FOUND})),
)

T = TypeVar("T")


class RulesRefused(EngineFault):
    """The server does not compile the Rego it was given; ``detail`` is what it says."""


@dataclass(frozen=True, slots=True)
class OpaAccess:
    """How a server is shown who calls: a bearer token, a client certificate, both or neither."""

    token: str | None = field(default=None, repr=False)
    certificate: ClientCertificate | None = None


NOBODY = OpaAccess()


@dataclass(frozen=True, slots=True)
class HeldPolicy:
    """A module at the server: its id, its text, and the tree that the server made of it."""

    id: str
    raw: str
    tree: Mapping[str, Any]


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

    def policies(self) -> list[HeldPolicy]:
        """Give every policy that the server holds; the library asks for them one by one."""
        answer = self._session.get(f"{self.root_url}/policies")
        answer.raise_for_status()
        return [HeldPolicy(one["id"], one["raw"], one.get("ast") or {}) for one in answer.json().get("result") or []]

    def put_policy(self, path: str, text: str) -> None:
        """Put a module there. Raises RulesRefused with the server's own words, which the library keeps to itself."""
        answer = self._session.put(
            f"{self.root_url}/policies/{quote(path)}", data=text.encode(), headers={"Content-Type": "text/plain"}
        )
        if answer.status_code == _REFUSED:
            raise RulesRefused(ReasonCode.ENGINE_UNAVAILABLE, _words(answer))
        answer.raise_for_status()

    def remove_policy(self, path: str) -> None:
        """Take a module away, if it is there; one whose id would lead elsewhere than to a module is left alone."""
        if {".", ".."} & set(path.split("/")):
            raise EngineFault(ReasonCode.ENGINE_UNTRUSTED, "the OPA server holds a module that cannot be taken away")
        self._remove(f"policies/{quote(path)}")

    def remove_data(self, path: str) -> None:
        """Take the data at a path away, if there is any."""
        self._remove(f"data/{path}")

    def _remove(self, path: str) -> None:
        answer = self._session.delete(f"{self.root_url}/{path}")
        if answer.status_code != _NOT_FOUND:
            answer.raise_for_status()

    def values(self, queries: Mapping[str, str]) -> dict[str, Any]:
        """Give the value of each query, all of one state of the server; raises when one of them has none."""
        asked = "; ".join(f"{name} := {query}" for name, query in queries.items())
        answer = self._session.post(f"{self.root_url}/query", json={"query": asked})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()["result"][0]
        return found

    def document(self, path: str) -> Any:
        """Give the data at a path, None when there is none."""
        answer = self._session.get(f"{self.root_url}/data/{path}")
        answer.raise_for_status()
        return answer.json().get("result")

    def lets_strangers(self) -> bool:
        """Say whether this caller, who shows nothing, may read or change what the server holds."""
        return any(
            self._session.request(method, f"{self.root_url}/{path}", data=sent).status_code in open_
            for method, path, sent, open_ in _PROBES
        )

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
        access: how the server is shown who calls.
        outbound: the client that calls; one that may call this server and nobody else unless given.
    """

    def __init__(self, url: str, timeout: float, access: OpaAccess = NOBODY, outbound: Outbound | None = None) -> None:
        self._unix = url.removeprefix(_UNIX) if url.startswith(_UNIX) else None
        self._address = address_of("http://localhost" if self._unix else url)
        self._access = access
        self._timeout = timeout
        self._outbound = outbound or Outbound(Peers(own=[url]))
        self._clients = _Clients()

    def client(self) -> Client:
        """Give the calling thread's client for questions."""
        if self._clients.client is None:
            self._clients.client = self._open(self._timeout, ANSWER_MAXIMUM, self._access)
        return self._clients.client

    def loading(self, timeout: float = LOAD_TIMEOUT) -> Client:
        """Open a client for policies and data."""
        return self._open(timeout, LISTING_MAXIMUM, self._access)

    def is_open(self, timeout: float) -> bool:
        """Say whether the server lets a stranger in. Raises EngineFault when it cannot be known."""
        with self._open(timeout, LISTING_MAXIMUM, NOBODY) as stranger:
            try:
                let: bool = stranger.lets_strangers()
            except OutboundFailed as failed:
                if self._access.certificate is not None and failed.outcome in _NO_HANDSHAKE:
                    return False  # without a certificate there is no connection
                raise _fault(failed) from failed
            return let

    def query(self, asked: Mapping[str, Any], package: str, rule: str) -> Any:
        """Ask for the value of a rule; once more at once when the connection was kept alive in vain."""
        try:
            return self.client().query_rule(asked, package, rule)
        except OutboundFailed as failed:
            if failed.outcome is not CallOutcome.UNREACHABLE:  # else the server has closed it meanwhile
                raise
            return self.client().query_rule(asked, package, rule)

    def _open(self, timeout: float, size: int, access: OpaAccess) -> Client:
        budget = Budget(timeout, size, _AT_ONCE, plain_http=True)
        return Client(
            lambda session: self._outbound.equip(session, CallPurpose.OPA, budget, self._unix, access.certificate),
            token=access.token,
            **self._address,
        )


def address_of(url: str) -> dict[str, Any]:
    """Give the client's arguments for a server; raises ValueError when the URL is not one of a server."""
    split = urlsplit(url)
    if split.scheme not in DEFAULT_PORTS or not split.hostname or split.path not in {"", "/"}:
        raise ValueError("the URL of an OPA is http or https, a host and perhaps a port")
    host = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
    return {
        "host": host,
        "port": split.port or DEFAULT_PORTS[split.scheme],
        "ssl": split.scheme == "https",
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
    except EngineFault:
        raise
    except Exception as error:  # the client's own error classes share no base
        raise _fault(error) from error


def _words(answer: requests.Response) -> str:
    """Give what the server says of Rego that it does not compile, in one line."""
    try:
        told = answer.json()
        said = [f"{one['location']['file']}:{one['location']['row']}: {one['message']}" for one in told["errors"]]
    except (ValueError, KeyError, TypeError):
        return "the OPA server does not compile it"
    return " ".join("; ".join(said).split())


def _fault(error: Exception) -> EngineFault:
    if isinstance(error, OutboundFailed):
        unavailable = (ReasonCode.ENGINE_UNAVAILABLE, f"the call to the OPA server failed ({error.outcome.value})")
        return EngineFault(*_FAULTS.get(error.outcome, unavailable))
    if isinstance(error, requests.JSONDecodeError):
        return EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's answer is not JSON")
    return EngineFault(ReasonCode.ENGINE_UNAVAILABLE, f"the OPA server refused ({type(error).__name__})")
