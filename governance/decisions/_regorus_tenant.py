"""A tenant's policy in this process: compiled once, run by a machine of each thread's own (see ``_regorus_engine``)."""

import json
import threading
from collections.abc import Mapping
from typing import Any

import regorus

from governance.decisions._regorus_engine import _UNDEFINED, _guarded
from governance.decisions.engine import EngineFault
from governance.decisions.tenant_engine import DATA_ROOT, SERVED, SERVED_ROOT, TenantPolicy, read_served
from governance.rego import first_words
from governance.vocabulary import ReasonCode


class _Machine(threading.local):
    """The calling thread's machine."""

    vm: Any = None


class RegorusTenantEngine:
    """Answers in this process.

    Args:
        policy: what it holds; compiled here.

    Raises:
        EngineFault: the policy does not compile; ``detail`` says what the compiler said.
    """

    def __init__(self, policy: TenantPolicy) -> None:
        self._entrypoint = f"data.{SERVED_ROOT}.{policy.name}.{SERVED}"
        self._program = _compiled(policy, self._entrypoint)
        self._data = json.dumps({DATA_ROOT: {policy.name: policy.document}})
        self.revision = policy.revision
        self._machine = _Machine()

    def value(self, policy_input: Mapping[str, Any]) -> object:
        """Give the value of the entrypoint; None when it has none. Raises EngineFault."""
        try:
            return read_served(_guarded(lambda: self._run(json.dumps(policy_input))), self.revision)
        except EngineFault:
            self._machine.vm = None
            raise

    def _run(self, input_json: str) -> object:
        if self._machine.vm is None:
            self._machine.vm = self._new_vm()
        self._machine.vm.set_input_json(input_json)
        value = json.loads(self._machine.vm.execute())
        if value == _UNDEFINED:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the entrypoint is undefined")
        return value

    def _new_vm(self) -> Any:
        program, partial = regorus.Program.deserialize_binary(self._program)
        if partial:
            raise EngineFault(ReasonCode.ENGINE_UNAVAILABLE, "the compiled rules are not whole")
        vm = regorus.Rvm()
        vm.load_program(program)
        vm.set_data_json(self._data)
        return vm


def _compiled(policy: TenantPolicy, entrypoint: str) -> bytes:
    try:
        program = regorus.Program.compile_from_modules("{}", list(policy.modules), [entrypoint])
        return bytes(program.serialize_binary())
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a Rust panic arrives as a BaseException
        raise EngineFault(ReasonCode.ENGINE_UNAVAILABLE, f"does not compile: {first_words(error)}") from error
