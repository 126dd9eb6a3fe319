"""Reading facts as they were known at each event, against what is on file now as detection read it before.

One SQLite file holds a register of a middling region whose relationships all changed twice. A batch of 1,000 looks is
asked for person, patient, study and ties of each, as the explanation and the rules ask: one after the last change, and
one within which every relationship changes. What is printed is milliseconds of this process's own time a batch.
"""

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from benchmarks._line import line
from governance.audit import AuditSearch
from governance.audit.event import RecordedEvent, RecordedResource, Source, Subject
from governance.catalogue import Catalogue, Study
from governance.decisions import holders_of
from governance.detection import Links, RegionContext
from governance.detection.knowledge.facts import Who
from governance.facts import FactWriter, History, collected
from governance.federation import FederationDirectory, StaffMember
from governance.pseudonyms import Pseudonymiser, Vault
from governance.relationships import Between, Edge, PatientContext, Relationships
from governance.storage import Database, migrate
from governance.vocabulary import EventKind, Outcome, RelationshipKind, SubjectType

STAFF, PATIENTS, TEAMS = 2_000, 8_000, 60
BATCHES, LOOKS, AT_WORK = 7, 1_000, 300
AT = datetime(2026, 3, 3, 12, tzinfo=UTC)
NAMES = Pseudonymiser(b"k" * 32)


class Region:
    """The registers of a region, with two changes of its relationships behind it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.vault = Vault(bytes(range(32)))
        self.federation, self.catalogue = FederationDirectory(NAMES), Catalogue()
        self.relationships = Relationships(NAMES)
        self.links = Links(AuditSearch(database))
        self.staff = [NAMES.subject(f"u-{number}") for number in range(STAFF)]
        self.patients = [NAMES.patient(f"r-{number}") for number in range(PATIENTS)]
        self.fill()

    def fill(self) -> None:
        """Put everything on file at index 0, and change every relationship at 10 and at 20."""
        dice = random.Random(7)
        people = [
            StaffMember(one, "RRK", "nurse", team_ids=(f"team-{n % TEAMS}",), household_key=f"h-{n}")
            for n, one in enumerate(self.staff)
        ]
        said = [PatientContext(one, f"h-{n}", f"n-{n % 900}", 0.01, ods="RRK") for n, one in enumerate(self.patients)]
        studies = [
            Study(f"1.2.{n}", NAMES.study(f"1.2.{n}"), ("RRK",), one, "CT", None, date(2026, 3, 1))
            for n, one in enumerate(self.patients)
        ]
        edges = [
            Edge(f"e-{n}-{k}", RelationshipKind.ORDER, dice.choice(self.staff), one, None, "RRK", AT, None, "ris")
            for n, one in enumerate(self.patients)
            for k in range(4)
        ]
        edges += [
            Edge(f"rota-{n}", RelationshipKind.ROTA, NAMES.subject(f"team-{n}"), None, None, "RRK", AT, None, "rota")
            for n in range(TEAMS)
        ]
        self.change(0, lambda session: self.federation.upsert_staff(session, people))
        self.change(0, lambda session: self.relationships.upsert_patients(session, said))
        self.change(0, lambda session: self.catalogue.upsert(session, studies))
        for index in (0, 10, 20):
            rows = [replace(edge, source=f"ris-{index}") for edge in edges]
            for start in range(0, len(rows), 1_000):
                some = rows[start : start + 1_000]
                self.change(index, lambda session, some=some: self.relationships.upsert_edges(session, some))

    def change(self, index: int, write: Callable[[Session], None]) -> None:
        """Change the registers, known since an index."""
        with self.database.transaction() as session, collected(session, FactWriter(self.vault)) as changed:
            write(session)
            changed.compare(session)
            changed.write(session, index)

    def looks(self, number: int, first: int) -> list[RecordedEvent]:
        """Make a batch of looks that begins at an index."""
        dice = random.Random(number)
        at_work = dice.sample(self.staff, AT_WORK)
        made = []
        for place in range(LOOKS):
            which = dice.randrange(PATIENTS)
            made.append(
                RecordedEvent(
                    index=first + place,
                    recorded_at=AT,
                    leaf_hash=b"",
                    id=f"{number}-{place}",
                    time=AT + timedelta(hours=1),
                    source=Source("archive", "RRK"),
                    kind=EventKind.ACCESS,
                    outcome=Outcome.SUCCESS,
                    subject=Subject(dice.choice(at_work), SubjectType.PRACTITIONER, "nurse", "RRK"),
                    resource=RecordedResource(
                        patient=self.patients[which], study=NAMES.study(f"1.2.{which}"), custodian="RRK"
                    ),
                )
            )
        return made

    def as_known(self, session: Session, events: Sequence[RecordedEvent]) -> int:
        """Ask what was known at each event; gives how many looks have a tie."""
        context = RegionContext(
            session,
            history=History(self.vault),
            relationships=self.relationships,
            pseudonymiser=NAMES,
            links=self.links,
        )
        context.prepare(events)
        tied = 0
        for event in events:
            subject, resource, view = event.subject, event.resource, context.at(event.index)
            if subject is None or resource is None:
                continue
            view.staff(subject.id, subject.ods)
            view.patient(resource.patient or "")
            view.study(resource.study or "")
            who = Who(subject.id, subject.ods)
            tied += bool(view.ties(who, resource.patient, resource.study, resource.custodian, event.time))
        return tied

    def as_filed(self, session: Session, events: Sequence[RecordedEvent]) -> int:
        """Ask what is on file now, as detection did before: ties by a statement a look."""
        resources = [event.resource for event in events if event.resource]
        self.federation.staff_many(session, {event.subject.id for event in events if event.subject})
        self.relationships.patients(session, {one.patient for one in resources if one.patient}, AT)
        self.catalogue.studies_by_pseudonym(session, {one.study for one in resources if one.study})
        tied = 0
        for event in events:
            subject, resource = event.subject, event.resource
            if subject is None or resource is None:
                continue
            (member,) = self.federation.namesakes(session, subject.id)
            holders = holders_of(self.federation, self.relationships, member, session)
            wanted = Between(holders, resource.patient, resource.study, ("RRK",))
            tied += bool(self.relationships.edges_between(session, wanted, event.time))
        return tied


def run() -> None:
    """Measure and print the milliseconds of a batch, in turns of one run."""
    with tempfile.TemporaryDirectory() as name:
        database = Database(f"sqlite:///{Path(name) / 'facts.sqlite'}")
        migrate.upgrade(database)
        region = Region(database)
        for name, first in (("quiet", 21), ("changing", 12)):
            ours, theirs = _measure(region, first)
            line(f"known_facts {name}_batch_ms", ours, theirs, f"{LOOKS} looks a batch, the best of {BATCHES}")
        database.dispose()


def _measure(region: Region, first: int) -> tuple[float, float]:
    """Give the milliseconds of the best batch of each way of reading, by turns; the looks begin at an index."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(BATCHES):
        events = region.looks(number, first)
        for read, taken in ((region.as_known, ours), (region.as_filed, theirs)):
            with region.database.reading() as session:
                began = time.process_time()
                tied = read(session, events)
                taken.append(1_000 * (time.process_time() - began))
            assert tied == LOOKS, "the rota of a person's team ties them to every patient of the trust"
    return min(ours), min(theirs)
