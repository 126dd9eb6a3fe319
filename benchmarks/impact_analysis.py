"""Impact analysis of 100,000 logged decisions, against the bare engine asked as often with one input at hand."""

import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

from benchmarks._line import line
from governance.agreements import Moved, Transition
from governance.audit import Authority, Event, Resource, Subject
from governance.bootstrap import Services, build
from governance.catalogue import Study
from governance.clock import FixedClock
from governance.decisions import PolicySource, RegorusEngine
from governance.federation import StaffMember
from governance.impact import Question
from governance.jobs import Runtime
from governance.relationships import Edge, PatientContext
from governance.settings import from_environment
from governance.storage import Database, migrate
from governance.vocabulary import EventKind, Outcome, Purpose, RelationshipKind, SubjectType
from tests.conftest import ISSUER, NOON, secret
from tests.worlds.impact import AGREEMENT, ImpactWorld
from tests.worlds.policy import REQUEST

DECISIONS, PEOPLE, STUDIES, BATCH = 100_000, 500, 10_000, 2_000


def run() -> None:
    """Fill a log, suppose the one agreement suspended, and time the analysis."""
    with tempfile.TemporaryDirectory() as folder:
        clock = FixedClock(NOON)
        services = build(_settings(Path(folder)), clock)
        runtime = Runtime(services)
        runtime.start(jobs=False)
        world = ImpactWorld(services, clock)
        _fill(world)
        clock.advance(timedelta(days=3))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        question = Question((Moved(AGREEMENT, 1, Transition.SUSPEND),), NOON, clock.now())
        report = services.uses.impact.analyse(question)
        seconds = time.perf_counter() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        assert report.tally.decisions == DECISIONS
        assert not report.tally.not_reproduced_permits + report.tally.not_reproduced_denials
        theirs = _bare(services)
        runtime.stop()
    changed = dict(report.tally.effects)
    note = f"{DECISIONS:,} decisions in {seconds:.1f} s, {grown:.0f} MiB more memory, {changed}"
    line("impact decisions_per_second", DECISIONS / seconds, theirs, note)


def _settings(folder: Path):  # type: ignore[no-untyped-def]
    url = f"sqlite:///{folder}/impact.sqlite"
    database = Database(url)
    migrate.upgrade(database)
    database.dispose()
    secrets = ("PSEUDONYM_KEY", "KEY_ENCRYPTION_KEY", "LOG_SIGNING_KEY", "SESSION_KEY")
    values = {name: secret(number) for number, name in enumerate(secrets)}
    values |= {"PROFILE": "demo", "ISSUER": ISSUER, "ORGANISATION": "QHL", "DATABASE_URL": url}
    return from_environment({f"GOVERNANCE_{name}": value for name, value in values.items()})


def _fill(world: ImpactWorld) -> None:
    made, names = world.services, world.services.infrastructure.pseudonymiser
    people = [f"user-{number}" for number in range(PEOPLE)]
    with made.infrastructure.database.transaction() as session:
        trained = (NOON + timedelta(days=99)).date()
        made.registers.federation.upsert_staff(
            session, [StaffMember(names.subject(u), "RKB", "clinician", training_valid_to=trained) for u in people]
        )
        studies = [_study(names, number) for number in range(STUDIES)]
        made.registers.catalogue.upsert(session, studies)
        made.registers.relationships.upsert_patients(session, [PatientContext(study.patient) for study in studies])
        made.registers.relationships.upsert_edges(
            session, [_edge(names, number) for number in range(max(PEOPLE, STUDIES)) if number % 4]
        )
    events = _events(world)
    while batch := list(islice(events, BATCH)):
        made.infrastructure.audit.append(batch)


def _study(names, number: int) -> Study:  # type: ignore[no-untyped-def]
    uid, taken = f"1.2.9.{number}", (NOON - timedelta(days=9)).date()
    return Study(uid, names.study(uid), ("RRK",), names.patient(f"patient-{number}"), "CT", "HEAD", taken)


def _edge(names, number: int) -> Edge:  # type: ignore[no-untyped-def]
    subject, patient = names.subject(f"user-{number % PEOPLE}"), names.patient(f"patient-{number}")
    kind = RelationshipKind.WORKLIST
    return Edge(f"b-{number}", kind, subject, patient, None, "RRK", NOON - timedelta(days=9), None, "ris")


def _events(world: ImpactWorld) -> Iterator[Event]:
    """Give decisions as the service records them: three of four have a relationship and were permitted."""
    revision = world.services.registers.agreements.compiled().revision
    for number in range(DECISIONS):
        place = number % STUDIES
        permit = place % 4 != 0
        yield Event(
            id=f"d-{number}",
            time=NOON + timedelta(seconds=number),
            source=world.services.infrastructure.source,
            kind=EventKind.DECISION,
            outcome=Outcome.SUCCESS if permit else Outcome.MINOR,
            subject=Subject(f"user-{place % PEOPLE}", SubjectType.PRACTITIONER, "clinician", "RKB"),
            purpose=Purpose.TREAT,
            resource=Resource(
                patient=f"patient-{place}",
                study_uid=f"1.2.9.{place}",
                modality="CT",
                body_part="HEAD",
                study_date=(NOON - timedelta(days=9)).date(),
                custodian="RRK",
            ),
            authority=Authority(decision_id=f"d-{number}", agreement_id=AGREEMENT),
            detail={
                "action": "read",
                "agreement_version": 1,
                "asked_by": "viewer",
                "clause": "4.1",
                "obligations": [],
                "permit": permit,
                "reasons": ["agreement.permits" if permit else "relationship.none"],
                "revision": revision,
                "self_claimed": False,
            },
        )


def _bare(services: Services) -> float:
    engine = RegorusEngine(PolicySource.from_directory())
    engine.load(services.registers.agreements.compiled())
    began = time.perf_counter()
    for _ in range(10_000):
        engine.evaluate(REQUEST)
    return 10_000 / (time.perf_counter() - began)
