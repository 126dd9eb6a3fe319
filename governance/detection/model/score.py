"""The score of a person's day: what its looks without a reason are worth, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.detection.model.ledger import INDEX, PATIENT, TRAITS
from governance.detection.model.likeness import CONTEXT, TIES
from governance.detection.model.usual import Usual

PACE_FLOOR = 7.0  # bits of surprise at the number of looks that everybody reaches some day
PACE_CAP = 14.0


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: a trait and its value, or a pace; in bits."""

    trait: str
    kind: str
    bits: float


@dataclass(frozen=True, slots=True)
class Score:
    """What a day is worth.

    Args:
        total: bits, never negative.
        parts: what it is made of, the strongest first.
        patient: the patient whose looks weigh most; None when the number of looks alone does.
        indexes: log indexes of that patient's looks.
    """

    total: float
    parts: tuple[Part, ...]
    patient: str | None
    indexes: tuple[int, ...]


def score_of(
    looks: Sequence[Sequence[Any]], cares: Mapping[int, str], role: str, ods: str, usual: Usual, pace: float
) -> Score:
    """Score a day: the patient whose looks are worth most, and the pace.

    Args:
        looks: looks without a reason, as the ledger keeps them.
        cares: who else had a reason to look at the patient of each, by log index.
        role: whose peers are asked.
        ods: the trust whose documentation is asked.
        usual: what is usual.
        pace: surprise at the number of looks, in bits.
    """
    by_patient: dict[str, list[Sequence[Any]]] = {}
    for look in looks:
        by_patient.setdefault(look[PATIENT], []).append(look)
    best = Score(0.0, (), None, ())
    for patient, own in sorted(by_patient.items()):
        parts = _parts(own, cares, role, ods, usual)
        total = round(max(sum(part.bits for part in parts), 0.0), 3)
        if total > best.total or best.patient is None:
            best = Score(total, parts, patient, tuple(sorted(look[INDEX] for look in own)))
    extra = round(min(max(pace - PACE_FLOOR, 0.0), PACE_CAP), 3)
    if not extra:
        return best
    parts = tuple(sorted((*best.parts, Part("pace", "many", extra)), key=lambda part: -part.bits))
    return Score(round(best.total + extra, 3), parts, best.patient, best.indexes)


def _parts(
    looks: Sequence[Sequence[Any]], cares: Mapping[int, str], role: str, ods: str, usual: Usual
) -> tuple[Part, ...]:
    """Give the parts of one patient's looks: each trait once, by its strongest value."""
    found: dict[str, Part] = {}
    for look in looks:
        traits = {**look[TRAITS], "care": cares.get(look[INDEX], "nobody")}
        if traits.get("household") == "same":  # who lives together mostly shares the other two
            traits |= {"surname": "no", "postcode": "no"}
        for trait in (*TIES, *CONTEXT):
            kind = traits.get(trait)
            if kind is None:
                continue
            part = Part(trait, kind, usual.bits(role, trait, kind))
            if part.bits != 0 and (trait not in found or part.bits > found[trait].bits):
                found[trait] = part
    found["gap"] = Part("gap", "documentation", usual.gap(role, ods))
    return tuple(sorted(found.values(), key=lambda part: (-part.bits, part.trait)))
