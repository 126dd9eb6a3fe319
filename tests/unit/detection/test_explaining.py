"""Looks explained through the real rooms, a batch at a time, on both databases."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.audit.event import Event, RecordedEvent, Source
from governance.clock import FixedClock
from governance.detection.explanation.explaining import BatchExplainer
from governance.detection.explanation.lessons import CONFIRMED_ACT
from governance.detection.explanation.look import Look
from governance.detection.knowledge.reasons import EdgeFacts
from governance.federation import ServiceClient, StaffMember
from governance.relationships import Edge
from governance.storage import Database
from governance.vocabulary import SYSTEM, RelationshipKind, SubjectType
from tests.console.reads import counted
from tests.unit.detection.test_engine import KEY
from tests.worlds.alerts import AlertWorld
from tests.worlds.explanations import (
    DAY,
    FAMOUS,
    PATIENTS,
    STUDIES,
    context,
    edge,
    furnish,
    held,
    look,
    one_by_one,
    recorded,
    together,
)

HOUR = timedelta(hours=1)
STATEMENTS = 16  # that a batch of looks takes, however many they are


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    made = AlertWorld(database, clock)
    furnish(made)
    return made


@pytest.fixture
def small(sqlite_database: Database, clock: FixedClock) -> AlertWorld:
    made = AlertWorld(sqlite_database, clock)
    furnish(made)
    return made


def told(world: AlertWorld, *events: Event) -> list[tuple[str, str | None]]:
    """Give kind and edge of each look among events that are explained as one batch."""
    looks = together(world, recorded(world, events))
    return [(one.explanation.kind.value, one.explanation.edge) for one in looks if one.explanation is not None]


def claim(name: str, minutes: float = 0, **changes: Any) -> Event:
    """Make a decision of this service that permitted because a relationship was claimed."""
    detail = {"permit": True, "reasons": ["agreement.permits", "relationship.self_claimed"], "self_claimed": True}
    made = look(
        name, minutes, kind="decision", decision=name, detail={**detail, **changes.pop("detail", {})}, **changes
    )
    return dataclasses.replace(made, source=Source(SYSTEM, "QHL"))


def test_each_kind_of_edge_is_found_for_whom_it_names(world: AlertWorld) -> None:
    held(
        world,
        edge(world, "order", "order", "nia", patient=PATIENTS[0]),
        edge(world, "priors", "worklist", "nia", patient=PATIENTS[1], study="1.2.9"),  # priors follow
        edge(world, "study", "mdt", "nia", study=STUDIES[2]),
        edge(world, "rota", "rota", "nia", begins=-HOUR, ends=7 * HOUR),
        edge(world, "other", "referral", "kim", patient=PATIENTS[0], ods="RKB"),
    )
    places = zip(PATIENTS, STUDIES, strict=True)
    assert told(world, *(look(uid, patient=patient, study=uid) for patient, uid in places)) == [
        ("order", "order"),
        ("worklist", "priors"),
        ("mdt", "study"),
        ("rota", "rota"),
    ]


def test_a_team_explains_by_what_it_holds_and_no_namesake_does(world: AlertWorld) -> None:
    held(
        world,
        edge(world, "team", "worklist", "trauma", patient=PATIENTS[0]),
        edge(world, "ned", "order", "ned", patient=PATIENTS[1]),
    )
    found = together(
        world,
        recorded(
            world,
            [
                look("a", who="ted"),
                look("b", who="nia"),
                look("c", who="ned", patient=PATIENTS[1]),
                dataclasses.replace(
                    look("d", who="ned", patient=PATIENTS[1]),
                    subject=dataclasses.replace(look("d", who="ned").subject, ods="RKB"),  # type: ignore[type-var]
                ),
            ],
        ),
    )
    assert [(one.explanation and (one.explanation.edge, one.explanation.team)) for one in found] == [
        ("team", True),
        (None, False),
        ("ned", False),
        (None, False),
    ]


def test_who_looked_is_what_the_register_says(world: AlertWorld) -> None:
    with world.changing() as session:
        world.federation.register_client(
            session, ServiceClient("ai-1", "RKB", "AI", SubjectType.AI_SERVICE, {"keys": [KEY]}, ai_version="1")
        )
    events = [look("a", who="ted"), look("b", who="nobody"), look("c", who="ai-1", type="ai_service")]
    known = [one.standing for one in together(world, recorded(world, events))]
    assert [(one.role, one.ods, one.known) for one in known if one] == [
        ("consultant_radiologist", "RRK", True),  # the event claims to be a nurse's
        ("nurse", "RRK", False),
        ("ai_service", "RKB", True),
    ]
    assert known[0] is not None
    assert known[0].teams == tuple(sorted(map(world.pseudonymiser.subject, ("trauma", "neuro"))))


def test_a_rota_covers_what_the_catalogue_says_its_trust_answers_for(world: AlertWorld) -> None:
    held(world, edge(world, "rota", "rota", "nia", begins=-HOUR, ends=7 * HOUR, ods="RRK"))
    assert told(
        world,
        look("a", custodian="RKB"),  # the catalogue knows better
        look("b", study="1.9.9", custodian="RKB"),
        look("c", study="1.9.9", custodian=None),  # the archive's own trust stands for what nobody says
        look("d", 9 * 60),
    ) == [("rota", "rota"), ("unexplained", None), ("rota", "rota"), ("unexplained", None)]


def test_a_wide_edge_does_not_explain_the_one_in_the_news(world: AlertWorld) -> None:
    held(world, edge(world, "pool", "pool", "nia"), edge(world, "order", "order", "ted", patient=FAMOUS))
    events = [
        look("a"),
        look("b", patient=FAMOUS, study=STUDIES[3]),
        look("c", patient=FAMOUS, study=STUDIES[3], who="ted"),
    ]
    found = [one.explanation for one in together(world, recorded(world, events))]
    assert [(one.kind.value, one.explained) for one in found if one] == [
        ("pool", True),
        ("pool", False),
        ("order", True),
    ]


def test_a_claimed_relationship_explains_from_the_decision_that_took_it(world: AlertWorld) -> None:
    events = [
        look("before"),
        claim("d-1", 1),
        look("after", 2),
        look("other-patient", 3, patient=PATIENTS[1], study=STUDIES[1]),
        look("somebody-else", 4, who="ted"),
        look("next-day", 20 * 60),
    ]
    assert [kind for kind, _ in told(world, *events)] == [
        "unexplained",
        "self_claim",
        "unexplained",
        "unexplained",
        "unexplained",
    ]


@pytest.mark.parametrize("spoilt", [{"permit": False}, {"reasons": ["agreement.permits"]}, {"reasons": None}])
def test_a_claim_that_opened_nothing_explains_nothing(small: AlertWorld, spoilt: dict[str, Any]) -> None:
    assert told(small, claim("d-1", detail=spoilt), look("a", 1)) == [("unexplained", None)]


def test_a_stranger_cannot_claim_for_anybody(small: AlertWorld) -> None:
    forged = dataclasses.replace(claim("d-1"), source=Source("archive-rrk", "RRK"))
    assert told(small, forged, look("a", 1)) == [("unexplained", None)]
    edge_says = dataclasses.replace(
        claim("d-2"), source=Source("opa-rrk", "RRK"), detail={**claim("").detail, "door": "edge"}
    )
    assert told(small, edge_says, look("b", 2)) == [("self_claim", None)]


def test_what_somebody_filed_explains_their_later_looks(world: AlertWorld) -> None:
    events = [
        look("filed", kind="import", who="ted"),
        look("a", 60, who="ted"),
        look("b", 61),
        look("c", 62, who="ned"),
    ]
    assert [kind for kind, _ in told(world, *events)] == ["prior_report", "unexplained", "unexplained"]


def test_a_confirmation_explains_and_is_ours_alone(world: AlertWorld) -> None:
    said = look("asked", kind="security_alert", detail={"act": CONFIRMED_ACT})
    ours = dataclasses.replace(said, id="ours", source=Source(SYSTEM, "QHL"))
    assert told(world, said, look("a", 1), ours, look("b", 2)) == [("unexplained", None), ("confirmed", None)]


def test_a_silent_feed_makes_an_unexplained_look_one_that_nobody_can_judge(small: AlertWorld) -> None:
    held(small, edge(small, "order", "order", "nia", patient=PATIENTS[1]))
    asked: list[tuple[str, str]] = []

    def silent(feed: str, ods: str, _at: object) -> bool:
        asked.append((feed, ods))
        return ods == "RRK"

    events = recorded(small, [look("a"), look("b", patient=PATIENTS[1], study=STUDIES[1])])
    found = together(small, events, BatchExplainer(silent))
    assert [one.explanation and one.explanation.kind.value for one in found] == ["degraded", "order"]
    assert asked == [("edges", "RRK")], "only what nothing explains is asked about"
    assert not found[0].unexplained


def crowd(world: AlertWorld, people: int) -> list[RecordedEvent]:
    """Record a look by each of many people at a patient of their own; every second one has a reason, by a team."""
    names = world.pseudonymiser
    staff = [StaffMember(names.subject(f"u{n}"), "RRK", "nurse", team_ids=(f"team-{n}",)) for n in range(people)]
    edges = [
        Edge(f"e-{n}", RelationshipKind.ORDER, names.subject(f"team-{n}"), names.patient(f"ref-{n}"), None, "RRK",
             edge(world, "e", "order", "nia").valid_from, None, "ris-rrk")
        for n in range(0, people, 2)
    ]  # fmt: skip
    with world.changing() as session:
        world.federation.upsert_staff(session, staff)
        world.relationships.upsert_edges(session, edges)
    return recorded(
        world,
        [look(f"look-{people}-{n}", n / 60, who=f"u{n}", patient=f"ref-{n}", study=f"1.7.{n}") for n in range(people)],
    )


def others(world: AlertWorld, many: int) -> list[RecordedEvent]:
    """Record what stands between looks: claims, reports and sign-ins of people and services, known and made up."""
    told: list[Event] = []
    for number in range(many):
        told += [
            claim(f"d-{many}-{number}", number, who=f"stranger-{number}", patient=f"ref-{number}"),
            look(f"i-{many}-{number}", number, kind="import", who=f"u{number}", patient=f"ref-{number}"),
            look(f"s-{many}-{number}", number, type="service", who=f"service-{number}", study=f"1.8.{number}"),
            look(f"l-{many}-{number}", number, kind="login", who=f"reader-{number}"),
        ]
    return recorded(world, told)


def test_a_batch_is_explained_in_a_few_statements_however_large(world: AlertWorld) -> None:
    for people in (10, 1_000):
        events = [*crowd(world, people), *others(world, people // 4)]
        with counted(world.database) as asked:
            looks = together(world, events)
        (statements,) = asked.snapshots
        assert len(statements) <= STATEMENTS, statements
        assert sum(1 for one in looks[:people] if one.explanation and one.explanation.explained) == people / 2


def test_the_edges_of_a_batch_are_found_by_the_index_of_their_patients(small: AlertWorld) -> None:
    """Whoever has many edges, and whatever patient has, the database tries no person with every patient."""
    plan = []
    events = recorded(small, [look("a")])
    with counted(small.database) as asked:
        together(small, events)
    with small.database.reading() as session:
        for statement in asked.snapshots[0]:
            if "fact_version.patient IN" in statement:
                explained = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
                plan += [row[-1] for row in explained]
    assert any("ix_fact_version_patient (patient=" in step for step in plan), plan
    assert not any(step.startswith("SCAN") for step in plan), plan


@pytest.fixture
def emptied(sqlite_database: Database, clock: FixedClock) -> AlertWorld:
    """Give one world for many examples: each works with ids and people of its own."""
    world = AlertWorld(sqlite_database, clock)
    furnish(world)
    return world


RUNS = iter(range(10**6))
PEOPLE = ("nia", "ted", "ned", "kim", "trauma")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(RelationshipKind)),
            st.sampled_from(PEOPLE),
            st.sampled_from([None, *range(4)]),
            st.sampled_from(["RRK", "RKB"]),
            st.integers(-200, 2),
            st.none() | st.integers(-1, 3),
        ),
        max_size=8,
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["access", "access", "export", "import", "claim"]),
            st.sampled_from(PEOPLE[:4]),
            st.integers(0, 3),
            st.integers(0, 72),
        ),
        max_size=12,
    ),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_batch_is_explained_as_its_events_one_by_one(
    emptied: AlertWorld,
    edges: list[tuple[RelationshipKind, str, int | None, str, int, int | None]],
    acts: list[tuple[str, str, int, int]],
) -> None:
    run = next(RUNS)
    people = {name: f"{name}-{run}" for name in PEOPLE}
    names, patients = emptied.pseudonymiser, [f"patient-{run}-{n}" for n in range(4)]
    with emptied.database.transaction() as session:
        emptied.federation.upsert_staff(
            session,
            [
                StaffMember(names.subject(people["nia"]), "RRK", "nurse"),
                StaffMember(names.subject(people["ted"]), "RRK", "radiographer", team_ids=(people["trauma"],)),
                StaffMember(names.subject(people["ned"]), "RRK", "radiographer"),
                StaffMember(names.subject(people["ned"]), "RKB", "clinician"),
            ],
        )
        emptied.relationships.upsert_edges(
            session,
            [
                edge(emptied, f"{run}-{n}", kind.value, people[who], ods=ods, begins=begins * DAY,
                     patient=None if patient is None else patients[patient],
                     ends=None if ends is None else max(ends, begins + 1) * DAY)
                for n, (kind, who, patient, ods, begins, ends) in enumerate(edges)
                if patient is not None or kind.value in {"rota", "pool", "project"}
            ],
        )  # fmt: skip
    told = [
        (claim if kind == "claim" else look)(
            f"{run}-{n}", 60 * hours, who=people[who], patient=patients[patient], study=f"1.3.{run}.{patient}",
            **({} if kind == "claim" else {"kind": kind}),
        )
        for n, (kind, who, patient, hours) in enumerate(acts)
    ]  # fmt: skip
    events = recorded(emptied, told)
    whole = together(emptied, events)
    assert [_said(one) for one in one_by_one(emptied, events)] == [_said(one) for one in whole]


def _said(look: Look) -> tuple[object, ...]:
    return look.event.index, look.explanation, look.standing, look.lesson


def test_a_project_takes_as_many_studies_as_it_was_approved_for_and_counts_each_once(small: AlertWorld) -> None:
    begins = edge(small, "e", "order", "nia").valid_from
    facts = EdgeFacts("prj-1", RelationshipKind.PROJECT, None, None, "RRK", begins, None, "ethics", limit=2)
    with small.database.reading() as session:
        reasons = context(small, session).reasons
        for study, fits in (("t-1", True), ("t-2", True), ("t-1", True), ("t-3", False), ("t-2", True)):
            assert reasons.fits(facts, study) is fits, study
            if fits:
                reasons.use(facts.id, study)
        assert reasons.fits(dataclasses.replace(facts, limit=None), "t-3")
        assert reasons.fits(facts, None), "nobody knows which study it was"
