"""The production engine: an OPA server, through opa-python-client.

What this adapter adds to the client, each for a fault seen in it:

1. an undefined result comes back as ``{}``: here it is a fault, and an OPA that lost its memory is given it again;
2. one session shared by threads: here each thread has its own;
3. proxies and ``.netrc`` of the environment are obeyed: here not, a decision goes straight to its engine;
4. a policy of the old syntax is rewritten without a word: here it is refused;
5. retries with back-off: here a broken connection is tried once more at once, a slow answer never.

Policies are uploaded before data, in import order, and only those that differ. The data document is replaced by one
request, which OPA applies as one transaction.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from opa_client.opa import OpaClient

from governance.agreements import PolicyData
from governance.decisions.decision import Answer
from governance.decisions.engine import EngineFault, Health, PolicySource, read_answer
from governance.vocabulary import ReasonCode

_PACKAGE, _RULE = "imaging.decision", "answer"
_PREFIX = "imaging/"  # every policy below it is ours
_LOAD_TIMEOUT = 30.0  # seconds; loading is not on the path of a request
_DEFAULT_PORTS = {"http": 80, "https": 443}

T = TypeVar("T")


class _Client(OpaClient):  # type: ignore[misc]
    """The client without the environment's proxies and credentials."""

    def _init_session(self) -> requests.Session:
        session: requests.Session = super()._init_session()
        session.trust_env = False
        return session


class _Clients(threading.local):
    """The calling thread's client."""

    decide: _Client | None = None


class OpaEngine:
    """Decides at an OPA server.

    Args:
        url: base URL of the server, without a path.
        policies: the Rego modules it must hold.
        timeout: seconds to connect, and to wait between bytes of an answer, before the answer is a denial.
        token: bearer token for the server's API, if it asks for one.
    """

    name = "opa"

    def __init__(self, url: str, policies: PolicySource, timeout: float = 0.5, token: str | None = None) -> None:
        self._address = address_of(url, token)
        self._policies = policies
        self._timeout = timeout
        self._clients = _Clients()
        self._loading = threading.Lock()
        self._data: PolicyData | None = None
        self._accepted: frozenset[str] = frozenset()

    @property
    def revision(self) -> str:
        """The revision that was loaded last; empty before the first."""
        return self._data.revision if self._data else ""

    def load(self, data: PolicyData) -> None:
        """Upload policies and this data; raises EngineFault and then expects what it expected before."""
        with self._loading:
            before = self._accepted
            self._accepted = before | {data.revision}
            try:
                self._upload(data)
            except EngineFault:
                self._accepted = before
                raise
            self._data = data
            self._accepted = frozenset({data.revision})

    def evaluate(self, policy_input: Mapping[str, Any]) -> Answer:
        """Decide on one policy input. Raises EngineFault."""
        if self._data is None:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "no policy data was loaded")
        try:
            return self._ask(policy_input)
        except EngineFault as fault:
            if fault.reason is not ReasonCode.ENGINE_UNDEFINED or not self._restore():
                raise
        return self._ask(policy_input)

    def health(self) -> Health:
        """Say whether the server answers and holds the expected policy data."""
        try:
            held = _guarded(lambda: self._client().get_data("governance/revision")["result"])
        except EngineFault as fault:
            return Health(ok=False, revision=None, detail=fault.detail)
        if held != self.revision:
            return Health(ok=False, revision=str(held), detail="the OPA server holds other policy data")
        return Health(ok=True, revision=self.revision, detail="the OPA server holds the expected policy data")

    def _ask(self, policy_input: Mapping[str, Any]) -> Answer:
        accepted = self._accepted
        body = _guarded(lambda: self._query(policy_input))
        if not isinstance(body, dict) or "result" not in body:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the OPA server knows no answer")
        return read_answer(body["result"], accepted | self._accepted)

    def _query(self, policy_input: Mapping[str, Any]) -> Any:
        try:
            return self._client().query_rule(policy_input, _PACKAGE, _RULE)
        except requests.Timeout:
            raise
        except requests.ConnectionError:  # a kept-alive connection the server has closed meanwhile
            return self._client().query_rule(policy_input, _PACKAGE, _RULE)

    def _client(self) -> _Client:
        if self._clients.decide is None:
            self._clients.decide = _Client(timeout=self._timeout, **self._address)
        return self._clients.decide

    def _restore(self) -> bool:
        """Give a server that lost its memory everything again; False when it fails or another thread is at it."""
        if self._data is None or not self._loading.acquire(blocking=False):
            return False
        try:
            self._upload(self._data)
        except EngineFault:
            return False
        finally:
            self._loading.release()
        return True

    def _upload(self, data: PolicyData) -> None:
        with _Client(timeout=_LOAD_TIMEOUT, **self._address) as client:
            _guarded(lambda: self._upload_policies(client))
            _guarded(lambda: client.update_or_create_data(dict(data.document), "governance"))

    def _upload_policies(self, client: _Client) -> None:
        held = set(client.get_policies_list())
        wanted = dict(self._policies.modules)
        for path in sorted(name for name in held - wanted.keys() if name.startswith(_PREFIX)):
            client.delete_policy(path)
        for path, text in self._policies.modules:
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


def _guarded(step: Callable[[], T]) -> T:
    """Run a step of the client; whatever it raises is a fault of the engine, told without the cause's own text."""
    try:
        return step()
    except requests.Timeout as error:
        raise EngineFault(ReasonCode.ENGINE_TIMEOUT, "the OPA server did not answer in time") from error
    except requests.ConnectionError as error:
        raise EngineFault(ReasonCode.ENGINE_UNAVAILABLE, "the OPA server cannot be reached") from error
    except requests.JSONDecodeError as error:
        raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's answer is not JSON") from error
    except Exception as error:  # the client's own error classes share no base
        raise EngineFault(ReasonCode.ENGINE_UNAVAILABLE, f"the OPA server refused ({type(error).__name__})") from error
