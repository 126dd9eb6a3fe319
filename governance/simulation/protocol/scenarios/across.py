"""Across trusts and agreements: pairs that never met, shares that drift, purposes that do not fit, authority gone."""

from collections import Counter
from dataclasses import replace

from governance.simulation.protocol.acting.acts import CROSS_TRUST, How
from governance.simulation.protocol.folk.people import Staff
from governance.simulation.protocol.scenarios.stage import Stage
from governance.simulation.protocol.times import DAY, HOUR, MINUTE, SECOND
from governance.simulation.protocol.truth import Incident
from governance.vocabulary import Role

NIGHT_COVER = "z-night-cover"  # an agreement whose last day lies in the run


def first_cross_trust(stage: Stage) -> Incident | None:
    """A patient of another trust, to which nobody referred."""
    who = stage.anyone(roles=(Role.CLINICIAN, Role.NURSE, Role.RADIOGRAPHER))
    if who is None:
        return None
    found = [one for one in stage.strangers(_elsewhere(stage, who), 8) if stage.untied(who, one.patient)]
    if not found:
        return None
    incident = stage.incident("first_cross_trust", who)
    at = stage.moment(who)
    for study in found[: stage.rng.randint(1, 3)]:
        stage.peek(incident, who, study, at)
        at += stage.rng.randrange(30 * SECOND, 20 * MINUTE)
    return incident


def cross_trust_drift(stage: Stage) -> Incident | None:
    """One partner's images, more and more of them, and no agreement that changed."""
    who = stage.anyone(roles=(Role.CONSULTANT_RADIOLOGIST, Role.CLINICIAN))
    if who is None:
        return None
    incident = stage.incident("cross_trust_drift", who)
    away = _elsewhere(stage, who)
    for number in range(6):

        def today() -> None:
            stage.resume(incident)
            for study in stage.strangers(away, stage.rng.randint(7, 16)):
                stage.peek(incident, who, study, stage.moment(who))

        stage.region.later(stage.region.day + 1 + number, today)
    return incident


def purpose_mismatch(stage: Stage) -> Incident | None:
    """A study series of one kind, one after the other, under the purpose of care."""
    who = stage.anyone(roles=(Role.CLINICIAN, Role.RESEARCHER, Role.CONSULTANT_RADIOLOGIST))
    if who is None:
        return None
    seen = Counter((one.modality, one.body_part) for one in stage.strangers(who.ods, 80))
    if not seen:
        return None
    kind = stage.rng.choice(seen.most_common(3))[0]
    found = stage.strangers(who.ods, 60, lambda one: (one.modality, one.body_part) == kind)
    if len(found) < 5:
        return None
    incident = stage.incident("purpose_mismatch", who)
    for day, dealt in stage.spread(found, (25, 20, 20)):
        at = stage.moment(who, day)
        for study in dealt:
            stage.peek(incident, who, study, at)
            at += stage.rng.randrange(40 * SECOND, 3 * MINUTE)
    return incident


def agreement_probing(stage: Stage) -> Incident | None:
    """Refused at one trust after another, until one lets them in."""
    who = stage.anyone()
    if who is None:
        return None
    region, rng = stage.region, stage.rng
    others = [trust.ods for trust in region.trusts if trust.ods != who.ods and region.open(trust.ods)]
    found = [one for ods in rng.sample(others, min(5, len(others))) for one in stage.strangers(ods, 3)]
    if len(found) < 6:
        return None
    incident = stage.incident("agreement_probing", who)
    begin = stage.moment(who)

    def probe() -> None:
        at = begin
        for study in found:
            incident.note(region.acts.refuse(who, study, at, rng), at)
            incident.patients.add(study.patient.number)
            at += rng.randrange(15 * SECOND, 4 * MINUTE)
        region.acts.look(who, found[-1], at, rng, replace(How(), incident=incident))

    region.at(begin, probe)
    return incident


def lapsed_authority(stage: Stage) -> Incident | None:
    """A token long over, used again; or an agreement whose last day is past."""
    who = stage.anyone()
    if who is None:
        return None
    region, rng = stage.region, stage.rng
    away = _elsewhere(stage, who)
    found = stage.strangers(away, rng.randint(1, 3))
    if not found:
        return None
    incident = stage.incident("lapsed_authority", who)
    at = stage.moment(who)
    if region.day > night_cover_ends(stage) and rng.random() < 0.5:
        for study in found:
            stage.peek(incident, who, study, at, How(agreement=NIGHT_COVER))
        return incident
    trust = region.population.by_ods[away]
    subject = region.acts.subject(who, region.acts.sessions.of(who, at, rng))
    authority = {"decision_id": f"d{rng.getrandbits(44):011x}", "agreement_id": CROSS_TRUST}
    jti = region.acts.token(trust, subject, authority, at - rng.randrange(3 * HOUR, 2 * DAY), rng)
    for study in found:
        stage.peek(incident, who, study, at, How(token=jti))
        at += rng.randrange(30 * SECOND, 5 * MINUTE)
    return incident


def night_cover_ends(stage: Stage) -> int:
    """Give the number of the last day of the agreement on night cover."""
    return stage.region.plan.warm_up + 3


def _elsewhere(stage: Stage, who: Staff) -> str:
    return stage.rng.choice(
        [trust.ods for trust in stage.region.trusts if trust.ods != who.ods and stage.region.open(trust.ods)]
    )
