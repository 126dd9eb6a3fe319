"""The port to a policy engine: what any engine must do, what it is given, and how it may fail.

Rules that every engine keeps, held by one suite of tests over all of them:

1. An answer carries the revision of the policy data it was computed with, and is computed with that data alone.
2. :meth:`Engine.load` puts new data in place at once: an evaluation sees the old or the new, never a mixture.
3. Whatever goes wrong is an :class:`EngineFault` with a reason code; no answer means "not sure".
4. Any thread may call any method.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from governance.agreements import PolicyData
from governance.decisions.decision import Answer, InvalidAnswer, parse_answer
from governance.decisions.filters import StudyFilter
from governance.vocabulary import ReasonCode

EMBEDDED = "embedded"  # the name of an engine that runs in this process and waits for nothing
ENTRYPOINT = "data.imaging.decision.answer"
FILTER_ENTRYPOINT = "data.imaging.filter.answer"
POLICIES = Path(__file__).resolve().parents[2] / "policies"


class EngineFault(Exception):
    """The engine gave no usable answer; ``reason`` is an ``engine.*`` code or ``policy.stale``."""

    def __init__(self, reason: ReasonCode, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Health:
    """Whether an engine can decide; ``revision`` is the policy data it would decide with, ``detail`` plain English."""

    ok: bool
    revision: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class PolicySource:
    """The Rego modules, by path below the policy folder, in an order in which each module's imports come before it."""

    modules: tuple[tuple[str, str], ...]
    digest: str

    @classmethod
    def from_directory(cls, root: Path = POLICIES) -> Self:
        """Read every module below ``root`` but the tests.

        Raises:
            ValueError: there is none, or the imports of some form a ring.
        """
        paths = (path for path in root.rglob("*.rego") if not path.name.endswith("_test.rego"))
        found = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
        if not found:
            raise ValueError(f"there are no policies in {root}")
        ordered = tuple(_imports_first(found))
        return cls(ordered, hashlib.sha256(json.dumps(sorted(found.items())).encode()).hexdigest())


class Engine(Protocol):
    """A policy engine."""

    @property
    def name(self) -> str:
        """A short constant word for metrics and readiness."""
        ...

    @property
    def revision(self) -> str:
        """The revision that was loaded last; empty before the first."""
        ...

    def evaluate(self, policy_input: Mapping[str, Any]) -> Answer:
        """Decide on one policy input (see ``pip``). Raises EngineFault."""
        ...

    def evaluate_all(self, policy_inputs: Sequence[Mapping[str, Any]]) -> list[Answer | EngineFault]:
        """Decide on several policy inputs at once; for each, in order, its answer or the fault that kept it."""
        ...

    def study_filter(self, policy_input: Mapping[str, Any]) -> StudyFilter:
        """Say which studies a policy input that names none would be let to (see ``filters``). Raises EngineFault."""
        ...

    def load(self, data: PolicyData) -> None:
        """Decide with this policy data from now on. Raises EngineFault and then keeps deciding with what it had."""
        ...

    def health(self) -> Health:
        """Say whether it can decide now; raises nothing."""
        ...


def outcome_of(decide: Callable[[], Answer]) -> Answer | EngineFault:
    """Give the answer of a step that decides on one input, or the fault it raised."""
    try:
        return decide()
    except EngineFault as fault:
        return fault


def read_answer(raw: object, expected: frozenset[str]) -> Answer:
    """Read an engine's value and hold it to the loaded revision.

    Args:
        raw: the JSON value of the entrypoint.
        expected: the revisions the answer may have been computed with.

    Raises:
        EngineFault: the value is no answer, says that there was no policy data, or is of another revision.
    """
    try:
        answer = parse_answer(raw)
    except InvalidAnswer as error:
        raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, str(error)) from error
    if ReasonCode.ENGINE_UNDEFINED in answer.reasons:
        raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the engine has no policy data")
    if answer.revision not in expected:
        raise EngineFault(ReasonCode.POLICY_STALE, "the answer was computed with other policy data")
    return answer


def _imports_first(modules: Mapping[str, str]) -> list[tuple[str, str]]:
    """Order modules so that a server which compiles at each upload always finds what a module calls."""
    packages = {_package(text): path for path, text in modules.items()}
    waiting = {path: {packages[name] for name in _imports(text) if name in packages} for path, text in modules.items()}
    ordered: list[tuple[str, str]] = []
    while waiting:
        ready = sorted(path for path, needs in waiting.items() if not needs & waiting.keys())
        if not ready:
            raise ValueError("the policies import each other in a ring")
        for path in ready:
            del waiting[path]
            ordered.append((path, modules[path]))
    return ordered


def _package(text: str) -> str:
    return next(line.removeprefix("package ").strip() for line in text.splitlines() if line.startswith("package "))


def _imports(text: str) -> set[str]:
    prefix = "import data."
    return {line.removeprefix(prefix).strip() for line in text.splitlines() if line.startswith(prefix)}
