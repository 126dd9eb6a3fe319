"""What a reader of alerts may ask, who is asking, and what they get."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from governance.alerts.alert import QUIET, Alert, Change
from governance.audit import Opening
from governance.vocabulary import AlertKind, AlertState, Severity

MAXIMUM_PAGE = 200


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at alerts.

    Args:
        id: pseudonym of a person, or a client id.
        ods: the trust whose alerts they may see; None sees the whole region.
        person: whether this is a person.
    """

    id: str
    ods: str | None
    person: bool


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Filters of a listing; every one given must hold.

    ``kind`` leaves notices, or alerts, out; ``unclosed`` what is closed. ``to_review`` wants notices that were drawn
    for review and whose review is not done, ``awaiting`` what the verdict of a trust is still wanted on. ``event`` is
    a log index that the alert lists, ``before`` the number of the last alert already seen.
    """

    state: AlertState | None = None
    unclosed: bool = False
    kind: AlertKind | None = None
    to_review: bool = False
    awaiting: str | None = None
    severity: Severity | None = None
    rule: str | None = None
    ods: str | None = None
    subject: str | None = None
    patient: str | None = None
    assignee: str | None = None
    decision_id: str | None = None
    event: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Alerts, newest first; ``next_before`` is None on the last page."""

    alerts: tuple[Alert, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of an alert, of whichever kind, as the stream tells it: ``sequence`` is what a stream resumes from."""

    sequence: int
    change: Change
    alert: Alert

    @property
    def told(self) -> bool:
        """Say whether somebody should hear of it now: not of what only adds, but of each use that joins a notice."""
        return self.change not in QUIET or (self.alert.kind is AlertKind.NOTICE and self.change is Change.GAINED)


@dataclass(frozen=True, slots=True)
class EventExplanation:
    """Why somebody may have looked, as far as it is known now.

    Args:
        kind: what explains the look (order, worklist, …), ``unexplained``, ``degraded`` while a feed is silent, or
            ``pending`` while nobody has explained it yet.
        edge, source: what it rests on, and which system said so.
        age_seconds: from the beginning of the reason to the look.
        strength: 0 to 1.
    """

    kind: str = "pending"
    edge: str | None = None
    source: str | None = None
    age_seconds: float | None = None
    strength: float = 0.0


Explanations = Callable[[Session, Sequence[int]], Mapping[int, EventExplanation]]


def nothing_explained(_session: Session, _indexes: Sequence[int]) -> Mapping[int, EventExplanation]:
    """Know no explanation: each is pending."""
    return {}


@dataclass(frozen=True, slots=True)
class StatedReason:
    """The reason somebody gave when they broke the glass, at an index of the log; None when its key was destroyed."""

    index: int
    words: str | None


@dataclass(frozen=True, slots=True)
class Unmasked:
    """The identifiers behind an alert's pseudonyms; None where there is none or its key was destroyed.

    ``openings`` show each of them, one by one, to somebody outside who has the entry it was found in: those in entries
    that the viewer's trust may read and that commit to their fields.
    ``reasons`` are those of the emergency uses (break-glass) that the alert rests on and the viewer's trust may see,
    the newest first; ``reasons_left_out`` says that there are older ones.
    """

    subject: str | None
    patient: str | None
    reasons: tuple[StatedReason, ...] = ()
    reasons_left_out: bool = False
    openings: tuple[Opening, ...] = ()
