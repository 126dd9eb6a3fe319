"""Entry bytes: canonical to the letter of RFC 8785, read back whole, and golden bytes that must never change."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance.audit import encoding
from governance.audit.encoding import MAXIMUM_INTEGER, Unrecordable, encode, instant, parse
from governance.audit.event import Authority, RecordedEvent, RecordedResource, Sealed, Source, Subject
from governance.audit.merkle import leaf_hash
from governance.vocabulary import EventKind, Outcome, Purpose, SubjectType

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
MAYBE = st.none() | TEXT
WHOLE = st.integers(-MAXIMUM_INTEGER, MAXIMUM_INTEGER)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats(-MAXIMUM_INTEGER, MAXIMUM_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
INSTANTS = st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=1))), min_value=datetime(1, 1, 2))

SUBJECTS = st.builds(Subject, TEXT, st.sampled_from(SubjectType), MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE)
RESOURCES = st.builds(
    RecordedResource, MAYBE, MAYBE, MAYBE, st.none() | WHOLE, MAYBE, MAYBE, st.none() | st.dates(), MAYBE
)
EVENTS = st.builds(
    RecordedEvent,
    index=st.integers(0, MAXIMUM_INTEGER),
    recorded_at=INSTANTS,
    leaf_hash=st.just(b""),
    id=TEXT,
    time=INSTANTS,
    source=st.builds(Source, TEXT, TEXT),
    kind=st.sampled_from(EventKind),
    outcome=st.sampled_from(Outcome),
    subject=st.none() | SUBJECTS,
    purpose=st.none() | st.sampled_from(Purpose),
    resource=st.none() | RESOURCES,
    authority=st.builds(Authority, MAYBE, MAYBE, MAYBE),
    break_glass=st.booleans(),
    bytes=st.none() | WHOLE,
    destination=MAYBE,
    detail=st.dictionaries(TEXT, JSON, max_size=4),
    sealed=st.lists(st.builds(Sealed, TEXT, TEXT), max_size=3).map(tuple),
    commitments=st.dictionaries(st.sampled_from(["break_glass_reason", "patient", "study_uid", "subject"]), TEXT),
)

FULL = RecordedEvent(
    index=7,
    recorded_at=datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC),
    leaf_hash=b"",
    id="event-7",
    time=datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC),
    source=Source("pacs", "RKB"),
    kind=EventKind.ACCESS,
    outcome=Outcome.SUCCESS,
    subject=Subject("s-1", SubjectType.PRACTITIONER, "clinician", "RRK", "ed", "session", "ws", "site"),
    purpose=Purpose.TREAT,
    resource=RecordedResource("p-1", "t-1", "t-2", 3, "CT", "HEAD", date(2026, 11, 1), "RKB"),
    authority=Authority("d-1", "j-1", "a-1"),
    break_glass=True,
    bytes=9,
    destination="AE",
    detail={"b": 1, "a": [1.5, "é", None]},
    sealed=(Sealed("p-1", "xyz"),),
)
# Compatibility: entries are for ever. These bytes never change for version 1; a field may only be added as optional.
FULL_BYTES = (
    '{"authority":{"agreement_id":"a-1","decision_id":"d-1","token_jti":"j-1"},"break_glass":true,"bytes":9,'
    '"destination":"AE","detail":{"a":[1.5,"é",null],"b":1},"id":"event-7","index":7,"kind":"access",'
    '"outcome":"success","purpose":"TREAT","recorded_at":"2026-11-24T12:00:01.000000Z",'
    '"resource":{"body_part":"HEAD","custodian":"RKB","instances":3,"modality":"CT","patient":"p-1",'
    '"series":"t-2","study":"t-1","study_date":"2026-11-01"},"sealed":[{"envelope":"xyz","owner":"p-1"}],'
    '"source":{"id":"pacs","ods":"RKB"},"subject":{"department":"ed","device":"ws","id":"s-1","ods":"RRK",'
    '"role":"clinician","session":"session","site":"site","type":"practitioner"},'
    '"time":"2026-11-24T12:00:00.250000Z","v":1}'
).encode()


# Since commitments: the same, with one member more. An entry without it is read and verified as before.
COMMITTED = replace(FULL, commitments={"study_uid": "bbb", "patient": "aaa"})
COMMITTED_BYTES = FULL_BYTES.replace(
    b'"destination"', b'"commitments":{"patient":"aaa","study_uid":"bbb"},"destination"'
)


def encoded(event: RecordedEvent) -> bytes:
    return encode(event, event.index, event.sealed, event.commitments)


@pytest.mark.parametrize(("event", "entry"), [(FULL, FULL_BYTES), (COMMITTED, COMMITTED_BYTES)])
def test_golden_bytes(event: RecordedEvent, entry: bytes) -> None:
    assert encoded(event) == entry
    assert parse(entry) == replace(event, leaf_hash=leaf_hash(entry))


@given(EVENTS)
def test_entries_are_canonical_and_read_back_whole(event: RecordedEvent) -> None:
    entry = encoded(event)
    assert entry == rfc8785.dumps(json.loads(entry))
    again = parse(entry)
    assert encoded(again) == entry
    assert replace(again, leaf_hash=b"") == event
    assert again.leaf_hash == leaf_hash(entry)


@given(EVENTS, TEXT, st.sampled_from(["id", "destination"]))
def test_nul_anywhere_in_a_text_is_refused(event: RecordedEvent, rest: str, field: str) -> None:
    with pytest.raises(Unrecordable, match="NUL"):
        encoded(replace(event, **{field: f"{rest}\x00"}))


# Short values as most details hold, beside every fault that there is a refusal for, and some there is none for.
HOSTILE_TEXT = st.text(max_size=6) | st.sampled_from(["\x00", "\\u0000", "\\\x00", "\\\\u0000", "\ud800", '"', "é"])
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HOSTILE_TEXT | st.sampled_from([2**53, -(2**53)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE_TEXT, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["a", "b", "a!", "aa", "A", "_"]) | HOSTILE_TEXT
FLAT = st.none() | st.booleans() | WHOLE | HOSTILE_TEXT | st.lists(HOSTILE_TEXT, max_size=3)


@given(st.dictionaries(NAMES, FLAT, max_size=6) | st.dictionaries(NAMES | st.integers(), HOSTILE, max_size=4))
def test_the_quick_way_says_what_the_general_way_says(detail: Any) -> None:
    def said() -> bytes | str:
        try:
            return encoded(replace(FULL, detail=detail))
        except Unrecordable as fault:
            return str(fault)

    quickly = said()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "_flat", lambda _: None)
        assert said() == quickly
    if isinstance(quickly, bytes):
        assert quickly == rfc8785.dumps({**json.loads(quickly), **({"detail": detail} if detail else {})})
    else:
        assert quickly in {
            "a text contains the NUL character",
            "a text is not valid Unicode",
            "a number cannot be carried exactly",
            "a name in the detail is not plain text",
            "a whole number is larger than 2**53 - 1",
        }


def test_the_detail_of_a_decision_is_written_the_quick_way() -> None:
    detail = {"permit": True, "clause": None, "agreement_version": 3, "reasons": ["a", "b"], "asked_by": "pacs"}
    assert encoding._flat(detail) == rfc8785.dumps(detail).decode()


def test_times_of_a_zone_that_sets_its_clocks_back_stay_two() -> None:
    london = ZoneInfo("Europe/London")
    first, second = (datetime(2026, 10, 25, 1, 30, fold=fold, tzinfo=london) for fold in (0, 1))
    assert (instant(first), instant(second)) == ("2026-10-25T00:30:00.000000Z", "2026-10-25T01:30:00.000000Z")


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_what_is_not_an_entry_is_refused(junk: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse(junk)


@pytest.mark.parametrize(
    "damage",
    [
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"w":1'),
        (b'"access"', b'"peek"'),
        (b'"time":"2026', b'"time":"x026'),
        (b'"ods"', b'"odt"'),
    ],
)
def test_a_damaged_entry_is_refused(damage: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse(FULL_BYTES.replace(*damage))
