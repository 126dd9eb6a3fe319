"""What a reader of alerts may ask, who is asking, and what they get."""

from __future__ import annotations

from dataclasses import dataclass

from governance.alerts.alert import Alert, Change
from governance.audit import Opening
from governance.vocabulary import AlertState, Severity

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

    ``unclosed`` leaves closed alerts out, ``event`` is a log index the alert rests on, ``before`` the number of the
    last alert already seen.
    """

    state: AlertState | None = None
    unclosed: bool = False
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
    """One change of an alert: ``sequence`` is what a stream resumes from."""

    sequence: int
    change: Change
    alert: Alert


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
