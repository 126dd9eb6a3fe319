"""Explanations kept beside the log: by the engine, in the batch's transaction; told, taken up again, counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session

from governance.alerts import Finding, Raised
from governance.clock import FixedClock
from governance.detection import Explanation, ExplanationKind, Untold
from governance.detection.explanation import _store
from governance.detection.explanation.look import Look
from governance.errors import Unavailable
from governance.storage import Database
from governance.vocabulary import Outcome
from tests.console.reads import counted
from tests.worlds.alerts import BEGAN, AlertWorld
from tests.worlds.explanations import DAY, FAMOUS, PATIENTS, STUDIES, edge, furnish, held, look, recorded, together

TABLES = ("look", "look_lesson", "look_project", "look_project_study", "look_count")


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    made = AlertWorld(database, clock)
    furnish(made)
    held(
        made, edge(made, "order", "order", "nia", patient=PATIENTS[0]), edge(made, "pool", "pool", "ted", source="vna")
    )
    return made


def day(world: AlertWorld) -> list[int]:
    """Record what happens on one day: two looks of nia, one refused, one of ted at the one in the news."""
    return world.record(
        [
            look("a"),
            look("b", 1, patient=PATIENTS[1], study=STUDIES[1]),
            look("refused", 2, outcome=Outcome.SERIOUS),
            look("filed", 3, kind="import", who="ted"),
            look("c", 4, who="ted"),
            look("d", 5, who="ted", patient=FAMOUS, study=STUDIES[3]),
        ]
    )


def rows(world: AlertWorld, table: str) -> list[tuple[object, ...]]:
    with world.database.reading() as session:
        return sorted(tuple(row) for row in session.connection().execute(text(f"SELECT * FROM {table}")))


def told(world: AlertWorld, indexes: Sequence[int]) -> dict[int, str]:
    with world.database.reading() as session:
        found = world.explanations.told(session, indexes)
    return {index: one.kind.value if isinstance(one, Explanation) else one.value for index, one in found.items()}


def test_every_look_is_kept_with_its_reason_once_it_was_read(world: AlertWorld) -> None:
    a, b, refused, filed, c, d = day(world)
    looks = [a, b, refused, c, d]
    assert told(world, looks) == dict.fromkeys(looks, "pending")
    world.engine().catch_up()
    assert told(world, looks) == {
        a: "order",
        b: "unexplained",
        refused: "order",
        c: "prior_report",
        d: "pool",
    }
    with world.database.reading() as session:
        found = world.explanations.of(session, [a, filed, 10**9])
    assert found == {a: Explanation(ExplanationKind.ORDER, "order", "ris-rrk", 3 * DAY, 0.988, "RRK")}


def test_what_a_release_without_explanations_read_is_not_called_pending(world: AlertWorld) -> None:
    indexes = day(world)
    world.engine().catch_up()
    with world.database.transaction() as session:
        session.connection().execute(text("DELETE FROM look"))
    assert set(told(world, indexes).values()) == {Untold.NOT_KEPT.value}


@pytest.mark.parametrize("batch", [1, 2, 1_000])
def test_batches_and_restarts_keep_the_same(world: AlertWorld, batch: int) -> None:
    day(world)
    world.engine().catch_up()
    whole = {table: rows(world, table) for table in TABLES}
    assert len(whole["look"]) == 5
    assert len(whole["look_lesson"]) == 1
    engine = world.engine()
    engine.rewind()
    assert {table: rows(world, table) for table in TABLES} == {table: [] for table in TABLES}
    while world.engine(batch=batch).run_once():
        pass
    assert {table: rows(world, table) for table in TABLES} == whole


def test_a_batch_that_is_not_written_keeps_no_look(world: AlertWorld) -> None:
    day(world)
    engine = world.engine()

    class Failing:
        def raise_findings(self, session: Session, findings: Sequence[Finding]) -> list[Raised]:
            raise Unavailable("audit.unavailable", "The log cannot be written.")

    engine._alerts = Failing()
    with pytest.raises(Unavailable):
        engine.run_once()
    assert rows(world, "look") == []
    engine._alerts = world.alerts
    engine.catch_up()
    assert len(rows(world, "look")) == 5


def test_looks_are_taken_up_again_by_whom_they_were_at(world: AlertWorld) -> None:
    a, b, refused, _, c, d = day(world)
    world.engine().catch_up()
    names = world.pseudonymiser
    with world.database.reading() as session:
        kept = world.explanations
        of_nia = kept.looks_of(session, subject=names.subject("nia"), since=BEGAN)
        assert [one.index for one in of_nia] == [refused, b, a]
        assert [one.index for one in kept.looks_of(session, patient=names.patient(FAMOUS), since=BEGAN)] == [d]
        assert [one.index for one in kept.looks_of(session, study=names.study(STUDIES[0]), since=BEGAN)] == [
            c,
            refused,
            a,
        ]
        late = BEGAN + timedelta(minutes=1)
        assert [one.index for one in kept.looks_of(session, subject=names.subject("nia"), since=late, most=1)] == [
            refused
        ]
        both = kept.looks_of(session, subject=names.subject("nia"), patient=names.patient(PATIENTS[1]), since=BEGAN)
        assert [(one.index, one.role, one.ods, one.revised_at_index) for one in both] == [(b, "nurse", "RRK", None)]
        with pytest.raises(ValueError, match="asked for of"):
            kept.looks_of(session, since=BEGAN)


def shares(world: AlertWorld) -> dict[tuple[str, str, str], int]:
    with world.database.reading() as session:
        return world.explanations.by_role(session, BEGAN.date())


def test_looks_are_counted_by_trust_role_and_reason(world: AlertWorld) -> None:
    day(world)
    world.record([look("e", 6, who="nobody"), look("f", 7, type="service", who="archive-made-up")])
    world.engine().catch_up()
    assert shares(world) == {
        ("RRK", "nurse", "explained"): 1,
        ("RRK", "nurse", "unexplained"): 2,
        ("RRK", "consultant_radiologist", "explained"): 1,
        ("RRK", "consultant_radiologist", "unexplained"): 1,
        ("RRK", "service", "unexplained"): 1,
    }
    with world.database.reading() as session:
        assert world.explanations.by_feed(session, BEGAN.date()) == {
            ("order", "RRK"): 1,
            ("pool", "RRK"): 1,
            ("prior_report", "log"): 1,
            ("unexplained", "none"): 3,
        }
        assert world.explanations.by_role(session, (BEGAN + DAY).date()) == {}
        counts = world.explanations.counts(session, BEGAN.date(), "RRK")
        assert {(one.kind.value, one.source) for one in counts} == {
            ("order", "ris-rrk"),
            ("pool", "vna"),
            ("prior_report", "archive-rrk"),
            ("unexplained", ""),
        }
        assert world.explanations.counts(session, BEGAN.date(), "RKB") == ()


def test_no_word_of_a_caller_becomes_a_trust_or_a_role(world: AlertWorld) -> None:
    event = look("a", who="nobody")
    assert event.subject is not None
    claimed = dataclasses.replace(event.subject, role="a role of tomorrow", ods="XYZ")
    world.record([dataclasses.replace(event, subject=claimed)])
    world.engine().catch_up()
    assert shares(world) == {("other", "other", "unexplained"): 1}


def test_what_is_learnt_later_is_written_over_and_counted_anew(world: AlertWorld) -> None:
    _, b, *_ = day(world)
    world.engine().catch_up()
    held(world, edge(world, "late", "referral", "nia", patient=PATIENTS[1]))
    again = together(world, [world.log.entry(b)])
    for _ in range(2):
        with world.database.transaction() as session:
            world.explanations.revise(session, again, taught_by=77)
    assert told(world, [b]) == {b: "referral"}
    with world.database.reading() as session:
        (kept,) = world.explanations.looks_of(session, patient=world.pseudonymiser.patient(PATIENTS[1]), since=BEGAN)
    assert (kept.revised_at_index, kept.explanation.edge) == (77, "late")
    assert shares(world)["RRK", "nurse", "explained"] == 2
    assert shares(world)["RRK", "nurse", "unexplained"] == 0


def test_the_same_reason_again_is_no_revision(world: AlertWorld) -> None:
    a, *_ = day(world)
    world.engine().catch_up()
    before = rows(world, "look")
    with world.database.transaction() as session:
        world.explanations.revise(session, together(world, [world.log.entry(a)]), taught_by=77)
    assert rows(world, "look") == before


def project(name: str, index_of: Look) -> Look:
    explanation = Explanation(ExplanationKind.PROJECT, name, "ethics", DAY, 0.3, "RRK")
    return Look(index_of.event, explanation, index_of.standing)


def test_a_project_counts_each_study_once(world: AlertWorld) -> None:
    events = recorded(world, [look(f"p-{n}", n, patient=PATIENTS[n % 2], study=STUDIES[n % 2]) for n in range(5)])
    plain = together(world, events)
    for part in (plain[:3], plain[3:]):
        with world.database.transaction() as session:
            world.explanations.keep(session, [project("prj-1", one) for one in part])
    study = world.pseudonymiser.study
    with world.database.reading() as session:
        assert _store.project_sizes(session, ["prj-1", "prj-2"]) == {"prj-1": 2}
        wanted = [study(STUDIES[0]), study("1.2.999")]
        assert _store.project_uses(session, ["prj-1"], wanted) == {("prj-1", study(STUDIES[0]))}


def test_counts_and_lessons_go_when_nothing_asks_for_them_any_more(world: AlertWorld) -> None:
    """A lesson goes by event time, so that reading an old log anew, whenever that is, finds what there was."""
    day(world)
    world.record([look("filed-again", 369 * 24 * 60, kind="import", who="ted")])
    world.engine().catch_up()
    for days, left in ((399, (2, True)), (402, (2, False))):
        purge(world, days)
        assert (len(rows(world, "look_lesson")), bool(rows(world, "look_count"))) == left
    world.record([look("filed-late", 371 * 24 * 60, kind="import", who="ted")])
    world.engine().catch_up()
    purge(world, 402)
    assert len(rows(world, "look_lesson")) == 2
    assert len(rows(world, "look")) == 5


def purge(world: AlertWorld, days: int) -> None:
    with world.database.transaction() as session:
        world.explanations.purge(session, BEGAN + days * DAY)


def test_what_a_page_asks_is_one_statement(world: AlertWorld) -> None:
    indexes = day(world)
    world.engine().catch_up()
    with counted(world.database) as asked, world.database.reading() as session:
        world.explanations.told(session, indexes)
    assert [len(one) for one in asked.snapshots] == [1]
