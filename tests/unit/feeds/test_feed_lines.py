"""Feed lines: one bad line never loses its neighbours, and every fault is named without repeating a value."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import feeds
from governance.errors import InvalidInput
from governance.feeds import DEFAULT_LIMITS, Fields, Limits, Parsed

KNOWN = frozenset({"id", "note", "tags"})
Row = tuple[str, str | None, tuple[str, ...]]


def build(fields: Fields) -> Row:
    row_id = fields.required("id", feeds.text)
    note = fields.optional("note", feeds.text)
    tags = fields.many("tags", feeds.code, 3)
    fields.finish()
    return (row_id, note, tags)


def read(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Parsed[Row]:
    return feeds.parse(body, limits, KNOWN, build)


def test_reads_each_line_in_order_and_says_which_it_was() -> None:
    parsed = read(b'{"id": "a"}\r\n\n{"id": "b", "note": "n", "tags": ["x", "y", "x"]}\n')

    assert parsed.rows == (("a", None, ()), ("b", "n", ("x", "y")))
    assert parsed.numbers == (1, 3)
    assert parsed.faults == ()


def test_passes_over_a_byte_order_mark_and_takes_null_as_absent() -> None:
    assert read(b'\xef\xbb\xbf{"id": "a", "note": null, "tags": null}').rows == (("a", None, ()),)


def test_an_empty_body_holds_nothing() -> None:
    assert read(b"") == Parsed((), ())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "the line is not JSON"),
        (b"[1]", "the line is not a JSON object"),
        (b'"x"', "the line is not a JSON object"),
        (b'{"id": "\xff"}', "the line is not UTF-8"),
        (b'{"id": "a", "id": "b"}', "the line is not JSON"),
        (b'{"id": NaN}', "the line is not JSON"),
        (b"[" * 8_000, "the line is not JSON"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "/id: is not a number that 64 bits hold"),
        (b'{"id": "' + b"a" * 17_000 + b'"}', "the line is longer than 16384 bytes"),
        (b"{}", "/id: is required"),
        (b'{"id": null}', "/id: is required"),
        (b'{"id": ""}', "/id: must be printable text"),
        (b'{"id": "a\\u0000b"}', "/id: must be printable text"),
        (b'{"id": "\\ud800"}', "/id: must be printable text"),
        (b'{"id": 7}', "/id: must be printable text"),
        (b'{"id": "a", "tags": "x"}', "/tags: must be a list of at most 3"),
        (b'{"id": "a", "tags": ["a", "b", "c", "d"]}', "/tags: must be a list of at most 3"),
        (b'{"id": "a", "tags": ["x", "NO"]}', "/tags/1: must be a code"),
        (b'{"id": "a", "nope": 1}', "/nope: is not a field of this feed"),
        (b'{"id": "a", "943 476 5919": 1}', "/?: is not a field of this feed"),
    ],
)
def test_names_what_is_wrong_and_keeps_the_neighbours(line: bytes, reason: str) -> None:
    parsed = read(b'{"id": "before"}\n' + line + b'\n{"id": "after"}')

    assert [row[0] for row in parsed.rows] == ["before", "after"]
    assert [fault.line for fault in parsed.faults] == [2]
    assert parsed.faults[0].reason.startswith(reason)


def test_names_every_fault_of_a_line_together() -> None:
    assert read(b'{"note": 1, "tags": 2, "x": 3}').faults[0].reason == (
        "/x: is not a field of this feed; /id: is required; "
        "/note: must be printable text of 1 to 128 characters; /tags: must be a list of at most 3"
    )


def test_an_answer_is_never_much_larger_than_its_question() -> None:
    line = json.dumps({f"f{number}": 0 for number in range(1_000)}).encode()

    assert len(read(line).faults[0].reason) < len(line)


def test_a_body_of_too_many_lines_is_refused_whole() -> None:
    body = b'{"id": "a"}\n' * 3
    assert len(read(body, Limits(lines=3)).rows) == 3

    with pytest.raises(InvalidInput) as refused:
        read(body, Limits(lines=2))

    assert refused.value.reason == "feed.too_many_lines"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_named(body: bytes) -> None:
    parsed = read(body)
    lines = body.removeprefix(b"\xef\xbb\xbf").split(b"\n")

    assert len(parsed.rows) + len(parsed.faults) == sum(1 for line in lines if line.strip())


@given(st.lists(st.tuples(st.text("abc ", min_size=1, max_size=5), st.booleans()), max_size=12))
def test_good_lines_are_kept_whatever_stands_between(lines: list[tuple[str, bool]]) -> None:
    body = b"\n".join(json.dumps({"id": text}).encode() if good else b"{broken" for text, good in lines)
    parsed = read(body)

    assert [row[0] for row in parsed.rows] == [text for text, good in lines if good]
    assert [fault.line for fault in parsed.faults] == [number for number, (_, good) in enumerate(lines, 1) if not good]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T12:00:00Z", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("2026-06-24t12:00:00.25+01:00", datetime(2026, 6, 24, 11, 0, 0, 250_000, UTC)),
        ("2026-11-24T12:00:00.123456789Z", datetime(2026, 11, 24, 12, 0, 0, 123_456, UTC)),
    ],
)
def test_reads_rfc_3339_times_into_utc(text: str, expected: datetime) -> None:
    assert feeds.timestamp(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-24",
        "2026-11-24T12:00:00",
        "2026-11-24 12:00:00Z",
        "2026-13-24T12:00:00Z",
        "2026-11-24T25:00:00Z",
        "20261124T120000Z",
        "0001-01-01T00:00:00+23:59",
        "\uff12\uff10\uff12\uff16-11-24T12:00:00Z",
        1_764_000_000,
        True,
    ],
)
def test_refuses_times_that_could_be_read_two_ways(value: object) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        feeds.timestamp(value)


def test_reads_days_shares_flags_and_codes() -> None:
    assert feeds.day("2024-02-29") == date(2024, 2, 29)
    assert feeds.share(0) == 0.0
    assert feeds.share(1) == 1.0
    assert feeds.flag(value=False) is False
    assert feeds.dicom_code(" head ") == "HEAD"
    assert feeds.keyed_hash("aGVsbG8=") == "aGVsbG8="


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (feeds.day, "2026-02-29"),
        (feeds.day, "2026-11-24T00:00:00Z"),
        (feeds.share, 1.01),
        (feeds.share, -0.1),
        (feeds.share, True),
        (feeds.share, "0.5"),
        (feeds.share, float("inf")),
        (feeds.flag, 1),
        (feeds.flag, "yes"),
        (feeds.dicom_code, "HEAD;NECK"),
        (feeds.dicom_code, "A" * 17),
        (feeds.dicom_code, None),
        (feeds.keyed_hash, "12 High Street"),
        (feeds.ods, "rrk"),
        (feeds.study_uid, "1.02.3"),
        (feeds.patient, "999 000 0001"),
        (feeds.patient, "1234"),
    ],
)
def test_readers_refuse_what_they_cannot_vouch_for(reader: feeds.lines.Reader[object], value: object) -> None:
    with pytest.raises(ValueError, match=r"must be|an ODS|a DICOM|an NHS") as refused:
        reader(value)

    assert str(value) not in str(refused.value)


def test_a_patient_is_an_nhs_number_or_the_sources_own_reference() -> None:
    assert feeds.patient("999 000 0018") == "9990000018"
    assert feeds.patient("RRK-778 A") == "RRK-778 A"
