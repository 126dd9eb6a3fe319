"""An OPA server as one process trusts it: what was put there is read back, and nothing is asked before that was ours.

1. Every ``interval`` seconds the server's modules are compared with those put there, text for text, and the data by a
   digest that the server computes. An answer is taken only if the last look that found everything ours began less than
   ``interval`` seconds before: a change by anybody else opens nothing for longer.
2. A server that would let a stranger read or change its modules is denied, unless it may be open (the demo).
3. What differs is denied, told (``observe``), given again and looked at again; only then is the server asked. So is
   what was lost. Data of another revision is given time: another process may be ahead, or behind.
4. Looks run in a thread of their own, one at a time, for everything this process has put there. Whoever needs one waits
   for it within the budget of its own question.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from governance.decisions.engine import EngineFault
from governance.decisions.opa.held import FAULTS, Holding, Owner, Verdict, Why, compare, strangers
from governance.decisions.opa.line import (
    LOAD_TIMEOUT,
    NOBODY,
    Client,
    HeldPolicy,
    Line,
    OpaAccess,
    RulesRefused,
    alone,
    guarded,
)
from governance.outbound import Outbound, seconds_left, within
from governance.rego import RegoFault, judge, read_compiled
from governance.telemetry import get_logger
from governance.vocabulary import ReasonCode

Given = TypeVar("Given")

_log = get_logger(__name__)
_LOOK = 2.0  # seconds a look takes at the very most, unless a question may take longer
_REMEMBERED = 100  # differences that nobody has asked about yet
_LOADS = 2 * LOAD_TIMEOUT  # seconds a load waits for the one under way, which has a budget of its own
_LATE = (ReasonCode.ENGINE_TIMEOUT, "what the OPA server holds was not read in time")


class OpaHost:
    """One OPA server.

    Args:
        url: base URL of the server, without a path, or ``unix:`` and the path of a socket.
        timeout: seconds a question may take, from its first byte to the answer's last.
        access: how the server is shown who calls.
        interval: seconds for which a change by anybody else may go unnoticed.
        may_be_open: whether it may let strangers in (rule 2).
        outbound: the client that calls; one that may call this server and nobody else unless given.
        observe: is given whose rules or data differ (or everybody's, "server") and in what.
    """

    def __init__(
        self,
        url: str,
        timeout: float = 0.5,
        access: OpaAccess = NOBODY,
        *,
        interval: float = 2.0,
        may_be_open: bool = False,
        outbound: Outbound | None = None,
        observe: Callable[[str, str], None] = lambda _name, _what: None,
    ) -> None:
        self.line = Line(url, timeout, access, outbound)
        self.timeout = timeout
        self._interval = interval
        self._may_be_open = may_be_open
        self._observe = observe
        self._holdings: list[Holding] = []
        self._fault: Why | None = None
        self._differences: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)
        self._loading = threading.Lock()
        self._starting, self._looking = threading.Lock(), threading.Thread()

    def hold(self, owner: Owner, patience: float) -> Holding:
        """Give the place for an owner's rules and data; ``patience`` are the seconds other data may stay there."""
        holding = Holding(owner, patience)
        self._holdings.append(holding)
        return holding

    def load(self, holding: Holding, document: Mapping[str, Any]) -> None:
        """Put an owner's rules and this data there, and read them back.

        Raises:
            RulesRefused: the server does not compile the rules, or makes something of them that they must not be.
            EngineFault: it could not be done; what was expected before is expected on.
        """
        with alone(self._loading, _LOADS):
            before = holding.document, holding.digest
            holding.document, holding.digest = document, None
            try:
                self._refuse_open()
                began = time.monotonic()
                self._give(holding)
            except EngineFault:
                holding.document, holding.digest = before
                raise
            self._found(holding, Verdict.OURS, began)
            self._fault = None

    def want(self, holding: Holding, document: Mapping[str, Any]) -> None:
        """Let an owner's rules and this data be put there when the server can be reached."""
        holding.document, holding.digest = document, None

    def asked(self, holding: Holding, question: Callable[[], Given]) -> Given:
        """Put a question within one budget; once more when the server had lost its memory and has it again in time."""
        with within(self.timeout):
            self.require(holding)
            try:
                return question()
            except EngineFault as fault:
                if not fault.reason.lacks_data:
                    raise
            self.again(holding)
            return question()

    def require(self, holding: Holding) -> None:
        """Raise EngineFault unless the server was found to hold what is expected, not too long ago (rule 1)."""
        age = time.monotonic() - holding.looked_at
        if holding.fault is None and age < self._interval:
            if age > self._interval / 2:
                with suppress(EngineFault):
                    self._begin()  # beside: this question need not wait
            return
        self.again(holding, at_once=False)

    def again(self, holding: Holding, *, at_once: bool = True) -> None:
        """Look now, whatever was found before; ``at_once``: a look that is under way does not do.

        Raises:
            EngineFault: the server does not hold what is expected, or could not be looked at.
        """
        under_way = not self._join()
        if under_way and (at_once or holding.fault is not None or not self._good(holding)):
            self._join()
        why = self._fault or holding.fault or (None if self._good(holding) else _LATE)
        if why is not None:
            raise EngineFault(*why)

    def look(self) -> None:
        """Look, and wait until it is done, whatever it finds. Raises EngineFault when no look can begin."""
        self._begin()[0].join()

    def hand_over(self, take: Callable[[str, str], None]) -> None:
        """Hand over what was found to differ: whose (``server``: everybody's), and in what.

        Each goes once ``take`` has returned; what it raises comes through, and the rest is handed over next time.
        """
        while self._differences:
            take(*self._differences[0])
            self._differences.popleft()

    def trusted(self) -> Mapping[str, bool]:
        """Say of each owner whether the server was found to hold what is expected, not too long ago."""
        return {holding.owner.name: holding.fault is None and self._good(holding) for holding in self._holdings}

    def _good(self, holding: Holding) -> bool:
        return time.monotonic() - holding.looked_at < self._interval

    def _join(self) -> bool:
        """Wait for a look within the caller's budget; say whether it began only now."""
        thread, began = self._begin()
        thread.join(seconds_left(max(self.timeout, _LOOK)))
        return began

    def _begin(self) -> tuple[threading.Thread, bool]:
        """Begin a look, unless one is under way; give who looks, and whether it began only now. Raises EngineFault."""
        with self._starting:
            if self._looking.is_alive():
                return self._looking, False
            looking = threading.Thread(target=self._look, name="opa-look", daemon=True)
            try:
                looking.start()
            except RuntimeError:  # no thread can be started
                raise EngineFault(*_LATE) from None
            self._looking = looking
            return looking, True

    def _look(self) -> None:
        try:
            with alone(self._loading, _LOADS):
                self._refuse_open()
                if self._compare():
                    self._compare(restoring=False)
                self._fault = None
        except EngineFault as fault:
            self._failed(fault)
        except Exception as error:  # noqa: BLE001 - a look that breaks finds nothing: what it was to renew runs out
            _log.exception("OPA not looked at", error_type=type(error).__name__)

    def _failed(self, fault: EngineFault) -> None:
        """Remember why there was no look."""
        self._fault = (fault.reason, fault.detail)

    def _refuse_open(self) -> None:
        """Deny a server that strangers may change, and at once: not when the last look has had its time."""
        if self._may_be_open or not self.line.is_open(self._budget):
            return
        why = FAULTS[Verdict.OPEN]
        if self._fault != why:
            self._tell("server", Verdict.OPEN)
        self._fault = why
        for holding in self._holdings:
            holding.fault = why
        raise EngineFault(*why)

    def _compare(self, *, restoring: bool = True) -> bool:
        """Compare everything with what is there, and give again what is to be; say whether anything was given."""
        began, given = time.monotonic(), False
        waited = [holding for holding in self._holdings if holding.document is not None]
        held, found = self._read(waited)
        for number, holding in enumerate(waited):
            verdict = compare(holding, held, found[f"x{number}"], self._ours())
            self._found(holding, verdict, began)
            if restoring and verdict is not Verdict.OURS and self._is_due(holding, verdict):
                given = self._given_again(holding) or given
        return given

    def _read(self, waited: list[Holding]) -> tuple[list[HeldPolicy], dict[str, Any]]:
        queries = {f"x{number}": holding.owner.query for number, holding in enumerate(waited)}
        with within(self._budget), self.line.loading(self._budget) as client:
            held = guarded(client.policies)
            return held, guarded(lambda: client.values(queries)) if queries else {}

    def _found(self, holding: Holding, verdict: Verdict, began: float) -> None:
        if verdict is Verdict.OURS:
            holding.fault, holding.looked_at, holding.other_since = None, began, None
            return
        if verdict is Verdict.OTHER_DATA and holding.other_since is None:
            holding.other_since = began
        if verdict in {Verdict.RULES, Verdict.DATA}:
            self._tell(holding.owner.name, verdict)
        holding.fault = FAULTS[verdict]

    def _is_due(self, holding: Holding, verdict: Verdict) -> bool:
        """Say whether what was found is to be put right now, or time is given to another process."""
        if verdict is not Verdict.OTHER_DATA or holding.other_since is None:
            return True
        return time.monotonic() - holding.other_since >= holding.patience

    def _given_again(self, holding: Holding) -> bool:
        try:
            self._give(holding)
        except EngineFault as fault:
            why = (fault.reason, fault.detail)
            if holding.fault != why:
                _log.error("OPA not given its rules", owner=holding.owner.name, detail=fault.detail)
            holding.fault = why
            return False
        return True

    def _give(self, holding: Holding) -> None:
        """Put rules, then data: until both are there, what is answered is stale and no answer."""
        owner, document = holding.owner, holding.document or {}
        with within(LOAD_TIMEOUT):
            with self.line.loading(self._budget) as client:
                held = guarded(client.policies)
            with self.line.loading() as client:
                self._put_rules(client, owner, held)
                if owner.empty and guarded(lambda: client.document("/".join(owner.empty))) is not None:
                    guarded(lambda: client.remove_data("/".join(owner.empty)))
                guarded(lambda: client.update_or_create_data(dict(document), "/".join(owner.place)))
                holding.digest = guarded(lambda: _digest_of(client, owner, document))

    def _put_rules(self, client: Client, owner: Owner, held: list[HeldPolicy]) -> None:
        texts = {policy.id: policy.raw for policy in held}
        for policy in strangers(owner, held, self._ours()):
            guarded(partial(client.remove_policy, policy.id))
        for name, text in owner.modules:
            if texts.get(name) != text:
                guarded(partial(client.put_policy, name, text))
        if owner.bounds is not None:
            self._judge(client, owner)

    def _judge(self, client: Client, owner: Owner) -> None:
        """Hold what the server made of an owner's rules to their bounds; what is beyond them does not stay there."""
        others = {name for name, _ in owner.modules if name not in owner.trusted}
        try:
            read = {one.id: read_compiled(one.tree) for one in guarded(client.policies) if one.id in others}
            findings = [f"{found.path}: {found.message}" for found in judge(read, owner.bounds)] if owner.bounds else []
        except RegoFault as fault:
            findings = [fault.detail]
        if findings:
            for name in sorted(others):
                guarded(partial(client.remove_policy, name))
            raise RulesRefused(ReasonCode.ENGINE_UNAVAILABLE, "; ".join(findings))

    def _ours(self) -> frozenset[str]:
        return frozenset(name for holding in self._holdings for name, _ in holding.owner.modules)

    def _tell(self, name: str, verdict: Verdict) -> None:
        _log.error("OPA differs", owner=name, what=verdict.value)
        self._differences.append((name, verdict.value))
        self._observe(name, verdict.value)

    @property
    def _budget(self) -> float:
        return max(self.timeout, _LOOK)


def _digest_of(client: Client, owner: Owner, document: Mapping[str, Any]) -> str:
    """Read data back whole between two digests of it, once: from then on the digest alone is asked for."""
    before, there = client.values({"x": owner.query})["x"], client.document("/".join(owner.place))
    after = client.values({"x": owner.query})["x"]
    if there != document or before != after or not before:
        raise EngineFault(*FAULTS[Verdict.DATA])
    return str(before[0][0])
