"""The engine on a real database and a real log: live, replayed, restarted, contended, interrupted."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session

from governance.alerts import Alert, AlertQuery, Finding, Raised
from governance.audit import Query
from governance.audit.event import Event, JsonValue, RecordedEvent, Source
from governance.catalogue import Study
from governance.clock import FixedClock
from governance.detection import Rule
from governance.detection.explanation.look import Look
from governance.detection.knowledge.facts import Context
from governance.detection.reader.engine import LEASE
from governance.detection.reader.state import RuleState, Value
from governance.errors import Unavailable
from governance.federation import AiManifest, ServiceClient, StaffMember, Trust
from governance.relationships import Edge
from governance.storage import Database
from governance.vocabulary import SYSTEM, AlertKind, EventKind, Purpose, RelationshipKind, Severity, SubjectType
from tests.worlds.alerts import BEGAN, REGION, AlertWorld, act, permitted


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    return AlertWorld(database, clock)


@pytest.fixture
def small(sqlite_database: Database, clock: FixedClock) -> AlertWorld:
    return AlertWorld(sqlite_database, clock)


def shown(world: AlertWorld) -> list[Alert]:
    return list(reversed(world.alerts.list(REGION, AlertQuery(), 200).alerts))


def as_bytes(world: AlertWorld) -> bytes:
    """Give every alert, whole, without the number the database dealt out."""
    rows = [dataclasses.asdict(alert) | {"number": None} for alert in shown(world)]
    return json.dumps(rows, default=str, sort_keys=True).encode()


def furnish(world: AlertWorld) -> None:
    """Fill the rooms with a decoy, a member of staff who is a patient, a team on the rota, and an AI service."""
    known = world.pseudonymiser
    nia, patient = known.subject("nia"), known.patient("9990000018")
    with world.changing() as session:
        world.federation.register_trust(session, Trust("RRK", "University Hospitals Birmingham"))
        world.federation.upsert_staff(
            session,
            [
                StaffMember(id=nia, ods="RRK", role="nurse", patient_key=patient),
                StaffMember(id=known.subject("ted"), ods="RRK", role="nurse", team_ids=("trauma",)),
            ],
        )
        world.federation.register_client(
            session, ServiceClient("ai-head", "RRK", "AI", SubjectType.AI_SERVICE, {"keys": [KEY]}, ai_version="1")
        )
        world.federation.register_manifest(
            session,
            AiManifest(
                service_id="ai-head",
                version="1",
                modalities=frozenset({"CT"}),
                body_parts=frozenset({"HEAD"}),
                trusts=frozenset({"RRK"}),
                purposes=frozenset({Purpose.TREAT}),
                daily_volume=50,
            ),
        )
        world.federation.approve_manifest(session, "ai-head", "1", BEGAN - timedelta(days=9))
        world.catalogue.upsert(
            session, [study(world, "1.2.9", labels=frozenset({"decoy"})), study(world, "1.2.3", modality="MR")]
        )
        edge = Edge(
            id="rota-1",
            kind=RelationshipKind.ROTA,
            subject=known.subject("trauma"),
            patient=None,
            study=None,
            ods="RRK",
            valid_from=BEGAN - timedelta(days=1),
            valid_until=BEGAN + timedelta(days=9),
            source="rota-rrk",
        )
        world.relationships.upsert_edges(session, [edge])


KEY = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "k",
    "alg": "ES256",
    "use": "sig",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def study(world: AlertWorld, uid: str, **changes: Any) -> Study:
    base = Study(
        study_uid=uid,
        study=world.pseudonymiser.study(uid),
        custodians=("RRK",),
        patient=world.pseudonymiser.patient("9990000026"),
        modality="CT",
        body_part="HEAD",
        study_date=date(2026, 3, 1),
    )
    return dataclasses.replace(base, **changes)


def history() -> list[Event]:
    """Give some days in which one of each thing happens, innocent ones too."""
    other = "9990000026"
    told = [
        *permitted("fine", 0, patient=other, study="1.2.4"),
        *permitted("self", 5, patient="9990000018", study="1.2.5"),
        *permitted("decoy", 9, who="ann", patient=other, study="1.2.9"),
        act("bypass", 12, who="bob", patient=other, study="1.2.4"),
        act("invented", 13, who="bob", patient=other, study="1.2.4", decision="d-made-up"),
        *permitted("ai", 15, who="ai-head", type="ai_service", patient=other, study="1.2.3"),
        *permitted("glass", 18, who="cat", patient=other, study="1.2.4", broke_glass="unconscious"),
    ]
    for number in range(9):
        told += permitted(f"burst-{number}", 60 + number, who=f"u{number}", patient="9990000034", study="1.2.7")
    told += permitted("rota", 70, who="ted", patient="9990000034", study="1.2.7")
    for number in range(45):
        told += permitted(f"out-{number}", 90 + number / 4, kind="export", who="dan", study=f"1.2.100.{number}")
    return [*told, act("later", 5 * 24 * 60, who="ann", kind="login")]


EXPECTED = {
    "access_without_decision",
    "ai_outside_manifest",
    "break_glass_used",
    "break_glass_without_follow_up",
    "decoy_record",
    "mass_export",
    "patient_burst",
    "self_access",
}


def test_every_detector_fires_through_the_real_rooms(world: AlertWorld) -> None:
    furnish(world)
    world.record(history())
    world.engine().catch_up()
    assert {rule for alert in shown(world) for rule in alert.rule_ids} == EXPECTED
    burst = next(alert for alert in shown(world) if alert.family == "patient_burst")
    assert len(burst.subjects) == 9
    assert world.pseudonymiser.subject("ted") not in burst.subjects
    bypass = next(alert for alert in shown(world) if alert.family == "bypass")
    assert {item.signal for item in bypass.evidence} == {"no_authority", "decision_unknown"}
    glass = {alert.kind: alert for alert in shown(world) if alert.family == "break_glass"}
    told = glass[AlertKind.NOTICE]
    assert told.opened_at == BEGAN + timedelta(minutes=18)
    assert {item.signal for item in told.evidence} == {"emergency_access", "mandatory_review", "no_follow_up"}
    assert AlertKind.ALERT not in glass, "one use without follow-up accuses nobody"
    assert told.review is not None
    assert (told.review.drawn, told.review.due, told.review.done_at) == (
        True,
        told.opened_at + timedelta(days=14),
        None,
    )
    notices = {"break_glass_used", "break_glass_without_follow_up"}
    assert {rule for rule, _ in world.meter.raised} == EXPECTED - notices
    assert set(world.meter.notices) == notices


@pytest.mark.parametrize("batch", [1, 7, 1_000])
def test_a_replay_gives_the_bytes_of_the_live_run(small: AlertWorld, batch: int) -> None:
    """Live: events come a few at a time, detection runs between, its own alerts land in the log among them."""
    furnish(small)
    told = history()
    live = small.engine("live", batch=5)
    for start in range(0, len(told), 11):
        small.record(told[start : start + 11])
        live.catch_up()
        small.clock.advance(timedelta(seconds=1))
    lived = as_bytes(small)
    before = small.log.tree_head()
    forget_alerts(small)
    replay = small.engine("live", batch=batch)
    replay.rewind()
    replay.catch_up()
    assert as_bytes(small) == lived
    assert small.log.tree_head() == before, "a replay says nothing that the log does not already hold"


def forget_alerts(world: AlertWorld) -> None:
    with world.database.transaction() as session:
        parts = ("notice", "sequence", "history", "link", "event", "finding", "verdict")
        for table in (*(f"alert_{part}" for part in parts), "alert"):
            session.connection().execute(text(f"DELETE FROM {table}"))


def test_another_process_that_restarts_at_every_step_sees_the_same(small: AlertWorld) -> None:
    furnish(small)
    small.record(history())
    small.engine("whole").catch_up()
    whole = as_bytes(small)
    forget_alerts(small)
    small.engine("whole").rewind()
    while small.engine("steps", batch=4).run_once():
        pass
    assert as_bytes(small) == whole


def test_nothing_feeds_on_itself(small: AlertWorld) -> None:
    small.record([act("bypass", 12, patient="9990000026", study="1.2.4")])
    engine = small.engine()
    assert engine.catch_up() == 2  # the access, then the alert it raised
    assert engine.run_once() == 0
    assert small.search.count(Query(kind=EventKind.SECURITY_ALERT)) == 1
    assert len(shown(small)) == 1


def test_only_the_holder_of_the_lease_works(world: AlertWorld) -> None:
    first, second = world.engine("one"), world.engine("two")
    world.record([act("a", patient="9990000026", study="1.2.4")])
    assert first.run_once() == 1
    world.record([act("b", 1, patient="9990000026", study="1.2.4")])
    assert second.run_once() == 0
    world.clock.advance(LEASE + timedelta(seconds=1))
    assert second.catch_up() > 0
    assert first.run_once() == 0, "it slept past its lease and somebody else has it"
    second.release()
    assert first.run_once() == 0, "there is nothing new, and now it may look"
    assert first.position() == second.position() == world.log.tree_head()[0]


def test_a_lease_lost_in_the_middle_writes_nothing(small: AlertWorld) -> None:
    """A process that sleeps between scoring and writing finds the cursor moved."""
    small.record([act("a", patient="9990000026", study="1.2.4")])
    slow, fast = small.engine("slow"), small.engine("fast")
    read = small.log.read

    class Sleeper:
        def read(self, start: int, limit: int) -> list[RecordedEvent]:
            events = read(start, limit)
            small.clock.advance(LEASE * 2)
            assert fast.catch_up() > 0
            return events

    slow._log = Sleeper()
    assert slow.run_once() == 0
    assert len(shown(small)) == 1


def test_an_interrupted_batch_is_done_again_whole(small: AlertWorld) -> None:
    furnish(small)
    small.record(history())
    engine = small.engine()
    taker = small.alerts.raise_findings

    class Failing:
        def raise_findings(self, session: Session, findings: Sequence[Finding]) -> list[Raised]:
            taker(session, findings)
            raise Unavailable("audit.unavailable", "The log cannot be written.")

    engine._alerts = Failing()
    with pytest.raises(Unavailable):
        engine.run_once()
    assert (engine.position(), shown(small)) == (0, [])
    engine._alerts = small.alerts
    engine.catch_up()
    assert {rule for alert in shown(small) for rule in alert.rule_ids} == EXPECTED


@pytest.mark.parametrize(
    ("source", "review", "severity", "signals"),
    [
        (SYSTEM, True, Severity.MEDIUM, {"emergency_access", "mandatory_review"}),
        (SYSTEM, False, Severity.LOW, {"emergency_access"}),
        (SYSTEM, None, Severity.MEDIUM, {"emergency_access", "mandatory_review"}),
        ("archive-rrk", False, Severity.MEDIUM, {"emergency_access", "mandatory_review"}),
    ],
)
def test_a_use_outside_the_sample_is_listed_and_only_our_own_word_takes_it_out(
    small: AlertWorld, source: str, review: bool | None, severity: Severity, signals: set[str]
) -> None:
    told: dict[str, JsonValue] = {"owners": ["RRK", "RL4"], "review": review}
    event = act("glass", kind="decision", patient="9990000026", study="1.2.4", broke_glass="unconscious")
    detail: dict[str, JsonValue] = {"permit": True, "reasons": ["break_glass.granted"], "emergency": told}
    small.record([dataclasses.replace(event, source=Source(source, "QHL"), detail=detail)])
    small.engine().catch_up()
    (alert,) = shown(small)
    assert (alert.severity, {item.signal for item in alert.evidence}) == (severity, signals)
    assert {"RRK", "RL4"} <= set(alert.trusts)
    assert alert.kind is AlertKind.NOTICE
    assert alert.review is not None
    assert alert.review.drawn is ("mandatory_review" in signals)
    assert small.alerts.counts() == {}


class Clumsy:
    """A rule that fails on what it did not expect."""

    id = "clumsy"
    family = "clumsy"
    severity = Severity.LOW
    window = timedelta(0)
    kinds = frozenset({EventKind.ACCESS})

    def observe(self, look: Look, context: Context, state: RuleState) -> Iterator[Finding]:
        assert look.event.resource is not None
        yield {}[look.event.resource.modality]  # type: ignore[index]

    def due(self, key: str, value: Value, at: int, context: Context, state: RuleState) -> Iterator[Finding]:
        yield from ()


def test_a_rule_that_fails_is_told_and_stops_nobody(small: AlertWorld) -> None:
    from governance.detection.rules.access_without_decision import AccessWithoutDecision

    rules: list[Rule] = [Clumsy(), AccessWithoutDecision()]
    small.record([act("a", patient="9990000026", study="1.2.4")])
    small.engine(rules=rules).catch_up()
    assert sorted(alert.family for alert in shown(small)) == ["bypass", "detector_fault"]
    fault = next(alert for alert in shown(small) if alert.family == "detector_fault")
    assert (fault.events, fault.evidence[0].observed) == ((0,), "KeyError")


def test_two_rules_of_one_name_are_refused(small: AlertWorld) -> None:
    with pytest.raises(ValueError, match="same id"):
        small.engine(rules=[Clumsy(), Clumsy()])


def test_what_others_claim_never_replaces_our_own_decision(small: AlertWorld) -> None:
    """An archive that writes a permit under the id of our denial is not believed."""
    denial = act("d-1", patient="9990000026", study="1.2.4", kind="decision", decision="d-1", detail={"permit": False})
    forged = act("f", 1, patient="9990000026", study="1.2.4", kind="decision", decision="d-1", detail={"permit": True})
    ours = dataclasses.replace(denial, source=dataclasses.replace(denial.source, id="imaging-governance"))
    small.record([ours, forged, act("a", 2, patient="9990000026", study="1.2.4", decision="d-1")])
    small.engine(batch=1).catch_up()
    assert [item.signal for alert in shown(small) for item in alert.evidence] == ["denied"]


def test_a_source_with_a_clock_ahead_cannot_hurry_a_deferred_check(small: AlertWorld) -> None:
    small.clock.advance(BEGAN - small.clock.now())
    small.record(permitted("glass", 0, patient="9990000026", study="1.2.4", broke_glass="unconscious"))
    small.record([act("ahead", 60 * 24 * 400, kind="login")])
    small.engine().catch_up()
    assert {rule for alert in shown(small) for rule in alert.rule_ids} == {"break_glass_used"}
