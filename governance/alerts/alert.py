"""The alert as the rest of the service knows it, and how one more finding changes it (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from governance.alerts.finding import Evidence, Party, Picture
from governance.vocabulary import AlertKind, AlertState, Capacity, Severity, Verdict

MAXIMUM_EVIDENCE = 50  # signals kept on one alert
_STEP = 2  # times what was told: so much more is told again


class Change(StrEnum):
    """What became of an alert, as the stream and the audit log name it."""

    ASSIGNED = "assigned"
    CLOSED = "closed"
    COMMENTED = "commented"
    ESCALATED = "escalated"
    GAINED = "gained"
    JOINED = "joined"
    JUDGED = "judged"
    OPENED = "opened"
    REOPENED = "reopened"
    SOFTENED = "softened"
    SUPPRESSED = "suppressed"
    UNCHANGED = "unchanged"
    UNMASKED = "unmasked"
    WITHDRAWN = "withdrawn"


QUIET = frozenset({Change.GAINED, Change.UNCHANGED, Change.SUPPRESSED})  # nobody needs to be called for these


class ClosedBy(StrEnum):
    """What closed an alert."""

    JOINED = "joined"  # a late finding made it one with an earlier alert, which holds it now
    REGION = "region"  # the region's officer, for all
    VERDICTS = "verdicts"  # every trust whose verdict was wanted has given it
    WITHDRAWN = "withdrawn"  # by itself: all that it rested on is explained


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step of an alert's history: who (pseudonym; the service itself for what happened by itself), when, what.

    ``words`` of a person are theirs; those of the service say why.
    """

    number: int
    at: datetime
    actor: str
    change: Change
    comment: str | None = None
    assignee: str | None = None
    verdict: Verdict | None = None
    ods: str | None = None


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """What one trust concluded in one capacity, and when; ``by`` is a pseudonym."""

    ods: str
    capacity: Capacity
    verdict: Verdict
    reason: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Case:
    """The part of an alert that people change: see :mod:`governance.alerts.lifecycle`.

    Args:
        state: derived: new, investigating, closed.
        assignee: who is in charge (pseudonym).
        wanted: whose verdict is wanted.
        verdicts: those that were given, by trust and capacity.
        ending: what closed it; None while it is open.
        verdict: what the closed case came to: the region's word, or the gravest of the trusts'.
        reason: why, in the words of whose verdict that is; of an alert that closed by itself, a sentence of ours.
    """

    state: AlertState = AlertState.NEW
    assignee: str | None = None
    wanted: frozenset[Party] = frozenset()
    verdicts: tuple[GivenVerdict, ...] = ()
    ending: ClosedBy | None = None
    verdict: Verdict | None = None
    reason: str | None = None

    @property
    def waits_for(self) -> frozenset[Party]:
        """Give whose verdict is still wanted; nobody's once it is closed."""
        if self.state is AlertState.CLOSED:
            return frozenset()
        return self.wanted - {Party(given.ods, given.capacity) for given in self.verdicts}

    @property
    def agreed(self) -> bool:
        """Say whether the verdicts that were given are one and the same; False when there is none."""
        return len({given.verdict for given in self.verdicts}) == 1


@dataclass(frozen=True, slots=True)
class ReviewState:
    """The review of a notice: whether it was drawn, until when it is due, and when it was done and by whom."""

    drawn: bool
    due: datetime | None
    done_at: datetime | None
    done_by: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """How many an alert has of what it lists ``MAXIMUM_SHOWN`` of.

    Exact up to that number. Above it, something that two findings share may count twice.
    """

    events: int = 0
    decisions: int = 0
    tokens: int = 0
    subjects: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """One incident that wants a person, or of which people are told.

    ``number`` is the order in which alerts were opened, ``opened_at`` and ``latest_at`` are event times of the first
    and the latest finding. ``grouped_under`` is the settled alert of the same incident that this one continues,
    ``joined_to`` the one that took this one up.
    """

    id: str
    number: int
    group: str
    family: str
    opened_at: datetime
    latest_at: datetime
    severity: Severity
    case: Case
    subject: str | None
    patient: str | None
    grouped_under: str | None
    evidence: tuple[Evidence, ...]
    rule_ids: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    trusts: tuple[str, ...] = ()
    events: tuple[int, ...] = ()
    agreement_ids: tuple[str, ...] = ()
    decision_ids: tuple[str, ...] = ()
    token_jtis: tuple[str, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    kind: AlertKind = AlertKind.ALERT
    totals: Totals = Totals()
    review: ReviewState | None = None
    picture: Picture | None = None
    joined_to: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A named step of evidence: worth telling again. ``what`` is severity, observed or bits; ``signal`` which one."""

    what: str
    signal: str | None = None


Told = Mapping[str, tuple[float, float]]  # signal -> (observed, bits) when the alert was last told


def step_of(told: Told, before: Severity, after: Severity, evidence: Iterable[Evidence]) -> Step | None:
    """Say whether what an alert weighs now is a step from what was told of it.

    The severity rose, or a signal that was told is twice what it was, as a number or in surprise. A signal that was
    not told yet is no step; it counts from its first value on (:func:`taught`).
    """
    if after.rank > before.rank:
        return Step("severity")
    for item in evidence:
        for what, past, now in zip(("observed", "bits"), told.get(item.signal, ()), measure(item), strict=False):
            if past > 0 and now >= _STEP * past:
                return Step(what, item.signal)
    return None


def taught(told: Told, evidence: Iterable[Evidence], *, anew: bool) -> dict[str, tuple[float, float]]:
    """Give what counts as told: signals seen for the first time are added; with ``anew``, all of these as they are."""
    made = dict(told)
    for item in evidence:
        if anew or item.signal not in made:
            past, now = made.get(item.signal, (0.0, 0.0)), measure(item)
            made[item.signal] = (max(past[0], now[0]), max(past[1], now[1]))
    return made


def merge_evidence(held: Iterable[Evidence], found: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Join evidence: the same signal once, by its strongest observation, in the order of first mention."""
    merged: dict[tuple[str, str], Evidence] = {}
    for item in (*held, *found):
        key = (item.signal, "" if isinstance(item.observed, int | float) else item.observed)
        current = merged.get(key)
        if current is None:
            if len(merged) < MAXIMUM_EVIDENCE:
                merged[key] = item
        elif _strength(item) > _strength(current):
            merged[key] = item
    return tuple(merged.values())


def weight_of(evidence: Iterable[Evidence]) -> float:
    """Give one number by which findings of the same severity are ordered: the largest surprise or observation."""
    return round(max((max(measure(item)) for item in evidence), default=0.0), 6)


def measure(item: Evidence) -> tuple[float, float]:
    """Give what was observed and how surprising it is; 0 where it is no number, or none."""
    observed = item.observed if isinstance(item.observed, int | float) else 0.0
    return float(observed), item.bits or 0.0


def _strength(item: Evidence) -> tuple[float, float, str]:
    return (*measure(item), item.sentence)
