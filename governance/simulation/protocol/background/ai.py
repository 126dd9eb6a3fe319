"""The region's AI services: drawn at the start, and one of them rolled out in a new version."""

from random import Random

from governance.simulation.protocol.folk.services import Service
from governance.simulation.protocol.region import Region

_KINDS = (("ai-bleed", "CT", "HEAD"), ("ai-embolism", "CT", "CHEST"), ("ai-nodule", "CR", "CHEST"))


def install(region: Region) -> list[Service]:
    """Draw the services: what each reads, where, and how often."""
    rng = region.stream("services")
    made = []
    for name, modality, part in _KINDS:
        trusts = tuple(sorted(rng.sample([trust.ods for trust in region.trusts], rng.randint(4, 9))))
        volume = max(60, round(region.plan.looks_a_day / 12))
        share = rng.uniform(0.5, 0.9)
        made.append(
            Service(name, trusts[0], f"z-{name}", modality, part, trusts, {"1.4.0": -400}, "1.4.0", volume, share)
        )
    return made


def roll_out(region: Region, rng: Random) -> int:
    """Bring a new version of one service into use on a day, a share of the studies at first; gives how many."""
    service = rng.choice(region.services)
    day = region.plan.warm_up + rng.randrange(5, max(6, region.plan.days - region.plan.warm_up - 10))
    service.versions["2.0.0"] = day

    def use() -> None:
        service.version = "2.0.0"
        service.share = min(1.0, service.share * 1.3)

    region.later(day + 1, use)
    return 1
