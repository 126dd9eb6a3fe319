"""Each dialect of DICOM audit message becomes the event it tells of."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from governance.audit import BreakGlass, Event, Resource, Source, Subject
from governance.errors import InvalidInput
from governance.formats import Context, parse_message
from governance.pseudonyms import Pseudonymiser
from governance.vocabulary import EventKind, Outcome, SubjectType
from tests.worlds.audit_messages import GOLDEN, NHS, OTHER, STUDY, message, patient, source, study
from tests.worlds.audit_messages import event as event_part
from tests.worlds.basics import NOON
from tests.worlds.formats import context_of

READER = Subject("jdoe", SubjectType.PRACTITIONER, device="WS-12")
ABOUT = Resource(patient=NHS, study_uid=STUDY)


def read(name: str, context: Context) -> tuple[Event, ...]:
    return parse_message((GOLDEN / f"good/dicom/{name}.xml").read_bytes(), context)


def only(name: str, context: Context) -> Event:
    (event,) = read(name, context)
    return event


@pytest.mark.parametrize(
    ("name", "kind", "resource"),
    [
        ("instances-transferred-to-a-person", EventKind.ACCESS, replace(ABOUT, instances=42)),
        ("rfc3881-code-and-displayname", EventKind.ACCESS, ABOUT),
        ("audit-source-type-as-attribute", EventKind.ACCESS, ABOUT),
        ("sop-class-directly-in-object", EventKind.ACCESS, replace(ABOUT, instances=7)),
        ("root-in-a-namespace", EventKind.ACCESS, ABOUT),
        ("query-as-dicom-data-set", EventKind.QUERY, Resource(patient=NHS)),
        ("query-as-http-request", EventKind.QUERY, Resource(patient=NHS)),
        ("emergency-override-started", EventKind.BREAK_GLASS, Resource(patient=NHS)),
        ("emergency-override-stopped", EventKind.BREAK_GLASS, Resource(patient=NHS)),
        ("login-that-failed", EventKind.LOGIN, None),
        ("export-to-film", EventKind.PRINT, ABOUT),
        ("study-of-one-begun", EventKind.ACCESS, ABOUT),
        ("study-deleted", EventKind.DELETE, Resource(patient="P5^^^ISSUER", study_uid=STUDY)),
        ("patient-called-none", EventKind.ACCESS, None),
        ("time-without-offset", EventKind.ACCESS, ABOUT),
        ("ihe-year-4", EventKind.ACCESS, ABOUT),
    ],
)
def test_a_dialect_becomes_its_event(
    name: str, kind: EventKind, resource: Resource | None, context: Context, pseudonymiser: Pseudonymiser
) -> None:
    known = context_of(pseudonymiser, NOON, sources={"vna-1": "RRK"})
    event = only(name, context if name != "ihe-year-4" else known)
    assert (event.kind, event.resource) == (kind, resource)
    assert event.time == datetime(2026, 11, 24, 11, 58, tzinfo=UTC)
    assert event.source.ods == "RRK"
    assert event.subject is not None
    assert (event.subject.id, event.subject.type) == ("jdoe", SubjectType.PRACTITIONER)


def test_the_person_who_asked_is_the_subject_and_names_of_people_are_left_behind(context: Context) -> None:
    event = only("instances-transferred-to-a-person", context)
    assert event.subject == READER
    assert event.source == Source("vna-1", "RRK")
    assert event.detail == {"format": "dicom", "event_code": "110104", "action": "R"}
    assert "Zoë" not in repr(event)


def test_an_outcome_is_kept(context: Context) -> None:
    assert only("login-that-failed", context).outcome is Outcome.MINOR


def test_an_override_keeps_the_reason_given(context: Context) -> None:
    assert only("emergency-override-started", context).break_glass == BreakGlass("Trauma call, unconscious")
    assert only("emergency-override-stopped", context).break_glass == BreakGlass("emergency override stopped")


def test_a_query_keeps_the_names_of_its_keys_and_no_value(context: Context) -> None:
    assert only("query-as-dicom-data-set", context).detail["query"] == ["00080052", "00100020", "0020000D"]
    event = only("query-as-http-request", context)
    assert event.detail["query"] == ["PatientID", "limit"]
    assert NHS not in str(event.detail)


def test_media_are_the_destination(context: Context) -> None:
    assert only("export-to-film", context).destination == "FILM1"


def test_a_begun_transfer_can_be_told_from_a_finished_one(context: Context) -> None:
    assert only("study-of-one-begun", context).detail["phase"] == "begun"
    assert "phase" not in only("instances-transferred-to-a-person", context).detail


def test_an_assumed_time_zone_is_said(context: Context) -> None:
    assert only("time-without-offset", context).detail["time_zone"] == "assumed"


def test_two_studies_are_two_events_with_names_of_their_own(context: Context) -> None:
    first, second = read("two-studies-of-one-patient", context)
    assert [each.resource and each.resource.study_uid for each in (first, second)] == [STUDY, OTHER]
    assert {each.resource and each.resource.patient for each in (first, second)} == {NHS}
    assert second.id == f"{first.id}.2"


def test_the_same_bytes_have_the_same_name_and_other_bytes_another(context: Context) -> None:
    raw = (GOLDEN / "good/dicom/study-deleted.xml").read_bytes()
    (first,), (again,), (other,) = (
        parse_message(each, context) for each in (raw, raw, raw.replace(b"58:00", b"58:01"))
    )
    assert first == again
    assert first.id != other.id
    assert first.id.startswith("m-")


def test_a_sender_bound_to_a_trust_may_leave_its_site_out_and_not_name_another(pseudonymiser: Pseudonymiser) -> None:
    bound = context_of(pseudonymiser, NOON, ods="RRK")
    (event,) = parse_message(message(event_part("110103"), source(site=None), study()), bound)
    assert event.source.ods == "RRK"
    with pytest.raises(InvalidInput) as caught:
        parse_message(message(event_part("110103"), source(site="RKB"), study()), bound)
    assert caught.value.faults[0].path == "/AuditSourceIdentification/AuditEnterpriseSiteID"


def test_a_local_number_without_assigner_belongs_to_the_trust_that_sent_it(context: Context) -> None:
    (event,) = parse_message(message(event_part("110103"), source(), study(), patient("12345")), context)
    assert event.resource is not None
    assert event.resource.patient == "12345^^^RRK"


def test_a_number_that_another_assigner_gave_is_no_nhs_number(context: Context) -> None:
    (event,) = parse_message(message(event_part("110103"), source(), patient(f"{NHS}^^^HOSP")), context)
    assert event.resource is not None
    assert event.resource.patient == f"{NHS}^^^HOSP"


def test_a_message_about_hundreds_of_studies_is_refused(context: Context) -> None:
    studies = [study(f"{STUDY}.{number}") for number in range(101)]
    with pytest.raises(InvalidInput) as caught:
        parse_message(message(event_part("110103"), source(), *studies), context)
    assert caught.value.faults[0].message == "names more than 100 studies and patients"


def test_a_message_over_the_limit_is_not_parsed(context: Context) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_message(b"<AuditMessage>" + b" " * 1024 * 1024, context)
    assert caught.value.faults[0].message == "is longer than 1048576 bytes"
