"""A day of the region: examinations, worklists, reports, referrals, MDTs and AI reads, as feeds and events.

A day is a list of instants in time order. What happened is written in the forms of the public surface: context rows
(studies, edges) and native audit events. A share of accesses has no documented reason, as in life: the documentation
rate is drawn for each region, not fixed.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from governance.simulation.population import Patient, Population, Staff
from governance.vocabulary import EventKind, Modality, Purpose, Role

DIRECT_CARE = "wm-direct-care"
AI_SERVICE = "ai-ich-triage"
_UID_ROOT = "1.2.826.0.1.3680043.10.1999"
_EXAMINATIONS: tuple[tuple[Modality, str, float], ...] = (
    (Modality.CR, "CHEST", 0.30),
    (Modality.DX, "KNEE", 0.14),
    (Modality.CT, "HEAD", 0.14),
    (Modality.CT, "CHEST", 0.10),
    (Modality.MR, "BRAIN", 0.08),
    (Modality.MR, "SPINE", 0.08),
    (Modality.US, "ABDOMEN", 0.12),
    (Modality.MG, "BREAST", 0.04),
)


@dataclass(frozen=True, slots=True)
class Study:
    """An examination's images."""

    uid: str
    ods: str
    patient: Patient
    modality: Modality
    body_part: str
    taken: datetime
    labels: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """Give the line of the studies feed."""
        return {
            "id": self.uid,
            "custodians": [self.ods],
            "patient": self.patient.nhs_number,
            "modality": self.modality.value,
            "body_part": self.body_part,
            "study_date": self.taken.date().isoformat(),
            "labels": list(self.labels),
        }


@dataclass(slots=True)
class Day:
    """What one day sends: context first, then the events in time order."""

    date: date
    studies: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Habits:
    """What is drawn once for a region (detection's evaluation protocol: parameters are drawn, not fixed)."""

    documentation: float  # share of accesses whose reason is in a feed
    cross_trust: float  # share of examinations that another trust's clinician looks at
    nights: float  # share of examinations outside 08:00 to 20:00

    @classmethod
    def drawn(cls, rng: random.Random) -> "Habits":
        """Draw a region's habits."""
        return cls(rng.uniform(0.85, 0.97), rng.uniform(0.05, 0.12), rng.uniform(0.10, 0.25))


class Region:
    """A region that lives a day at a time; the same seed lives the same days.

    Args:
        rng: the only source of chance.
        population: who lives and works there.
        trusts: ODS codes.
        examinations: a day, at each trust.
        focus: the trust where incidents happen; anywhere when there is none.
    """

    def __init__(
        self,
        rng: random.Random,
        population: Population,
        trusts: Sequence[str],
        examinations: int,
        focus: str | None = None,
    ) -> None:
        self.rng = rng
        self.population = population
        self.trusts = tuple(trusts)
        self.habits = Habits.drawn(rng)
        self.studies: list[Study] = []
        self._examinations = examinations
        self._focus = focus
        self._serial = 0
        self._run = rng.randrange(1_000_000_000)

    def live(self, today: date) -> Day:
        """Live one day and give what it sends."""
        day = Day(today)
        for ods in self.trusts:
            for _ in range(self._examinations):
                self._examine(day, ods)
        self._hold_mdt(day)
        day.events.sort(key=lambda event: str(event["time"]))
        return day

    def new_study(
        self, ods: str, taken: datetime, *, patient: Patient | None = None, labels: tuple[str, ...] = ()
    ) -> Study:
        """Take an examination of a patient (anybody when none is named)."""
        kinds = [(modality, part) for modality, part, _ in _EXAMINATIONS]
        modality, part = self.rng.choices(kinds, [weight for _, _, weight in _EXAMINATIONS])[0]
        chosen = patient or self.rng.choice(self.population.patients)
        study = Study(f"{_UID_ROOT}.{self._run}.{self._next()}", ods, chosen, modality, part, taken, labels)
        self.studies.append(study)
        return study

    def accesses(
        self, actor: Staff, study: Study, at: datetime, *, kind: EventKind = EventKind.ACCESS, **extra: Any
    ) -> Iterator[dict[str, Any]]:
        """Give a permitted access as an archive reports it: the decision of its edge, then the access under it."""
        decision = f"sim-{self._run}-{self._next()}"
        authority = {"decision_id": decision, "agreement_id": DIRECT_CARE}
        yield self.event(actor, study, at - timedelta(seconds=1), EventKind.DECISION, authority, id=decision)
        yield self.event(actor, study, at, kind, authority, **extra)

    def event(
        self, actor: Staff, study: Study, at: datetime, kind: EventKind, authority: Mapping[str, str], **extra: Any
    ) -> dict[str, Any]:
        """Give one native audit event."""
        made: dict[str, Any] = {
            "id": f"sim-{self._run}-{self._next()}",
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "source": {"id": f"archive-{study.ods.lower()}", "ods": study.ods},
            "kind": kind.value,
            "outcome": "success",
            "subject": {
                "id": actor.id,
                "type": "practitioner",
                "role": actor.role.value,
                "ods": actor.ods,
                "department": actor.department,
                "site": actor.site,
            },
            "purpose": Purpose.TREAT.value,
            "resource": {
                "study_uid": study.uid,
                "modality": study.modality.value,
                "body_part": study.body_part,
                "study_date": study.taken.date().isoformat(),
                "custodian": study.ods,
                "patient": study.patient.nhs_number,
                "instances": self.rng.randint(1, 400),
            },
            "authority": dict(authority),
        }
        return made | extra

    def ai_reads(self, study: Study, at: datetime) -> Iterator[dict[str, Any]]:
        """Give an AI service's read of a study: decision, then access."""
        decision = f"sim-{self._run}-{self._next()}"
        authority = {"decision_id": decision, "agreement_id": "ai-ich-triage"}
        service = {"id": AI_SERVICE, "type": "ai_service", "role": "ai_service", "ods": "RRK"}
        anyone = self.population.staff[0]
        yield self.event(anyone, study, at, EventKind.DECISION, authority, id=decision) | {"subject": service}
        yield self.event(anyone, study, at + timedelta(seconds=2), EventKind.ACCESS, authority) | {"subject": service}

    def edge(
        self,
        day: Day,
        kind: str,
        subject: str,
        study: Study,
        *,
        days: int,
        documented: bool = True,
        ods: str | None = None,
    ) -> None:
        """Document a relationship from the day before the examination, unless this one was never written down."""
        if not documented and self.rng.random() > self.habits.documentation:
            return
        day.edges.append(
            {
                "id": f"sim-{self._run}-{self._next()}",
                "kind": kind,
                "subject": subject,
                "patient": study.patient.nhs_number,
                "study_uid": study.uid,
                "ods": ods or study.ods,
                "from": (study.taken - timedelta(days=1)).isoformat().replace("+00:00", "Z"),
                "until": (study.taken + timedelta(days=days)).isoformat().replace("+00:00", "Z"),
                "source": f"ris-{study.ods.lower()}",
            }
        )

    def scene(self) -> str:
        """Give the trust where the next incident happens."""
        return self._focus or self.rng.choice(self.trusts)

    def moment(self, today: date) -> datetime:
        """Draw a time of day, by day mostly."""
        hour = (
            self.rng.choice((*range(8), *range(20, 24)))
            if self.rng.random() < self.habits.nights
            else self.rng.randint(8, 19)
        )
        at = datetime.combine(today, time(hour, self.rng.randint(0, 59), self.rng.randint(0, 59)), UTC)
        return at + timedelta(milliseconds=self.rng.randint(0, 999))

    def _examine(self, day: Day, ods: str) -> None:
        taken = self.moment(day.date)
        study = self.new_study(ods, taken)
        day.studies.append(study.row())
        referrer = self._one(ods, Role.CLINICIAN)
        reporter = self._one(ods, Role.CONSULTANT_RADIOLOGIST, Role.REPORTING_RADIOGRAPHER)
        self.edge(day, "order", referrer.id, study, days=60, documented=False)
        self.edge(day, "worklist", reporter.id, study, days=7, documented=False)
        reported = taken + timedelta(minutes=self.rng.randint(20, 300))
        day.events += self.accesses(reporter, study, reported)
        day.events += self.accesses(referrer, study, reported + timedelta(minutes=self.rng.randint(5, 200)))
        if study.modality is Modality.CT and study.body_part == "HEAD":
            day.events += self.ai_reads(study, taken + timedelta(minutes=2))
        if self.rng.random() < self.habits.cross_trust:
            self._refer(day, study, reported)

    def _refer(self, day: Day, study: Study, after: datetime) -> None:
        away = self.rng.choice([ods for ods in self.trusts if ods != study.ods])
        specialist = self._one(away, Role.CLINICIAN)
        self.edge(day, "referral", specialist.id, study, days=90, documented=False, ods=away)
        day.events += self.accesses(specialist, study, after + timedelta(minutes=self.rng.randint(10, 240)))

    def _hold_mdt(self, day: Day) -> None:
        """Hold one multidisciplinary meeting: a team looks at a list of patients that was drawn up for it."""
        if day.date.weekday() > 4 or not self.studies:
            return
        ods = self.rng.choice(self.trusts)
        listed = self.rng.sample(self.studies, min(6, len(self.studies)))
        at = datetime.combine(day.date, time(14, 0), UTC)
        team = self.population.working(ods, Role.MDT_COORDINATOR, Role.CONSULTANT_RADIOLOGIST)[:4]
        for study in listed:
            for member in team:
                self.edge(day, "mdt", member.id, study, days=30, ods=ods)
                day.events += self.accesses(member, study, at + timedelta(seconds=self.rng.randint(0, 3_000)))

    def _one(self, ods: str, *roles: Role) -> Staff:
        return self.rng.choice(self.population.working(ods, *roles))

    def _next(self) -> int:
        self._serial += 1
        return self._serial
