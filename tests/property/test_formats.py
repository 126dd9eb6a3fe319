"""What holds for every input of the audit's wire formats, not only for the ones somebody thought of."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pydicom
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filewriter import write_dataset

from governance.audit import Authority, BreakGlass, Event, Resource, Source, Subject
from governance.errors import InvalidInput
from governance.formats import (
    Context,
    Framer,
    parse_audit_event,
    parse_event,
    parse_message,
    parse_syslog,
    resource_from_xml,
)
from governance.formats._query import query_shape
from governance.intake.syslog import read_syslog
from governance.pseudonyms import Pseudonymiser
from governance.vocabulary import EventKind, Outcome, Purpose, SubjectType
from tests.golden.audit.build import GOOD_DICOM, GOOD_FHIR
from tests.worlds.audit_messages import NATIVE, READ
from tests.worlds.formats import context_of, parse_lines

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CONTEXT: Context = context_of(Pseudonymiser(b"k" * 32), NOW, trusts={"RRK"})

words = st.text(st.characters(min_codepoint=33, exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=40)
ods = st.from_regex(r"[A-Z0-9]{3,5}", fullmatch=True)
uids = st.from_regex(r"1\.2(\.[1-9][0-9]{0,3}){1,5}", fullmatch=True)
maybe = st.none
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
subjects = st.builds(
    Subject,
    words,
    st.sampled_from(SubjectType),
    maybe() | words,
    maybe() | ods,
    maybe() | words,
    device=maybe() | words,
)
resources = st.builds(
    Resource,
    patient=maybe() | st.just("9990000018"),
    study_uid=uids,
    instances=maybe() | st.integers(0, 2**53 - 1),
    modality=maybe() | st.just("CT"),
    study_date=maybe() | st.dates(),
    custodian=maybe() | ods,
)
events = st.builds(
    Event,
    id=words,
    time=st.datetimes(datetime(1990, 1, 2), datetime(2026, 11, 24), timezones=st.just(UTC)),
    source=st.builds(Source, words, ods),
    kind=st.sampled_from(EventKind),
    outcome=st.sampled_from(Outcome),
    subject=subjects,
    purpose=maybe() | st.sampled_from(Purpose),
    resource=resources,
    authority=st.builds(Authority, maybe() | words, maybe() | words, maybe() | words),
    break_glass=maybe() | st.builds(BreakGlass, words),
    bytes=maybe() | st.integers(0, 2**53 - 1),
    destination=maybe() | words,
)


def as_native(event: Event) -> dict[str, Any]:
    """Write an event as its source would."""

    def plain(value: object) -> Any:
        if hasattr(value, "__dataclass_fields__"):
            return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__ if name != "detail"}
        return value.isoformat() if hasattr(value, "isoformat") else value

    document: dict[str, Any] = plain(event)
    return document


def mutations(seed: bytes) -> st.SearchStrategy[bytes]:
    """Give damaged forms of a message: a stretch replaced by other bytes."""

    def damage(at: int, length: int, other: bytes) -> bytes:
        return seed[:at] + other + seed[at + length :]

    return st.builds(damage, st.integers(0, len(seed)), st.integers(0, 40), st.binary(max_size=40))


@given(events)
def test_a_native_event_reads_back_as_itself(event: Event) -> None:
    assert parse_event(json.loads(json.dumps(as_native(event))), NOW) == event


@given(st.lists(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()), max_size=6))
def test_no_line_harms_its_neighbours(lines: list[bytes]) -> None:
    good = json.dumps(NATIVE).encode()
    body = b"\n".join(part.replace(b"\n", b" ") for line in lines for part in (line, good)) or good
    parsed = parse_lines(body, NOW)
    assert sum(event.id == NATIVE["id"] for event in parsed.rows) == max(1, len(lines))


@given(st.dictionaries(st.sampled_from(sorted(NATIVE)), json_values))
def test_a_native_event_is_read_or_refused(changes: dict[str, object]) -> None:
    refused_or_read(lambda: parse_event(NATIVE | changes, NOW))


@given(st.sampled_from(sorted(GOOD_DICOM)).flatmap(lambda name: mutations(GOOD_DICOM[name])))
def test_a_damaged_dicom_message_is_read_or_refused(raw: bytes) -> None:
    refused_or_read(lambda: parse_message(raw, CONTEXT))
    refused_or_read(lambda: read_syslog(b"<85>1 - - - - - - " + raw, CONTEXT))
    refused_or_read(lambda: resource_from_xml(raw))


@given(st.sampled_from(sorted(GOOD_FHIR)), st.data())
def test_a_damaged_audit_event_is_read_or_refused(name: str, data: st.DataObject) -> None:
    resource = json.loads(json.dumps(GOOD_FHIR[name]))
    places = list(paths(resource))
    for parent, key in data.draw(st.lists(st.sampled_from(places), max_size=3)):
        parent[key] = data.draw(json_values)
    refused_or_read(lambda: parse_audit_event(resource, CONTEXT))


@given(st.dictionaries(st.sampled_from(sorted(READ)), json_values))
def test_an_audit_event_of_any_shape_is_read_or_refused(changes: dict[str, object]) -> None:
    refused_or_read(lambda: parse_audit_event(READ | changes, CONTEXT))


def paths(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every place of a JSON value that something else could stand in."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from paths(inner)


def refused_or_read(read: Any) -> None:
    """Run a reader: InvalidInput is an answer, anything else that is raised is a bug."""
    try:
        read()
    except InvalidInput as error:
        assert error.faults  # noqa: PT017 - the property is that nothing else is raised


HEADER = "<85>1 2026-11-24T12:00:00Z vna app 42 IHE+RFC-3881 - "
names = st.text(st.characters(exclude_characters='<>&"\n\0\r', exclude_categories=["Cs"]), max_size=20)
messages = names.map(lambda name: f'{HEADER}<?xml version="1.0"?><AuditMessage n="{name}"></AuditMessage>')


def octets(message: str) -> bytes:
    raw = message.encode()
    return f"{len(raw)} ".encode() + raw


def characters(message: str) -> bytes:
    """Frame as npm's atna-audit does: UTF-16 units, called octets."""
    return f"{len(message.encode('utf-16-le')) // 2} ".encode() + message.encode()


def line(message: str) -> bytes:
    return message.encode() + b"\n"


def bare(message: str) -> bytes:
    return message.encode()


@given(
    st.lists(st.tuples(messages, st.sampled_from([octets, characters, line, bare])), max_size=6), st.integers(1, 200)
)
def test_every_message_comes_out_whole_however_it_is_framed_and_arrives(sent: list[tuple[str, Any]], step: int) -> None:
    stream = b"".join(frame(message) for message, frame in sent)
    framer = Framer()
    frames = [frame for at in range(0, len(stream), step) for frame in framer.feed(stream[at : at + step])]
    frames += list(framer.flush())
    assert [frame.raw.decode() for frame in frames] == [message for message, _ in sent]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_stream_is_cut_and_what_follows_it_is_found(noise: bytes, step: int) -> None:
    message = f"{HEADER}<AuditMessage></AuditMessage>"
    stream = noise.replace(b"<", b"").replace(b"\x31 ", b"") + b"\n" + octets(message)
    framer = Framer(1_000)
    frames = [frame for at in range(0, len(stream), step) for frame in framer.feed(stream[at : at + step])]
    frames += list(framer.flush())
    assert any(frame.raw.endswith(b"<AuditMessage></AuditMessage>") for frame in frames)
    assert framer.waiting == 0


@given(st.binary(max_size=200))
def test_a_syslog_header_is_read_or_refused(raw: bytes) -> None:
    try:
        parse_syslog(raw)
    except ValueError as problem:
        assert "priority" in str(problem)  # noqa: PT017 - the property is that nothing else is raised


@given(st.binary(max_size=400))
def test_any_query_has_a_shape_without_its_values(raw: bytes) -> None:
    shape = query_shape(raw)
    assert all(len(name) <= 64 for name in shape.names)


@given(st.booleans(), st.from_regex(r"[0-9]{10}", fullmatch=True), uids)
def test_a_dicom_query_is_read_as_pydicom_wrote_it(implicit: bool, patient: str, study: str) -> None:
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.PatientID = patient
    asked.StudyInstanceUID = study
    asked.ReferencedStudySequence = pydicom.Sequence([Dataset()])
    stream = pydicom.filebase.DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = implicit, True
    write_dataset(stream, asked)
    shape = query_shape(stream.getvalue())
    assert (shape.patient, shape.study) == (patient, study)
    assert set(shape.names) == {f"{element.tag:08X}" for element in asked}
