"""What is to be generated: the seed, the size, the mix of incidents, and the days."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

DAYS = 90
WARM_UP = 30  # days at the start in which nothing is wrong
TAIL = 4  # days at the end in which nothing begins: what is waited for comes in
LAST_DAY = date(2026, 10, 31)  # the three months before it hold a bank holiday and the night the clocks go back
NATURAL_RATE = 3.2  # incidents of 1,000 users in 30 days
STRESS = 7  # times the natural rate
EVASIVE = 0.3  # share of incidents that try not to be seen

CONFOUNDERS = (
    "ai_rollout",
    "bank_holiday",
    "common_surnames",
    "dst_night",
    "feed_outage",
    "locum_week",
    "major_incident",
    "merged_departments",
    "new_trust",
    "pool_reshuffle",
    "residences",
    "returning_leavers",
    "staff_as_patients",
    "teaching_pull",
)

# Shares of the natural mix; what is 0 there comes in the stress mix only.
SCENARIOS: dict[str, float] = {
    "co_worker": 0.25,
    "household": 0.14,
    "family_surname": 0.11,
    "self_access": 0.12,
    "acquaintance": 0.12,
    "vip": 0.05,
    "patient_burst": 0.03,
    "first_cross_trust": 0.06,
    "break_glass_misuse": 0.03,
    "serial_browsing": 0.02,
    "mass_export": 0.02,
    "credential_sharing": 0.01,
    "impossible_travel": 0.01,
    "dormant_account": 0.01,
    "ai_outside_manifest": 0.01,
    "decoy": 0.01,
    "lapsed_authority": 0.0,
    "sealed_record": 0.0,
    "after_death": 0.0,
    "neighbour": 0.0,
    "no_relation": 0.0,
    "wrong_department": 0.0,
    "reconnaissance": 0.0,
    "off_hours": 0.0,
    "cross_trust_drift": 0.0,
    "purpose_mismatch": 0.0,
    "agreement_probing": 0.0,
    "ai_rereads": 0.0,
    "ai_shadow_token": 0.0,
    "audit_insider": 0.0,
    "slow_boiling": 0.0,
    "made_worklist": 0.0,  # two kinds that stand in no list
    "favour_swap": 0.0,
}


class Mix(StrEnum):
    """Which incidents are played."""

    NATURAL = "natural"
    NULL = "null"
    STRESS = "stress"
    OUTAGE = "outage"  # natural, and the relation feeds of the whole region silent for six hours
    UNDOCUMENTED = "undocumented"  # natural, with the documentation eight points worse
    SOUTHPORT = "replay_southport"
    NOTTINGHAM = "replay_nottingham"
    RADIOGRAPHER = "replay_radiographer"

    @property
    def natural(self) -> bool:
        """Say whether incidents come at the natural rate."""
        return self in {Mix.NATURAL, Mix.OUTAGE, Mix.UNDOCUMENTED}

    @property
    def replay(self) -> bool:
        """Say whether one known case is played."""
        return self.value.startswith("replay_")


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the generator.

    Args:
        seed: everything is drawn from it.
        size: share of the full size (20,000 users, 60,000 looks a day).
        mix: which incidents.
        days: how many, the last one always :data:`LAST_DAY`.
        warm_up: how many of them, at the start, are without incidents.
        without: confounders that are switched off.
        rate: times the natural rate.
        documentation: added to the documentation that is drawn.
    """

    seed: int
    size: Fraction
    mix: Mix = Mix.NATURAL
    days: int = DAYS
    warm_up: int = WARM_UP
    without: frozenset[str] = frozenset()
    rate: float = 1.0
    documentation: float = 0.0

    def __post_init__(self) -> None:
        if unknown := self.without - set(CONFOUNDERS):
            raise ValueError(f"no such confounder: {', '.join(sorted(unknown))}")
        if not 0 < self.size <= 1:
            raise ValueError("the size is a share of the whole: more than 0, at most 1")
        if self.days < self.warm_up + TAIL + 1 or self.warm_up < 1:
            raise ValueError(f"the days are at least the warm-up and {TAIL + 1} more, the warm-up at least one")

    @property
    def first_day(self) -> date:
        """Give the first day."""
        return LAST_DAY - timedelta(days=self.days - 1)

    @property
    def staff(self) -> int:
        """Give how many users there are, about."""
        return round(20_000 * self.size)

    @property
    def looks_a_day(self) -> float:
        """Give how many looks a day is to have, about."""
        return float(60_000 * self.size)

    @property
    def shift(self) -> float:
        """Give what is added to the drawn documentation."""
        return self.documentation - (0.08 if self.mix is Mix.UNDOCUMENTED else 0.0)

    def plays(self, confounder: str) -> bool:
        """Say whether a confounder is on."""
        return confounder not in self.without
