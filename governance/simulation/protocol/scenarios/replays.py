"""Three known cases, played anew: where they happened and who was hurt is invented, how many looked is not."""

from collections.abc import Callable, Mapping

from governance.simulation.protocol.background.emergencies import MajorIncident, major_incident
from governance.simulation.protocol.folk.people import Trust
from governance.simulation.protocol.plan import Mix
from governance.simulation.protocol.scenarios.stage import LOOKERS, Stage
from governance.simulation.protocol.scenarios.windows import browse_women
from governance.simulation.protocol.times import DAY, HOUR, MINUTE
from governance.vocabulary import Role


def plan_replay(stage: Stage, mix: Mix) -> None:
    """Plan the one case of a replay; nothing else is wrong in the run."""
    region = stage.region
    stage.evasion = None
    play = _PLAYS[mix]
    region.later(region.plan.warm_up + 2, lambda: play(stage))


def southport(stage: Stage) -> None:
    """After a major incident 48 people look, within three days, at the few patients everybody speaks of."""
    trust = _largest(stage)
    found = major_incident(stage.region, stage.care, trust, 12, stage.rng, patients=9, viewers=60)
    _crowd(stage, found, 48, 3 * DAY)


def nottingham(stage: Stage) -> None:
    """Of 91 people who look at the patients of one incident, 25 have no reason to."""
    trust = _largest(stage)
    found = major_incident(stage.region, stage.care, trust, 5, stage.rng, patients=4, viewers=66)
    _crowd(stage, found, 25, 9 * DAY)


def radiographer(stage: Stage) -> None:
    """One radiographer looks at the images of more than two hundred women, over months."""
    who = stage.anyone(lambda one: one.ods == _largest(stage).ods, (Role.RADIOGRAPHER,))
    if who is not None:
        left = stage.region.plan.days - stage.region.day - 2
        browse_women(stage, "serial_browsing", who, round(left * 4.5 / 7), (6, 10))


def _crowd(stage: Stage, found: MajorIncident, count: int, within: int) -> None:
    """Let so many of the trust look who have no part in the care of those patients."""
    region, rng = stage.region, stage.rng
    rightful = {who.id for who in found.viewers}
    staff = [
        who
        for who in region.population.staff
        if who.role in LOOKERS and who.id not in rightful and not who.away_on(region.day) and region.open(who.ods)
    ]
    near = [who for who in staff if who.ods == found.trust.ods]
    curious = rng.sample(near, min(count, len(near)))
    curious += rng.sample([who for who in staff if who not in near], count - len(curious))
    treated = {patient.number for patient in found.patients}
    incident = stage.incident("patient_burst", *curious)
    incident.rightful = rightful
    for who in curious:
        at = found.at + 2 * HOUR + int(rng.random() ** 1.5 * within)
        study = rng.choice([one for one in found.studies if one.patient.number in treated])
        stage.peek(incident, who, study, max(at, study.taken + 10 * MINUTE))


def _largest(stage: Stage) -> Trust:
    return max((trust for trust in stage.region.trusts if not trust.opens), key=lambda trust: trust.weight)


_PLAYS: Mapping[Mix, Callable[[Stage], None]] = {
    Mix.SOUTHPORT: southport,
    Mix.NOTTINGHAM: nottingham,
    Mix.RADIOGRAPHER: radiographer,
}
