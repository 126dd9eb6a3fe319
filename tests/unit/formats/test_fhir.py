"""FHIR AuditEvents in both directions, the BALP patterns, and the same in XML."""

import json
from dataclasses import replace
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from governance.audit import Authority, Event, Resource, Source, Subject
from governance.errors import InvalidInput
from governance.formats import Context, build_audit_event, bundle_entries, parse_audit_event, resource_from_xml
from governance.vocabulary import EventKind, Outcome, Purpose, SubjectType
from tests.worlds.audit_messages import GOLDEN, NHS, READ, STUDY
from tests.worlds.log import RECORDED

ABOUT = Resource(patient=NHS, study_uid=STUDY)
PATIENT = Resource(patient=NHS)


def only(name: str, context: Context) -> Event:
    (event,) = parse_audit_event(json.loads((GOLDEN / f"good/fhir/{name}.json").read_text()), context)
    return event


@pytest.mark.parametrize(
    ("name", "kind", "resource"),
    [
        ("balp-patient-read", EventKind.ACCESS, ABOUT),
        ("balp-patient-query", EventKind.QUERY, PATIENT),
        ("balp-privacy-disclosure-source", EventKind.EXPORT, ABOUT),
        ("balp-privacy-disclosure-recipient", EventKind.IMPORT, ABOUT),
        ("balp-authz-consent-permit", EventKind.DECISION, PATIENT),
        ("balp-authz-consent-deny", EventKind.DECISION, PATIENT),
        ("balp-token-use-comprehensive", EventKind.ACCESS, ABOUT),
        ("balp-iua-get-token", EventKind.TOKEN, None),
        ("outcome-not-stated", EventKind.ACCESS, ABOUT),
    ],
)
def test_a_pattern_becomes_its_event(name: str, kind: EventKind, resource: Resource | None, context: Context) -> None:
    event = only(name, context)
    assert (event.kind, event.resource) == (kind, resource)
    assert event.source == Source("vna-1", "RRK")


def test_a_read_names_the_user_the_client_and_the_request(context: Context) -> None:
    event = only("balp-patient-read", context)
    assert event.subject == Subject("jdoe", SubjectType.PRACTITIONER)
    assert event.destination == "viewer.example"
    assert event.detail["request_id"] == "76d148b6-586d-11ec-bf63-0242ac130002"


def test_a_query_keeps_its_parameters_names(context: Context) -> None:
    assert only("balp-patient-query", context).detail["query"] == ["patient.identifier", "_count"]


def test_a_disclosure_names_purpose_and_recipient(context: Context) -> None:
    event = only("balp-privacy-disclosure-source", context)
    assert (event.purpose, event.destination) == (Purpose.TREAT, "viewer.example")


def test_a_decision_names_agreement_token_and_the_organisation_asked_for(context: Context) -> None:
    event = only("balp-authz-consent-permit", context)
    assert event.authority == Authority(None, "c187cc48", "Consent/DSA-1")
    assert event.subject == Subject("jdoe", SubjectType.PRACTITIONER, ods="RKB")
    assert only("balp-authz-consent-deny", context).outcome is Outcome.SERIOUS


def test_a_token_in_use_is_named_by_its_id(context: Context) -> None:
    assert only("balp-token-use-comprehensive", context).authority.token_jti == "C187CC480FAC40A0"
    event = only("balp-iua-get-token", context)
    assert event.authority.token_jti == "c187cc48"
    assert event.subject == Subject("viewer-app", SubjectType.SERVICE)


def test_an_outcome_that_was_not_stated_is_said_to_be_so(context: Context) -> None:
    event = only("outcome-not-stated", context)
    assert (event.outcome, event.detail["outcome"]) == (Outcome.SUCCESS, "not stated")


def test_xml_says_the_same_as_json(context: Context) -> None:
    resource = resource_from_xml((GOLDEN / "good/fhir/patient-read.xml").read_bytes())
    (event,) = parse_audit_event(resource, context)
    assert (event.kind, event.resource) == (EventKind.ACCESS, PATIENT)
    assert event.subject == Subject("jdoe", SubjectType.PRACTITIONER)


@pytest.mark.parametrize(
    "raw",
    [
        b"<AuditEvent/>",
        b'<AuditEvent xmlns="urn:other"/>',
        b'<AuditEvent xmlns="http://hl7.org/fhir"><action value="R"/><action value="C"/></AuditEvent>',
        b'<AuditEvent xmlns="http://hl7.org/fhir">' + b"<extension>" * 30 + b"</extension>" * 30 + b"</AuditEvent>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><AuditEvent xmlns="http://hl7.org/fhir"/>',
    ],
    ids=["no-namespace", "other-namespace", "action-twice", "too-deep", "doctype"],
)
def test_unsafe_or_wrong_xml_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        resource_from_xml(raw)


@pytest.mark.parametrize("kind", list(EventKind))
def test_what_the_log_holds_reads_back_as_the_same_kind(kind: EventKind, context: Context) -> None:
    (event,) = parse_audit_event(build_audit_event(replace(RECORDED, kind=kind)), context)
    assert event.kind is kind
    assert event.subject == RECORDED.subject
    assert event.authority == RECORDED.authority
    assert (event.time, event.outcome, event.purpose) == (RECORDED.time, RECORDED.outcome, RECORDED.purpose)
    assert event.resource == Resource(patient="p-" + "b" * 26, study_uid="t-" + "c" * 26)


@pytest.mark.parametrize("kind", list(EventKind))
def test_what_goes_out_is_an_r4_audit_event(kind: EventKind) -> None:
    bare = replace(
        RECORDED, kind=kind, subject=None, resource=None, purpose=None, authority=Authority(), destination=None
    )
    for recorded in (replace(RECORDED, kind=kind), bare, replace(bare, source=Source("imaging-governance", ""))):
        resource = build_audit_event(recorded)
        AuditEvent.model_validate(resource)
        assert resource["agent"]
        assert resource["outcome"] in {"0", "4", "8", "12"}
        assert not list(empties(resource))


def empties(value: Any) -> Any:
    """Give every empty value: FHIR allows none (R4 section 2.6.1)."""
    if isinstance(value, dict):
        for each in value.values():
            yield from empties(each)
    elif isinstance(value, list):
        yield from ([value] if not value else [])
        for each in value:
            yield from empties(each)
    elif value in ("", None):
        yield value


@pytest.mark.parametrize(
    "bundle",
    [{}, {"resourceType": "Bundle", "type": "transaction"}, {"resourceType": "Bundle", "type": "batch", "entry": []}],
)
def test_only_a_batch_with_entries_is_taken(bundle: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        bundle_entries(bundle)


def test_a_batch_gives_its_resources_in_order() -> None:
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": READ}, {}]}
    assert bundle_entries(bundle) == [READ, None]
