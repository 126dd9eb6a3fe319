"""The background: patients come, are examined, reported, seen on the ward, discussed and referred; all of it rightful.

A look has its reason in a feed as often as the region documents; a small share of looks has none and never will:
advice on the telephone, a wrong click, a student at the screen.
"""

from random import Random

from governance.simulation.protocol.acting.acts import How
from governance.simulation.protocol.acting.reasons import Reason
from governance.simulation.protocol.acting.studies import Study
from governance.simulation.protocol.background.episodes import Episodes
from governance.simulation.protocol.folk.duty import is_closed
from governance.simulation.protocol.folk.people import RADIOLOGY, Staff, Trust
from governance.simulation.protocol.region import Region
from governance.simulation.protocol.times import DAY, HOUR, MINUTE
from governance.vocabulary import Role

_LOOKS_OF_A_STUDY = 7.7
_AGAIN = 1.22  # studies of an examination and those that follow it
_KNOWN = 1.0e-4  # of examinations are of people whom everybody knows
_CLOSED = 0.55  # of a working day's examinations on a day that is closed
_MEAN = (5 + 2 * _CLOSED) / 7
_SPANS = {"day": ((7, 19),), "early": ((6, 16),), "late": ((12, 22),), "night": ((0, 8), (20, 24))}
_READERS = (Role.CLINICIAN, Role.CLINICIAN, Role.NURSE, Role.CONSULTANT_RADIOLOGIST, Role.RADIOGRAPHER)


class Care:
    """Lives the background of a region, a day at a time."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.rng = region.stream("care")
        self.episodes = Episodes(region, self.rng)
        self.known = [one for one in region.population.patients if "vip" in one.flags]

    def episodes_of(self, rng: Random) -> Episodes:
        """Give a way to treat patients by another stream of chance."""
        made = Episodes(self.region, rng)
        made.pools = self.episodes.pools
        return made

    def live(self) -> None:
        """Live one day."""
        region, rng = self.region, self.rng
        for trust in region.trusts:
            if region.open(trust.ods):
                self._rotas(trust)
        for task in region.agenda.pop(region.day, ()):
            task()
        closed = is_closed(region.plan, region.day)
        wanted = region.plan.looks_a_day / _LOOKS_OF_A_STUDY / _AGAIN * (_CLOSED if closed else 1.0) / _MEAN
        for trust in region.trusts:
            if not region.open(trust.ods):
                continue
            for _ in range(_about(rng, wanted * trust.weight)):
                self.episodes.begin(trust, self._moment(closed=closed))
            for _ in range(
                _about(rng, wanted * trust.weight * _AGAIN * _LOOKS_OF_A_STUDY * region.parameters.unrelated)
            ):
                self._unrelated_look(trust)
            self._side_work(trust, wanted * _AGAIN * trust.weight)
            if not closed and rng.random() < 0.7:
                self._meeting(trust)
        for _ in range(_about(rng, wanted * _KNOWN)):
            self._known(closed=closed)
        self._audit()

    def _known(self, *, closed: bool) -> None:
        """Let somebody whom everybody knows be examined, like anybody."""
        patient = self.rng.choice(self.known)
        if patient.died is None and self.region.open(patient.ods):
            trust = self.region.population.by_ods[patient.ods]
            self.episodes.begin(trust, self._moment(closed=closed), patient)

    def _moment(self, *, closed: bool) -> int:
        """Draw when somebody is examined."""
        rng = self.rng
        night = rng.random() < self.region.parameters.nights * (1.6 if closed else 1.0)
        hour = (
            rng.choice((20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 6, 7)) if night else min(19, int(rng.triangular(8, 20, 11)))
        )
        return self.region.start(self.region.day) + hour * HOUR + rng.randrange(HOUR)

    def _rotas(self, trust: Trust) -> None:
        """Send the shifts of those who image: the working list of a site, weakly."""
        region, low = self.region, trust.ods.lower()
        today = region.start(region.day)
        for person, shift in region.duty.working:
            images = person.role is Role.RADIOGRAPHER or (
                shift == "night" and person.department in {RADIOLOGY, "emergency"}
            )
            if person.ods != trust.ods or not images:
                continue
            extra = (("site", person.site),)
            written = region.documented()
            for begin, end in _SPANS[shift]:
                start, until = today + begin * HOUR, today + end * HOUR
                reason = Reason("rota", person.id, trust.ods, start, until, f"rota-{low}", extra=extra)
                if written:
                    region.document(reason, today - 10 * HOUR, surely=True)

    def _unrelated_look(self, trust: Trust) -> None:
        """Let somebody look who has no relation on any feed."""
        region, rng = self.region, self.rng
        at = self._moment(closed=False)
        who = region.duty.pick(rng, trust.ods, None, rng.choice(_READERS), at // HOUR % 24)
        ods = trust.ods if rng.random() < 0.9 else rng.choice(region.trusts).ods
        study = seen_recently(region, ods, at, rng)
        if who is not None and study is not None:
            region.acts.look(who, study, at, rng)

    def _side_work(self, trust: Trust, studies: float) -> None:
        """Let people search, print and take out as they do every day."""
        region, rng = self.region, self.rng
        for _ in range(_about(rng, studies * 0.30)):
            at = self._moment(closed=False)
            who = region.duty.pick(rng, trust.ods, None, rng.choice(_READERS), at // HOUR % 24)
            patient = rng.choice(region.population.catchment[trust.ods])
            if who is not None:
                region.acts.search(who, at, rng, patient.number if rng.random() < 0.6 else None)
        for kind, share in (("export", 0.016), ("print", 0.006)):
            for _ in range(_about(rng, studies * share)):
                self._take_out(trust, kind)

    def _take_out(self, trust: Trust, kind: str) -> None:
        region, rng = self.region, self.rng
        at = self._moment(closed=False)
        role = Role.PACS_ADMIN if kind == "export" and rng.random() < 0.7 else Role.RADIOGRAPHER
        who = region.duty.pick(rng, trust.ods, None, role, at // HOUR % 24)
        study = seen_recently(region, trust.ods, at, rng)
        if who is None or study is None:
            return
        system = f"ris-{trust.ods.lower()}"
        reason = Reason("order", who.id, trust.ods, at - DAY, at + 3 * DAY, system, study.patient, study)
        region.document(reason, at - HOUR)
        size = study.images * rng.randrange(300_000, 700_000)
        destination = rng.choice(("cd", "patient-portal", "image-exchange")) if kind == "export" else "printer"
        region.acts.look(who, study, at, rng, How(kind=kind, purpose="PATRQT", size=size, destination=destination))

    def _meeting(self, trust: Trust) -> None:
        """Hold a multidisciplinary meeting: its list is drawn up, then the team looks."""
        region, rng = self.region, self.rng
        at = region.start(region.day) + rng.choice((9, 13, 14, 15)) * HOUR
        listed = [seen_recently(region, trust.ods, at, rng) for _ in range(rng.randint(4, 9))]
        team = _team(region, trust, rng)
        system = f"mdt-{trust.ods.lower()}"
        written = region.documented()
        for study in filter(None, listed):
            for who in team:
                if written:
                    reason = Reason("mdt", who.id, trust.ods, at - 4 * DAY, at + 14 * DAY, system, study.patient)
                    region.document(reason, at - DAY, surely=True)
                if rng.random() < 0.7:
                    region.acts.look(who, study, at + rng.randrange(90 * MINUTE), rng)

    def _audit(self) -> None:
        """Let privacy officers read the log, as they do every day."""
        region, rng = self.region, self.rng
        for who, _ in region.duty.working:
            if who.role is not Role.IG_OFFICER or not region.open(who.ods):
                continue
            for _ in range(rng.randint(1, 6)):
                at = region.start(region.day) + rng.randrange(9 * HOUR, 17 * HOUR)
                study = seen_recently(region, who.ods, at, rng)
                if study is not None:
                    read_log(region, who, study.patient.number, at, rng)


def read_log(region: Region, who: Staff, patient: str, at: int, rng: Random) -> tuple[str, str]:
    """Let somebody read the audit of a patient's records."""
    row = {
        "kind": "audit_read",
        "subject": region.acts.subject(who, region.acts.sessions.of(who, at, rng)),
        "purpose": "HOPERAT",
        "resource": {"patient": patient, "custodian": who.ods},
    }
    return region.acts.event(who.ods, f"governance-{who.ods.lower()}", at, rng, row)


def seen_recently(region: Region, ods: str, at: int, rng: Random) -> Study | None:
    """Draw a study of a trust that is there at a time, the recent ones more often; None when there is none."""
    held = region.recent[ods]
    for _ in range(8):
        if not held:
            return None
        place = len(held) - 1 - int(rng.random() ** 2 * len(held))
        if held[place].taken < at and "decoy" not in held[place].labels and not held[place].labels:
            return held[place]
    return None


def _team(region: Region, trust: Trust, rng: Random) -> list[Staff]:
    department = "oncology" if "oncology" in trust.departments else trust.departments[0]
    found = [region.duty.pick(rng, trust.ods, None, Role.MDT_COORDINATOR, 14)]
    found += [region.duty.pick(rng, trust.ods, RADIOLOGY, Role.CONSULTANT_RADIOLOGIST, 14)]
    found += [region.duty.pick(rng, trust.ods, department, Role.CLINICIAN, 14) for _ in range(2)]
    return list(dict.fromkeys(one for one in found if one is not None))


def _about(rng: Random, mean: float) -> int:
    """Draw a number of about so many."""
    drawn = rng.gauss(mean, mean**0.5)
    whole = int(max(0.0, drawn))
    return whole + (rng.random() < max(0.0, drawn) - whole)
