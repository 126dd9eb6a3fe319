"""A list of 10,000 studies: one filter for all of them, against an evaluation of each (studies a second)."""

import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from benchmarks._line import line
from governance.catalogue import Study
from governance.decisions import AccessRequest, PolicySource, RegorusEngine, RequestSubject
from governance.federation import StaffMember, Trust
from governance.relationships import Edge
from governance.storage import Database, migrate
from governance.vocabulary import Action, Purpose, RelationshipKind, SubjectType
from tests.worlds.policy import policy_data
from tests.worlds.search import NOW, VIEWER, SearchWorld, search_world

STUDIES, EVALUATED = 10_000, 500
READER = RequestSubject("user", SubjectType.PRACTITIONER, "clinician", "RKB", 3, managed_device=True)
ASKED = AccessRequest(READER, Action.READ, Purpose.TREAT)
TERMS = {"care/1": {}, "care/2": {"relationship": "not_required", "modalities": ["MR"], "priors_days": 30}}


def run() -> None:
    """Print ``study_list filter evaluations ratio``."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'list.sqlite'}")
        migrate.upgrade(database)
        with search_world(database, RegorusEngine(PolicySource.from_directory()), policy_data(TERMS)) as world:
            studies = _fill(world)
            filtered, shown = _filtered(world, studies)
            evaluated = _evaluated(world, studies[:EVALUATED])
        database.dispose()
    line("study_list", filtered, evaluated, f"studies/s, {shown} of {STUDIES:,} shown")


def _fill(world: SearchWorld) -> list[Study]:
    names = world.pseudonymiser
    uids = [f"1.2.9.{number}" for number in range(STUDIES)]
    studies = [
        Study(
            uid,
            names.study(uid),
            ("RRK",),
            names.patient(f"local-{number // 4}"),
            ("CT", "MR", "US")[number % 3],
            "HEAD",
            date(2026, 11, 24) - timedelta(days=number % 700),
        )
        for number, uid in enumerate(uids)
    ]
    ties = [
        Edge(
            id=f"e-{number}",
            kind=RelationshipKind.ORDER,
            subject=names.subject("user"),
            patient=names.patient(f"local-{number * 7}"),
            study=None,
            ods="RRK",
            valid_from=NOW - timedelta(days=1),
            valid_until=None,
            source="orders",
        )
        for number in range(200)
    ]
    with world.database.transaction() as session:
        for ods in ("RKB", "RRK"):
            world.federation.register_trust(session, Trust(ods, ods))
        world.federation.register_client(session, VIEWER)
        member = StaffMember(names.subject("user"), "RKB", "clinician", training_valid_to=date(2027, 1, 1))
        world.federation.upsert_staff(session, [member])
        world.catalogue.upsert(session, studies)
        world.relationships.upsert_edges(session, ties)
    return studies


def _filtered(world: SearchWorld, studies: list[Study]) -> tuple[float, int]:
    began = time.perf_counter()
    with world.database.reading() as session:
        listing = world.decisions.listing(ASKED, world.data, session, NOW)
        shown = world.decisions.permitted(listing, studies, session)
    return len(studies) / (time.perf_counter() - began), len(shown)


def _evaluated(world: SearchWorld, studies: list[Study]) -> float:
    began = time.perf_counter()
    for study in studies:
        world.permits(AccessRequest(READER, Action.READ, Purpose.TREAT, study.study_uid))
    return len(studies) / (time.perf_counter() - began)
