"""An event is judged by what was recorded before it, in live running and in every later reading; on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.catalogue import Study
from governance.clock import FixedClock
from governance.detection import Links, RegionContext
from governance.detection.knowledge.facts import Who
from governance.errors import Conflict
from governance.facts import FactKeeper, History
from governance.federation import AiManifest, Registered, ServiceClient, StaffMember, Standing, Trust
from governance.relationships import Edge, PatientContext, PatientFlag
from governance.storage import Database
from governance.vocabulary import Purpose, RelationshipKind, SubjectType
from tests.worlds.alerts import BEGAN, AlertWorld, act
from tests.worlds.decisions import KEY, POINT

PATIENT, OWN, UID = "9990000018", "9990000026", "1.2.3"
MANIFEST = AiManifest(
    "ai-head", "1", frozenset({"CT"}), frozenset({"HEAD"}), frozenset({"RRK"}), frozenset({Purpose.TREAT}), 50
)
SERVICE = ServiceClient("ai-head", "RRK", "AI", SubjectType.AI_SERVICE, {"keys": [KEY | POINT]}, ai_version="1")
DECISION_POINT = ServiceClient("pdp-rrk", "RRK", "Decisions", SubjectType.SERVICE, {"keys": [KEY | POINT]})
START = BEGAN - timedelta(days=1)


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    """Begin with a log of a hundred looks, so that there is an index for every change."""
    made = AlertWorld(database, clock)
    made.record([act(f"a-{number}", number, patient=PATIENT, study=UID) for number in range(100)])
    return made


def context_of(world: AlertWorld, session: Session) -> RegionContext:
    return RegionContext(
        session,
        history=History(world.vault),
        relationships=world.relationships,
        pseudonymiser=world.pseudonymiser,
        links=Links(world.search),
    )


@pytest.fixture
def context(world: AlertWorld) -> Iterator[RegionContext]:
    """Open the facts once everything of :func:`furnish` is recorded."""
    furnish(world)
    with world.database.reading() as session:
        yield context_of(world, session)


def furnish(world: AlertWorld) -> None:
    """Record one change after another, at every tenth index."""
    with world.changing(0) as session:
        world.federation.register_trust(session, Trust("RRK", "Trust"))
        world.federation.register_client(session, SERVICE)
    names = world.pseudonymiser
    nia, ted, patient = names.subject("nia"), names.subject("ted"), names.patient(PATIENT)
    order = Edge("e-1", RelationshipKind.ORDER, nia, patient, None, "RRK", START, None, "ris-rrk")
    rota = Edge("e-2", RelationshipKind.ROTA, names.subject("night"), None, None, "RRK", START, None, "rota", site="W1")
    study = Study(UID, names.study(UID), ("RRK",), patient, "CT", None, date(2026, 3, 1))
    nurse = StaffMember(nia, "RRK", "nurse", household_key="h-1", patient_key=names.patient(OWN), manager=ted)
    said = PatientContext(patient, ods="RRK", household_key="h-1", surname_key="n-1", surname_share=0.02)
    suspended = Standing(Registered.CLIENT, "pdp-rrk", suspended_at=BEGAN)
    changes = {
        10: lambda session: world.federation.upsert_staff(session, [nurse]),
        20: lambda session: world.relationships.upsert_edges(session, [order, rota]),
        30: lambda session: world.catalogue.upsert(session, [study]),
        40: lambda session: world.relationships.upsert_patients(
            session, [said, PatientContext(patient, ods="RKB", staff=ted, flags=frozenset({PatientFlag.VIP}))]
        ),
        50: lambda session: world.federation.upsert_staff(
            session, [replace(nurse, role="clinician", team_ids=("night",)), StaffMember(ted, "RRK", "nurse")]
        ),
        60: lambda session: world.relationships.withdraw_edge(session, "e-1"),
        70: lambda session: world.catalogue.upsert(session, [replace(study, labels=frozenset({"decoy"}))]),
        80: lambda session: world.federation.register_manifest(session, MANIFEST),
        85: lambda session: world.federation.register_client(session, DECISION_POINT),
        90: lambda session: world.federation.register_standing(session, suspended),
    }
    for index, change in changes.items():
        with world.changing(index) as session:
            change(session)


def ties(context: RegionContext, world: AlertWorld, at: int, who: str = "nia") -> list[str]:
    names = world.pseudonymiser
    found = context.at(at).ties(Who(names.subject(who), "RRK"), names.patient(PATIENT), names.study(UID), "RRK", BEGAN)
    return [tie.id for tie in found]


def test_a_person_a_patient_and_a_study_are_what_was_known_at_the_event(
    context: RegionContext, world: AlertWorld
) -> None:
    names = world.pseudonymiser
    nia, patient, study = names.subject("nia"), names.patient(PATIENT), names.study(UID)
    roles = [found and found.role for found in (context.at(at).staff(nia, "RRK") for at in (10, 11, 50, 51))]
    assert roles == [None, "nurse", "nurse", "clinician"]
    facts = context.at(51).staff(nia, "RRK")
    assert facts is not None
    assert (facts.patient, facts.household, facts.manager) == (names.patient(OWN), "h-1", names.subject("ted"))
    assert facts.teams == {names.subject("night")}
    assert context.at(40).patient(patient) is None
    about = context.at(41).patient(patient)
    assert about is not None
    assert (about.staff, about.households, about.surnames, about.flags) == (
        frozenset({names.subject("ted")}),
        frozenset({"h-1"}),
        {"n-1": 0.02},
        frozenset({"vip"}),
    )
    decoys = [found and found.decoy for found in (context.at(at).study(study) for at in (30, 31, 70, 71))]
    assert decoys == [None, False, False, True]
    manifests = [context.at(at).manifest("ai-head", "1", BEGAN) for at in (80, 81)]
    assert manifests[0] is None
    assert manifests[1] is not None
    assert context.at(81).manifest("ai-head", None, BEGAN) == manifests[1], "the version it was registered to run"


def test_a_decision_point_is_a_client_in_force_of_the_trust_it_reports_for(context: RegionContext) -> None:
    found = [context.at(at).decision_point("pdp-rrk", "RRK") for at in (85, 86, 90, 91)]
    assert found == [False, True, True, False]
    assert not context.at(86).decision_point("pdp-rrk", "RKB")
    assert not context.at(86).decision_point("nobody", "RRK")


def test_a_tie_holds_from_its_record_until_the_record_that_it_is_gone_and_by_the_team_of_the_time(
    context: RegionContext, world: AlertWorld
) -> None:
    assert {at: ties(context, world, at) for at in (20, 21, 50, 51, 60, 61)} == {
        20: [],
        21: ["e-1"],
        50: ["e-1"],
        51: ["e-1", "e-2"],
        60: ["e-1", "e-2"],
        61: ["e-2"],
    }
    assert ties(context, world, 99, "ted") == []
    (rota,) = context.at(61).edges(Who(world.pseudonymiser.subject("nia"), "RRK"), None, None, "RRK", BEGAN)
    assert (rota.site, rota.source) == ("W1", "rota")


def test_what_followed_is_what_was_known_by_then(context: RegionContext, world: AlertWorld) -> None:
    names = world.pseudonymiser
    who, patient = Who(names.subject("nia"), "RRK"), names.patient(PATIENT)
    found = {
        at: [tie.id for tie in context.at(at).follow_up(who, patient, None, START - timedelta(days=1), BEGAN)]
        for at in (20, 21, 61)
    }
    assert found == {20: [], 21: ["e-1"], 61: []}


def looks(world: AlertWorld) -> list[RecordedEvent]:
    return world.log.read(0, 100)


def answers(context: RegionContext, world: AlertWorld, events: list[RecordedEvent]) -> list[object]:
    names = world.pseudonymiser
    patient, study = names.patient(PATIENT), names.study(UID)
    return [
        (
            view.staff(names.subject("nia"), "RRK"),
            view.patient(patient),
            view.study(study),
            view.ties(Who(names.subject("nia"), "RRK"), patient, study, "RRK", BEGAN),
        )
        for view in (context.at(event.index) for event in events)
    ]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_second_reading_in_any_batches_sees_what_each_event_saw(world: AlertWorld, size: int) -> None:
    """Live, every event is judged before anything later is recorded; afterwards all of it is on file."""
    events = looks(world)
    live: list[object] = []
    furnished = furnish_stepwise(world)
    for event in events:
        with world.database.reading() as session:
            live += answers(context_of(world, session), world, [event])
        next(furnished)
    again: list[object] = []
    for start in range(0, 100, size):
        with world.database.reading() as session:
            context = context_of(world, session)
            context.prepare(events[start : start + size])
            again += answers(context, world, events[start : start + size])
    assert again == live


def furnish_stepwise(world: AlertWorld) -> Iterator[None]:
    """Record at each index, with the event of that index judged, the relationships that change there."""
    names = world.pseudonymiser
    nia, patient = names.subject("nia"), names.patient(PATIENT)
    for index in range(100):
        with world.changing(index) as session:
            if index % 3 == 0:
                kind = RelationshipKind.ORDER if index % 2 else RelationshipKind.REPORT
                edge = Edge(f"e-{index % 9}", kind, nia, patient, None, "RRK", START, None, "ris-rrk")
                world.relationships.upsert_edges(session, [edge])
            if index % 5 == 0:
                world.relationships.withdraw_edge(session, f"e-{index % 9}")
            if index % 7 == 0:
                role = f"role-{index}"
                world.federation.upsert_staff(session, [StaffMember(nia, "RRK", role, household_key=f"h-{index}")])
            if index % 11 == 0:
                world.relationships.upsert_patients(session, [PatientContext(patient, ods="RRK", household_key=role)])
        yield


def test_a_batch_is_prepared_by_few_statements_whatever_its_size(world: AlertWorld) -> None:
    names = world.pseudonymiser
    people, patients = [names.subject(f"u-{n}") for n in range(150)], [names.patient(f"r-{n}") for n in range(400)]
    with world.changing(0) as session:
        world.federation.upsert_staff(
            session, [StaffMember(one, "RRK", "nurse", team_ids=(f"team-{n % 9}",)) for n, one in enumerate(people)]
        )
        world.relationships.upsert_patients(
            session, [PatientContext(one, ods="RRK", staff=people[n % 150]) for n, one in enumerate(patients)]
        )
        world.relationships.upsert_edges(
            session,
            [
                Edge(f"e-{n}", RelationshipKind.ORDER, people[n % 150], one, None, "RRK", START, None, "ris")
                for n, one in enumerate(patients)
            ],
        )
    world.record(
        [act(f"b-{n}", n, who=f"u-{n % 150}", patient=f"r-{n}", study=f"1.2.{n}", custodian="RRK") for n in range(400)]
    )
    events = world.log.read(100, 400)
    statements: list[str] = []
    with world.database.reading() as session:
        connection = session.connection().connection.dbapi_connection
        context = context_of(world, session)
        counted = Counting(session, statements)
        with counted:
            context.prepare(events)
            prepared = len(statements)
            explained = 0
            for event in events:
                assert event.subject is not None
                assert event.resource is not None
                view = context.at(event.index)
                who = Who(event.subject.id, event.subject.ods)
                assert view.staff(event.subject.id, "RRK") is not None
                assert view.patient(str(event.resource.patient)) is not None
                explained += bool(view.ties(who, event.resource.patient, event.resource.study, "RRK", BEGAN))
    assert connection is not None
    assert explained > 0
    assert prepared <= 8
    assert len(statements) == prepared, "what was prepared for is not asked for again"


class Counting:
    """Counts the statements of a session, those that go straight to the driver too."""

    def __init__(self, session: Session, statements: list[str]) -> None:
        self._session = session
        self._statements = statements

    def __enter__(self) -> None:
        dialect, cursor_of = self._session.info["governance.driver"]
        self._kept = self._session.info["governance.driver"]

        def cursor() -> object:
            self._statements.append("prepared")
            return cursor_of()

        self._session.info["governance.driver"] = (dialect, cursor)
        sqlalchemy_event.listen(self._session.connection(), "before_cursor_execute", self._heard)

    def __exit__(self, *_error: object) -> None:
        self._session.info["governance.driver"] = self._kept
        sqlalchemy_event.remove(self._session.connection(), "before_cursor_execute", self._heard)

    def _heard(self, *told: object) -> None:
        self._statements.append(str(told[2]))


def test_what_is_no_longer_kept_is_refused_by_name(world: AlertWorld) -> None:
    furnish(world)
    FactKeeper(world.database, world.vault).drop_before(30)
    with world.database.reading() as session:
        later = context_of(world, session)
        with pytest.raises(Conflict) as refused:
            later.prepare(looks(world))
        assert refused.value.reason == "facts.too_old"
        later.prepare(looks(world)[30:])
        assert ties(later, world, 30) == ["e-1"]


def test_of_who_was_erased_no_tie_is_found_at_any_index(world: AlertWorld) -> None:
    furnish(world)
    nia, patient = world.pseudonymiser.subject("nia"), world.pseudonymiser.patient(PATIENT)
    with world.database.transaction() as session:
        for owner in (nia, patient):
            world.vault.destroy(session, owner, BEGAN)
    with world.database.reading() as session:
        later = context_of(world, session)
        later.prepare(looks(world))
        for at in (11, 45, 99):
            facts, about = later.at(at).staff(nia, "RRK"), later.at(at).patient(patient)
            assert facts is not None
            assert (facts.household, facts.patient, facts.teams) == (None, None, frozenset())
            assert about is None or (about.households, about.staff, about.flags) == (frozenset(),) * 3
