"""The native audit event: every field read, line numbers kept, neighbours never lost."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from governance.audit import Authority, BreakGlass, Event, Resource, Source, Subject
from governance.clock import FixedClock
from governance.errors import InvalidInput
from governance.formats import parse_event, render
from governance.storage import Database
from governance.vocabulary import DecisionScope, EventKind, Outcome, Purpose, SubjectType
from tests.worlds.alerts import AlertWorld
from tests.worlds.audit_messages import NATIVE, NHS, STUDY, native
from tests.worlds.basics import NOON
from tests.worlds.formats import parse_items, parse_lines
from tests.worlds.log import RECORDED

FULL = {
    "id": "evt-9",
    "time": "2026-11-24T12:58:00.123456+01:00",
    "source": {"id": "vna-1", "ods": "RRK"},
    "kind": "export",
    "outcome": "minor",
    "subject": {
        "id": "jdoe",
        "type": "practitioner",
        "role": "nurse",
        "ods": "RKB",
        "department": "Radiology",
        "session": "sess-1",
        "device": "WS-1",
        "site": "Main",
    },
    "purpose": "ETREAT",
    "resource": {
        "study_uid": STUDY,
        "series_uid": f"{STUDY}.1",
        "instances": 3,
        "modality": "ct",
        "body_part": "HEAD",
        "study_date": "2026-11-20",
        "custodian": "RRK",
        "patient": "999 000 0018",
    },
    "authority": {"decision_id": "d-1", "token_jti": "j-1", "agreement_id": "A-1"},
    "break_glass": {"reason": "Trauma call,\n unconscious"},
    "bytes": 1024,
    "destination": "USB-1",
}


def test_every_field_is_read() -> None:
    assert parse_event(FULL, NOON) == Event(
        id="evt-9",
        time=datetime(2026, 11, 24, 11, 58, 0, 123456, tzinfo=UTC),
        source=Source("vna-1", "RRK"),
        kind=EventKind.EXPORT,
        outcome=Outcome.MINOR,
        subject=Subject("jdoe", SubjectType.PRACTITIONER, "nurse", "RKB", "Radiology", "sess-1", "WS-1", "Main"),
        purpose=Purpose.ETREAT,
        resource=Resource(NHS, STUDY, f"{STUDY}.1", 3, "CT", "HEAD", date(2026, 11, 20), "RRK"),
        authority=Authority("d-1", "j-1", "A-1"),
        break_glass=BreakGlass("Trauma call, unconscious"),
        bytes=1024,
        destination="USB-1",
    )


def test_what_is_the_sources_word_is_read_where_it_has_a_meaning() -> None:
    ends = "2026-11-24T13:00:00Z"
    assert parse_event(NATIVE | {"continues": "evt-0"}, NOON).continues == "evt-0"
    decision = parse_event(NATIVE | {"kind": "decision", "decision_scope": "patient"}, NOON)
    assert decision.decision_scope is DecisionScope.PATIENT
    token = parse_event(NATIVE | {"kind": "token", "expires_at": ends}, NOON)
    assert token.expires_at == datetime(2026, 11, 24, 13, tzinfo=UTC)
    subject = parse_event(NATIVE | {"subject": {"id": "ai", "type": "ai_service", "version": "2.1"}}, NOON).subject
    assert subject is not None
    assert subject.version == "2.1"
    for part in ({"decision_scope": "patient"}, {"expires_at": ends}, {"continues": NATIVE["id"]}):
        with pytest.raises(InvalidInput) as refused:
            parse_event(NATIVE | part, NOON)
        assert [fault.path for fault in refused.value.faults] == [f"/{name}" for name in part]


def test_what_is_the_sources_word_is_recorded_and_given(sqlite_database: Database, clock: FixedClock) -> None:
    world = AlertWorld(sqlite_database, clock)
    lines = [
        NATIVE | {"id": "a", "continues": "evt-0"},
        NATIVE | {"id": "d", "kind": "decision", "decision_scope": "patient"},
        NATIVE | {"id": "t", "kind": "token", "expires_at": "2026-11-24T13:00:00Z"},
        NATIVE | {"id": "v", "subject": {"id": "ai", "type": "ai_service", "version": "2.1"}},
    ]
    given = [render(world.log.entry(index)) for index in world.record(parse_event(each, NOON) for each in lines)]
    assert [given[0]["continues"], given[1]["decision_scope"]] == ["evt-0", "patient"]
    assert [given[2]["expires_at"], given[3]["subject"]["version"]] == ["2026-11-24T13:00:00.000000Z", "2.1"]


def test_one_bad_line_never_loses_its_neighbours_and_lines_keep_their_numbers() -> None:
    body = b"\r\n".join([native(id="a"), b"", b"{broken", native(id="b"), native(kind="peek"), native(id="c")])
    parsed = parse_lines(body, NOON)
    assert [event.id for event in parsed.rows] == ["a", "b", "c"]
    assert parsed.numbers == (1, 4, 6)
    assert [fault.line for fault in parsed.faults] == [3, 5]


def test_an_array_is_read_like_lines() -> None:
    parsed = parse_items([NATIVE, 7, NATIVE | {"id": None}], NOON)
    assert parsed.numbers == (1,)
    assert [(fault.line, fault.reason) for fault in parsed.faults] == [
        (2, ": must be an object"),
        (3, "/id: is required"),
    ]


def test_every_fault_of_an_event_is_named_by_its_whole_path() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_event(NATIVE | {"source": {"id": "", "ods": "x", "more": 1}, "bytes": "many"}, NOON)
    assert [fault.path for fault in caught.value.faults] == ["/source/more", "/source/id", "/source/ods", "/bytes"]


def test_a_body_of_too_many_lines_is_refused_whole() -> None:
    with pytest.raises(InvalidInput):
        parse_lines(b"{}\n" * 10_001, NOON)
    with pytest.raises(InvalidInput):
        parse_items([{}] * 10_001, NOON)
    with pytest.raises(InvalidInput):
        parse_items({}, NOON)


@pytest.mark.parametrize(("ahead", "taken"), [(timedelta(minutes=10), 1), (timedelta(minutes=10, seconds=1), 0)])
def test_a_source_may_be_ahead_of_the_clock_by_ten_minutes(ahead: timedelta, taken: int) -> None:
    assert len(parse_lines(native(time=(NOON + ahead).isoformat()), NOON).rows) == taken


@pytest.mark.parametrize("kind", ["config", "import", "recording", "token", "node_auth"])
def test_kinds_that_need_no_person_come_without(kind: str) -> None:
    assert parse_event({**NATIVE, "kind": kind, "subject": None, "resource": None}, NOON).subject is None


def test_an_empty_body_holds_nothing() -> None:
    assert parse_lines(b"", NOON).rows == parse_lines(b"\n\n", NOON).rows == ()


def test_what_the_log_holds_is_given_as_json_without_its_envelopes() -> None:
    document = render(RECORDED)
    assert json.loads(json.dumps(document)) == {
        "index": 7,
        "recorded_at": "2026-11-24T12:00:00.000000Z",
        "leaf_hash": "00" * 32,
        "id": "evt-1",
        "time": "2026-11-24T11:58:00.123000Z",
        "source": {"id": "vna-1", "ods": "RRK"},
        "kind": "access",
        "outcome": "success",
        "subject": {
            "device": "WS-1",
            "id": "s-" + "a" * 26,
            "ods": "RKB",
            "role": "nurse",
            "type": "practitioner",
        },
        "purpose": "TREAT",
        "resource": {
            "body_part": "HEAD",
            "custodian": "RRK",
            "instances": 3,
            "modality": "CT",
            "patient": "p-" + "b" * 26,
            "study": "t-" + "c" * 26,
        },
        "authority": {"agreement_id": "A-1", "decision_id": "d-1", "token_jti": "j-1"},
        "break_glass": False,
        "destination": "PACS2",
    }
