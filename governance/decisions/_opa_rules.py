"""Rules at an OPA server, beside the network's own: another set of policies and another part of its data.

They are put there on the first question, and again whenever the server has lost them or holds others.
"""

import threading
from collections.abc import Mapping
from typing import Any

from governance.decisions._opa_line import LOAD_TIMEOUT, Line, alone, guarded, put_policies
from governance.decisions.engine import EngineFault
from governance.decisions.rules import DATA_ROOT, RULES_ROOT, SERVED, SERVED_ROOT, RuleSet, read_served
from governance.outbound import Outbound, within
from governance.vocabulary import ReasonCode


class OpaRules:
    """Answers at an OPA server.

    Args:
        url: base URL of the server, without a path.
        rules: what it must hold.
        timeout: seconds a question may take, to its answer's last byte.
        token: bearer token for the server's API, if it asks for one.
        outbound: the client that calls; one that may call this server and nobody else unless given.
    """

    def __init__(
        self,
        url: str,
        rules: RuleSet,
        timeout: float = 0.5,
        token: str | None = None,
        outbound: Outbound | None = None,
    ) -> None:
        self._line = Line(url, timeout, token, outbound)
        self._rules = rules
        self._timeout = timeout
        self._loading = threading.Lock()
        self.revision = rules.revision

    def value(self, rule_input: Mapping[str, Any]) -> object:
        """Give the value of the entrypoint; None when it has none. Raises EngineFault."""
        try:
            return self._ask(rule_input)
        except EngineFault as fault:
            if not fault.reason.lacks_data:
                raise
        with alone(self._loading, LOAD_TIMEOUT):
            self._upload()
        return self._ask(rule_input)

    def _ask(self, rule_input: Mapping[str, Any]) -> object:
        package = f"{SERVED_ROOT}.{self._rules.name}"
        with within(self._timeout):
            body = guarded(lambda: self._line.query(rule_input, package, SERVED))
        if not isinstance(body, dict) or "result" not in body:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the OPA server knows no answer")
        return read_served(body["result"], self.revision)

    def _upload(self) -> None:
        """Put the rules there, then the data: until both are, what is answered is stale and no answer."""
        ours, data = f"{RULES_ROOT}/{self._rules.name}/", f"{DATA_ROOT}/{self._rules.name}"
        with within(LOAD_TIMEOUT), self._line.loading() as client:
            held = guarded(client.policies)
            guarded(lambda: put_policies(client, held, ours, self._rules.modules))
            guarded(lambda: client.update_or_create_data(self._rules.document, data))
