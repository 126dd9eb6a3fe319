"""The recorder on a real log: an index, or an exception; never a refusal that somebody may overlook."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from governance.audit import AuditLog, Authority, BreakGlass, Recorder, Resource, Source, Subject
from governance.clock import FixedClock
from governance.errors import Conflict, Unavailable
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome, Purpose, SubjectType

US = Source("imaging-governance", "QHL")
FORBIDDEN = "\ud800"  # no text that could be stored


@pytest.fixture
def recorder(log: AuditLog, clock: FixedClock) -> Recorder:
    numbers = itertools.count(1)
    return Recorder(log, clock, US, lambda: f"id-{next(numbers)}")


def test_an_event_has_an_id_the_present_and_this_service(recorder: Recorder, clock: FixedClock) -> None:
    made = recorder.event(EventKind.CONFIG)
    assert (made.id, made.time, made.source) == ("id-1", clock.now(), US)
    assert (made.kind, made.outcome, made.detail) == (EventKind.CONFIG, Outcome.SUCCESS, {})
    assert recorder.event(EventKind.CONFIG).id == "id-2"


def test_every_fact_given_is_in_the_event(recorder: Recorder, clock: FixedClock) -> None:
    at, archive = clock.now() - timedelta(hours=1), Source("archive", "RRK")
    subject, resource = Subject("nia", SubjectType.PRACTITIONER), Resource(patient="9990000018")
    made = recorder.event(
        EventKind.BREAK_GLASS,
        Outcome.MINOR,
        id="d-1",
        time=at,
        source=archive,
        subject=subject,
        purpose=Purpose.ETREAT,
        resource=resource,
        authority=Authority("d-1"),
        break_glass=BreakGlass("collapsed"),
        detail={"act": "grant"},
    )
    assert (made.id, made.time, made.source, made.outcome) == ("d-1", at, archive, Outcome.MINOR)
    assert (made.subject, made.purpose, made.resource) == (subject, Purpose.ETREAT, resource)
    assert (made.authority, made.break_glass) == (Authority("d-1"), BreakGlass("collapsed"))
    assert made.detail == {"act": "grant"}
    assert recorder.event(EventKind.CONFIG).id == "id-1"  # none was spent on what has its own


def test_a_record_is_durable_and_says_where(recorder: Recorder, log: AuditLog) -> None:
    assert recorder.record(EventKind.CONFIG, detail={"n": 1}) == 0
    assert recorder.record(EventKind.LOGIN, Outcome.SERIOUS) == 1
    assert [(event.kind, event.outcome) for event in log.read(0, 10)] == [
        (EventKind.CONFIG, Outcome.SUCCESS),
        (EventKind.LOGIN, Outcome.SERIOUS),
    ]


def test_the_same_again_is_where_it_was(recorder: Recorder) -> None:
    event = recorder.event(EventKind.CONFIG)
    assert recorder.record_all([event]) == recorder.record_all([event]) == [0]


def test_a_refusal_raises(recorder: Recorder, log: AuditLog) -> None:
    recorder.record(EventKind.CONFIG, id="once")
    with pytest.raises(Conflict, match="was not recorded") as refused:
        recorder.record(EventKind.LOGIN, id="once")
    assert refused.value.reason == "audit.refused"
    with pytest.raises(Conflict):
        recorder.record(EventKind.CONFIG, detail={"text": FORBIDDEN})
    assert log.tree_head()[0] == 1


def test_one_refused_of_many_raises_and_costs_no_other_its_place(recorder: Recorder, log: AuditLog) -> None:
    good = recorder.event(EventKind.CONFIG)
    with pytest.raises(Conflict):
        recorder.record_all([good, replace(good, outcome=Outcome.MINOR), recorder.event(EventKind.LOGIN)])
    assert [event.kind for event in log.read(0, 10)] == [EventKind.CONFIG, EventKind.LOGIN]


def test_a_log_that_takes_nothing_raises(recorder: Recorder, log: AuditLog) -> None:
    log.close()
    with pytest.raises(Unavailable):
        recorder.record(EventKind.CONFIG)
    with pytest.raises(Unavailable):
        recorder.submit([recorder.event(EventKind.CONFIG)])


def test_nothing_to_record_is_nothing(recorder: Recorder, log: AuditLog, database: Database) -> None:
    assert recorder.record_all([]) == []
    with database.transaction() as session:
        assert recorder.record_all_in(session, []) == []
    assert log.tree_head()[0] == 0


def test_inside_a_transaction_the_record_is_of_its_commit(
    recorder: Recorder, log: AuditLog, database: Database
) -> None:
    with database.transaction() as session:
        assert recorder.record_in(session, EventKind.CONFIG) == 0
        assert recorder.record_all_in(session, [recorder.event(EventKind.LOGIN), recorder.event(EventKind.CONFIG)]) == [
            1,
            2,
        ]
    assert log.tree_head()[0] == 3


@pytest.mark.parametrize("together", [True, False])
def test_inside_a_transaction_a_refusal_undoes_it(
    recorder: Recorder, log: AuditLog, database: Database, *, together: bool
) -> None:
    recorder.record(EventKind.CONFIG, id="once")
    events = [recorder.event(EventKind.LOGIN), recorder.event(EventKind.LOGIN, id="once")]

    def change() -> None:
        with database.transaction() as session:
            for some in [events] if together else [[event] for event in events]:
                recorder.record_all_in(session, some)

    with pytest.raises(Conflict):
        change()
    assert log.tree_head()[0] == 1


def test_what_is_handed_over_has_a_receipt_each_that_raises_when_refused(recorder: Recorder) -> None:
    good = recorder.event(EventKind.DECISION)
    receipts = recorder.submit([good, replace(good, outcome=Outcome.MINOR)]).result()
    assert receipts[0].index == 0
    with pytest.raises(Conflict):
        _ = receipts[1].index
