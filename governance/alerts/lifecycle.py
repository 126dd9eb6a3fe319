"""The review of an alert as a state machine: new -> investigating -> closed (pure).

1. Assigning takes a new alert under investigation; an alert under investigation may be assigned again.
2. A comment changes nothing but the history, and is still possible after closing: people learn things late.
3. A trust gives its verdict once, with a reason, in each capacity in which it is asked. It closes the alert only when
   nobody else's is wanted any more: one trust's word never silences another's open question.
4. The region's caller, who has no trust, closes for all, by name.
5. Nothing that a person closed opens again. What closed by itself opens when it is found again, or more is found.
6. A closed case comes to the gravest of the verdicts: not justified, then unclear, then justified.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from governance.alerts.alert import Case, ClosedBy, GivenVerdict
from governance.alerts.finding import Party
from governance.errors import Conflict, Fault, Forbidden, InvalidInput
from governance.vocabulary import AlertState, Capacity, Verdict

MAXIMUM_TEXT = 4000  # characters of a comment or a reason
_GRAVITY = (Verdict.JUSTIFIED, Verdict.UNCLEAR, Verdict.UNJUSTIFIED)


@dataclass(frozen=True, slots=True)
class Word:
    """A verdict as somebody gives it; ``capacity`` None means every one in which their trust is asked."""

    verdict: Verdict
    reason: str
    at: datetime
    by: str
    capacity: Capacity | None = None


def assign(case: Case, assignee: str) -> Case:
    """Put somebody in charge; raises Conflict once closed."""
    _still_open(case)
    return derived(replace(case, assignee=assignee))


def comment(case: Case, text: str) -> Case:
    """Accept words about the alert; raises InvalidInput when there are none."""
    words(text, "/comment")
    return case


def close(case: Case, ods: str | None, word: Word) -> Case:
    """Take the verdict of a trust, or, without one, of the region for all.

    Raises:
        Conflict: it is closed, or the trust has spoken.
        InvalidInput: no reason, or a capacity in which the trust is not asked.
        Forbidden: the trust is not asked at all.
    """
    _still_open(case)
    reason = words(word.reason, "/reason")
    if ods is None:
        return derived(replace(case, ending=ClosedBy.REGION, verdict=word.verdict, reason=reason))
    asked = {party for party in case.wanted if party.ods == ods}
    if not asked:
        raise Forbidden("alert.not_asked", "Your trust sees this alert; its verdict is for others to give.")
    mine = {party for party in asked if word.capacity in {None, party.capacity}}
    if not mine:
        known = ", ".join(sorted(party.capacity.value for party in asked))
        raise InvalidInput([Fault("/capacity", f"your trust is asked as: {known}")])
    left = mine & case.waits_for
    if not left:
        raise Conflict("alert.already_judged", "Your trust has given its verdict on this alert.")
    given = (GivenVerdict(ods, p.capacity, word.verdict, reason, word.at, word.by) for p in sorted(left))
    verdicts = tuple(sorted((*case.verdicts, *given), key=lambda one: (one.ods, one.capacity)))
    return derived(replace(case, verdicts=verdicts))


def want(case: Case, parties: frozenset[Party]) -> Case:
    """Ask more trusts for their verdict; a case that was settled stays as it is."""
    if case.state is AlertState.CLOSED:
        return case
    return derived(replace(case, wanted=case.wanted | parties))


def withdraw(case: Case, reason: str) -> Case:
    """Close a case by itself: nothing that it rested on is left."""
    return derived(replace(case, ending=ClosedBy.WITHDRAWN, verdict=None, reason=reason))


def join(case: Case, reason: str) -> Case:
    """Close a case because another one holds it now."""
    return derived(replace(case, ending=ClosedBy.JOINED, verdict=None, reason=reason))


def reopen(case: Case) -> Case:
    """Open again what had closed by itself."""
    return derived(replace(case, ending=None, verdict=None, reason=None))


def settled(case: Case) -> bool:
    """Say whether no new act may be put under this case: a person closed it, or a trust has given its verdict on it.

    Nobody's verdict is stretched over what they did not see.
    """
    return bool(case.verdicts) or case.ending in {ClosedBy.REGION, ClosedBy.VERDICTS, ClosedBy.JOINED}


def derived(case: Case) -> Case:
    """Give a case with its state, and once all have spoken its verdict, as they follow from the rest of it."""
    if case.ending in {ClosedBy.REGION, ClosedBy.WITHDRAWN, ClosedBy.JOINED}:
        return replace(case, state=AlertState.CLOSED)
    spoken = {Party(given.ods, given.capacity) for given in case.verdicts}
    if case.verdicts and case.wanted <= spoken:
        gravest = max(case.verdicts, key=lambda given: _GRAVITY.index(given.verdict))
        conclusion = {"verdict": gravest.verdict, "reason": gravest.reason, "ending": ClosedBy.VERDICTS}
        return replace(case, state=AlertState.CLOSED, **conclusion)  # type: ignore[arg-type]
    taken_up = case.assignee is not None or bool(case.verdicts)
    state = AlertState.INVESTIGATING if taken_up else AlertState.NEW
    return replace(case, state=state, ending=None, verdict=None, reason=None)


def words(text: str, path: str) -> str:
    """Take free text and give it trimmed; raises InvalidInput when it is empty or longer than ``MAXIMUM_TEXT``."""
    trimmed = text.strip()
    if not trimmed or len(trimmed) > MAXIMUM_TEXT:
        raise InvalidInput([Fault(path, f"say it in 1 to {MAXIMUM_TEXT} characters")])
    return trimmed


def _still_open(case: Case) -> None:
    if case.state is AlertState.CLOSED:
        raise Conflict("alert.already_closed", "This alert is closed; a closed alert does not change.")
