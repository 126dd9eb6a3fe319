"""H4: an account that nobody used for months, or whose owner has left, is used again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import log2

from governance.alerts import Evidence, Finding, Revision
from governance.audit.event import RecordedEvent
from governance.detection import acts
from governance.detection.explanation.look import WIDE, Look
from governance.detection.knowledge.facts import Context, StaffFacts
from governance.detection.reader.state import MICROSECOND, RuleState, Value
from governance.detection.rule import Rule
from governance.detection.windows import DAY, moment, short
from governance.storage import to_microseconds
from governance.vocabulary import Severity

_SILENCE = timedelta(days=60)
_GAPS = 4  # of a person's own longest gaps that are kept
_FADE = 0.999  # of a role's returns: the last thousand or so count
_FORGOTTEN = 800 * DAY


@dataclass(frozen=True, slots=True)
class DormantAccount:
    """Fires at the first look after a long silence, and at any after the last day, when it has no reason on record.

    A reason that holds (an order, a list, a new rota) is the work of somebody who is back. A department or site that
    changed since, gaps as long before, and a role in which such gaps are usual explain the silence likewise. Somebody
    never seen counts as silent since the register has them, once the log itself is old enough to tell. Looks that a
    rota or pool of a whole trust explains show nobody: the first one without any reason within a day of the return
    still counts.

    Args:
        silence: without an act, after which an account counts as dormant.
        grace: after the last day, for what is finished the day after.
        bits: how rare such a gap must be among the role's days of use.
    """

    silence: timedelta = _SILENCE
    grace: timedelta = timedelta(days=1)
    bits: float = 6.0
    contextual = True
    id = "dormant_account"
    family = "account"
    severity = Severity.HIGH
    window = timedelta(0)
    kinds = acts.LOOKS

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterable[Finding]:
        """Compare with when the person was last seen and with their last day."""
        event = look.event
        if event.subject is None or look.explanation is None or not acts.is_person(event) or not acts.is_look(event):
            return ()
        staff = acts.known(event, context)
        key = f"who:{event.subject.id}"
        value = self._seen(key, event, staff, state)
        evidence = [*self._left(event, staff), *_dormant(event, staff, value)] if look.unexplained else []
        if value["back"] and (evidence or look.explanation.strength > WIDE):
            state.put(key, value | {"back": None}, value["last"] + _FORGOTTEN)
        if not evidence:
            return ()
        about = acts.trust_of(event, staff)
        return (acts.finding(self, [event], evidence, about=about, trusts=(about,)),)

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterable[Finding]:
        """People who are not seen for years are forgotten."""
        return ()

    def revised(self, before: Look, after: Look, context: Context, state: RuleState) -> Iterable[Revision | Finding]:
        """Take back what a late reason explains."""
        about = acts.trust_of(after.event, acts.known(after.event, context))
        back = acts.taken_back(self, after, about) if before.unexplained else None
        return () if back is None else (back,)

    def _seen(self, key: str, event: RecordedEvent, staff: StaffFacts | None, state: RuleState) -> Value:
        """Remember a person's act of a day; ``back`` is the silence before it, if that was long and unlike them."""
        at, value = moment(event), state.get(key)
        began = min(at, (state.get("began") or {"at": at})["at"])
        if state.get("began") != {"at": began}:
            state.put("began", {"at": began}, None)
        if value is not None and at // DAY <= value["last"] // DAY:
            return value
        since = to_microseconds(staff.since) if staff is not None and staff.since is not None else None
        last = value["last"] if value else None if since is None else max(since, began)
        gap = 0 if last is None else at - last
        place = short(f"{staff.department}|{staff.site}|{staff.role}") if staff else ""
        own = value["gaps"] if value else []
        moved = value is not None and bool(place) and place != value["place"]
        long = gap >= self.silence // MICROSECOND
        bits = _rhythm(acts.peers_of(event, staff), long and value is not None, state)
        unlike = long and not moved and bits >= self.bits and not any(2 * one >= gap for one in own)
        back = {"days": gap // DAY, "bits": bits, "first": value is None, "until": at + DAY} if unlike else None
        gaps = sorted([*own, gap], reverse=True)[:_GAPS] if value else []
        made: Value = {"last": at, "gaps": gaps, "place": place, "back": back}
        state.put(key, made, at + _FORGOTTEN)
        return made

    def _left(self, event: RecordedEvent, staff: StaffFacts | None) -> Iterable[Evidence]:
        if staff is None or staff.leaves_on is None:
            return
        days = (event.time.date() - staff.leaves_on).days
        if days <= self.grace.days:
            return
        sentence = (
            f"Images were opened without a recorded reason from the account of {acts.spoken_role(event, staff)} who, "
            f"the register says, left {days} days before."
        )
        yield acts.certain("after_leaving", sentence, observed=days, expected=0)


def _rhythm(role: str, long: bool, state: RuleState) -> float:
    """Give how rare a long silence is among a role's days of use, in bits, and let this day count."""
    seen = state.get(f"role:{role}") or {"days": 0.0, "long": 0.0}
    state.put(f"role:{role}", {"days": seen["days"] * _FADE + 1, "long": seen["long"] * _FADE + long}, None)
    return round(log2((seen["days"] + 2) / (seen["long"] + 1)), 3)


def _dormant(event: RecordedEvent, staff: StaffFacts | None, value: Value) -> Iterable[Evidence]:
    back = value["back"]
    if back is None or moment(event) > back["until"]:
        return
    who = acts.spoken_role(event, staff)
    seen = "the account was never seen to be used" if back["first"] else "the account had not been used"
    sentence = (
        f"Images were opened without a recorded reason from the account of {who}; {seen} for {back['days']} days, "
        "which is rare for the role and for that person."
    )
    yield Evidence("long_silence", back["days"], _SILENCE.days, 0, back["bits"], sentence)


RULE: Rule = DormantAccount()
