"""The production engine: an OPA server, through opa-python-client.

What this adapter adds to the client, each for a fault seen in it:

1. an undefined result comes back as ``{}``: here it is a fault, and an OPA that lost its memory is given it again;
2. one session shared by threads: here each thread has its own;
3. proxies and ``.netrc`` of the environment are obeyed: here not, a decision goes straight to its engine;
4. a policy of the old syntax is rewritten without a word: here it is refused;
5. retries with back-off: here a broken connection is tried once more at once, a slow answer never;
6. a time-out that starts anew with each byte, an answer without an end, a redirect to elsewhere: here a decision has
   one budget, in seconds and in bytes, and the outbound client spends all of it at the one server.

The server is asked while it holds what was put there and nothing else, and a stranger may not change it; whatever is
lost or differs is denied, and given again beside the request that found out (``host``).

Several inputs are one question, up to :data:`TOGETHER` of them, with the budget of one: the exchange is paid for once,
and all that is answered in it is of one revision.

Policies are uploaded before data, in import order, and only those that differ. The data document is replaced by one
request, which OPA applies as one transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from governance.agreements import PolicyData
from governance.decisions._filter_answers import read_compiled
from governance.decisions.decision import Answer
from governance.decisions.engine import EngineFault, Health, PolicySource, outcome_of, read_answer
from governance.decisions.filters import StudyFilter
from governance.decisions.opa.held import Owner
from governance.decisions.opa.host import OpaHost
from governance.decisions.opa.line import guarded
from governance.outbound import within
from governance.vocabulary import ReasonCode

_PACKAGE, _RULE, _RULES = "imaging.decision", "answer", "answers"
_FILTER = "imaging/filter/include"
_OWNER = Owner(
    name="network",
    prefixes=("imaging/",),
    packages=(("imaging",), ("governance",), ("revocations",)),
    modules=(),
    place=("governance",),
    empty=("revocations",),  # the rules read it at a trust's own OPA; this one is given each change at once
)
_PATIENCE = 5.0  # seconds; other processes of the service take up a change in half a second
TOGETHER = 16  # inputs in one question

T = TypeVar("T")


class OpaEngine:
    """Decides at an OPA server.

    Args:
        host: the server.
        policies: the Rego modules it must hold.
        patience: seconds that other policy data may stay at the server before this process puts its own there.
    """

    name = "opa"

    def __init__(self, host: OpaHost, policies: PolicySource, patience: float = _PATIENCE) -> None:
        self._host = host
        self._line = host.line
        self._holding = host.hold(replace(_OWNER, modules=policies.modules), patience)
        self._data: PolicyData | None = None
        self._accepted: frozenset[str] = frozenset()

    @property
    def revision(self) -> str:
        """The revision that was loaded last; empty before the first."""
        return self._data.revision if self._data else ""

    def load(self, data: PolicyData) -> None:
        """Upload policies and this data; raises EngineFault and then expects what it expected before."""
        before = self._accepted
        self._accepted = before | {data.revision}
        try:
            self._host.load(self._holding, data.document)
        except EngineFault:
            self._accepted = before
            raise
        self._data = data
        self._accepted = frozenset({data.revision})

    def evaluate(self, policy_input: Mapping[str, Any]) -> Answer:
        """Decide on one policy input. Raises EngineFault."""
        return self._asked(lambda: self._ask(policy_input))

    def evaluate_all(self, policy_inputs: Sequence[Mapping[str, Any]]) -> list[Answer | EngineFault]:
        """Decide on several policy inputs, some at a time; after a time-out nothing more is asked."""
        outcomes: list[Answer | EngineFault] = []
        for at in range(0, len(policy_inputs), TOGETHER):
            some = policy_inputs[at : at + TOGETHER]
            try:
                outcomes += self._some(some)
            except EngineFault as fault:
                late = fault.reason is ReasonCode.ENGINE_TIMEOUT
                outcomes += [fault] * (len(policy_inputs) - at if late else len(some))
                if late:
                    break
        return outcomes

    def _some(self, policy_inputs: Sequence[Mapping[str, Any]]) -> Sequence[Answer | EngineFault]:
        if len(policy_inputs) == 1:
            return [self.evaluate(policy_inputs[0])]
        return self._asked(lambda: self._ask_all(policy_inputs))

    def study_filter(self, policy_input: Mapping[str, Any]) -> StudyFilter:
        """Let OPA evaluate the filter in part (Compile API, OPA 1.9 and later). Raises EngineFault."""
        return self._asked(lambda: self._compile(policy_input))

    def health(self) -> Health:
        """Say whether the server answers and holds what is expected; one that lost its memory is given it."""
        held: str | None = None
        try:
            with within(self._host.timeout):
                held = self._held()
                if held != self.revision:
                    self._host.again(self._holding)
                self._host.require(self._holding)
        except EngineFault as fault:
            return Health(ok=False, revision=held, detail=fault.detail)
        return Health(ok=True, revision=self.revision, detail="the OPA server holds the expected policy data")

    def _held(self) -> str | None:
        """Give the revision of the data at the server, None when there is none."""
        body = guarded(lambda: self._line.client().query_rule({}, "governance", "revision"))
        if not isinstance(body, dict):
            raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's answer has no revision")
        held = body.get("result")
        return None if held is None else str(held)

    def _asked(self, question: Callable[[], T]) -> T:
        """Put a question (:meth:`OpaHost.asked`), once there is policy data to answer it with."""
        if self._data is None:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "no policy data was loaded")
        return self._host.asked(self._holding, question)

    def _compile(self, policy_input: Mapping[str, Any]) -> StudyFilter:
        accepted = self._accepted
        known = {"request": policy_input}
        body = guarded(lambda: self._line.client().compile_filter(_FILTER, known, ["input.study"]))
        result = body.get("result", {}) if isinstance(body, dict) else None
        if not isinstance(result, dict):
            raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's filter is not one")
        if "query" not in result:  # never: the filter names its policy data whenever there is some
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the OPA server knows no filter")
        return read_compiled(result["query"], accepted | self._accepted)

    def _ask(self, policy_input: Mapping[str, Any]) -> Answer:
        accepted = self._accepted
        body = guarded(lambda: self._line.query(policy_input, _PACKAGE, _RULE))
        if not isinstance(body, dict) or "result" not in body:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the OPA server knows no answer")
        return read_answer(body["result"], accepted | self._accepted)

    def _ask_all(self, policy_inputs: Sequence[Mapping[str, Any]]) -> Sequence[Answer | EngineFault]:
        """Put several inputs as one question. Raises EngineFault when it keeps every one of them from its answer."""
        accepted = self._accepted
        asked = {"requests": policy_inputs}
        body = guarded(lambda: self._line.query(asked, _PACKAGE, _RULES))
        if not isinstance(body, dict) or "result" not in body:
            raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the OPA server knows no answers")
        found = body["result"]
        if not isinstance(found, list) or len(found) != len(policy_inputs):
            raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the OPA server's answers are not one each")
        expected = accepted | self._accepted
        outcomes = [outcome_of(partial(read_answer, raw, expected)) for raw in found]
        lost = next((one for one in outcomes if isinstance(one, EngineFault) and one.reason.lacks_data), None)
        if lost is not None:
            raise lost
        return outcomes
