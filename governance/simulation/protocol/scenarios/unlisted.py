"""Two kinds that stand in no catalogue: whoever builds a detector has not been told of them."""

from governance.simulation.protocol.acting.reasons import Reason
from governance.simulation.protocol.folk.people import Staff
from governance.simulation.protocol.scenarios.stage import Stage
from governance.simulation.protocol.times import DAY, MINUTE
from governance.simulation.protocol.truth import Incident
from governance.vocabulary import Role


def made_worklist(stage: Stage) -> Incident | None:
    """Somebody puts people they know on a worklist of their own, looks, and never reports."""
    who = stage.anyone(roles=(Role.CONSULTANT_RADIOLOGIST, Role.REPORTING_RADIOGRAPHER, Role.RADIOGRAPHER))
    if who is None:
        return None
    region, rng = stage.region, stage.rng
    incident = stage.incident("made_worklist", who)
    for number, study in enumerate(stage.strangers(who.ods, rng.randint(8, 20))):
        at = stage.moment(who, number // 3)
        system = f"ris-{who.ods.lower()}"
        begin = at - rng.randrange(2 * MINUTE, 12 * MINUTE)
        reason = Reason("worklist", who.id, who.ods, begin, at + DAY, system, study.patient, study)

        def act(reason: Reason = reason, begin: int = begin) -> None:
            region.document(reason, begin, surely=True)

        region.at(begin, act)
        stage.peek(incident, who, study, at)
    return incident


def favour_swap(stage: Stage) -> Incident | None:
    """Two colleagues look up each other's relatives, so that neither looks at their own."""
    relatives = stage.region.population.relatives

    def mate(who: Staff) -> Staff | None:
        there = [one for one in stage.region.population.at(who.ods, who.department) if one.team == who.team]
        return next((one for one in there if one is not who and relatives(one) and one.home is not who.home), None)

    who = stage.anyone(lambda one: bool(relatives(one)) and mate(one) is not None)
    other = None if who is None else mate(who)
    if who is None or other is None:
        return None
    incident = stage.incident("favour_swap", who, other)
    stage.pry(incident, who, stage.rng.choice(relatives(other)))
    stage.pry(incident, other, stage.rng.choice(relatives(who)))
    return incident
