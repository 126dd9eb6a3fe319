"""The embedded engine: the policies compiled once, run by a virtual machine of each thread's own.

The library's objects belong to the thread that made them (one that is moved panics), so nothing but text and bytes is
shared: the compiled program, and the policy data as JSON. A thread that finds a newer generation builds itself a new
machine; it never changes the data under one it has. The machine cannot be interrupted: what bounds an evaluation is
that the policy only walks the request's own custodians, relationships and candidate clauses.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import regorus

from governance.agreements import PolicyData
from governance.decisions.decision import Answer
from governance.decisions.engine import ENTRYPOINT, EngineFault, Health, PolicySource, read_answer
from governance.vocabulary import ReasonCode

_UNDEFINED = "<undefined>"


@dataclass(frozen=True, slots=True)
class _Generation:
    revision: str
    data_json: str


class _Machine(threading.local):
    """The calling thread's machine and the generation it holds."""

    generation: _Generation | None = None
    vm: Any = None


class RegorusEngine:
    """Decides in this process with the compiled regorus machine.

    Args:
        policies: the Rego modules; they are compiled here, so a bad one stops the start.

    Raises:
        EngineFault: the policies do not compile.
    """

    name = "embedded"

    def __init__(self, policies: PolicySource) -> None:
        self._program = _guarded(lambda: _compile(policies))
        self._current: _Generation | None = None
        self._machine = _Machine()

    @property
    def revision(self) -> str:
        """The revision that was loaded last; empty before the first."""
        return self._current.revision if self._current else ""

    def load(self, data: PolicyData) -> None:
        """Decide with this policy data from now on.

        Raises:
            EngineFault: the data cannot be taken; the engine keeps deciding with what it had.
        """
        generation = _Generation(data.revision, json.dumps({"governance": data.document}))
        vm = _guarded(lambda: self._build(generation))
        read_answer(_guarded(lambda: _run(vm, "{}")), frozenset({data.revision}))
        self._machine.generation, self._machine.vm = generation, vm
        self._current = generation

    def evaluate(self, policy_input: Mapping[str, Any]) -> Answer:
        """Decide on one policy input. Raises EngineFault."""
        generation = self._current
        if generation is None:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "no policy data was loaded")
        text = json.dumps(policy_input)
        machine = self._machine
        try:
            if machine.generation is not generation:
                machine.vm = _guarded(lambda: self._build(generation))
                machine.generation = generation
            return read_answer(_guarded(lambda: _run(machine.vm, text)), frozenset({generation.revision}))
        except EngineFault:
            machine.generation = machine.vm = None
            raise

    def health(self) -> Health:
        """Say whether policy data is loaded; the engine itself is in this process."""
        if self._current is None:
            return Health(ok=False, revision=None, detail="no policy data was loaded")
        return Health(ok=True, revision=self._current.revision, detail="compiled policies in this process")

    def _build(self, generation: _Generation) -> Any:
        program, partial = regorus.Program.deserialize_binary(self._program)
        if partial:
            raise EngineFault(ReasonCode.ENGINE_UNAVAILABLE, "the compiled policies are not whole")
        vm = regorus.Rvm()
        vm.load_program(program)
        vm.set_data_json(generation.data_json)
        return vm


def _compile(policies: PolicySource) -> bytes:
    program = regorus.Program.compile_from_modules("{}", list(policies.modules), [ENTRYPOINT])
    return bytes(program.serialize_binary())


def _run(vm: Any, input_json: str) -> object:
    vm.set_input_json(input_json)
    value = json.loads(vm.execute())
    if value == _UNDEFINED:
        raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the entrypoint is undefined")
    return value


def _guarded(step: Any) -> Any:
    """Run a step of the library; whatever it raises, a panic included, is a fault of the engine."""
    try:
        return step()
    except (EngineFault, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a Rust panic arrives as a BaseException
        raise EngineFault(ReasonCode.ENGINE_UNAVAILABLE, f"the engine failed ({type(error).__name__})") from error
