"""A look: one event as detectors see it, with the reason that was found for it.

1. Every access, export and print is explained before any rule sees it, a batch at a time, by an :class:`Explainer`.
2. Explained is not innocent and unexplained is not guilty: the explanation says which recorded reason there was.
3. ``strength`` says how much the reason explains: one that names the person and the patient or study is 1 when it is
   young; one that names a team, or a whole trust (a rota, a pool), less. From :data:`EXPLAINS` on, rules take the look
   as explained; a weaker reason is shown and explains nothing.
4. Who looked is known from the register (:class:`Standing`); the event's own claim counts where the register knows
   nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from governance.audit.event import RecordedEvent
from governance.detection.knowledge.reasons import Standing


class ExplanationKind(StrEnum):
    """What explains a look: a kind of relationship, something learnt from the log, or nothing."""

    ORDER = "order"
    WORKLIST = "worklist"
    REPORT = "report"
    REFERRAL = "referral"
    MDT = "mdt"
    EPISODE = "episode"
    ROTA = "rota"
    POOL = "pool"
    PROJECT = "project"
    SELF_CLAIM = "self_claim"
    PRIOR_REPORT = "prior_report"
    CONFIRMED = "confirmed"  # the person, or their manager, was asked and it was accepted
    UNEXPLAINED = "unexplained"
    DEGRADED = "degraded"  # a feed was silent: nobody can say yet


NOT_EXPLAINED = frozenset({ExplanationKind.UNEXPLAINED, ExplanationKind.DEGRADED})
SPECIFIC = 1.0  # strength of a young reason that names the person and the patient or the study
WIDE = 0.3  # of one that names a whole trust
EXPLAINS = 0.2  # from here on rules take a look as explained


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reason found for a look.

    Args:
        kind: what it is.
        edge: the id of the edge it rests on; None when it rests on the log, or on nothing.
        source: the system that said so.
        age: from the beginning of the reason to the look; negative when it began after it.
        strength: 0 (none) to 1 (names the person and the patient or study).
        feed: ODS code of the trust whose feed gave the edge; None as for ``edge``.
        team: whether it is a team of theirs that holds the edge.
    """

    kind: ExplanationKind
    edge: str | None = None
    source: str | None = None
    age: timedelta | None = None
    strength: float = 0.0
    feed: str | None = None
    team: bool = False

    @property
    def explained(self) -> bool:
        """Say whether there is a reason that is strong enough for this look."""
        return self.kind not in NOT_EXPLAINED and self.strength >= EXPLAINS


UNEXPLAINED = Explanation(ExplanationKind.UNEXPLAINED)
DEGRADED = Explanation(ExplanationKind.DEGRADED)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an event of the log teaches about later looks: that somebody claimed, or showed, a reason.

    Args:
        kind: self-claim, prior report or confirmation.
        subject: the pseudonym of the person.
        named_by: in whose names they are called so; None when nobody knows.
        about: the pseudonym of the patient, or of the study where the event names no patient.
        at: when it was said, in event time.
        index: where the log says so.
        source: the system that said so.
    """

    kind: ExplanationKind
    subject: str
    named_by: str | None
    about: str
    at: datetime
    index: int
    source: str


@dataclass(frozen=True, slots=True)
class Look:
    """An event and what is known of it.

    Args:
        event: as the log holds it.
        explanation: the reason; None for an event at which no images were seen (a decision, a sign-in).
        standing: who acted, as the register knows them; None when nobody did, or nobody asked.
        lesson: what the event teaches about later looks.
    """

    event: RecordedEvent
    explanation: Explanation | None = None
    standing: Standing | None = None
    lesson: Lesson | None = None

    @property
    def unexplained(self) -> bool:
        """Say whether images were seen and no reason that is strong enough is on record."""
        found = self.explanation
        return found is not None and found.kind is not ExplanationKind.DEGRADED and not found.explained
