"""A major incident: patients come within an hour or two, and many look at them who all may."""

from dataclasses import dataclass
from random import Random

from governance.simulation.protocol.acting.acts import How
from governance.simulation.protocol.acting.reasons import Reason
from governance.simulation.protocol.acting.studies import Study
from governance.simulation.protocol.acting.wording import emergency
from governance.simulation.protocol.background.care import Care
from governance.simulation.protocol.folk.people import RADIOLOGY, Patient, Staff, Trust
from governance.simulation.protocol.region import Region
from governance.simulation.protocol.times import DAY, HOUR, MINUTE
from governance.vocabulary import Role


@dataclass(frozen=True, slots=True)
class MajorIncident:
    """What it leaves: the patients everybody speaks of, their studies, and who looked and might."""

    trust: Trust
    patients: tuple[Patient, ...]
    studies: tuple[Study, ...]
    viewers: tuple[Staff, ...]
    at: int


def major_incident(
    region: Region, care: Care, trust: Trust, hour: int, rng: Random, *, patients: int = 0, viewers: int = 0
) -> MajorIncident:
    """Play one today, from an hour on.

    Args:
        region: where.
        care: who treats the patients.
        trust: where they are brought.
        hour: of the day.
        rng: the stream of chance.
        patients: how many; drawn when 0.
        viewers: how many look at the best-known of them; drawn when 0.
    """
    begin = region.start(region.day) + hour * HOUR
    episodes = care.episodes_of(rng)
    known: list[Patient] = []
    studies: list[Study] = []
    for _ in range(patients or rng.randint(6, 14)):
        patient = rng.choice(region.population.catchment[trust.ods])
        if patient.staff is not None or patient.died is not None or patient in known:
            continue
        for number in range(rng.randint(1, 3)):
            at = begin + rng.randrange(2 * HOUR) + number * 20 * MINUTE
            study = episodes.begin(trust, at, patient, trust.departments[0])
            if study is not None:
                studies.append(study)
        known.append(patient)
    famous = known[: max(1, len(known) // 4)]
    for patient in famous:
        patient.flags.add("incident")
        region.tell_of_patient(patient, begin + rng.randrange(2 * HOUR, 12 * HOUR))
    looked = [_look(region, trust, famous, begin, rng) for _ in range(viewers or rng.randint(25, 60))]
    return MajorIncident(trust, tuple(famous), tuple(studies), tuple(filter(None, looked)), begin)


def _look(region: Region, trust: Trust, famous: list[Patient], begin: int, rng: Random) -> Staff | None:
    """Let one more of those who treat look: the trauma team, theatre, the ward, the meeting."""
    at = begin + int(rng.random() ** 2 * 2 * DAY) + 10 * MINUTE
    role = rng.choice((Role.CLINICIAN, Role.CLINICIAN, Role.NURSE, Role.CONSULTANT_RADIOLOGIST, Role.RADIOGRAPHER))
    department = RADIOLOGY if role in {Role.CONSULTANT_RADIOLOGIST, Role.RADIOGRAPHER} else None
    who = region.duty.pick(rng, trust.ods, department, role, at // HOUR % 24)
    patient = rng.choice(famous)
    seen = [one for one in region.studies_of[patient.number] if one.taken < at]
    if who is None or not seen or who is patient.staff:
        return None
    kind, system = rng.choice((("episode", "pas"), ("rota", "rota"), ("mdt", "mdt"), ("order", "ris")))
    reason = Reason(kind, who.id, trust.ods, at - HOUR, at + 14 * DAY, f"{system}-{trust.ods.lower()}", patient)
    region.document(reason, at - rng.randrange(HOUR))
    study = rng.choice(seen)
    glass = emergency(rng) if rng.random() < 0.06 else None

    def look() -> None:
        if glass is not None:
            region.acts.break_glass(who, study, glass, at - 15_000, rng)
        purpose = "TREAT" if glass is None else "BTG"
        region.acts.look(who, study, at, rng, How(purpose=purpose, reason=glass))

    region.at(at, look)
    return who
