"""The golden messages are what their script makes; every hostile one is refused by a fault that repeats nothing."""

import json
from pathlib import Path

import pytest

from governance.errors import InvalidInput
from governance.formats import Context, parse_audit_event, parse_message
from tests.golden.audit import build
from tests.worlds.audit_messages import GOLDEN, golden
from tests.worlds.basics import NOON
from tests.worlds.formats import parse_lines

OWN_NAME = "is this service's own name; a source reports under a name of its own"
EXPECTED = {
    "dicom/audit-source-missing": "/AuditSourceIdentification/AuditSourceID: is required",
    "dicom/declares-an-entity-bomb": ": declares a document type or an entity",
    "dicom/declares-an-external-entity": ": declares a document type or an entity",
    "dicom/encoding-unknown": ": is in a character encoding that is not read here",
    "dicom/ends-inside": ": is not well-formed XML (line 1, column 545)",
    "dicom/event-id-literal-eventidcode": "/event: has an event code that no event kind stands for",
    "dicom/event-id-missing": "/EventIdentification/EventID: needs a csd-code (or code)",
    "dicom/event-id-unknown": "/event: has an event code that no event kind stands for",
    "dicom/holds-a-nul": ": is not well-formed XML (line 1, column 276)",
    "dicom/is-another-document": ": is not an AuditMessage",
    "dicom/is-no-xml": ": is not well-formed XML (line 1, column 0)",
    "dicom/names-this-service-as-its-source": f"/source: {OWN_NAME}",
    "dicom/nests-ten-thousand-deep": "/EventIdentification: is required",
    "dicom/outcome-missing": "/EventIdentification/EventOutcomeIndicator: must be 0, 4, 8 or 12",
    "dicom/outcome-seven": "/EventIdentification/EventOutcomeIndicator: must be 0, 4, 8 or 12",
    "dicom/patient-id-too-long": "/object/patient: is longer than 128 characters with its assigner",
    "dicom/site-not-registered": (
        "/AuditSourceIdentification/AuditEnterpriseSiteID: "
        "names no registered trust, and the sender is registered for none"
    ),
    "dicom/time-far-ahead": ("/time: is more than 10 minutes ahead of the recorder's clock; check the source's clock"),
    "dicom/time-not-a-time": (
        "/EventIdentification/EventDateTime: must be a date and time such as 2026-11-24T12:00:00Z"
    ),
    "dicom/time-past-the-calendar": (
        "/EventIdentification/EventDateTime: must be a date and time such as 2026-11-24T12:00:00Z"
    ),
    "dicom/utf8-broken": ": is not well-formed XML (line 1, column 879)",
    "fhir/agent-missing": "/agent: must have at least one agent",
    "fhir/agent-not-a-list": "/agent: must be a list of objects",
    "fhir/agent-requestor-missing": "/agent/0/requestor: must be true or false",
    "fhir/entity-query-not-base64": "/entity/0/query: must be base64",
    "fhir/is-a-patient": "/resourceType: must be AuditEvent",
    "fhir/modifier-extension": "/modifierExtension: is not understood and may not be ignored",
    "fhir/names-this-service-as-its-source": f"/source: {OWN_NAME}",
    "fhir/outcome-99": "/outcome: must be 0, 4, 8 or 12",
    "fhir/outcome-a-number": "/outcome: must be 0, 4, 8 or 12",
    "fhir/r5-shape": "/type: is required",
    "fhir/recorded-far-ahead": (
        "/time: is more than 10 minutes ahead of the recorder's clock; check the source's clock"
    ),
    "fhir/recorded-without-offset": (
        "/recorded: must be an RFC 3339 time with its offset, such as 2026-11-24T12:00:00Z"
    ),
    "fhir/site-not-registered": ("/source/site: names no registered trust, and the sender is registered for none"),
    "fhir/source-missing": "/source: is required",
    "fhir/source-observer-nameless": (
        "/source/observer: must name the system that reports: identifier, display or reference"
    ),
    "fhir/type-a-string": "/type: must be an object",
    "fhir/type-unknown": "/event: has an event code that no event kind stands for",
    "native/array-ten-thousand-deep": "the line is not JSON that every reader reads alike",
    "native/bytes-negative": "/bytes: must be a whole number from 0 to 2^53 - 1",
    "native/bytes-past-2-to-the-53": "/bytes: must be a whole number from 0 to 2^53 - 1",
    "native/bytes-true": "/bytes: must be a whole number from 0 to 2^53 - 1",
    "native/bytes-with-5000-digits": "/bytes: is not a number that 64 bits hold",
    "native/field-given-twice": "the line is not JSON that every reader reads alike",
    "native/field-unknown": "/patient: is not a field of this feed",
    "native/id-holds-a-lone-surrogate": "/id: must be printable text of 1 to 128 characters",
    "native/id-holds-a-nul": "/id: must be printable text of 1 to 128 characters",
    "native/id-missing": "/id: is required",
    "native/instances-infinite": "/resource/instances: is not a number that 64 bits hold",
    "native/instances-nan": "the line is not JSON that every reader reads alike",
    "native/is-a-list": "the line is not a JSON object",
    "native/is-cut-off": "the line is not JSON that every reader reads alike",
    "native/is-no-json": "the line is not JSON that every reader reads alike",
    "native/kind-unknown": (
        "/kind: must be one of access, audit_read, break_glass, config, decision, delete, export, import, login, "
        "logout, node_auth, print, query, recording, security_alert, token"
    ),
    "native/line-over-64-kib": "the line is longer than 65536 bytes",
    "native/names-a-command-of-this-service-as-its-source": f"/source/id: {OWN_NAME}",
    "native/names-this-service-as-its-source": f"/source/id: {OWN_NAME}",
    "native/names-this-service-in-capitals": f"/source/id: {OWN_NAME}",
    "native/nhs-number-with-wrong-check-digit": (
        "/resource/patient: an NHS number is ten digits with a modulus-11 check digit"
    ),
    "native/object-a-thousand-deep": "the line is not JSON that every reader reads alike",
    "native/ods-in-small-letters": "/source/ods: an ODS code is 3 to 10 capital letters and digits",
    "native/outcome-twelve": "/outcome: must be one of major, minor, serious, success",
    "native/purpose-unknown": (
        "/purpose: must be one of BTG, CAREMGT, ETREAT, HLEGAL, HOPERAT, HQUALIMP, HRESCH, HSYSADMIN, PATRQT, PUBHLTH, "
        "TRAIN, TREAT"
    ),
    "native/resource-empty": "/resource/patient: a resource names a patient or a study_uid",
    "native/resource-missing": "/resource: is required",
    "native/subject-missing": "/subject: is required",
    "native/subject-type-unknown": "/subject/type: must be one of ai_service, practitioner, service",
    "native/time-far-ahead": ("/time: is more than 10 minutes ahead of the recorder's clock; check the source's clock"),
    "native/time-in-1900": "/time: is before 1990",
    "native/time-without-offset": "/time: must be an RFC 3339 time with its offset, such as 2026-11-24T12:00:00Z",
    "native/uid-with-leading-zero": (
        "/resource/study_uid: a DICOM UID is digits and dots, no component with a leading zero, 64 characters at most"
    ),
    "native/utf8-broken": "the line is not UTF-8",
}


def refusal(path: Path, context: Context) -> str:
    raw = path.read_bytes()
    if path.suffix == ".ndjson":
        parsed = parse_lines(raw, NOON)
        assert parsed.rows == ()
        return parsed.faults[0].reason
    with pytest.raises(InvalidInput) as caught:
        parse_message(raw, context) if path.suffix == ".xml" else parse_audit_event(json.loads(raw), context)
    return "; ".join(f"{fault.path}: {fault.message}" for fault in caught.value.faults)


def test_the_golden_files_are_what_their_script_makes() -> None:
    held = {str(path.relative_to(GOLDEN)): path.read_bytes() for path in GOLDEN.rglob("*") if path.is_file()}
    assert {name: raw for name, raw in held.items() if not name.endswith((".py", ".pyc"))} == build.files()


@pytest.mark.parametrize("kind", ["dicom", "fhir", "native"])
def test_every_hostile_message_is_refused_for_its_defect(kind: str, context: Context) -> None:
    found = {f"{kind}/{path.stem}": refusal(path, context) for path in golden(f"hostile/{kind}")}
    assert found == {name: reason for name, reason in EXPECTED.items() if name.startswith(f"{kind}/")}


@pytest.mark.parametrize("kind", ["dicom", "fhir", "native"])
def test_no_refusal_repeats_an_identifier(kind: str, context: Context) -> None:
    for path in golden(f"hostile/{kind}"):
        reason = refusal(path, context)
        assert not {build.NHS, build.STUDY, "jdoe", "9990000019", "Zoë"} & set(reason.replace(":", " ").split()), (
            path.stem
        )
