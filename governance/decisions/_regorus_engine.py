"""The embedded engine: the policies compiled once, run by a virtual machine of each thread's own.

The library's objects belong to the thread that made them (one that is moved panics), so nothing but bytes, text and the
policy data itself is shared. A machine is never given the whole of the policy data: a thread would parse it anew after
every change and hold a copy of its own. It gets the slice that the look-up by requester, custodians and purpose can
read, made once for each combination and kept as text. The slice is a projection, not a rule: what it leaves out, the
policy cannot see from this request, and the differential suite against OPA, which holds the whole, proves it.

An answer follows from the policy data and the input alone, and the input names its instant to the second. So what the
machine said of an input is kept with the generation, and the same input, byte for byte, is not evaluated twice: a
viewer asks for a study's images by hundreds of requests that differ in nothing the policy looks at. Every one of them
has its facts gathered and its decision recorded. A policy that read a clock of its own would be a second late at most.

Machines live in a cell of their thread, not of their engine: one that is dropped by another thread than its own is
never freed. Whose engine is gone goes when its thread makes the next machine, or ends.

The machine cannot be interrupted. What bounds an evaluation is that the policy only walks the request's own custodians
and relationships and the candidate clauses.
"""

import json
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import regorus

from governance.agreements import PolicyData
from governance.decisions._filter_answers import read_openings
from governance.decisions.decision import Answer
from governance.decisions.engine import (
    EMBEDDED,
    ENTRYPOINT,
    FILTER_ENTRYPOINT,
    EngineFault,
    Health,
    PolicySource,
    outcome_of,
    read_answer,
)
from governance.decisions.filters import StudyFilter
from governance.lru import LruCache
from governance.vocabulary import ReasonCode

_UNDEFINED = "<undefined>"
_SLICES = 4096  # combinations used last, kept as text for one revision: some tens of megabytes at the very most
_ANSWERS = 4096  # inputs of one revision that came last, whose answer is kept: some megabytes

T = TypeVar("T")
_Key = tuple[str, tuple[str, ...], str]


class _Generation:
    """One revision of the policy data, the slices made of it so far, and what was answered with it."""

    def __init__(self, data: PolicyData) -> None:
        self.revision = data.revision
        self._document = data.document
        self._slices: LruCache[_Key, str] = LruCache(_SLICES)
        self._answers: LruCache[str, Answer] = LruCache(_ANSWERS)

    def answer_to(self, asked: str, decide: Callable[[], Answer]) -> Answer:
        """Give the answer to an input as text: the one it had before, or the one it is decided to have now."""
        found = self._answers.get(asked)
        if found is None:
            found = decide()
            self._answers.put(asked, found)
        return found

    def slice_for(self, policy_input: Mapping[str, Any]) -> str:
        """Give the JSON of what the policy can read for this input; the same object for the same combination."""
        key = _key(policy_input)
        found = self._slices.get(key)
        if found is None:
            found = json.dumps({"governance": self._cut(*key)})
            self._slices.put(key, found)
        return found

    def custodians(self, policy_input: Mapping[str, Any]) -> list[str]:
        """Give the custodians that some active agreement opens to the requester, for whatever purpose."""
        return sorted(self._document["index"].get(_key(policy_input)[0], {}))

    def _cut(self, requester: str, custodians: tuple[str, ...], purpose: str) -> dict[str, Any]:
        index, lapsed = (_part_of(self._document[part], requester, custodians, purpose) for part in ("index", "lapsed"))
        keys = {key for by_purpose in index.values() for key in by_purpose[purpose]}
        return {
            "revision": self._document["revision"],
            "index": {requester: index},
            "lapsed": {requester: lapsed},
            "clauses": {key: self._document["clauses"][key] for key in sorted(keys)},
        }


class _Machine:
    """A virtual machine, the slice it holds, and the program it runs; used by the thread that made it alone."""

    __slots__ = ("data_json", "program", "vm")

    def __init__(self, vm: Any, program: "_Program") -> None:
        self.vm = vm
        self.data_json: str | None = None
        self.program = weakref.ref(
            program
        )  # without a callback: that would drop the machine in whichever thread it ran


class _Cell(threading.local):
    """The machines of the calling thread, by the identity of their program."""

    def __init__(self) -> None:
        self.machines: dict[int, _Machine] = {}


_CELL = _Cell()


class _Program:
    """The policies compiled for one entrypoint. Raises EngineFault when they do not compile."""

    def __init__(self, policies: PolicySource, entrypoint: str) -> None:
        self._binary = _guarded(lambda: _compile(policies, entrypoint))

    def value(self, data_json: str, input_json: str) -> object:
        """Run it on the calling thread's machine. Raises EngineFault."""
        try:
            return _guarded(lambda: self._run(data_json, input_json))
        except EngineFault:
            _CELL.machines.pop(id(self), None)
            raise

    def _run(self, data_json: str, input_json: str) -> object:
        machine = _CELL.machines.get(id(self))
        if machine is None or machine.program() is not self:
            machine = self._new_machine()
        if machine.data_json is not data_json:
            machine.vm.set_data_json(data_json)
            machine.data_json = data_json
        machine.vm.set_input_json(input_json)
        value = json.loads(machine.vm.execute())
        if value == _UNDEFINED:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the entrypoint is undefined")
        return value

    def _new_machine(self) -> _Machine:
        """Make the calling thread's machine, and let go of those it made for programs that are gone."""
        program, partial = regorus.Program.deserialize_binary(self._binary)
        if partial:
            raise EngineFault(ReasonCode.ENGINE_UNAVAILABLE, "the compiled policies are not whole")
        vm = regorus.Rvm()
        vm.load_program(program)
        held = {key: machine for key, machine in _CELL.machines.items() if machine.program() is not None}
        _CELL.machines = held
        held[id(self)] = made = _Machine(vm, self)
        return made


class RegorusEngine:
    """Decides in this process with the compiled regorus machine.

    Args:
        policies: the Rego modules; they are compiled here, so a bad one stops the start.

    Raises:
        EngineFault: the policies do not compile.
    """

    name = EMBEDDED

    def __init__(self, policies: PolicySource) -> None:
        self._deciding = _Program(policies, ENTRYPOINT)
        self._filtering = _Program(policies, FILTER_ENTRYPOINT)
        self._current: _Generation | None = None

    @property
    def revision(self) -> str:
        """The revision that was loaded last; empty before the first."""
        return self._current.revision if self._current else ""

    def load(self, data: PolicyData) -> None:
        """Decide with this policy data from now on.

        Raises:
            EngineFault: the data cannot be taken; the engine keeps deciding with what it had.
        """
        generation = _Generation(data)
        self._decide(generation, {})
        self._current = generation

    def evaluate(self, policy_input: Mapping[str, Any]) -> Answer:
        """Decide on one policy input. Raises EngineFault."""
        generation = self._current
        if generation is None:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "no policy data was loaded")
        return self._decide(generation, policy_input)

    def evaluate_all(self, policy_inputs: Sequence[Mapping[str, Any]]) -> list[Answer | EngineFault]:
        """Decide on one policy input after the other."""
        return [outcome_of(partial(self.evaluate, policy_input)) for policy_input in policy_inputs]

    def study_filter(self, policy_input: Mapping[str, Any]) -> StudyFilter:
        """Put the filter together from what the clauses open. Raises EngineFault."""
        generation = self._current
        if generation is None:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "no policy data was loaded")
        of_any = {**policy_input, "resource": {"custodians": generation.custodians(policy_input)}}
        asked = json.dumps({"request": policy_input})
        value = self._filtering.value(generation.slice_for(of_any), asked)
        return read_openings(value, frozenset({generation.revision}))

    def health(self) -> Health:
        """Say whether policy data is loaded; the engine itself is in this process."""
        if self._current is None:
            return Health(ok=False, revision=None, detail="no policy data was loaded")
        return Health(ok=True, revision=self._current.revision, detail="compiled policies in this process")

    def _decide(self, generation: _Generation, policy_input: Mapping[str, Any]) -> Answer:
        asked = _guarded(lambda: json.dumps(policy_input))

        def decide() -> Answer:
            value = self._deciding.value(_guarded(lambda: generation.slice_for(policy_input)), asked)
            return read_answer(value, frozenset({generation.revision}))

        return generation.answer_to(asked, decide)


def _compile(policies: PolicySource, entrypoint: str) -> bytes:
    program = regorus.Program.compile_from_modules("{}", list(policies.modules), [entrypoint])
    return bytes(program.serialize_binary())


def _key(policy_input: Mapping[str, Any]) -> _Key:
    """Give what the look-up goes by; anything that is not text finds nothing."""
    subject, resource = policy_input.get("subject"), policy_input.get("resource")
    requester = subject.get("ods") if isinstance(subject, Mapping) else None
    custodians = resource.get("custodians") if isinstance(resource, Mapping) else None
    if isinstance(custodians, Mapping):
        custodians = list(custodians.values())
    return (
        _text(requester),
        tuple(sorted({_text(custodian) for custodian in custodians})) if isinstance(custodians, list) else (),
        _text(policy_input.get("purpose")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _part_of(
    index: Mapping[str, Any], requester: str, custodians: tuple[str, ...], purpose: str
) -> dict[str, dict[str, list[str]]]:
    """Give the part of an index below one requester that some custodians and one purpose lead to."""
    by_custodian = index.get(requester, {})
    found = {custodian: by_custodian.get(custodian, {}).get(purpose) for custodian in custodians}
    return {custodian: {purpose: keys} for custodian, keys in found.items() if keys}


def _guarded(step: Callable[[], T]) -> T:
    """Run a step of the library; whatever it raises, a panic included, is a fault of the engine."""
    try:
        return step()
    except (EngineFault, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a Rust panic arrives as a BaseException
        raise EngineFault(ReasonCode.ENGINE_UNAVAILABLE, f"the engine failed ({type(error).__name__})") from error
