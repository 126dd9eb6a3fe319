"""A search finds exactly what an evaluation of each one permits: nothing is left out and nothing is added."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from governance.access import Searched
from governance.catalogue import Study
from governance.decisions import AccessRequest, Engine, PolicySource, RegorusEngine, RequestSubject
from governance.federation import EVERY_TRUST, AiManifest, ServiceClient, StaffMember, Trust
from governance.pseudonyms import Pseudonymiser
from governance.relationships import WIDE_KINDS, Edge, PatientContext
from governance.storage import Database
from governance.vocabulary import Action, Attestation, Purpose, RelationshipKind, SubjectType
from tests.peers.opa import OpaServer, engine_at
from tests.worlds.decisions import KEY, POINT
from tests.worlds.policy_worlds import KEYS, LABELS, MODALITIES, ROLES, TRUSTS, World, data_of
from tests.worlds.search import NOW, VIEWER, SearchWorld, search_world

ENGINE = RegorusEngine(PolicySource.from_directory())  # one: its machines belong to the thread that made them
NAMES = Pseudonymiser(b"k" * 32)
USERS = tuple(f"u-{number}" for number in range(4))
TEAMS = ("neuro", "stroke")
SERVICES = ("ich-triage", "viewer")
PATIENTS = tuple(NAMES.patient(f"local-{number}") for number in range(3))
UIDS = tuple(f"1.2.826.0.1.3680043.10.{number}" for number in range(8))
PURPOSES = (Purpose.TREAT, Purpose.HRESCH, Purpose.BTG)
REVISIONS = itertools.count(1)


def _mostly(usual: Any, *others: Any) -> SearchStrategy[Any]:
    """Draw the usual value fifteen times in sixteen: a region in which nothing is right proves little."""
    return st.sampled_from(range(16)).flatmap(lambda roll: st.sampled_from(others) if roll == 9 else st.just(usual))


_CLAUSE: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "actions": _mostly(["read", "search"], ["read"], ["export", "search"]),
        "roles": _mostly(list(ROLES), ["clinician"]),
        "services": _mostly(["viewer"], []),
        "modalities": _mostly(["*"], ["CT"], []),
        "body_parts": _mostly(["*"], ["HEAD"]),
        "excluded_labels": _mostly([], ["decoy"], ['100%_"odd']),
        "priors_days": _mostly(None, 365),
        "identity_assurance": st.sampled_from([1, 2]),
        "managed_device": _mostly(False, True),
        "training": _mostly(False, True),
        "opt_out_applies": _mostly(False, True),
        "relationship": st.sampled_from(["required", "required", "not_required", "self_claim"]),
        "obligations": _mostly([], [{"id": "o", "type": "watermark", "properties": {}}]),
    }
)
_OPENED = st.dictionaries(
    st.sampled_from(TRUSTS),
    st.dictionaries(
        st.sampled_from([purpose.value for purpose in PURPOSES]),
        st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True).map(sorted),
        min_size=1,
    ),
    min_size=1,
)
_USUAL = {owner: {purpose.value: list(KEYS[:2]) for purpose in PURPOSES} for owner in TRUSTS}
WORLDS: SearchStrategy[World] = st.fixed_dictionaries(
    {
        "index": _mostly({"RKB": _USUAL, "RNA": _USUAL}, {"RKB": _USUAL})
        | _mostly({"RKB": _USUAL}, {})
        | st.fixed_dictionaries({"RKB": _OPENED}, optional={"RNA": _OPENED}),
        "lapsed": st.just({}),
        "clauses": st.fixed_dictionaries(dict.fromkeys(KEYS, _CLAUSE)),
    }
)


@dataclass(frozen=True)
class Case:
    """A region, and the request whose members are searched for in turn."""

    world: World
    studies: tuple[Study, ...]
    staff: tuple[StaffMember, ...]
    edges: tuple[Edge, ...]
    asked: AccessRequest
    asker: ServiceClient
    limit: int


def _study(uid: str) -> SearchStrategy[Study]:
    return st.builds(
        Study,
        study_uid=st.just(uid),
        study=st.just(NAMES.study(uid)),
        custodians=st.sampled_from([("RRK",), ("RRK",), ("RKB",), ("RRK", "RNA"), ()]),
        patient=st.sampled_from(PATIENTS),
        modality=st.sampled_from(MODALITIES),
        body_part=st.sampled_from(["HEAD", None]),
        study_date=st.sampled_from([0, 30, 400]).map(lambda days: date(2026, 11, 24) - timedelta(days=days)),
        labels=_mostly(frozenset(), frozenset({LABELS[1]}), frozenset({LABELS[0]}), frozenset({'100%_"odd'})),
    )


def _member(user: str) -> SearchStrategy[StaffMember]:
    return st.builds(
        StaffMember,
        id=st.just(NAMES.subject(user)),
        ods=st.sampled_from(["RKB", "RKB", "RNA"]),
        role=st.sampled_from(["clinician", "clinician", "nurse", "a role of tomorrow"]),
        team_ids=st.lists(st.sampled_from(TEAMS), max_size=1).map(tuple),
        training_valid_to=_mostly(date(2027, 1, 1), date(2026, 1, 1), None),
        leaves_on=_mostly(None, date(2026, 1, 1)),
    )


@st.composite
def _edges(draw: Callable[[SearchStrategy[Any]], Any]) -> tuple[Edge, ...]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(RelationshipKind))
        patient = draw(st.sampled_from([*PATIENTS, None]))
        uid = draw(st.sampled_from([*UIDS, None]))
        if patient is None and uid is None and kind not in WIDE_KINDS:
            patient = PATIENTS[0]
        begun, lasts = draw(_mostly((-10, 30), (-10, None), (-10, 5), (1, 5)))
        start = NOW + timedelta(days=begun)
        made.append(
            Edge(
                id=f"e-{number}",
                kind=kind,
                subject=NAMES.subject(draw(st.sampled_from([USERS[0], *USERS, *TEAMS, *SERVICES]))),
                patient=patient,
                study=NAMES.study(uid) if uid else None,
                ods=draw(st.sampled_from(TRUSTS)),
                valid_from=start,
                valid_until=start + timedelta(days=lasts) if lasts else None,
                source="orders",
            )
        )
    return tuple(made)


@st.composite
def _asked(draw: Callable[[SearchStrategy[Any]], Any]) -> AccessRequest:
    kind = draw(_mostly(SubjectType.PRACTITIONER, SubjectType.AI_SERVICE, SubjectType.SERVICE))
    person = kind is SubjectType.PRACTITIONER
    subject = RequestSubject(
        id=draw(_mostly(USERS[0], *USERS, "u-unknown") if person else st.sampled_from(SERVICES)),
        type=kind,
        role=draw(_mostly("clinician", *ROLES, None)) if person else None,
        ods=draw(_mostly("RKB", "RNA", None)),
        assurance=draw(_mostly(3, 1, None)),
        managed_device=draw(_mostly(True, None)),
    )
    return AccessRequest(
        subject,
        draw(_mostly(Action.READ, Action.SEARCH, Action.EXPORT)),
        draw(_mostly(*PURPOSES)),
        supported_obligations=draw(_mostly(None, frozenset(), frozenset({"watermark"}))),
    )


CASES = st.builds(
    Case,
    world=WORLDS,
    studies=st.tuples(*map(_study, UIDS)),
    staff=st.tuples(*map(_member, USERS)),
    edges=_edges(),
    asked=_asked(),
    asker=st.builds(
        replace,
        st.just(VIEWER),
        ods=_mostly("RKB", "RNA"),
        asks_for=st.sampled_from([EVERY_TRUST, "RNA", "RRK"]).map(lambda ods: frozenset({ods})),
        attests=_mostly(frozenset(Attestation), frozenset(), frozenset({Attestation.ASSURANCE})),
    ),
    limit=st.sampled_from([1, 2, 50]),
)


@contextmanager
def region(case: Case, template: Path, engine: Engine = ENGINE) -> Iterator[SearchWorld]:
    """Put a case into a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "search.sqlite"
        shutil.copy(template, path)
        database = Database(f"sqlite:///{path}")
        with search_world(database, engine, data_of(case.world, f"r-{next(REVISIONS)}")) as world:
            _fill(world, case)
            yield world
        database.dispose()


def _fill(world: SearchWorld, case: Case) -> None:
    with world.database.transaction() as session:
        for ods in TRUSTS:
            world.federation.register_trust(session, Trust(ods, f"Trust {ods}"))
        for name in SERVICES:
            ai = name == "ich-triage"
            kind, version = (SubjectType.AI_SERVICE, "2.1.0") if ai else (SubjectType.SERVICE, None)
            client = ServiceClient(name, "RKB", name, kind, {"keys": [KEY | POINT]}, ai_version=version)
            world.federation.register_client(session, client if ai else case.asker)
        terms = (frozenset({"CT"}), frozenset({"HEAD"}), frozenset({"RRK"}), frozenset(PURPOSES), 100)
        world.federation.register_manifest(session, AiManifest("ich-triage", "2.1.0", *terms))
        world.federation.approve_manifest(session, "ich-triage", "2.1.0", NOW - timedelta(days=1))
        world.federation.upsert_staff(session, case.staff)
        world.catalogue.upsert(session, case.studies)
        world.relationships.upsert_edges(session, case.edges)
        checked = NOW - timedelta(hours=1)
        opted = [PatientContext(PATIENTS[0], opt_out=False, opt_out_checked_at=checked), PatientContext(PATIENTS[1])]
        world.relationships.upsert_patients(session, opted)


@pytest.fixture(scope="session", params=["embedded", pytest.param("opa", marks=pytest.mark.peer)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Give each engine: the filter of the one is put together, that of the other compiled."""
    if request.param == "embedded":
        return ENGINE
    server: OpaServer = request.getfixturevalue("opa_server")
    return engine_at(server.url, PolicySource.from_directory(), 10)


@given(case=CASES)
@settings(max_examples=60)
def test_a_search_of_studies_finds_what_each_evaluation_permits(
    case: Case, engine: Engine, sqlite_template: Path
) -> None:
    with region(case, sqlite_template, engine) as world:
        found = [hit.study_uid for hit in world.hits(Searched.RESOURCE, case.asked, case.limit)]
        permitted = {uid for uid in UIDS if world.permits(replace(case.asked, study_uid=uid))}
    event(f"permitted: {min(len(permitted), 2)}")
    assert len(found) == len(set(found))
    assert set(found) == permitted


@given(case=CASES, narrowed=st.booleans())
@settings(max_examples=100)
def test_a_search_of_subjects_finds_whom_each_evaluation_permits(
    case: Case, narrowed: bool, sqlite_template: Path
) -> None:
    subject = case.asked.subject if narrowed else replace(case.asked.subject, role=None, ods=None)
    asked = replace(case.asked, subject=subject, study_uid=UIDS[0])
    wanted = asked.subject
    with region(case, sqlite_template) as world:
        hits = world.hits(Searched.SUBJECT, asked, case.limit)
        person = wanted.type is SubjectType.PRACTITIONER
        known = [one.id for one in case.staff] if person else SERVICES
        permitted = [name for name in known if world.permits(replace(asked, subject=replace(wanted, id=name)))]
        again = [world.permits(hit) for hit in hits]
    event(f"permitted: {min(len(permitted), 2)}")
    assert [hit.subject.id for hit in hits] == sorted(permitted)
    assert all(again)


@given(case=CASES)
@settings(max_examples=40)
def test_a_search_of_actions_finds_what_each_evaluation_permits(case: Case, sqlite_template: Path) -> None:
    asked = replace(case.asked, study_uid=UIDS[0])
    with region(case, sqlite_template) as world:
        found = [hit.action for hit in world.hits(Searched.ACTION, asked, case.limit)]
        permitted = [action for action in sorted(Action) if world.permits(replace(asked, action=action))]
    event(f"permitted: {min(len(permitted), 2)}")
    assert found == permitted
