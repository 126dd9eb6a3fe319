"""The port for policies that are not this network's own: some Rego, some data, one question in, one JSON value out.

The port of ``engine.py`` knows the imaging answer, this one nothing of what it carries. It keeps the same promises:

1. An answer was computed with exactly the Rego and the data that were given, or it is no answer (``policy.stale``).
2. Whatever goes wrong is an :class:`EngineFault`; an entrypoint that has no value gives None.
3. Any thread may call any method.

A tenant's Rego lives in packages ``tenants.<name>``, its data at ``data.tenant_data.<name>``, so that one OPA server
can hold many tenants beside the network's own policies.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from governance.decisions.engine import EngineFault, PolicySource
from governance.rego import Bounds, Capabilities
from governance.vocabulary import ReasonCode

POLICIES_ROOT = "tenants"
DATA_ROOT = "tenant_data"
SERVED_ROOT = "tenant_answers"
SERVED = "served"


@dataclass(frozen=True)
class TenantPolicy:
    """A tenant's Rego and its data.

    ``name`` is a Rego identifier, ``entrypoint`` the whole name of the rule that answers (``data.tenants.<name>.…``),
    ``facts`` the data without a member ``revision``.
    """

    name: str
    policies: PolicySource
    entrypoint: str
    facts: Mapping[str, Any]

    @cached_property
    def revision(self) -> str:
        """Name the Rego and the data together: SHA-256 in hexadecimal."""
        named = [self.policies.digest, self.entrypoint, self.facts]
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()

    @property
    def document(self) -> dict[str, Any]:
        """Give the document at ``data.tenant_data.<name>``: the facts and the revision they belong to."""
        return {**self.facts, "revision": self.revision}

    @property
    def modules(self) -> tuple[tuple[str, str], ...]:
        """Give the modules by path, and last the one that says with what the entrypoint was computed."""
        own = tuple((f"{POLICIES_ROOT}/{self.name}/{path}", text) for path, text in self.policies.modules)
        return (*own, (f"{SERVED_ROOT}/{self.name}.rego", self._served()))

    def _served(self) -> str:
        return (
            f"package {SERVED_ROOT}.{self.name}\n\nimport rego.v1\n\ndefault value := null\n\n"
            f"value := {self.entrypoint}\n\n"
            f'{SERVED} := {{"rules": "{self.revision}", "value": value, '
            f'"data": data.{DATA_ROOT}.{self.name}.revision}}\n'
        )


def tenant_bounds(name: str) -> Bounds:
    """Say how far the Rego of a tenant may reach, in whichever engine it runs."""
    return Bounds(Capabilities.read().for_others, (POLICIES_ROOT, name), ((DATA_ROOT, name),))


class TenantEngine(Protocol):
    """An engine that holds one :class:`TenantPolicy`."""

    @property
    def revision(self) -> str:
        """The revision of the Rego and data it answers with."""
        ...

    def value(self, policy_input: Mapping[str, Any]) -> object:
        """Give the JSON value of the entrypoint; None when it has none. Raises EngineFault."""
        ...


def read_served(raw: object, revision: str) -> object:
    """Take the value out of what the last module says, and hold it to the revision. Raises EngineFault."""
    if not isinstance(raw, dict) or raw.keys() != {"rules", "data", "value"}:
        raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the engine's value is not an answer")
    if raw["rules"] != revision or raw["data"] != revision:
        raise EngineFault(ReasonCode.POLICY_STALE, "the answer was computed with other rules or data")
    return raw["value"]
