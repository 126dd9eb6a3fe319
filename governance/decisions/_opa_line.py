"""The line to an OPA server: every exchange on it has a budget, in time and in bytes.

A time-out of a socket starts anew with each byte, so a server that drips its answer would hold a request for ever. Here
a watchman shuts the connection when the budget is spent, wherever the exchange stands: in the headers, in the body, or
before either. The watchman is one thread for each line, and ends when nobody has asked for a while.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import requests
from opa_client.opa import OpaClient
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from governance.decisions.engine import EngineFault
from governance.vocabulary import ReasonCode

ANSWER_MAXIMUM = 1 << 20  # bytes of an answer to one question
LISTING_MAXIMUM = 1 << 26  # bytes of an answer while loading: a list of policies carries their syntax trees
LOAD_TIMEOUT = 30.0  # seconds; loading is not on the path of a request
_LOOKS = 20  # times the watchman looks round in one budget
_DEFAULT_PORTS = {"http": 80, "https": 443}
_IDLE = 2.0  # seconds without an exchange after which the watchman goes home


T = TypeVar("T")


class TooLong(Exception):
    """The answer has more bytes than an answer can have."""


class Spending:
    """One exchange under way: until when it may last, and what to shut then."""

    __slots__ = ("expired", "socket", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.socket: socket.socket | None = None
        self.expired = False

    @property
    def left(self) -> float:
        """Give the seconds that are left, never less than none."""
        return max(0.0, self.until - time.monotonic())

    def expire(self) -> None:
        """End it: whoever reads from its connection reads the end."""
        self.expired = True
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


class Watchman:
    """Ends exchanges whose budget is spent.

    Args:
        grain: seconds between two looks; an exchange may last this much longer than its budget.
    """

    def __init__(self, grain: float) -> None:
        self._grain = grain
        self._under_way: set[Spending] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def spend(self, seconds: float) -> Iterator[Spending]:
        """Run an exchange of the calling thread under a budget."""
        spending = Spending(time.monotonic() + seconds)
        with self._lock:
            self._under_way.add(spending)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="opa-watchman", daemon=True)
                self._thread.start()
        before, _HERE.spending = _HERE.spending, spending
        try:
            yield spending
        finally:
            _HERE.spending = before
            with self._lock:
                self._under_way.discard(spending)

    def _watch(self) -> None:
        asked = time.monotonic()
        while True:
            time.sleep(self._grain)
            now = time.monotonic()
            with self._lock:
                if self._under_way:
                    asked = now
                elif now - asked > _IDLE:
                    self._thread = None
                    return
                spent = [one for one in self._under_way if one.until <= now]
                for one in spent:
                    one.expire()


class _Here(threading.local):
    spending: Spending | None = None


_HERE = _Here()


def _note(connection: HTTPConnection) -> None:
    """Let the calling thread's exchange know its socket, before anything is read from it."""
    if (spending := _HERE.spending) is not None:
        spending.socket = connection.sock
        if spending.expired:
            spending.expire()


class _Connection(HTTPConnection):
    def getresponse(self) -> Any:
        _note(self)
        return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> Any:
        _note(self)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Bounded:
    """A response whose body ends in an error when it is too long."""

    def __init__(self, raw: HTTPResponse, maximum: int) -> None:
        self._raw = raw
        self._maximum = maximum

    def stream(self, amount: int, *, decode_content: bool) -> Iterator[bytes]:
        """Give the body in pieces. Raises TooLong."""
        read = 0
        for piece in self._raw.stream(amount, decode_content=decode_content):
            read += len(piece)
            if read > self._maximum:
                self._raw.close()
                raise TooLong
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


class _Adapter(HTTPAdapter):
    """Sends once, through connections that tell their exchange of themselves."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        super().init_poolmanager(*args, **keywords)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def build_response(self, req: requests.PreparedRequest, resp: HTTPResponse) -> requests.Response:  # type: ignore[override]
        response: requests.Response = super().build_response(req, resp)
        response.raw = _Bounded(resp, self._maximum)
        return response


class Client(OpaClient):  # type: ignore[misc]
    """The client without the environment's proxies and credentials, retries and redirects; its answers end."""

    maximum: ClassVar[int] = ANSWER_MAXIMUM
    redirects: ClassVar[int] = 0

    def _init_session(self) -> requests.Session:
        session: requests.Session = super()._init_session()
        session.trust_env = False
        session.max_redirects = self.redirects
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(self.maximum))
        return session

    def compile_filter(self, path: str, known: Mapping[str, Any], unknowns: list[str]) -> Any:
        """Ask the Compile API for a filter as UCAST: never as SQL, whose values would be text of the statement."""
        answer = self._session.post(
            f"{self.root_url}/compile/{path}",
            json={"input": known, "unknowns": unknowns},
            headers={"Accept": "application/vnd.opa.ucast.all+json"},
            timeout=self.timeout,
        )
        answer.raise_for_status()
        return answer.json()


class LoadingClient(Client):
    """The client for policies and data."""

    maximum = LISTING_MAXIMUM
    redirects = 1  # the client asks for the list of policies where OPA sends it on


def watchman(budget: float) -> Watchman:
    """Give a watchman who is precise enough for a budget in seconds."""
    return Watchman(budget / _LOOKS)


class _Clients(threading.local):
    """The calling thread's client."""

    client: Client | None = None


class Line:
    """The way to one OPA server: a client for each thread.

    Args:
        url: base URL of the server, without a path.
        timeout: seconds a question may take.
        token: bearer token for the server's API, if it asks for one.
    """

    def __init__(self, url: str, timeout: float, token: str | None) -> None:
        self._address = address_of(url, token)
        self._timeout = timeout
        self._clients = _Clients()

    def client(self) -> Client:
        """Give the calling thread's client for questions."""
        if self._clients.client is None:
            self._clients.client = Client(timeout=self._timeout, **self._address)
        return self._clients.client

    def loading(self, timeout: float = LOAD_TIMEOUT) -> LoadingClient:
        """Open a client for policies and data."""
        return LoadingClient(timeout=timeout, **self._address)

    def query(self, asked: Mapping[str, Any], package: str, rule: str, spending: Spending) -> Any:
        """Ask for the value of a rule; once more at once when the connection was kept alive in vain."""
        try:
            return self.client().query_rule(asked, package, rule)
        except requests.ConnectionError as error:  # the server has closed it meanwhile
            if spending.expired or isinstance(error, requests.Timeout):
                raise
            return self.client().query_rule(asked, package, rule)


def put_policies(client: Client, held: set[str], prefix: str, modules: Sequence[tuple[str, str]]) -> None:
    """Make the policies at a server below a prefix these, and send only what differs; ``held`` are the paths it has."""
    wanted = dict(modules)
    for path in sorted(name for name in held - wanted.keys() if name.startswith(prefix)):
        client.delete_policy(path)
    for path, text in modules:
        if path not in held or client.get_policy(path)["result"]["raw"] != text:
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


def guarded(step: Callable[[], T], spending: Spending) -> T:
    """Run a step of the client; whatever it raises is a fault of the engine, told without the cause's own text."""
    try:
        return step()
    except Exception as error:  # the client's own error classes share no base
        raise _fault(error, spending) from error


def _fault(error: Exception, spending: Spending) -> EngineFault:
    if spending.expired or isinstance(error, requests.Timeout):
        return EngineFault(ReasonCode.ENGINE_TIMEOUT, "the OPA server did not answer in time")
    if isinstance(error, requests.ConnectionError):
        return EngineFault(ReasonCode.ENGINE_UNAVAILABLE, "the OPA server cannot be reached")
    if isinstance(error, requests.JSONDecodeError):
        return EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's answer is not JSON")
    if isinstance(error, TooLong):
        return EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's answer is too long")
    return EngineFault(ReasonCode.ENGINE_UNAVAILABLE, f"the OPA server refused ({type(error).__name__})")
