"""The review of an alert as a state machine: new -> investigating -> closed (pure).

1. Assigning takes a new alert under investigation; an alert under investigation may be assigned again.
2. A comment changes nothing but the history, and is still possible after closing: people learn things late.
3. Closing needs a verdict and a reason, and happens once: the second of two closers gets a conflict.
4. Nothing re-opens a closed alert. A later finding of the same incident opens a new alert that names the closed one.
"""

from __future__ import annotations

from dataclasses import replace

from governance.alerts.alert import Case
from governance.errors import Conflict, Fault, InvalidInput
from governance.vocabulary import AlertState, Verdict

MAXIMUM_TEXT = 4000  # characters of a comment or a reason


def assign(case: Case, assignee: str) -> Case:
    """Put somebody in charge; raises Conflict once closed."""
    _still_open(case)
    return replace(case, state=AlertState.INVESTIGATING, assignee=assignee)


def comment(case: Case, text: str) -> Case:
    """Accept words about the alert; raises InvalidInput when there are none."""
    words(text, "/comment")
    return case


def close(case: Case, verdict: Verdict, reason: str) -> Case:
    """Conclude the review; raises Conflict once closed and InvalidInput without a reason."""
    _still_open(case)
    return replace(case, state=AlertState.CLOSED, verdict=verdict, reason=words(reason, "/reason"))


def words(text: str, path: str) -> str:
    """Take free text and give it trimmed; raises InvalidInput when it is empty or longer than ``MAXIMUM_TEXT``."""
    trimmed = text.strip()
    if not trimmed or len(trimmed) > MAXIMUM_TEXT:
        raise InvalidInput([Fault(path, f"say it in 1 to {MAXIMUM_TEXT} characters")])
    return trimmed


def _still_open(case: Case) -> None:
    if case.state is AlertState.CLOSED:
        raise Conflict("alert.already_closed", "This alert is closed; a closed alert does not change.")
