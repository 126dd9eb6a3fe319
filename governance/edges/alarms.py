"""The faults of an edge: silent, behind, too old to decide with, or decisions lost (pure).

1. An alarm follows from the edge's state and the limits alone. It says what was expected, what was observed, and
   what that means for the images.
2. An edge that never reported raises none: it may not be installed yet. The list of edges shows it.
3. Lost decisions do not come back: that alarm never ends, it grows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.alerts import Evidence, Finding
from governance.edges._store import StoredAlarm
from governance.edges.edges import EdgeState
from governance.vocabulary import Severity

RULE = "edge_health"
BEHIND, LOST, SILENT, STALE = "edge_behind", "edge_decisions_lost", "edge_silent", "edge_stale"
_SEVERITY = {BEHIND: Severity.HIGH, LOST: Severity.HIGH, SILENT: Severity.MEDIUM, STALE: Severity.HIGH}


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Seconds: without a status, without the newest bundle, and with data so old that an edge denies all."""

    silent: float
    behind: float
    stale: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """One fault of an edge and when it began; ``measure`` is the number of decisions lost, 0 for the others."""

    client_id: str
    ods: str
    signal: str
    since: datetime
    measure: int = 0


def standing(states: Iterable[EdgeState], limits: EdgeLimits, now: datetime) -> list[Alarm]:
    """Give the faults of now."""
    return [
        Alarm(state.client_id, state.ods, signal, since, measure)
        for state in states
        for signal, since, measure in _of(state, limits, now)
    ]


def finding(alarm: StoredAlarm, limits: EdgeLimits) -> Finding:
    """Write what an alarm, or its end, adds to the alert of its edge; an end rests on no event, so it opens nothing."""
    ended = alarm.ended_at is not None
    return Finding(
        rule_id=RULE,
        family=RULE,
        severity=_SEVERITY[alarm.signal],
        subject=alarm.client_id,
        about=alarm.ods,
        occurred_at=alarm.since,
        evidence=(_end(alarm) if ended else _evidence(alarm, limits),),
        events=() if ended else (alarm.entry,),
        trusts=(alarm.ods,),
    )


def _of(state: EdgeState, limits: EdgeLimits, now: datetime) -> Iterator[tuple[str, datetime, int]]:
    if state.report is None or state.received_at is None:
        return
    if (now - state.received_at).total_seconds() > limits.silent:
        yield SILENT, state.received_at, 0
    if state.behind_since is not None and (now - state.behind_since).total_seconds() > limits.behind:
        yield BEHIND, state.behind_since, 0
    if state.staleness is not None and state.stale:
        yield STALE, now - timedelta(seconds=state.staleness), 0
    if state.lost:
        yield LOST, state.received_at, state.lost


def _evidence(alarm: StoredAlarm, limits: EdgeLimits) -> Evidence:
    edge, since = f"The edge {alarm.client_id} of {alarm.ods}", _instant(alarm.since)
    observed: float | str
    expected: float | str
    if alarm.signal == SILENT:
        observed, expected = f"nothing since {since}", f"a status every {limits.silent:g} seconds"
        words = f"{edge} last reported at {since}; {expected} is expected. What it decides is not in the log meanwhile."
    elif alarm.signal == BEHIND:
        observed, expected = f"an older bundle since {since}", f"the newest within {limits.behind:g} seconds"
        words = f"{edge} has not decided with the newest bundle since {since}; {expected} is expected."
    elif alarm.signal == STALE:
        observed, expected = f"no word from us since {since}", f"one within {limits.stale:g} seconds"
        words = f"{edge} has had {observed}; {expected} is expected. It denies every request with policy.stale."
    else:
        observed, expected = alarm.measure, 0
        words = f"{edge} has dropped {alarm.measure} decisions before they reached the log; none is expected."
    return Evidence(alarm.signal, observed, expected, 0, None, words)


def _end(alarm: StoredAlarm) -> Evidence:
    ended_at = alarm.ended_at or alarm.since
    recovered = {BEHIND: "decides with the newest bundle", SILENT: "reports", STALE: "hears from us"}[alarm.signal]
    seconds = round((ended_at - alarm.since).total_seconds())
    words = f"The edge {alarm.client_id} {recovered} again since {_instant(ended_at)}, after {seconds} seconds."
    return Evidence(f"{alarm.signal}_over", f"over at {_instant(ended_at)}", None, 0, None, words)


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
