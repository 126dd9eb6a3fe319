"""One patient's examination and who looks at it: from the order to the referral."""

from dataclasses import dataclass, replace
from random import Random

from governance.simulation.protocol.acting.acts import USUAL, How
from governance.simulation.protocol.acting.reasons import Reason
from governance.simulation.protocol.acting.studies import Study, suits
from governance.simulation.protocol.acting.wording import emergency
from governance.simulation.protocol.folk.duty import covers, in_shift
from governance.simulation.protocol.folk.people import RADIOLOGY, Patient, Staff, Trust
from governance.simulation.protocol.region import Region
from governance.simulation.protocol.times import DAY, HOUR, MINUTE
from governance.vocabulary import Role

_OFTEN = 0.35  # share of examinations of those who come often
_FREQUENT = 0.1  # share of patients who do
_ELSEWHERE = 0.94  # of staff who fall ill go to another trust than their own
_MORE = 0.42  # chance of one look more in a sitting: a prior, or the same again
_BREAK_GLASS = 0.0035  # of examinations: an emergency without a relation on file
_AVOIDED = 0.93  # of looks at a colleague, or at one's own family, that somebody else takes over


@dataclass(frozen=True, slots=True)
class Episode:
    """A patient under a department of a trust."""

    trust: Trust
    patient: Patient
    department: str
    lead: Staff
    days: int


class Episodes:
    """Plays examinations."""

    def __init__(self, region: Region, rng: Random) -> None:
        self.region = region
        self.rng = rng
        self.pools: dict[str, str] = {}  # whose overflow whom: a trust's ODS code to its partner's
        self.away_share = region.parameters.cross_trust

    def begin(
        self, trust: Trust, at: int, patient: Patient | None = None, department: str | None = None
    ) -> Study | None:
        """Let a patient come to a trust and be examined; None when nobody is there to ask for it."""
        rng = self.rng
        where = department or self._department(trust, at)
        who = patient or self._patient(trust, where)
        lead = self._lead(trust, where, at, who)
        if lead is None:
            return None
        days = (
            rng.choice((1, 1, 2, 4, 7)) if where in {"emergency", "acute_medicine", "surgery"} else rng.randint(1, 21)
        )
        episode = Episode(trust, who, where, lead, days)
        self._admit(episode, at)
        study = self._image(episode, at)
        if rng.random() < 0.28:
            again = at + rng.randrange(2 * HOUR, max(1, days) * DAY + 3 * HOUR)
            self.region.at(again, lambda: self._image_again(episode, again))
        return study

    def _image_again(self, episode: Episode, at: int) -> None:
        if not episode.patient.died:
            self._image(episode, at)

    def _department(self, trust: Trust, at: int) -> str:
        out_of_hours = not 8 <= at // HOUR % 24 < 18
        if self.rng.random() < (0.75 if out_of_hours else 0.25):
            return "emergency"
        return self.rng.choice(trust.departments)

    def _patient(self, trust: Trust, department: str) -> Patient:
        rng = self.rng
        there = self.region.population.catchment[trust.ods]
        for _ in range(40):
            often = rng.random() < _OFTEN
            found = there[rng.randrange(int(len(there) * _FREQUENT)) if often else rng.randrange(len(there))]
            own = found.staff is not None and found.staff.ods == trust.ods
            left_out = "vip" in found.flags or (own and rng.random() < _ELSEWHERE)
            if found.died is None and suits(found, department) and not left_out:
                break
        return found

    def _lead(self, trust: Trust, department: str, at: int, patient: Patient) -> Staff | None:
        return self._of(trust, department, Role.CLINICIAN, at, patient)

    def _of(self, trust: Trust, department: str, role: Role, at: int, patient: Patient) -> Staff | None:
        """Pick somebody on duty; a colleague's images are mostly left to others, and nobody looks at their own."""
        for _ in range(6):
            found = self.region.duty.pick(self.rng, trust.ods, department, role, at // HOUR % 24)
            if found is None:
                return None
            if patient.staff is not found and not self._avoids(found, patient):
                return found
        return found if found is not patient.staff else None

    def _avoids(self, who: Staff, patient: Patient) -> bool:
        """Say whether somebody leaves a colleague, or one of their own household, to others."""
        ill = patient.staff
        near = ill is not None and (ill.ods, ill.department) == (who.ods, who.department)
        return (near or patient.home.number == who.home.number) and self.rng.random() < _AVOIDED

    def _admit(self, episode: Episode, at: int) -> None:
        low = episode.trust.ods.lower()
        until = at + (episode.days + 14) * DAY
        reason = Reason("episode", episode.lead.team, episode.trust.ods, at - DAY, until, f"pas-{low}", episode.patient)
        self.region.document(reason, at)

    def _image(self, episode: Episode, at: int) -> Study:
        region, rng, trust = self.region, self.rng, episode.trust
        study = region.examine(trust.ods, episode.patient, episode.department, at, rng)
        low = trust.ods.lower()
        asked = Reason("order", episode.lead.id, trust.ods, at - DAY, at + 60 * DAY, f"ris-{low}", study.patient, study)
        region.document(asked, at - HOUR)
        if rng.random() < 0.55:
            region.document(replace(asked, holder=episode.lead.team), at - HOUR)
        glass = study.labels == ("sealed",) or rng.random() < _BREAK_GLASS
        self._acquire(episode, study)
        self._services(study)
        reported = self._report(episode, study)
        self._ward(episode, study, reported, glass=glass)
        if rng.random() < self.away_share * 2.2:
            self._refer(episode, study, reported)
        return study

    def _acquire(self, episode: Episode, study: Study) -> None:
        region, rng = self.region, self.rng
        at = study.taken + rng.randrange(MINUTE, 15 * MINUTE)
        who = self._of(episode.trust, RADIOLOGY, Role.RADIOGRAPHER, at, study.patient)
        shift = None if who is None else region.duty.shift(who)
        if who is not None and shift is not None and covers(shift, at // HOUR % 24) and rng.random() < 0.7:
            region.acts.look(who, study, at, rng)

    def _services(self, study: Study) -> None:
        region, rng = self.region, self.rng
        for service in region.services:
            if service.reads(study.modality, study.body_part, study.ods) and rng.random() < service.share:
                at = study.taken + rng.randrange(MINUTE, 6 * MINUTE)
                system = f"ris-{study.ods.lower()}"
                reason = Reason("worklist", service.id, study.ods, at - HOUR, at + DAY, system, study.patient, study)
                region.document(reason, at - MINUTE, surely=True)
                region.acts.read_by(service, study, at, rng)

    def _report(self, episode: Episode, study: Study) -> int:
        """Let somebody report it, of the trust or of its pool; gives when the report is there."""
        region, rng, trust = self.region, self.rng, episode.trust
        urgent = episode.department in {"emergency", "acute_medicine", "intensive_care"}
        at = study.taken + (rng.randrange(20 * MINUTE, 3 * HOUR) if urgent else rng.randrange(HOUR, 30 * HOUR))
        partner = self.pools.get(trust.ods)
        away = partner is not None and rng.random() < self.away_share * 1.1
        place = region.population.by_ods[partner] if away and partner else trust
        region.at(at, lambda: self._read(place, study, at))
        return at

    def _read(self, place: Trust, study: Study, at: int) -> None:
        region, rng = self.region, self.rng
        role = Role.CONSULTANT_RADIOLOGIST if rng.random() < 0.78 else Role.REPORTING_RADIOGRAPHER
        who = self._of(place, RADIOLOGY, role, at, study.patient)
        if who is None:
            return
        system = f"ris-{study.ods.lower()}"
        listed = Reason("worklist", who.id, study.ods, study.taken - HOUR, at + 7 * DAY, system, study.patient, study)
        region.document(listed, study.taken)
        if rng.random() < 0.5:
            wrote = Reason("report", who.id, study.ods, at - 10 * MINUTE, at + 90 * DAY, system, study.patient, study)
            region.document(wrote, at + 10 * MINUTE)
        region.acts.look(who, study, at, rng)
        for prior in region.studies_of[study.patient.number][-4:-1]:
            if prior is not study and rng.random() < 0.55:
                region.acts.look(who, prior, at + rng.randrange(20_000, 4 * MINUTE), rng)

    def _ward(self, episode: Episode, study: Study, reported: int, *, glass: bool) -> None:
        """Let the team look: whoever asked, then others, over the days of the stay."""
        rng = self.rng
        first = study.taken + rng.randrange(10 * MINUTE, 50 * MINUTE) if glass else reported
        looks = [(episode.lead, first + rng.randrange(5 * MINUTE, 4 * HOUR))]
        if rng.random() < 0.45:
            looks.append((episode.lead, first + rng.randrange(5 * HOUR, 3 * DAY)))
        for _ in range(rng.choice((0, 1, 1, 2, 2, 3))):
            role = Role.NURSE if rng.random() < 0.45 else Role.CLINICIAN
            at = first + rng.randrange(10 * MINUTE, max(1, episode.days) * DAY)
            who = self._of(episode.trust, episode.department, role, at, study.patient)
            if who is not None and who.team != episode.lead.team and rng.random() < 0.93:
                who = self._team_mate(episode.lead, role) or who
            if who is not None and who.team != episode.lead.team:
                self._admit(replace(episode, lead=who), at)
            if who is not None and who is not study.patient.staff:
                looks.append((who, at))
        for number, (who, at) in enumerate(looks):
            self._look_on(who, study, at, emergency(rng) if glass and number == 0 else None)

    def _team_mate(self, lead: Staff, role: Role) -> Staff | None:
        duty = self.region.duty
        mates = [one for one in duty.present(lead.ods, lead.department, role) if one.team == lead.team]
        mates = [one for one in mates if duty.shift(one) is not None] or mates
        return self.rng.choice(mates) if mates else None

    def _look_on(self, who: Staff, study: Study, at: int, reason: str | None) -> None:
        self.region.at(at, lambda: self._look_now(who, study, at, reason))

    def _look_now(self, who: Staff, study: Study, at: int, reason: str | None) -> None:
        """Let somebody look in their shift of the day, or a team mate when they are off."""
        region, rng = self.region, self.rng
        shift = region.duty.shift(who)
        if shift is None and rng.random() < 0.95:
            who = self._team_mate(who, who.role) or who
            shift = region.duty.shift(who)
        if who.home.number == study.patient.home.number and rng.random() < _AVOIDED:
            return
        if reason is not None:
            region.acts.break_glass(who, study, reason, at - 20_000, rng)
            region.acts.look(who, study, at, rng, How(purpose="BTG", reason=reason))
            region.tally.counts["break_glass"] += 1
            return
        if shift is not None and not covers(shift, at // HOUR % 24) and rng.random() < 0.95:
            at = max(at, region.start(region.day) + in_shift(rng, shift))
        region.acts.look(who, study, at, rng, USUAL)
        while rng.random() < _MORE:
            held = region.studies_of[study.patient.number][-4:]
            at += rng.randrange(15_000, 12 * MINUTE)
            region.acts.look(who, rng.choice(held) if held else study, at, rng, USUAL)

    def _refer(self, episode: Episode, study: Study, after: int) -> None:
        """Refer the patient to a specialist elsewhere, who looks in the days that follow."""
        region, rng = self.region, self.rng
        away = rng.choice([trust for trust in region.trusts if trust is not episode.trust and region.open(trust.ods)])
        department = rng.choice(away.departments)
        at = after + rng.randrange(HOUR, 4 * DAY)
        who = self._of(away, department, Role.CLINICIAN, at, study.patient)
        if who is None:
            return
        system = f"mdt-{away.ods.lower()}"
        reason = Reason("referral", who.team, away.ods, at - 2 * DAY, at + 60 * DAY, system, study.patient)
        region.document(reason, at - 5 * HOUR)
        for _ in range(rng.choice((1, 1, 2, 3))):
            self._look_on(who, study, at, None)
            at += rng.randrange(10 * MINUTE, 2 * DAY)
