"""Meetings whose list nobody sent: people who look at the same patients as an MDT coordinator does, within two hours.

A meeting goes through several patients together, and where its list is missing each of them has a handful of viewers
without a reason. A crowd that gathers about one patient has no coordinator who looks at the next patient with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.detection.reader.state import RuleState
from governance.detection.windows import AT, HOUR, Row, Slots, add, short, within

_TOGETHER = 2 * HOUR
_LOOKS = Slots("looks", _TOGETHER)
_MOST = 60  # looks of a person in a slot that are kept
_PATIENT = 2  # place in a row


def note(state: RuleState, who: str, patient: str, at: int, index: int) -> None:
    """Remember that somebody looked at a patient without a reason."""
    value = _LOOKS.at(state, who, at) or {"rows": []}
    if add(value["rows"], [at, index, short(patient)], _MOST):
        _LOOKS.put(state, who, at, value)


def alone(state: RuleState, patient: str, viewers: Sequence[tuple[str, int]], coordinators: set[str]) -> set[str]:
    """Give the viewers of a patient that count each for themselves: all but those of a meeting, who count as one.

    Args:
        state: the memory that :func:`note` wrote.
        patient: whose viewers they are.
        viewers: each with the time of a look, in order of time.
        coordinators: those among them who coordinate meetings.
    """
    found = {who for who, _ in viewers}
    for leader, at in viewers:
        if leader not in coordinators or leader not in found:
            continue
        listed = _seen(state, leader, at) - {short(patient)}
        with_them = {
            who
            for who, then in viewers
            if who != leader and abs(then - at) <= _TOGETHER and listed & _seen(state, who, at)
        }
        found -= with_them
    return found


def _seen(state: RuleState, who: str, at: int) -> set[str]:
    rows: list[Row] = within(_LOOKS.near(state, who, at), "rows", at, _TOGETHER)
    return {row[_PATIENT] for row in rows if abs(row[AT] - at) <= _TOGETHER}
