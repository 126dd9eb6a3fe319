"""The sources of the region and how well they are connected, drawn by the seed."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from governance.simulation.protocol.folk.people import Trust
from governance.simulation.protocol.parameters import Parameters
from governance.simulation.protocol.plan import Mix, Plan
from governance.simulation.protocol.sending.channels import Channel
from governance.simulation.protocol.times import DAY, HOUR, MINUTE, SECOND, start_of
from governance.simulation.protocol.truth import Tally

CLOCKS_GO_BACK = date(2026, 10, 25)
SYSTEMS = ("ris", "pas", "mdt", "rota")  # of relations: orders and lists, episodes, meetings and referrals, shifts


def channels(
    plan: Plan, parameters: Parameters, trusts: Sequence[Trust], rng: Random, tally: Tally
) -> dict[str, Channel]:
    """Draw the channels of every source, by its name, and what goes wrong with some of them."""
    made: dict[str, Channel] = {}
    for trust in trusts:
        made |= _of_trust(trust, parameters, rng)
    first = start_of(plan.first_day)
    _wrong(made, plan, parameters, trusts, rng, first)
    for kind in ("feed_outage", "dst_night"):
        maker = {"feed_outage": _outage, "dst_night": _clocks}[kind]
        if plan.plays(kind):
            tally.confounders[kind] += maker(made, plan, trusts, Random(f"{plan.seed}/{kind}"))  # noqa: S311
    if plan.mix is Mix.OUTAGE:
        begin = first + (plan.warm_up + (plan.days - plan.warm_up) // 2) * DAY + 9 * HOUR
        for trust in trusts:
            for system in SYSTEMS:
                made[f"{system}-{trust.ods.lower()}"].cuts.append((begin, begin + 6 * HOUR))
        tally.confounders["region_outage"] += 1
    return made


def _of_trust(trust: Trust, parameters: Parameters, rng: Random) -> dict[str, Channel]:
    low = trust.ods.lower()

    def skew() -> int:
        return int(rng.gauss(0, 15 * SECOND))

    slow = parameters.feed_delay
    batch = rng.random() < 0.12  # an archive that reports by the hour
    return {
        trust.archive: Channel(3_000 if batch else rng.lognormvariate(5.2, 0.9), 0.7, skew(), parameters.late),
        trust.decisions: Channel(min(rng.lognormvariate(6.5, 1.1), 9_000), 0.8, skew(), parameters.late),
        f"idp-{low}": Channel(60, 0.5, skew(), parameters.late / 2),
        f"ris-{low}": Channel(slow * rng.lognormvariate(-0.6, 0.5), 0.9, 0, parameters.late),
        f"pas-{low}": Channel(slow * rng.lognormvariate(0.1, 0.5), 0.9, 0, parameters.late),
        f"mdt-{low}": Channel(slow * rng.lognormvariate(0.4, 0.5), 0.8, 0, parameters.late),
        f"rota-{low}": Channel(slow * rng.lognormvariate(0.0, 0.4), 0.8),
        f"catalogue-{low}": Channel(rng.lognormvariate(5.5, 0.8), 0.8, 0, parameters.late / 2),
        f"governance-{low}": Channel(120, 0.5),
    }


def _wrong(
    made: dict[str, Channel], plan: Plan, parameters: Parameters, trusts: Sequence[Trust], rng: Random, first: int
) -> None:
    """Let one clock be minutes off, one relation feed die, one archive be cut off, one decision log fail."""
    by_weight = sorted(trusts, key=lambda trust: trust.weight)
    made[rng.choice(trusts).archive].skew = rng.choice((-1, 1)) * rng.randrange(2 * MINUTE, 5 * MINUTE)
    dies = by_weight[rng.randrange(len(by_weight) // 2)]
    begin = first + rng.randrange(plan.warm_up, max(plan.warm_up + 1, plan.days - 10)) * DAY + 7 * HOUR
    made[f"ris-{dies.ods.lower()}"].dead.append((begin, begin + rng.randrange(4, 10) * DAY))
    cut = first + rng.randrange(plan.warm_up, plan.days - 3) * DAY + rng.randrange(20) * HOUR
    if parameters.spool:
        made[rng.choice(by_weight[: len(by_weight) // 2]).archive].cuts.append(
            (cut, cut + rng.randrange(24, 72) * HOUR)
        )
    fails = first + rng.randrange(plan.warm_up, plan.days - 3) * DAY + rng.randrange(20) * HOUR
    if parameters.decision_log_fails:
        made[by_weight[0].decisions].dead.append((fails, fails + rng.randrange(24, 96) * HOUR))


def _outage(made: dict[str, Channel], plan: Plan, trusts: Sequence[Trust], rng: Random) -> int:
    """Silence the relation feeds of one trust for six hours of a working day; gives how often."""
    trust = rng.choice(trusts)
    begin = start_of(plan.first_day) + rng.randrange(plan.warm_up, plan.days - 4) * DAY + rng.randrange(7, 12) * HOUR
    for system in SYSTEMS:
        made[f"{system}-{trust.ods.lower()}"].cuts.append((begin, begin + 6 * HOUR))
    return 1


def _clocks(made: dict[str, Channel], plan: Plan, trusts: Sequence[Trust], rng: Random) -> int:
    """Let some archives keep summer time until the morning after the clocks go back; gives how many do."""
    if not plan.first_day <= CLOCKS_GO_BACK < plan.first_day + timedelta(days=plan.days):
        return 0
    begin = start_of(CLOCKS_GO_BACK) + HOUR
    slow = rng.sample(list(trusts), 3)
    for trust in slow:
        made[trust.archive].slips.append((begin, begin + rng.randrange(4, 8) * HOUR, -HOUR))
    return len(slow)
