"""A tenant's policy at an OPA server, beside the network's own: another set of modules and another part of its data.

They are put there at the start, and again whenever the server has lost them or holds others (``host``). What the
server made of them is held to the bounds of a tenant: it is its tree that is run.
"""

from collections.abc import Mapping
from typing import Any

from governance.decisions.engine import EngineFault
from governance.decisions.opa.held import Owner
from governance.decisions.opa.host import OpaHost
from governance.decisions.opa.line import RulesRefused, guarded
from governance.decisions.tenant_engine import (
    DATA_ROOT,
    POLICIES_ROOT,
    SERVED,
    SERVED_ROOT,
    TenantPolicy,
    read_served,
    tenant_bounds,
)
from governance.telemetry import get_logger
from governance.vocabulary import ReasonCode

_log = get_logger(__name__)
_PATIENCE = 0.0  # seconds; a folder changes with a restart, and then its new rules are the right ones


class OpaTenantEngine:
    """Answers at an OPA server.

    Args:
        host: the server.
        policy: what it must hold; put there now, or when it can be reached.

    Raises:
        RulesRefused: the server does not compile the tenant's rules, or makes something of them that they must not be.
    """

    def __init__(self, host: OpaHost, policy: TenantPolicy) -> None:
        self._host = host
        self._name = policy.name
        self._holding = host.hold(_owner(policy), _PATIENCE)
        self.revision = policy.revision
        try:
            host.load(self._holding, policy.document)
        except RulesRefused:
            raise
        except EngineFault as fault:
            _log.error("tenant not at its OPA", tenant=policy.name, reason=fault.reason.value, detail=fault.detail)
            host.want(self._holding, policy.document)

    def value(self, policy_input: Mapping[str, Any]) -> object:
        """Give the value of the entrypoint; None when it has none. Raises EngineFault."""
        return self._host.asked(self._holding, lambda: self._ask(policy_input))

    def _ask(self, policy_input: Mapping[str, Any]) -> object:
        body = guarded(lambda: self._host.line.query(policy_input, f"{SERVED_ROOT}.{self._name}", SERVED))
        if not isinstance(body, dict) or "result" not in body:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the OPA server knows no answer")
        return read_served(body["result"], self.revision)


def _owner(policy: TenantPolicy) -> Owner:
    served = f"{SERVED_ROOT}/{policy.name}.rego"
    return Owner(
        name=policy.name,
        prefixes=(f"{POLICIES_ROOT}/{policy.name}/", served),
        packages=tuple((root, policy.name) for root in (POLICIES_ROOT, SERVED_ROOT, DATA_ROOT)),
        modules=policy.modules,
        place=(DATA_ROOT, policy.name),
        bounds=tenant_bounds(policy.name),
        trusted=frozenset({served}),
    )
