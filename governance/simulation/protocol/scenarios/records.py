"""Records that are marked: everybody's favourite patient, decoys, sealed images, the dead."""

from dataclasses import replace

from governance.simulation.protocol.acting.acts import How
from governance.simulation.protocol.folk.people import Patient
from governance.simulation.protocol.scenarios.stage import Stage
from governance.simulation.protocol.times import DAY, HOUR, MINUTE
from governance.simulation.protocol.truth import Incident


def vip(stage: Stage) -> Incident | None:
    """Somebody everybody knows."""
    known = [one for one in stage.region.population.patients if "vip" in one.flags and one.died is None]
    patient = stage.rng.choice(known)
    who = stage.anyone(lambda one: one.ods == patient.ods)
    if who is None:
        return None
    incident = stage.incident("vip", who)
    stage.pry(incident, who, patient)
    return incident


def decoy(stage: Stage) -> Incident | None:
    """A record that is nobody's, found by searching for a name and opened."""
    who = stage.anyone()
    if who is None:
        return None
    region, rng = stage.region, stage.rng
    trust = region.population.by_ods[who.ods]
    held = [one for one in region.studies_of.get(f"decoy-{who.ods}", ()) if one.ods == who.ods]
    if held:
        study = held[0]
    else:
        nobody = Patient(region.population.new_number(), who.ods, region.population.new_home(trust), "f", 44)
        study = region.examine(who.ods, nobody, trust.departments[0], region.start(region.day) - 40 * DAY, rng)
        region.recent[who.ods].remove(study)
        region.studies_of[f"decoy-{who.ods}"].append(study)
        region.label(study, "decoy", region.start(region.day))
    incident = stage.incident("decoy", who)
    at = stage.moment(who, 1)

    def search() -> None:
        region.acts.search(who, at - MINUTE, rng, study.patient.number)

    region.at(at, search)
    stage.peek(incident, who, study, at)
    return incident


def sealed_record(stage: Stage) -> Incident | None:
    """A sealed record, past the decision point."""
    who = stage.anyone()
    if who is None:
        return None
    found = stage.strangers(who.ods, 1)
    if not found:
        return None
    study = found[0]
    stage.region.label(study, "sealed", stage.region.start(stage.region.day))
    incident = stage.incident("sealed_record", who)
    stage.peek(incident, who, study, stage.moment(who, 1), How(decided=False))
    return incident


def after_death(stage: Stage) -> Incident | None:
    """Somebody who has died, days after, when there is nothing left to treat."""
    who = stage.anyone()
    if who is None:
        return None
    region, rng = stage.region, stage.rng
    found = [one for one in stage.strangers(who.ods, 6) if one.patient.age > 40 and one.patient.died is None]
    if not found:
        return None
    study = found[0]
    study.patient.died = region.day
    region.tell_of_patient(study.patient, region.start(region.day) + rng.randrange(12 * HOUR, 20 * HOUR), died=True)
    incident = stage.incident("after_death", who)
    how = replace(How(), purpose="TREAT")
    for _ in range(rng.randint(1, 3)):
        stage.peek(incident, who, study, stage.moment(who, rng.randint(3, 9)), how)
    return incident
