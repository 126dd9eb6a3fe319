"""A look: one event as detectors see it, with the reason that was found for it.

1. Every access, export and print is explained before any rule sees it, a batch at a time, by an :class:`Explainer`.
2. Explained is not innocent and unexplained is not guilty: the explanation says which recorded reason there was.
3. ``strength`` says how much the reason explains: one that names the person and the patient or study is 1; one that
   names a team, or a whole trust (a rota, a pool), less; it covers a working list, not a crowd on one patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from governance.audit.event import RecordedEvent


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
SPECIFIC = 1.0  # strength of a reason that names the person and the patient or the study
WIDE = 0.3  # of one that names a whole trust


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reason found for a look.

    Args:
        kind: what it is.
        edge: the id of the edge it rests on; None when it rests on the log, or on nothing.
        source: the system that said so.
        age: from the beginning of the reason to the look; negative when it began after it.
        strength: 0 (none) to 1 (names the person and the patient or study).
    """

    kind: ExplanationKind
    edge: str | None = None
    source: str | None = None
    age: timedelta | None = None
    strength: float = 0.0

    @property
    def explained(self) -> bool:
        """Say whether there is a reason."""
        return self.kind not in NOT_EXPLAINED


UNEXPLAINED = Explanation(ExplanationKind.UNEXPLAINED)


@dataclass(frozen=True, slots=True)
class Look:
    """An event and its explanation; None for an event at which no images were seen (a decision, a sign-in)."""

    event: RecordedEvent
    explanation: Explanation | None = None

    @property
    def unexplained(self) -> bool:
        """Say whether images were seen and no reason is on record."""
        return self.explanation is not None and self.explanation.kind is ExplanationKind.UNEXPLAINED
