"""H5: an access under an agreement that was no longer in force, or with a token that was over or revoked.

An agreement is over when its last day is, which the log says when it comes into force or goes on record later; whether
and when the job that marks it expired has run makes no difference. A version that went on record after the access
counts by its last day alone: over by then, or in force.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.alerts import Evidence, Finding
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.rule import Rule
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import SYSTEM, AgreementStatus, EventKind, Severity

LAPSED = frozenset({AgreementStatus.EXPIRED.value, AgreementStatus.SUSPENDED.value, AgreementStatus.TERMINATED.value})
_REVOCATION_KEPT = timedelta(days=7) // MICROSECOND


@dataclass(frozen=True, slots=True)
class LapsedAuthority:
    """Fires at once. What was in force when is learnt from the log itself, so a second reading judges as the first did.

    An end that another issuer reports of its token is that issuer's word, and is told as such. The approval of an AI
    service's version is held against by its own detector.

    Args:
        grace: what clocks may differ by before an access counts as late.
        system: the source whose word counts on agreements and tokens: this service.
    """

    grace: timedelta = timedelta(seconds=60)
    system: str = SYSTEM
    id = "lapsed_authority"
    family = "lapsed_authority"
    severity = Severity.HIGH
    window = timedelta(0)
    kinds = acts.LOOKS | {EventKind.CONFIG, EventKind.TOKEN}

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Learn from changes of agreements and revocations; judge accesses."""
        event = look.event
        if event.kind in acts.LOOKS:
            return self._judge(event, context, state) if acts.succeeded(event) and not acts.goes_on(event) else ()
        if event.source.id == self.system:
            self._learn(event, state)
        return ()

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """A revocation is forgotten long after its token could be used."""
        return ()

    def _learn(self, event: RecordedEvent, state: RuleState) -> None:
        at = to_microseconds(event.time)
        agreement, status = event.detail.get("agreement"), event.detail.get("status")
        if event.kind is EventKind.CONFIG and isinstance(agreement, str) and isinstance(status, str):
            key = f"agreement:{agreement}"
            value = state.get(key) or {"steps": []}
            version, ends_at = str(event.detail.get("version")), event.detail.get("ends_at")
            value["steps"] = sorted([*value["steps"], [at, version, status, event.index]], key=_order)
            if isinstance(ends_at, str):
                value["ends"] = {**value.get("ends", {}), version: to_microseconds(datetime.fromisoformat(ends_at))}
            state.put(key, value, None)
        elif event.kind is EventKind.TOKEN and event.detail.get("act") == "revoke" and event.authority.token_jti:
            state.put(f"revoked:{event.authority.token_jti}", {"at": at}, at + _REVOCATION_KEPT)

    def _judge(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Finding]:
        evidence = [*self._token(event, context, state), *self._agreement(event, context, state)]
        return (acts.finding(self, [event], evidence, about=None),) if evidence else ()

    def _token(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Evidence]:
        jti = event.authority.token_jti
        if jti is None:
            return
        revoked = state.get(f"revoked:{jti}")
        if revoked is not None and self._late(event, revoked["at"]):
            sentence = f"The token had been revoked {_ago(event, revoked['at'])} before it was used."
            yield acts.certain("token_revoked", sentence, observed="used", expected="revoked")
        token = context.token(jti, context.known_before)
        if token is not None and token.lifetime is not None:
            over = to_microseconds(token.minted_at) + int(token.lifetime * 1_000_000)
            if self._late(event, over):
                says = "" if token.ours else ", as its issuer says,"
                sentence = f"The token had{says} run out {_ago(event, over)} before it was used."
                yield acts.certain("token_expired", sentence, observed="used", expected="run out")

    def _agreement(self, event: RecordedEvent, context: Context, state: RuleState) -> Iterable[Evidence]:
        agreement = self._named(event, context)
        history = state.get(f"agreement:{agreement}") if agreement else None
        if history is None:
            return
        moment = to_microseconds(event.time) - self.grace // MICROSECOND
        standing = _standing(history, moment)
        statuses = {status for status, _ in standing}
        if AgreementStatus.ACTIVE.value not in statuses and statuses & LAPSED:
            status, at = max(standing, key=lambda item: (item[0] in LAPSED, item[1], item[0]))
            since = f"{from_microseconds(at):%Y-%m-%d %H:%M} UTC"
            sentence = f"The agreement that the access names had been {status} for {_ago(event, at)}, since {since}."
            yield acts.certain("agreement_lapsed", sentence, observed=status, expected="active")

    def _named(self, event: RecordedEvent, context: Context) -> str | None:
        authority = event.authority
        if authority.agreement_id is not None:
            return authority.agreement_id
        if authority.decision_id is not None:
            decision = context.decision(authority.decision_id, context.known_before)
            return None if decision is None else decision.agreement_id
        if authority.token_jti is not None:
            token = context.token(authority.token_jti, context.known_before)
            return None if token is None else token.agreement_id
        return None

    def _late(self, event: RecordedEvent, over: int) -> bool:
        return to_microseconds(event.time) > over + self.grace // MICROSECOND


def _order(step: list[Any]) -> tuple[int, int]:
    """Order steps by time, and within one instant as the log has them; a state of an older release has no index."""
    return step[0], step[3] if len(step) > 3 else -1


def _standing(history: Value, moment: int) -> list[tuple[str, int]]:
    """Give the state of each version of an agreement at an instant, and since when."""
    steps: dict[str, tuple[str, int]] = {
        version: (status, at) for at, version, status, *_ in history["steps"] if at <= moment
    }
    ends: dict[str, int] = history.get("ends", {})
    expired, active = AgreementStatus.EXPIRED.value, AgreementStatus.ACTIVE.value
    came_into_force = {version for _, version, status, *_ in history["steps"] if status == active}
    for version, end in ends.items():
        if version not in steps and end <= moment:
            steps[version] = expired, end
        elif version not in steps and version in came_into_force:
            steps[version] = active, moment  # on record later, and not over at the moment
    return [
        (expired, min(at, ends[version]) if status == expired else ends[version])
        if status in {active, expired} and ends.get(version, moment + 1) <= moment
        else (status, at)
        for version, (status, at) in steps.items()
    ]


def _ago(event: RecordedEvent, at: int) -> str:
    minutes = (to_microseconds(event.time) - at) // 60_000_000
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


RULE: Rule = LapsedAuthority()
