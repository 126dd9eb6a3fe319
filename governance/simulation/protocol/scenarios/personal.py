"""One person looks at one other whom they know, or do not: co-workers, family, themselves, neighbours, strangers."""

from governance.simulation.protocol.acting.studies import Study
from governance.simulation.protocol.folk.people import Patient, Staff
from governance.simulation.protocol.scenarios.stage import Stage
from governance.simulation.protocol.times import HOUR
from governance.simulation.protocol.truth import Incident
from governance.vocabulary import Role


def co_worker(stage: Stage) -> Incident | None:
    """A colleague of the department has fallen ill."""

    def colleagues(who: Staff) -> list[Patient]:
        there = stage.region.population.at(who.ods, who.department)
        return [one.patient for one in there if one is not who and one.patient and one.home.number != who.home.number]

    who = stage.anyone(lambda one: bool(colleagues(one)))
    return None if who is None else _pried(stage, "co_worker", who, stage.rng.choice(colleagues(who)))


def household(stage: Stage) -> Incident | None:
    """Somebody of one's own household."""
    relatives = stage.region.population.relatives
    who = stage.anyone(lambda one: one.home.known and bool(relatives(one)))
    return None if who is None else _pried(stage, "household", who, stage.rng.choice(relatives(who)))


def family_surname(stage: Stage) -> Incident | None:
    """A relative who lives elsewhere and has the same, not very common, name."""
    population = stage.region.population
    named: dict[int, list[Patient]] = {}
    for patient in population.patients:
        if population.shares[patient.home.surname] < 5e-4:
            named.setdefault(patient.home.surname, []).append(patient)

    def cousins(who: Staff) -> list[Patient]:
        return [
            one
            for one in named.get(who.home.surname, ())
            if one.home.number != who.home.number and one.staff is None and one.home.known
        ]

    who = stage.anyone(lambda one: one.home.known and bool(cousins(one)))
    return None if who is None else _pried(stage, "family_surname", who, stage.rng.choice(cousins(who)))


def self_access(stage: Stage) -> Incident | None:
    """One's own images."""
    who = stage.anyone(lambda one: one.patient is not None and one.home.known)
    return None if who is None or who.patient is None else _pried(stage, "self_access", who, who.patient)


def neighbour(stage: Stage) -> Incident | None:
    """Somebody of the same street."""
    catchment = stage.region.population.catchment

    def near(who: Staff) -> list[Patient]:
        return [
            one
            for one in catchment[who.ods]
            if one.home.postcode == who.home.postcode and one.home.number != who.home.number and one.staff is None
        ]

    who = stage.anyone(lambda one: one.home.known and bool(near(one)))
    return None if who is None else _pried(stage, "neighbour", who, stage.rng.choice(near(who)))


def acquaintance(stage: Stage) -> Incident | None:
    """Somebody known from elsewhere, whom nothing on file ties to the one who looks: once, in hours."""
    who = stage.anyone()
    if who is None:
        return None
    found = [one for one in stage.strangers(who.ods, 12) if stage.untied(who, one.patient)]
    if not found:
        return None
    incident = stage.incident("acquaintance", who)
    study = stage.rng.choice(found)
    stage.peek(incident, who, study, max(stage.moment(who), study.taken + HOUR))
    return incident


def no_relation(stage: Stage) -> Incident | None:
    """A handful of strangers on one day, out of curiosity."""
    return _browse(stage, "no_relation", stage.anyone(), stage.rng.randint(6, 14))


def wrong_department(stage: Stage) -> Incident | None:
    """Images that people in such a post never have to do with."""
    breast = {("MG", "BREAST"), ("US", "BREAST"), ("US", "PELVIS"), ("MR", "PELVIS")}

    def foreign(who: Staff) -> list[Study]:
        return stage.strangers(who.ods, 8, lambda one: (one.modality, one.body_part) in breast)

    others = {"orthopaedics", "cardiology", "emergency"}
    who = stage.anyone(lambda one: one.department in others and len(foreign(one)) > 2, (Role.NURSE,))
    if who is None:
        return None
    found = foreign(who)[: stage.rng.randint(4, 8)]
    incident = stage.incident("wrong_department", who)
    for study in found:
        stage.peek(incident, who, study, stage.moment(who, stage.rng.randint(0, 2)))
    return incident


def off_hours(stage: Stage) -> Incident | None:
    """At night, without a shift."""
    who = stage.anyone(lambda one: one.pattern == "day")
    if who is None:
        return None
    found = stage.strangers(who.ods, stage.rng.randint(3, 6))
    if not found:
        return None
    incident = stage.incident("off_hours", who)
    for study in found:
        at = stage.region.start(stage.region.day + 1) + stage.rng.randrange(HOUR, 5 * HOUR)
        stage.peek(incident, who, study, at)
    return incident


def _browse(stage: Stage, scenario: str, who: Staff | None, count: int) -> Incident | None:
    found = [] if who is None else stage.strangers(who.ods, count)
    if who is None or len(found) < count // 2:
        return None
    incident = stage.incident(scenario, who)
    days = 4 if stage.evasion == "split" else 1
    for number, study in enumerate(found):
        stage.peek(incident, who, study, stage.moment(who, number % days))
    return incident


def _pried(stage: Stage, scenario: str, who: Staff, patient: Patient) -> Incident:
    incident = stage.incident(scenario, who)
    stage.pry(incident, who, patient, days=stage.rng.randint(0, 1))
    return incident
