"""Incidents to find: each plays one kind of wrong access into a day and says who did it, for scoring.

The kinds follow the scenario catalogue of detection (H1 self access, H3 decoy, W1 burst, W4 mass export, W6 break-glass
misuse, AI1 drift, and a bypass of the decision point).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.simulation.activity import AI_SERVICE, Day, Region, Study
from governance.simulation.population import Staff
from governance.vocabulary import EventKind, Modality, Purpose, Role

_CURIOUS = (Role.CLINICIAN, Role.NURSE, Role.RADIOGRAPHER)


@dataclass(frozen=True, slots=True)
class Incident:
    """What was done, by whom, when it began; ``subject`` is the id the source uses."""

    kind: str
    subject: str
    began: datetime


def play(kind: str, region: Region, day: Day) -> Incident:
    """Play one incident into the day; raises KeyError for an unknown kind."""
    incident = KINDS[kind](region, day)
    day.events.sort(key=lambda event: str(event["time"]))
    return incident


def _fresh(region: Region, day: Day, **options: object) -> Study:
    study = region.new_study(region.scene(), region.moment(day.date), **options)  # type: ignore[arg-type]
    day.studies.append(study.row())
    return study


def _somebody(region: Region, ods: str) -> Staff:
    return region.rng.choice(region.population.working(ods, *_CURIOUS))


def _self_access(region: Region, day: Day) -> Incident:
    ods = region.scene()
    tied = [person for person in region.population.staff if person.patient is not None]
    actor = region.rng.choice([person for person in tied if person.ods == ods] or tied)
    patient = next(p for p in region.population.patients if p.nhs_number == actor.patient)
    study = region.new_study(actor.ods, region.moment(day.date), patient=patient)
    day.studies.append(study.row())
    at = study.taken + timedelta(hours=1)
    day.events += region.accesses(actor, study, at)
    return Incident("self_access", actor.id, at)


def _decoy_record(region: Region, day: Day) -> Incident:
    study = _fresh(region, day, labels=("decoy",))
    actor = _somebody(region, study.ods)
    at = study.taken + timedelta(minutes=30)
    day.events += region.accesses(actor, study, at)
    return Incident("decoy_record", actor.id, at)


def _access_without_decision(region: Region, day: Day) -> Incident:
    study = _fresh(region, day)
    actor = _somebody(region, study.ods)
    at = study.taken + timedelta(minutes=15)
    day.events.append(region.event(actor, study, at, EventKind.ACCESS, {}))
    return Incident("access_without_decision", actor.id, at)


def _break_glass(region: Region, day: Day) -> Incident:
    study = _fresh(region, day)
    actor = _somebody(region, study.ods)
    at = study.taken + timedelta(minutes=20)
    reason = {"break_glass": {"reason": "Unconscious patient, history needed"}, "purpose": Purpose.BTG.value}
    events = list(region.accesses(actor, study, at))
    day.events += [event | reason for event in events]
    return Incident("break_glass_without_follow_up", actor.id, at)


def _ai_outside_manifest(region: Region, day: Day) -> Incident:
    study = _fresh(region, day)
    while study.modality is Modality.CT and study.body_part == "HEAD":
        study = _fresh(region, day)
    at = study.taken + timedelta(minutes=3)
    day.events += region.ai_reads(study, at)
    return Incident("ai_outside_manifest", AI_SERVICE, at)


def _patient_burst(region: Region, day: Day) -> Incident:
    study = _fresh(region, day)
    watchers = [person for person in region.population.staff if person.ods == study.ods and person.role in _CURIOUS][:9]
    for number, actor in enumerate(watchers):
        day.events += region.accesses(actor, study, study.taken + timedelta(minutes=20 + 7 * number))
    return Incident("patient_burst", watchers[0].id, study.taken + timedelta(minutes=20))


def _mass_export(region: Region, day: Day) -> Incident:
    first = _fresh(region, day)
    actor = _somebody(region, first.ods)
    at = first.taken + timedelta(minutes=10)
    for number in range(160):
        study = region.rng.choice(region.studies)
        day.events += region.accesses(
            actor,
            study,
            at + timedelta(seconds=15 * number),
            kind=EventKind.EXPORT,
            bytes=region.rng.randint(20, 400) * 1_000_000,
            destination="usb",
        )
    return Incident("mass_export", actor.id, at)


KINDS: Mapping[str, Callable[[Region, Day], Incident]] = {
    "access_without_decision": _access_without_decision,
    "ai_outside_manifest": _ai_outside_manifest,
    "break_glass_without_follow_up": _break_glass,
    "decoy_record": _decoy_record,
    "mass_export": _mass_export,
    "patient_burst": _patient_burst,
    "self_access": _self_access,
}
