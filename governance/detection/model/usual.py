"""What is usual: how often each trait is seen in a role, learnt from the log, aged, and shrunk towards the region."""

from __future__ import annotations

import math
from collections.abc import Mapping

from governance.detection.model.likeness import ASSUMPTIONS, NEUTRAL
from governance.detection.reader.state import RuleState, Value

HALF_LIFE = 30.0  # days after which a count is worth half
BORROWED = 400.0  # looks that the region's share is worth in a role
ASSUMED = 2_000.0  # looks that the first day's share is worth in the region
GAP_HALF_LIFE = 4.0
GAP_BORROWED = 100.0
REGION = "*"


class Usual:
    """Counts of traits by role and for the region, kept in the memory of the rule.

    Args:
        state: where they are remembered, one value a role.
    """

    def __init__(self, state: RuleState) -> None:
        self._state = state

    def learn(self, role: str, day: int, traits: Mapping[str, str]) -> None:
        """Count a look's traits, for its role and for the region."""
        for name in (role, REGION):
            value = self._aged(name, day)
            for trait, kind in traits.items():
                counts = value["counts"].setdefault(trait, {})
                counts[kind] = round(counts.get(kind, 0.0) + 1.0, 6)
            self._state.put(f"usual:{name}", value, None)

    def bits(self, role: str, trait: str, kind: str) -> float:
        """Give how much a trait speaks for a wrong look: ``log2`` of two shares, within its bounds."""
        assumed = ASSUMPTIONS[trait]
        wrong = assumed.wrong.get(kind)
        if wrong is None or kind == "no" or (trait, kind) in NEUTRAL:
            return 0.0
        share = self._share(role, trait, kind)
        return round(min(max(math.log2(wrong / share), assumed.floor), assumed.cap), 3)

    def documented(self, role: str, ods: str, day: int, *, explained: bool) -> None:
        """Count a look of a role in a trust, with or without a reason: how well reasons come in there these days."""
        for name in (f"{role}|{ods}", REGION):
            value = self._state.get(f"gaps:{name}") or {"day": day, "looks": 0.0, "bare": 0.0}
            if day > value["day"]:
                factor = 0.5 ** ((day - value["day"]) / GAP_HALF_LIFE)
                value = {"day": day, "looks": value["looks"] * factor, "bare": value["bare"] * factor}
            value["looks"] = round(value["looks"] + 1.0, 6)
            value["bare"] = round(value["bare"] + (0.0 if explained else 1.0), 6)
            self._state.put(f"gaps:{name}", value, None)

    def gap(self, role: str, ods: str) -> float:
        """Give what a look without a reason is worth by itself: more where reasons mostly come."""
        region = self._state.get(f"gaps:{REGION}") or {"looks": 0.0, "bare": 0.0}
        wide = (region["bare"] + 6.0) / (region["looks"] + 100.0)
        own = self._state.get(f"gaps:{role}|{ods}") or {"looks": 0.0, "bare": 0.0}
        share = (own["bare"] + GAP_BORROWED * wide) / (own["looks"] + GAP_BORROWED)
        return round(min(max(math.log2(wide / share), -3.0), 1.5), 3)

    def seen(self, role: str, trait: str) -> int:
        """Give how many looks of a role a share rests on."""
        counts = self._counts(role, trait)
        return int(sum(counts.values()))

    def share(self, role: str, trait: str, kind: str) -> float:
        """Give the share of a role's looks that show a trait."""
        return self._share(role, trait, kind)

    def _share(self, role: str, trait: str, kind: str) -> float:
        region = self._counts(REGION, trait)
        first = ASSUMPTIONS[trait].usual.get(kind, 1e-4)
        wide = (region.get(kind, 0.0) + ASSUMED * first) / (sum(region.values()) + ASSUMED)
        own = self._counts(role, trait)
        return (own.get(kind, 0.0) + BORROWED * wide) / (sum(own.values()) + BORROWED)

    def _counts(self, name: str, trait: str) -> dict[str, float]:
        value = self._state.get(f"usual:{name}")
        found: dict[str, float] = {} if value is None else value["counts"].get(trait, {})
        return found

    def _aged(self, name: str, day: int) -> Value:
        value = self._state.get(f"usual:{name}")
        if value is None:
            return {"day": day, "counts": {}}
        if day > value["day"]:
            factor = 0.5 ** ((day - value["day"]) / HALF_LIFE)
            for counts in value["counts"].values():
                for kind in counts:
                    counts[kind] = round(counts[kind] * factor, 6)
            value["day"] = day
        return value
