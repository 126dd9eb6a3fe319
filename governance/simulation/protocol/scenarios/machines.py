"""Services that read what they should not, service tokens in people's hands, and those who read the log itself."""

from governance.simulation.protocol.acting.studies import Study
from governance.simulation.protocol.background.care import read_log, seen_recently
from governance.simulation.protocol.folk.services import Service
from governance.simulation.protocol.scenarios.stage import Stage
from governance.simulation.protocol.times import HOUR, MINUTE, SECOND
from governance.simulation.protocol.truth import Incident
from governance.vocabulary import Role


def ai_outside_manifest(stage: Stage) -> Incident | None:
    """Studies of a kind, or of a trust, that its manifest does not hold."""
    service = stage.rng.choice(stage.region.services)
    others = stage.rng.random() < 0.5
    open_trusts = [trust.ods for trust in stage.region.trusts if stage.region.open(trust.ods)]
    place = stage.rng.choice([ods for ods in open_trusts if (ods in service.trusts) != others] or open_trusts)

    def wrong(study: Study) -> bool:
        return not service.reads(study.modality, study.body_part, study.ods)

    return _service_reads(stage, "ai_outside_manifest", service, stage.strangers(place, 25, wrong), 1)


def ai_rereads(stage: Stage) -> Incident | None:
    """The same studies over and over."""
    service = stage.rng.choice(stage.region.services)
    fits = _fitting(stage, service, 4)
    return _service_reads(stage, "ai_rereads", service, fits, stage.rng.randint(8, 25))


def ai_shadow_token(stage: Stage) -> Incident | None:
    """A service's token on somebody's workstation, at a person's pace."""
    service = stage.rng.choice(stage.region.services)
    fits = _fitting(stage, service, 18)
    device = f"ws-{service.ods.lower()}-main-{stage.rng.randrange(12)}"
    return _service_reads(stage, "ai_shadow_token", service, fits, 1, device)


def audit_insider(stage: Stage) -> Incident | None:
    """A privacy officer who reads again and again what the log says of themselves, or of one colleague."""
    who = stage.anyone(lambda one: one.patient is not None, (Role.IG_OFFICER,))
    if who is None or who.patient is None:
        return None
    region, rng = stage.region, stage.rng
    colleagues = [one.patient for one in region.population.at(who.ods) if one.patient is not None and one is not who]
    patient = who.patient if rng.random() < 0.5 or not colleagues else rng.choice(colleagues)
    incident = stage.incident("audit_insider", who)
    incident.patients.add(patient.number)
    for number in range(rng.randint(12, 30)):
        at = stage.moment(who, number // 6)

        def act(at: int = at) -> None:
            incident.note(read_log(region, who, patient.number, at, rng), at)

        region.at(at, act)
    return incident


def _fitting(stage: Stage, service: Service, count: int) -> list[Study]:
    region, rng = stage.region, stage.rng
    now = region.start(region.day)
    found: dict[str, Study] = {}
    for _ in range(4_000):
        study = seen_recently(region, rng.choice(service.trusts), now, rng)
        if study is not None and service.reads(study.modality, study.body_part, study.ods):
            found[study.uid] = study
        if len(found) == count:
            break
    return list(found.values())


def _service_reads(
    stage: Stage, scenario: str, service: Service, studies: list[Study], times: int, device: str = ""
) -> Incident | None:
    if len(studies) < 3:
        return None
    region, rng = stage.region, stage.rng
    incident = stage.incident(scenario)
    incident.services.add(service.id)
    incident.trusts = tuple(sorted({study.ods for study in studies} | {service.ods}))
    begin = region.start(region.day) + rng.randrange(8 * HOUR, 18 * HOUR)

    def act() -> None:
        at = begin
        for study in studies:
            for _ in range(times):
                region.acts.read_by(service, study, at, rng, incident, device)
                at += rng.randrange(20 * SECOND, 7 * MINUTE)

    region.at(begin, act)
    return incident
