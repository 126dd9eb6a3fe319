"""Rules at an OPA server, beside the network's own: another set of policies and another part of its data.

They are put there on the first question, and again whenever the server has lost them or holds others.
"""

import threading
from collections.abc import Mapping
from typing import Any

import requests

from governance.decisions._opa_engine import _LOAD_TIMEOUT, _Client, _Clients, _guarded, address_of
from governance.decisions.engine import EngineFault
from governance.decisions.rules import DATA_ROOT, RULES_ROOT, SERVED, SERVED_ROOT, RuleSet, read_served
from governance.vocabulary import ReasonCode

_MISSING = frozenset({ReasonCode.ENGINE_UNDEFINED, ReasonCode.POLICY_STALE})


class OpaRules:
    """Answers at an OPA server.

    Args:
        url: base URL of the server, without a path.
        rules: what it must hold.
        timeout: seconds to connect, and to wait between bytes of an answer.
        token: bearer token for the server's API, if it asks for one.
    """

    def __init__(self, url: str, rules: RuleSet, timeout: float = 0.5, token: str | None = None) -> None:
        self._address = address_of(url, token)
        self._rules = rules
        self._timeout = timeout
        self._clients = _Clients()
        self._loading = threading.Lock()
        self.revision = rules.revision

    def value(self, rule_input: Mapping[str, Any]) -> object:
        """Give the value of the entrypoint; None when it has none. Raises EngineFault."""
        try:
            return self._ask(rule_input)
        except EngineFault as fault:
            if fault.reason not in _MISSING:
                raise
        with self._loading:
            self._upload()
        return self._ask(rule_input)

    def _ask(self, rule_input: Mapping[str, Any]) -> object:
        body = _guarded(lambda: self._query(rule_input))
        if not isinstance(body, dict) or "result" not in body:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the OPA server knows no answer")
        return read_served(body["result"], self.revision)

    def _query(self, rule_input: Mapping[str, Any]) -> Any:
        package = f"{SERVED_ROOT}.{self._rules.name}"
        try:
            return self._client().query_rule(rule_input, package, SERVED)
        except requests.Timeout:
            raise
        except requests.ConnectionError:  # a kept-alive connection the server has closed meanwhile
            return self._client().query_rule(rule_input, package, SERVED)

    def _client(self) -> _Client:
        if self._clients.decide is None:
            self._clients.decide = _Client(timeout=self._timeout, **self._address)
        return self._clients.decide

    def _upload(self) -> None:
        """Put the rules there, then the data: until both are, what is answered is stale and no answer."""
        with _Client(timeout=_LOAD_TIMEOUT, **self._address) as client:
            _guarded(lambda: self._upload_policies(client))
            _guarded(lambda: client.update_or_create_data(self._rules.document, f"{DATA_ROOT}/{self._rules.name}"))

    def _upload_policies(self, client: _Client) -> None:
        held, wanted = set(client.get_policies_list()), dict(self._rules.modules)
        ours = f"{RULES_ROOT}/{self._rules.name}/"
        for path in sorted(name for name in held - wanted.keys() if name.startswith(ours)):
            client.delete_policy(path)
        for path, text in self._rules.modules:
            if path not in held or client.get_policy(path)["result"]["raw"] != text:
                client.update_policy_from_string(text, path, rego_compat=False)
