"""X4: somebody tries out what the agreements allow: denied here and there, then let in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context, StaffFacts
from governance.detection.peers.usual import Habit
from governance.detection.reader.state import RuleState, Value
from governance.detection.reader.waiting import from_value, to_value
from governance.detection.rule import Rule
from governance.detection.windows import AT, DAY, HOUR, Row, Slots, add, moment, within
from governance.vocabulary import EventKind, Outcome, ReasonCode, Severity

_TRIED = Slots("tried", HOUR)
_FAULTS = Slots("fault", HOUR)
_TERMS, _EVENT = 2, 3  # places in a row
_KEPT = 60
_HABIT = Habit("denials", 1.0)
_NO_PROBE = frozenset(
    {
        ReasonCode.ASSURANCE_TOO_LOW,
        ReasonCode.RELATIONSHIP_NONE,
        ReasonCode.TRAINING_EXPIRED,
        ReasonCode.TRAINING_UNKNOWN,
    }
)


@dataclass(frozen=True, slots=True)
class AgreementProbing:
    """Fires at a permit after a run of denials within an hour over several trusts, modalities or purposes.

    The same question asked again counts once. What no change of terms would cure (a missing relationship, training,
    a system that is down) is no trying out. A client or rota that is set wrongly denies several people alike; then
    nobody is reported.

    Args:
        least: different questions denied.
        spread: trusts, modalities or purposes among them.
        others: people of the same client denied for the same reason in the hour, from whom on it is the client.
        bits: how surprising the number must be for the role.
    """

    least: int = 6
    spread: int = 3
    others: int = 3
    bits: float = 5.0
    id = "agreement_probing"
    family = "probing"
    severity = Severity.MEDIUM
    window = timedelta(hours=1)
    kinds = frozenset({EventKind.DECISION})

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Remember a denial; at a permit, look at what was tried before."""
        event = look.event
        if event.subject is None or event.resource is None:
            return ()
        staff, at, who = acts.known(event, context), moment(event), event.subject.id
        if event.detail.get("permit") is not False and event.outcome is Outcome.SUCCESS:
            return self._judge(event, staff, who, at, state)
        reason = _reason(event)
        if reason is None:
            return ()
        fault = f"{event.detail.get('asked_by') or event.source.id}|{reason}"
        seen = _FAULTS.at(state, fault, at) or {"who": []}
        if who not in seen["who"] and len(seen["who"]) <= self.others:
            _FAULTS.put(state, fault, at, {"who": sorted([*seen["who"], who])})
        value = _TRIED.at(state, who, at) or {"rows": [], "told": False, "role": acts.peers_of(event, staff)}
        terms = [*_terms(event), reason, fault]
        if any(row[_TERMS] == terms for row in value["rows"]):
            return ()
        add(value["rows"], [at, event.index, terms, to_value(event)], _KEPT)
        _TRIED.put(state, who, at, value)
        return ()

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """An hour is over: its denials count among those of the role."""
        if _TRIED.of(key) is not None:
            _HABIT.learn(state, value["role"], len(value["rows"]), at // DAY)
        return ()

    def _judge(
        self, event: RecordedEvent, staff: StaffFacts | None, who: str, at: int, state: RuleState
    ) -> Iterable[Finding]:
        near = _TRIED.near(state, who, at)
        rows = [row for row in within(near, "rows", at, _TRIED.width) if row[AT] <= at]
        rows = [row for row in rows if not self._fault_of_client(row, who, at, state)]
        if len(rows) < self.least or any(one["told"] for one in near):
            return ()
        trusts, modalities, purposes = (len({row[_TERMS][place] for row in rows} - {None}) for place in (0, 1, 2))
        usual = _HABIT.of(state, acts.peers_of(event, staff))
        if max(trusts, modalities, purposes) < self.spread or usual.bits(len(rows)) < self.bits:
            return ()
        for one in near:
            one["told"] = True
        _TRIED.put(state, who, at, near[-1])
        sentence = (
            f"{acts.spoken_role(event, staff).capitalize()} was denied {len(rows)} different questions within an hour, "
            f"over {trusts} trusts, {modalities} modalities and {purposes} purposes, and was then let in; "
            f"{usual.mean:.1f} in an hour is usual for the role where anybody is denied ({usual.sample} hours "
            "compared)."
        )
        bits = usual.bits(len(rows))
        evidence = Evidence("denials_before_permit", len(rows), usual.mean, usual.sample, bits, sentence)
        events = [*(from_value(row[_EVENT]) for row in rows), event]
        about = acts.trust_of(event, staff)
        return (acts.finding(self, events, [evidence], about=about, at=event.time, trusts=(about,)),)

    def _fault_of_client(self, row: Row, who: str, at: int, state: RuleState) -> bool:
        denied = {one for value in _FAULTS.near(state, row[_TERMS][-1], at) for one in value["who"]}
        return len(denied - {who}) >= self.others


def _terms(event: RecordedEvent) -> list[str | None]:
    """Give what a question varies in: trust, modality, purpose, action."""
    resource, action = event.resource, event.detail.get("action")
    return [
        resource.custodian if resource else None,
        resource.modality if resource else None,
        event.purpose.value if event.purpose else None,
        action if isinstance(action, str) else None,
    ]


def _reason(event: RecordedEvent) -> str | None:
    """Give the first reason of a denial; None when no change of terms would cure it."""
    given = event.detail.get("reasons")
    reasons = [one for one in given if isinstance(one, str)] if isinstance(given, list | tuple) else []
    known = [ReasonCode(one) for one in reasons if one in frozenset(ReasonCode)]
    if any(one.transient or one.undecided or one in _NO_PROBE for one in known):
        return None
    return min(reasons, default="denied")


RULE: Rule = AgreementProbing()
