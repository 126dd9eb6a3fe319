"""What looks odd and is not: each may be switched off, and each is counted when it happens.

Those of the population (surnames, residences, a new trust) and of the wiring (outage, clocks) are drawn where it is.
"""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from governance.simulation.protocol.acting.acts import How
from governance.simulation.protocol.acting.reasons import Reason
from governance.simulation.protocol.background.ai import roll_out
from governance.simulation.protocol.background.care import Care, seen_recently
from governance.simulation.protocol.background.emergencies import major_incident
from governance.simulation.protocol.folk.duty import BANK_HOLIDAYS
from governance.simulation.protocol.folk.people import RADIOLOGY, Staff, Trust
from governance.simulation.protocol.region import Region
from governance.simulation.protocol.times import DAY, HOUR, MINUTE
from governance.vocabulary import Role


def plan_confounders(region: Region, care: Care) -> None:
    """Plan everything that is on, each by a stream of chance of its own."""
    region.tally.confounders["residences"] = sum(one.home.residence for one in region.population.staff)
    region.tally.confounders["common_surnames"] = sum(bool(trust.favourites) for trust in region.trusts)
    region.tally.confounders["new_trust"] = sum(bool(trust.opens) for trust in region.trusts)
    last = region.plan.first_day.toordinal() + region.plan.days
    days = sum(region.plan.first_day.toordinal() <= one.toordinal() < last for one in BANK_HOLIDAYS)
    region.tally.confounders["bank_holiday"] = days if region.plan.plays("bank_holiday") else 0
    for name, make in _MAKERS.items():
        if region.plan.plays(name):
            region.tally.confounders[name] += make(region, care, region.stream(name))


def _any_day(region: Region, rng: Random) -> int:
    plan = region.plan
    return rng.randrange(plan.warm_up // 2, plan.days - 3)


def _major_incident(region: Region, care: Care, rng: Random) -> int:
    times = max(1, round(region.plan.days / 45))
    for _ in range(times):
        region.later(_any_day(region, rng), lambda: _disaster(region, care, rng))
    return times


def _disaster(region: Region, care: Care, rng: Random) -> None:
    trust = max(rng.sample(region.trusts, 3), key=lambda one: one.weight)
    major_incident(region, care, trust, rng.randrange(9, 22), rng)


def _teaching_pull(region: Region, _care: Care, rng: Random) -> int:
    times = max(2, round(region.plan.days / 12))
    for _ in range(times):
        region.later(_any_day(region, rng), lambda: _pull(region, rng))
    return times


def _pull(region: Region, rng: Random) -> None:
    """Let a consultant gather a teaching file in two hours; mostly a project says so."""
    trust = rng.choice([one for one in region.trusts if region.open(one.ods)])
    who = rng.choice(region.duty.present(trust.ods, RADIOLOGY, Role.CONSULTANT_RADIOLOGIST))
    at = region.start(region.day) + rng.randrange(9 * HOUR, 16 * HOUR)
    count = rng.randint(40, 130)
    if rng.random() < 0.85:
        extra = (("purpose", "TRAIN"), ("destination", "teaching-library"), ("limit", 150))
        system = f"ris-{trust.ods.lower()}"
        project = Reason("project", who.id, trust.ods, at - 5 * DAY, at + 30 * DAY, system, extra=extra)
        region.document(project, at - 2 * DAY, surely=True)
    for _ in range(count):
        study = seen_recently(region, trust.ods, at, rng)
        if study is not None:
            size = study.images * rng.randrange(300_000, 700_000)
            how = How(kind="export", purpose="TRAIN", size=size, destination="teaching-library")
            region.acts.look(who, study, at, rng, how)
        at += rng.randrange(20_000, 2 * MINUTE)


def _locum_week(region: Region, _care: Care, rng: Random) -> int:
    times = max(1, len(region.trusts) * region.plan.days // 120)
    for _ in range(times):
        region.later(_any_day(region, rng), lambda: _send_locum(region, rng))
    return times


def _send_locum(region: Region, rng: Random) -> None:
    """Let somebody work a week at another trust, on its rota."""
    home, away = rng.sample([one for one in region.trusts if region.open(one.ods)], 2)
    role = rng.choice((Role.CLINICIAN, Role.CONSULTANT_RADIOLOGIST))
    who = rng.choice(region.duty.present(home.ods, None, role) or region.duty.present(home.ods, None, Role.NURSE))
    for number in range(rng.randint(4, 7)):
        region.later(region.day + number, lambda: _locum_day(region, who, away, rng))


def _locum_day(region: Region, who: Staff, away: Trust, rng: Random) -> None:
    begin = region.start(region.day) + 8 * HOUR
    extra = (("site", away.sites[0]),)
    low = away.ods.lower()
    rota = Reason("rota", who.id, away.ods, begin - HOUR, begin + 13 * HOUR, f"rota-{low}", extra=extra)
    region.document(rota, begin - DAY)
    for _ in range(rng.randint(5, 18)):
        at = begin + rng.randrange(10 * HOUR)
        study = seen_recently(region, away.ods, at, rng)
        if study is None:
            continue
        if rng.random() < 0.5:
            reason = Reason("worklist", who.id, away.ods, at - HOUR, at + 7 * DAY, f"ris-{low}", study.patient, study)
            region.document(reason, at - 30 * MINUTE)
        region.acts.look(who, study, at, rng)


def _pool_reshuffle(region: Region, care: Care, rng: Random) -> int:
    """Share out who reports whose overflow, and share it out anew in the middle of the run."""
    share_out(region, care, rng)
    day = region.plan.warm_up + (region.plan.days - region.plan.warm_up) // 2
    region.later(day, lambda: share_out(region, care, rng))
    return 1


def share_out(region: Region, care: Care, rng: Random) -> None:
    """Say who reports whose overflow from today on: pool edges of the reporters of each partner."""
    names = [trust.ods for trust in region.trusts]
    now = region.start(region.day)
    for ods in names:
        partner = rng.choice([one for one in names if one != ods])
        care.episodes.pools[ods] = partner
        reporters = region.population.at(partner, RADIOLOGY, Role.CONSULTANT_RADIOLOGIST, Role.REPORTING_RADIOGRAPHER)
        for who in reporters:
            pool = Reason("pool", who.id, ods, now, now + region.plan.days * DAY, f"ris-{ods.lower()}")
            region.document(pool, now)


def _merged_departments(region: Region, _care: Care, rng: Random) -> int:
    day = region.plan.warm_up + rng.randrange(1, max(2, region.plan.days - region.plan.warm_up - 5))
    region.later(day, lambda: _merge(region, rng))
    return 1


def _merge(region: Region, rng: Random) -> None:
    """Merge the smallest two departments of a trust: its staff, teams and rows change overnight."""
    trust = max(rng.sample(region.trusts, 4), key=lambda one: len(one.departments))
    kept, gone = rng.sample(trust.departments[1:], 2)
    trust.departments = tuple(one for one in trust.departments if one != gone)
    for number, who in enumerate(region.population.at(trust.ods, gone)):
        who.department = kept
        region.tell_of_staff(who, region.start(region.day) + 6 * HOUR + number * 100)


def _returning_leavers(region: Region, _care: Care, rng: Random) -> int:
    """Bring people back after months away: parental leave, or a post taken up again."""
    plan = region.plan
    count = max(2, round(plan.staff / 150))
    for who in rng.sample(region.population.staff, count):
        gone, back = rng.randrange(1, 6), rng.randrange(plan.days - max(3, plan.days // 5), plan.days - 1)
        who.away.append((gone, back))
        if rng.random() < 0.5:
            region.later(back - 1, partial(_tell_again, region, who))
    return count


def _tell_again(region: Region, who: Staff) -> None:
    region.tell_of_staff(who, region.start(region.day))


def _staff_as_patients(region: Region, care: Care, rng: Random) -> int:
    """Let staff be treated where they work, by colleagues who have every reason to look."""
    count = max(1, round(region.plan.staff * region.plan.days / 90 / 400))
    ill = [one for one in region.population.staff if one.patient is not None]
    for who in rng.sample(ill, count):
        region.later(_any_day(region, rng), partial(_treat, region, care, who, rng))
    return count


def _treat(region: Region, care: Care, who: Staff, rng: Random) -> None:
    trust = region.population.by_ods[who.ods]
    if who.patient is not None and region.open(who.ods):
        at = region.start(region.day) + rng.randrange(8 * HOUR, 18 * HOUR)
        care.episodes_of(rng).begin(trust, at, who.patient)


def _ai_rollout(region: Region, _care: Care, rng: Random) -> int:
    return roll_out(region, rng)


_MAKERS: Mapping[str, Callable[[Region, Care, Random], int]] = {
    "ai_rollout": _ai_rollout,
    "locum_week": _locum_week,
    "major_incident": _major_incident,
    "merged_departments": _merged_departments,
    "pool_reshuffle": _pool_reshuffle,
    "returning_leavers": _returning_leavers,
    "staff_as_patients": _staff_as_patients,
    "teaching_pull": _teaching_pull,
}
