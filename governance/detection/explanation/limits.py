"""How long, and how strongly, each kind of reason explains: one table, each figure with its why.

``lasts`` counts from the beginning of the reason to the look, ``leads`` from the look to a reason that began after it:
images are looked at before the paper is written. A reason whose end was stated lasts until then, twice ``lasts`` at
most: a feed that says "until 2099" means nothing by it. Where an end is how the kind is bounded (``stated``), it is
believed. A reason explains in full when it is new and half as much from its limit on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from governance.detection.explanation.look import SPECIFIC, WIDE, ExplanationKind

TEAM = 0.8  # of the strength of a reason that a team holds: one of several was meant
AT_LIMIT = 0.5  # of the strength of a new reason is what one at its limit has
BELIEVED = 2  # times ``lasts`` is how long an end that was stated is believed
UNBOUNDED = 0.8  # of the strength of a wide reason that leaves out what would bound it
CROWD = 0.1  # strength of a wide reason for a patient who is flagged: it covers a working list, not the one in the news
LOOSE = (
    0.15  # of a wide reason that does not cover this look in all it says: another site, an unbounded project's export
)

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one kind of reason reaches; ``why`` says where the figures come from."""

    strength: float
    lasts: timedelta
    leads: timedelta
    why: str
    stated: bool = False


REACHES: Mapping[ExplanationKind, Reach] = MappingProxyType(
    {
        ExplanationKind.ORDER: Reach(
            SPECIFIC,
            126 * _DAY,
            timedelta(hours=2),
            "a result is asked about within the 18 weeks from referral to treatment (NHS Constitution); in an "
            "emergency the order is typed in after the images were looked at",
        ),
        ExplanationKind.REFERRAL: Reach(
            SPECIFIC, 180 * _DAY, timedelta(hours=2), "18 weeks to treatment, and a follow-up after it"
        ),
        ExplanationKind.WORKLIST: Reach(
            SPECIFIC, 28 * _DAY, timedelta(hours=2), "no report is to wait longer than four weeks (NHS England, 2023)"
        ),
        ExplanationKind.REPORT: Reach(
            SPECIFIC,
            180 * _DAY,
            _DAY,
            "its author is asked about it and reads what follows, twice three months on; reading comes before filing",
        ),
        ExplanationKind.MDT: Reach(
            SPECIFIC, 42 * _DAY, 7 * _DAY, "prepared in the week before; what it decides is done within six weeks"
        ),
        ExplanationKind.EPISODE: Reach(
            SPECIFIC, 365 * _DAY, timedelta(hours=2), "care that nobody ended is looked at again each year", stated=True
        ),
        ExplanationKind.ROTA: Reach(
            WIDE, _DAY, timedelta(hours=1), "a shift; an hour to hand over on either side", stated=True
        ),
        ExplanationKind.POOL: Reach(
            WIDE, 365 * _DAY, timedelta(0), "a pool's agreement is reviewed each year", stated=True
        ),
        ExplanationKind.PROJECT: Reach(
            WIDE, 365 * _DAY, timedelta(0), "an approval that names no end is renewed each year", stated=True
        ),
        ExplanationKind.SELF_CLAIM: Reach(
            0.6, timedelta(hours=12), timedelta(minutes=5), "a claim is for the care at hand: one shift; clocks differ"
        ),
        ExplanationKind.PRIOR_REPORT: Reach(
            0.6, 180 * _DAY, _DAY, "as a report; the log shows that they filed something, not that they wrote it"
        ),
        ExplanationKind.CONFIRMED: Reach(
            0.9, 90 * _DAY, 30 * _DAY, "covers the looks that were asked about, and no more than a suppression may last"
        ),
    }
)
_LESSONS = (ExplanationKind.SELF_CLAIM, ExplanationKind.PRIOR_REPORT, ExplanationKind.CONFIRMED)
LESSONS_LAST = max(REACHES[kind].lasts for kind in _LESSONS)
LESSONS_LEAD = max(REACHES[kind].leads for kind in _LESSONS)
