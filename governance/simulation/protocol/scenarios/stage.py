"""What every scenario needs: people to choose from, times to act at, looks that belong to an incident, evasions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random

from governance.simulation.protocol.acting.acts import How
from governance.simulation.protocol.acting.reasons import Reason
from governance.simulation.protocol.acting.studies import Study
from governance.simulation.protocol.acting.wording import emergency
from governance.simulation.protocol.background.care import Care, seen_recently
from governance.simulation.protocol.folk.duty import in_shift
from governance.simulation.protocol.folk.people import Patient, Staff
from governance.simulation.protocol.plan import EVASIVE
from governance.simulation.protocol.region import Region
from governance.simulation.protocol.times import DAY, HOUR, MINUTE
from governance.simulation.protocol.truth import Incident
from governance.vocabulary import Role

_PRYING = ("padding", "hours", "split", "hopping", "break_glass")
_LOOKING = ("padding", "hours", "break_glass")
# Which evasions make a difference to a kind; where none is named, those of a single look.
EVASIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("co_worker", "household", "family_surname", "self_access", "neighbour", "vip", "favour_swap"), _PRYING
    ),
    "no_relation": (*_LOOKING, "split"),
    "mass_export": ("padding", "hours", "split"),
    **dict.fromkeys(("reconnaissance", "agreement_probing", "audit_insider", "impossible_travel"), ("hours",)),
    **dict.fromkeys(("break_glass_misuse", "sealed_record", "lapsed_authority", "made_worklist"), ("padding", "hours")),
    **dict.fromkeys(("off_hours", "purpose_mismatch", "dormant_account"), ("padding",)),
    **dict.fromkeys(("credential_sharing", "ai_outside_manifest", "ai_rereads", "ai_shadow_token"), ()),
}
LOOKERS = frozenset(
    {Role.CLINICIAN, Role.NURSE, Role.RADIOGRAPHER, Role.CONSULTANT_RADIOLOGIST, Role.REPORTING_RADIOGRAPHER}
)
_OFF = 0.2  # share of wrong looks outside the shift, where nobody minds the hour


class Stage:
    """Drafts incidents into a region; ``evasion`` is how the one that is being drafted tries not to be seen."""

    def __init__(self, region: Region, care: Care, rng: Random) -> None:
        self.region = region
        self.care = care
        self.rng = rng
        self.evasion: str | None = None
        self.incidents: list[Incident] = []
        self.sleepers: list[Staff] = []  # accounts that nobody has used since the first day

    def draw_evasion(self, scenario: str) -> None:
        """Draw whether, and how, the next incident tries not to be seen."""
        ways = EVASIONS.get(scenario, _LOOKING)
        self.evasion = self.rng.choice(ways) if ways and self.rng.random() < EVASIVE else None

    def resume(self, incident: Incident) -> None:
        """Go on with an incident on a later day, as it began."""
        self.evasion = incident.evasion

    def incident(self, scenario: str, *users: Staff) -> Incident:
        """Begin an incident of some users."""
        trusts = tuple(dict.fromkeys(who.ods for who in users))
        made = Incident(f"i{len(self.incidents) + 1:04d}", scenario, trusts, {who.id for who in users})
        made.evasion = self.evasion
        self.incidents.append(made)
        return made

    def anyone(
        self, fits: Callable[[Staff], bool] = lambda _who: True, roles: Iterable[Role] = LOOKERS
    ) -> Staff | None:
        """Choose somebody who works today and fits; None when there is nobody."""
        wanted = frozenset(roles)
        working = [
            who
            for who, _ in self.region.duty.working
            if who.role in wanted and self.region.open(who.ods) and who not in self.sleepers
        ]
        self.rng.shuffle(working)
        return next((who for who in working if fits(who)), None)

    def moment(self, who: Staff, days: int = 0) -> int:
        """Draw when somebody does it, so many days from now: in their shift mostly."""
        start = self.region.start(self.region.day + days)
        shift = self.region.duty.shift(who) or "day"
        if self.evasion == "hours" or self.rng.random() > _OFF:
            return start + in_shift(self.rng, shift)
        return start + self.rng.randrange(6 * HOUR, 24 * HOUR)

    def admit(self, patient: Patient, ods: str) -> Study | None:
        """Let a patient be examined at a trust today, as anybody is."""
        at = self.region.start(self.region.day) + self.rng.randrange(7 * HOUR, 17 * HOUR)
        return self.care.episodes_of(self.rng).begin(self.region.population.by_ods[ods], at, patient)

    def studies(self, patient: Patient, who: Staff) -> list[Study]:
        """Give what there is to look at of a patient, admitting them where there is nothing.

        Whoever hops goes to another trust's images.
        """
        region = self.region
        held = [one for one in region.studies_of[patient.number] if not one.labels]
        place = who.ods
        if self.evasion == "hopping":
            others = [trust.ods for trust in region.trusts if trust.ods != who.ods and region.open(trust.ods)]
            held = [one for one in held if one.ods != who.ods]
            place = self.rng.choice(others)
        if not held:
            admitted = self.admit(patient, place)
            held = [] if admitted is None else [admitted]
        return held[-4:]

    def pry(self, incident: Incident, who: Staff, patient: Patient, *, days: int = 0, how: How | None = None) -> None:
        """Look at a patient's images in one sitting, or in several where the looks are split over days."""
        rng = self.rng
        studies = self.studies(patient, who)
        if not studies:
            return
        sittings = rng.randint(2, 4) if self.evasion == "split" else 1 + (rng.random() < 0.35)
        day = days
        for _ in range(sittings):
            at = max(self.moment(who, day), max(one.taken for one in studies) + 20 * MINUTE)
            for study in rng.sample(studies, rng.randint(1, len(studies))) if self.evasion != "split" else studies[-1:]:
                self.peek(incident, who, study, at, how)
                at += rng.randrange(15_000, 6 * MINUTE)
            day += rng.randint(1, 3)

    def peek(self, incident: Incident, who: Staff, study: Study, at: int, how: How | None = None) -> None:
        """Look once, with what the evasion brings along."""
        rng, region = self.rng, self.region
        given = replace(how or How(), incident=incident)
        incident.trusts = tuple(dict.fromkeys((*incident.trusts, study.ods)))
        if self.evasion == "break_glass" and given.reason is None and given.kind == "access":
            given = replace(given, reason=emergency(rng), purpose="BTG")
        padded = self.evasion == "padding"

        def look() -> None:
            if given.reason is not None:
                key = region.acts.break_glass(who, study, given.reason, at - rng.randrange(5_000, 40_000), rng)
                incident.note(key, at)
            region.acts.look(who, study, at, rng, given)
            if padded:
                self._pad(who, at)

        region.at(at, look)

    def strangers(self, ods: str, count: int, fits: Callable[[Study], bool] = lambda _study: True) -> list[Study]:
        """Choose recent studies of a trust, each of another patient."""
        now = self.region.start(self.region.day)
        found: dict[str, Study] = {}
        for _ in range(count * 30):
            study = seen_recently(self.region, ods, now, self.rng)
            if study is not None and fits(study) and study.patient.staff is None:
                found.setdefault(study.patient.number, study)
            if len(found) == count:
                break
        return list(found.values())

    def untied(self, who: Staff, patient: Patient) -> bool:
        """Say whether nothing on file ties two people."""
        home = who.home
        return (
            patient.staff is None
            and patient.home.number != home.number
            and patient.home.surname != home.surname
            and patient.home.postcode != home.postcode
            and not patient.flags
        )

    def spread(self, total: Sequence[Study], per_day: Sequence[int]) -> Iterable[tuple[int, list[Study]]]:
        """Deal studies out over days."""
        left = list(total)
        for day, count in enumerate(per_day):
            if not left:
                return
            dealt, left = left[:count], left[count:]
            yield day, dealt

    def _pad(self, who: Staff, at: int) -> None:
        """Click through work of one's own around it."""
        region, rng = self.region, self.rng
        system = f"ris-{who.ods.lower()}"
        for _ in range(rng.randint(4, 10)):
            when = at + rng.randrange(-25 * MINUTE, 25 * MINUTE)
            study = seen_recently(region, who.ods, when, rng)
            if study is None:
                continue
            reason = Reason("order", who.id, who.ods, when - DAY, when + 7 * DAY, system, study.patient, study)
            region.document(reason, when - HOUR, surely=True)
            region.acts.look(who, study, when, rng)
