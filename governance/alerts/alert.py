"""The alert as the rest of the service knows it, and how one more finding changes it (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from governance.alerts.finding import Evidence, Finding
from governance.vocabulary import AlertState, Severity, Verdict

MAXIMUM_EVIDENCE = 50  # signals kept on one alert; the events behind all of them are kept without a limit


class Change(StrEnum):
    """What became of an alert, as the stream and the audit log name it."""

    ASSIGNED = "assigned"
    CLOSED = "closed"
    COMMENTED = "commented"
    ESCALATED = "escalated"
    GAINED = "gained"
    OPENED = "opened"
    UNCHANGED = "unchanged"
    UNMASKED = "unmasked"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One act of a person on an alert: who (pseudonym), when, what, and the words they gave."""

    number: int
    at: datetime
    actor: str
    change: Change
    comment: str | None = None
    assignee: str | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """The part of an alert that people change: see :mod:`governance.alerts.lifecycle`."""

    state: AlertState = AlertState.NEW
    assignee: str | None = None
    verdict: Verdict | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """One incident that wants a person.

    ``number`` is the order in which alerts were opened, ``opened_at`` and ``latest_at`` are event times.
    ``grouped_under`` is the closed alert of the same incident that this one continues.
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


@dataclass(frozen=True, slots=True)
class Weight:
    """The part of an alert that a finding changes in place."""

    severity: Severity
    latest_at: datetime
    evidence: tuple[Evidence, ...]


def absorb(weight: Weight, finding: Finding) -> Weight:
    """Add a finding to what an alert already weighs; the severity never falls, the strongest evidence stays."""
    return replace(
        weight,
        severity=max(weight.severity, finding.severity, key=lambda severity: severity.rank),
        latest_at=max(weight.latest_at, finding.occurred_at),
        evidence=merge_evidence(weight.evidence, finding.evidence),
    )


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


def _strength(item: Evidence) -> tuple[float, float]:
    observed = item.observed if isinstance(item.observed, int | float) else 0.0
    return float(observed), item.bits or 0.0
