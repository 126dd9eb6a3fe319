"""What shows over time: a crowd on one patient, slow browsing, taking out, searching, breaking the glass, accounts."""

from dataclasses import replace
from functools import partial

from governance.simulation.protocol.acting.acts import How
from governance.simulation.protocol.acting.sessions import REMOTE
from governance.simulation.protocol.acting.studies import Study
from governance.simulation.protocol.acting.wording import copied
from governance.simulation.protocol.folk.people import Staff
from governance.simulation.protocol.scenarios.stage import LOOKERS, Stage
from governance.simulation.protocol.times import HOUR, MINUTE, day_written
from governance.simulation.protocol.truth import Incident
from governance.vocabulary import Role


def patient_burst(stage: Stage) -> Incident | None:
    """A patient of whom everybody at the trust speaks: a dozen look within days."""
    rng, region = stage.rng, stage.region
    open_trusts = [trust for trust in region.trusts if region.open(trust.ods)]
    ods = max(rng.sample(open_trusts, 3), key=lambda trust: trust.weight).ods
    found = stage.strangers(ods, 1)
    staff = [who for who in region.population.at(ods) if who.role in LOOKERS and not who.away_on(region.day)]
    if not found or len(staff) < 12:
        return None
    study = found[0]
    curious = [who for who in rng.sample(staff, min(len(staff), 16)) if stage.untied(who, study.patient)]
    curious = curious[: rng.randint(8, 14)]
    incident = stage.incident("patient_burst", *curious)
    for who in curious:
        days = int(rng.random() ** 2 * 4)
        stage.peek(incident, who, study, max(stage.moment(who, days), study.taken + HOUR))
    return incident


def serial_browsing(stage: Stage) -> Incident | None:
    """A few young women's images every working day, for weeks."""
    who = stage.anyone(roles=(Role.RADIOGRAPHER, Role.CLINICIAN))
    return None if who is None else browse_women(stage, "serial_browsing", who, stage.rng.randint(9, 16), (2, 5))


def browse_women(stage: Stage, scenario: str, who: Staff, days: int, a_day: tuple[int, int]) -> Incident:
    """Browse the images of women of 16 to 45, so many a day, for so many working days."""
    incident = stage.incident(scenario, who)
    rng, region = stage.rng, stage.region

    def today() -> None:
        if region.duty.shift(who) is None:
            return
        stage.resume(incident)
        fits = [
            one
            for one in stage.strangers(who.ods, 60)
            if one.patient.sex == "f" and 15 < one.patient.age < 46 and stage.untied(who, one.patient)
        ]
        for study in fits[: rng.randint(*a_day)]:
            stage.peek(incident, who, study, stage.moment(who))

    for number in range(round(days * 7 / 4.5)):
        region.later(region.day + 1 + number, today)
    return incident


def slow_boiling(stage: Stage) -> Incident | None:
    """Strangers' images, a little more each week, so that it looks usual by the end."""
    who = stage.anyone(roles=(Role.CLINICIAN, Role.NURSE))
    if who is None:
        return None
    incident = stage.incident("slow_boiling", who)
    region, rng = stage.region, stage.rng

    def on(count: int) -> None:
        stage.resume(incident)
        for study in stage.strangers(who.ods, count):
            stage.peek(incident, who, study, stage.moment(who))

    for number in range(21):
        if rng.random() < 0.6:
            region.later(region.day + 1 + number, partial(on, 1 + number // 4))
    return incident


def mass_export(stage: Stage) -> Incident | None:
    """Hundreds of studies taken out within hours, or over days by those who are careful."""
    who = stage.anyone(roles=(Role.CLINICIAN, Role.RADIOGRAPHER, Role.PACS_ADMIN, Role.RESEARCHER))
    if who is None:
        return None
    rng = stage.rng
    incident = stage.incident("mass_export", who)
    found = stage.strangers(who.ods, rng.randint(90, 260))
    days = 4 if stage.evasion == "split" else 1
    destination = rng.choice(("cd", "image-exchange", "usb", f"host-{rng.randrange(900)}"))
    for number in range(days):
        at = stage.moment(who, number)
        for study in found[number::days]:
            size = study.images * rng.randrange(300_000, 700_000)
            stage.peek(incident, who, study, at, How(kind="export", size=size, destination=destination))
            at += rng.randrange(8_000, MINUTE)
    return incident


def reconnaissance(stage: Stage) -> Incident | None:
    """Search after search by name, and hardly anything opened."""
    who = stage.anyone(roles=(Role.NURSE, Role.CLINICIAN, Role.RADIOGRAPHER))
    if who is None:
        return None
    region, rng = stage.region, stage.rng
    incident = stage.incident("reconnaissance", who)
    begin = stage.moment(who)
    people = rng.sample(region.population.catchment[who.ods], rng.randint(40, 110))

    def search() -> None:
        at = begin
        for patient in people:
            incident.note(region.acts.search(who, at, rng, patient.number), at)
            incident.patients.add(patient.number)
            at += rng.randrange(10_000, 2 * MINUTE)

    region.at(begin, search)
    return incident


def break_glass_misuse(stage: Stage) -> Incident | None:
    """The glass broken again and again with the same few words, and no care that follows."""
    who = stage.anyone()
    if who is None:
        return None
    rng = stage.rng
    found = stage.strangers(who.ods, rng.randint(4, 9))
    incident = stage.incident("break_glass_misuse", who)
    words = copied(rng)
    for number, study in enumerate(found):
        how = How(purpose="BTG", reason=words if rng.random() < 0.8 else copied(rng))
        stage.peek(incident, who, study, stage.moment(who, number * rng.randint(0, 3) // 2), how)
    return incident


def dormant_account(stage: Stage) -> Incident | None:
    """An account that nobody has used for months, or whose owner has left."""
    region, rng = stage.region, stage.rng
    if region.day > 61 and stage.sleepers:
        who = stage.sleepers.pop(rng.randrange(len(stage.sleepers)))
        delay = 0
    else:
        chosen = stage.anyone()
        if chosen is None:
            return None
        who, delay = chosen, rng.randint(3, 10)
        who.leaves_on = day_written(region.start(region.day))
        who.away.append((region.day + 1, region.plan.days + 1))
        region.tell_of_staff(who, region.start(region.day) + 18 * HOUR)
    found = stage.strangers(who.ods, rng.randint(2, 7))
    if not found:
        return None
    incident = stage.incident("dormant_account", who)
    for study in found:
        stage.peek(incident, who, study, stage.moment(who, delay))
    return incident


def credential_sharing(stage: Stage) -> Incident | None:
    """Two people under one name: at two devices, at the same time."""
    who = stage.anyone()
    if who is None:
        return None
    return _elsewhere(stage, "credential_sharing", who, who.site, HOUR)


def impossible_travel(stage: Stage) -> Incident | None:
    """At one hospital, and minutes later at another an hour's drive away."""
    who = stage.anyone()
    if who is None:
        return None
    others = [trust for trust in stage.region.trusts if trust.ods != who.ods]
    return _elsewhere(stage, "impossible_travel", who, stage.rng.choice(others).sites[0], 4 * MINUTE)


def _elsewhere(stage: Stage, scenario: str, who: Staff, site: str, gap: int) -> Incident | None:
    """Let an account be used at a second place while its owner works."""
    region, rng = stage.region, stage.rng
    found: list[Study] = stage.strangers(who.ods, rng.randint(6, 14))
    own = stage.strangers(who.ods, 6)
    if not found or not own:
        return None
    incident = stage.incident(scenario, who)
    begin = stage.moment(who)
    place = REMOTE if site == who.site and rng.random() < 0.3 else site

    def act() -> None:
        usual = region.acts.sessions.of(who, begin, rng)
        second = region.acts.sessions.begin(
            who, begin + rng.randrange(MINUTE, gap + MINUTE), rng, place, begin + 3 * HOUR
        )
        at = second.begin
        for study in found:
            at += rng.randrange(MINUTE, 12 * MINUTE)
            region.acts.look(who, study, at, rng, replace(How(), session=second, incident=incident))
        at = begin
        for study in own:  # what the owner does meanwhile is rightful
            at += rng.randrange(MINUTE, 20 * MINUTE)
            region.acts.look(who, study, at, rng, replace(How(), session=usual))

    region.at(begin, act)
    return incident
