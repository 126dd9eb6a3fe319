"""A tenant's policy at an OPA server, beside the network's own: another set of modules and another part of its data.

They are put there on the first question, and again whenever the server has lost them or holds others.
"""

import threading
from collections.abc import Mapping
from typing import Any

from governance.decisions._opa_line import LOAD_TIMEOUT, Line, alone, guarded, put_policies
from governance.decisions.engine import EngineFault
from governance.decisions.tenant_engine import DATA_ROOT, POLICIES_ROOT, SERVED, SERVED_ROOT, TenantPolicy, read_served
from governance.outbound import Outbound, within
from governance.vocabulary import ReasonCode


class OpaTenantEngine:
    """Answers at an OPA server.

    Args:
        url: base URL of the server, without a path.
        policy: what it must hold.
        timeout: seconds a question may take, to its answer's last byte.
        token: bearer token for the server's API, if it asks for one.
        outbound: the client that calls; one that may call this server and nobody else unless given.
    """

    def __init__(
        self,
        url: str,
        policy: TenantPolicy,
        timeout: float = 0.5,
        token: str | None = None,
        outbound: Outbound | None = None,
    ) -> None:
        self._line = Line(url, timeout, token, outbound)
        self._policy = policy
        self._timeout = timeout
        self._loading = threading.Lock()
        self.revision = policy.revision

    def value(self, policy_input: Mapping[str, Any]) -> object:
        """Give the value of the entrypoint; None when it has none. Raises EngineFault."""
        try:
            return self._ask(policy_input)
        except EngineFault as fault:
            if not fault.reason.lacks_data:
                raise
        with alone(self._loading, LOAD_TIMEOUT):
            self._upload()
        return self._ask(policy_input)

    def _ask(self, policy_input: Mapping[str, Any]) -> object:
        package = f"{SERVED_ROOT}.{self._policy.name}"
        with within(self._timeout):
            body = guarded(lambda: self._line.query(policy_input, package, SERVED))
        if not isinstance(body, dict) or "result" not in body:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the OPA server knows no answer")
        return read_served(body["result"], self.revision)

    def _upload(self) -> None:
        """Put the policy there, then the data: until both are, what is answered is stale and no answer."""
        ours, data = f"{POLICIES_ROOT}/{self._policy.name}/", f"{DATA_ROOT}/{self._policy.name}"
        with within(LOAD_TIMEOUT), self._line.loading() as client:
            held = guarded(client.policies)
            guarded(lambda: put_policies(client, held, ours, self._policy.modules))
            guarded(lambda: client.update_or_create_data(self._policy.document, data))
