"""Rebuilds the golden audit messages beside this module: ``python -m tests.golden.audit.build``.

``good/`` holds one message for each dialect senders write, ``hostile/`` one for each defect, named for it.
"""

import json
from pathlib import Path

from tests.worlds.audit_messages import (
    ARCHIVE,
    CLIENT,
    CONSENT,
    COUNTS,
    DATA,
    DCM,
    FHIR_XML,
    FIND,
    HEAD,
    NHS,
    ORGANISATION,
    OTHER,
    PATIENT,
    QUERY,
    READ,
    READER,
    REST,
    SERVER,
    STUDY,
    TIME,
    TOKEN,
    USER,
    YEAR4,
    agent,
    audit_event,
    coded,
    concept,
    dicom_query,
    event,
    message,
    native,
    participant,
    patient,
    source,
    study,
)

HERE = Path(__file__).parent
GOOD_DICOM = {
    "instances-transferred-to-a-person": message(
        event("110104"), ARCHIVE, READER, source(), study(inner=COUNTS), patient()
    ),
    "rfc3881-code-and-displayname": message(
        event("110103", dialect="old"),
        '<ActiveParticipant UserID="jdoe" UserIsRequestor="true"/>',
        source(),
        study(),
        patient(NHS, dialect="old"),
    ),
    "audit-source-type-as-attribute": message(
        event("110103"),
        READER,
        '<AuditSourceIdentification code="1" AuditEnterpriseSiteID="RRK" AuditSourceID="openhim"/>',
        study(),
        patient(),
    ),
    "sop-class-directly-in-object": message(
        event("110103"),
        READER,
        source(),
        study(inner='<SOPClass UID="1.2.840.10008.5.1.4.1.1.2" NumberOfInstances="7"/>'),
        patient(),
    ),
    "root-in-a-namespace": message(event("110103"), READER, source(), study(), patient(), root="AuditMessage").replace(
        b"<AuditMessage>", b'<AuditMessage xmlns="urn:example">'
    ),
    "query-as-dicom-data-set": message(event("110112", action="E"), READER, source(), dicom_query(FIND)),
    "query-as-http-request": message(
        event("110112", action="E"),
        READER,
        source(),
        dicom_query(f"GET /dicom-web/studies?PatientID={NHS}&limit=5".encode()),
    ),
    "emergency-override-started": message(
        event(
            "110113",
            "110127",
            action="E",
            more="<EventOutcomeDescription>Trauma call, unconscious</EventOutcomeDescription>",
        ),
        READER,
        source(),
        patient(),
    ),
    "emergency-override-stopped": message(event("110113", "110138", action="E"), READER, source(), patient()),
    "login-that-failed": message(event("110114", "110122", action="E", outcome="4"), READER, source()),
    "export-to-film": message(
        event("110106"),
        READER,
        participant(
            "FILM1", "110154", inner=f"<MediaIdentifier>{coded('MediaType', '110010', 'Film')}</MediaIdentifier>"
        ),
        source(),
        study(),
        patient(),
    ),
    "two-studies-of-one-patient": message(event("110103"), READER, source(), study(), study(OTHER), patient()),
    "study-of-one-begun": message(event("110102", action="E"), ARCHIVE, READER, source(), study(), patient()),
    "study-deleted": message(event("110105", action="D"), READER, source(), study(), patient("P5^^^ISSUER")),
    "patient-called-none": message(event("110103"), READER, source(), study("unknown"), patient("&lt;none&gt;")),
    "time-without-offset": message(event("110103", time="2026-11-24T11:58:00"), READER, source(), study(), patient()),
    "ihe-year-4": f"{HEAD}{YEAR4}".encode(),
}
HOSTILE_DICOM = {
    "audit-source-missing": message(event("110103"), READER),
    "declares-an-entity-bomb": (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><AuditMessage>&c;</AuditMessage>'
    ),
    "declares-an-external-entity": (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><AuditMessage>&a;</AuditMessage>'
    ),
    "ends-inside": message(event("110103"), READER, source())[:-30],
    "event-id-missing": message(f'<EventIdentification EventDateTime="{TIME}"/>', READER, source()),
    "event-id-unknown": message(event("999999"), READER, source()),
    "event-id-literal-eventidcode": message(event("eventIDcode"), READER, source()),
    "holds-a-nul": message(event("110103"), READER, source()).replace(b"jdoe", b"jd\0oe"),
    "is-another-document": b"<html><body>hello</body></html>",
    "is-no-xml": b"hello",
    "nests-ten-thousand-deep": message("<a>" * 10_000, "</a>" * 10_000),
    "outcome-seven": message(event("110103", outcome="7"), READER, source(), study()),
    "outcome-missing": message(event("110103", outcome=""), READER, source(), study()),
    "patient-id-too-long": message(event("110103"), READER, source(), study(), patient("9" * 200)),
    "names-this-service-as-its-source": message(
        event("110103"), READER, source(name="imaging-governance"), study(), patient()
    ),
    "site-not-registered": message(event("110103"), READER, source(site="XXX"), study()),
    "time-far-ahead": message(event("110103", time="2027-11-24T11:58:00Z"), READER, source(), study()),
    "time-not-a-time": message(event("110103", time="yesterday"), READER, source(), study()),
    "time-past-the-calendar": message(event("110103", time="9999-12-31T23:59:59-14:00"), READER, source(), study()),
    "utf8-broken": message(event("110103"), READER, source(), patient()).replace("ë".encode(), b"\xff\xfe"),
    "encoding-unknown": message(event("110103"), READER, source(), head='<?xml version="1.0" encoding="x-klingon"?>'),
}
GOOD_FHIR = {
    "balp-patient-read": READ,
    "balp-patient-query": audit_event(
        "rest", "search", agents=[CLIENT, SERVER, USER], entities=[QUERY, PATIENT], action="E", system=REST
    ),
    "balp-privacy-disclosure-source": audit_event(
        "110106",
        "disclose",
        agents=[SERVER, CLIENT, USER],
        entities=[PATIENT, DATA],
        purposeOfEvent=[concept("http://terminology.hl7.org/CodeSystem/v3-ActReason", "TREAT")],
    ),
    "balp-privacy-disclosure-recipient": audit_event(
        "110107", "disclose", agents=[SERVER, CLIENT, USER], entities=[PATIENT, DATA], action="C"
    ),
    "balp-authz-consent-permit": audit_event(
        "110113", "AuthZ-Consent", agents=[USER, ORGANISATION], entities=[PATIENT, CONSENT, TOKEN], action="E"
    ),
    "balp-authz-consent-deny": audit_event(
        "110113",
        "AuthZ-Consent",
        agents=[USER, ORGANISATION],
        entities=[PATIENT, CONSENT],
        action="E",
        outcome="8",
        outcomeDesc="Consent denied access to this user",
    ),
    "balp-token-use-comprehensive": audit_event(
        "rest", "read", agents=[CLIENT, USER | {"policy": ["C187CC480FAC40A0"]}], entities=[PATIENT, DATA], system=REST
    ),
    "balp-iua-get-token": audit_event(
        "110114",
        "ITI-71",
        agents=[agent("110150", {"identifier": {"value": "viewer-app"}}, requestor=True)],
        entities=[TOKEN],
        action="E",
    ),
    "outcome-not-stated": {name: value for name, value in READ.items() if name != "outcome"},
}
HOSTILE_FHIR = {
    "agent-missing": READ | {"agent": []},
    "agent-not-a-list": READ | {"agent": {"requestor": True}},
    "agent-requestor-missing": READ | {"agent": [{"who": {"display": "x"}}]},
    "entity-query-not-base64": READ | {"entity": [QUERY | {"query": "%%%"}]},
    "is-a-patient": {"resourceType": "Patient"},
    "modifier-extension": READ | {"modifierExtension": [{"url": "https://example/ignored-if-true"}]},
    "outcome-99": READ | {"outcome": "99"},
    "outcome-a-number": READ | {"outcome": 0},
    "r5-shape": {name: value for name, value in READ.items() if name != "type"} | {"code": concept(DCM, "110103")},
    "recorded-far-ahead": READ | {"recorded": "2027-11-24T11:58:00Z"},
    "recorded-without-offset": READ | {"recorded": "2026-11-24T11:58:00"},
    "site-not-registered": READ | {"source": {"site": "XXX", "observer": {"display": "vna-1"}}},
    "names-this-service-as-its-source": READ
    | {"source": {"site": "RRK", "observer": {"display": "imaging-governance"}}},
    "source-missing": {name: value for name, value in READ.items() if name != "source"},
    "source-observer-nameless": READ | {"source": {"site": "RRK", "observer": {}}},
    "type-unknown": READ | {"type": {"code": "zzz"}},
    "type-a-string": READ | {"type": "rest"},
}
HOSTILE_NATIVE = {
    "array-ten-thousand-deep": b"[" * 10_000 + b"]" * 10_000,
    "bytes-negative": native(bytes=-1),
    "bytes-past-2-to-the-53": native(bytes=2**53),
    "bytes-true": native(bytes=True),
    "bytes-with-5000-digits": native(bytes=0).replace(b'"bytes": 0', b'"bytes": ' + b"9" * 5_000),
    "field-given-twice": native().replace(b'"kind": "access"', b'"kind": "access", "kind": "delete"'),
    "field-unknown": native(patient=NHS),
    "id-holds-a-nul": native(id="a\0b"),
    "id-holds-a-lone-surrogate": native().replace(b'"evt-1"', b'"\\ud800"'),
    "id-missing": native(id=None),
    "instances-infinite": native(resource={"study_uid": STUDY, "instances": 0}).replace(b": 0}", b": 1e999}"),
    "instances-nan": native(resource={"study_uid": STUDY, "instances": 0}).replace(b": 0}", b": NaN}"),
    "is-a-list": b"[1,2,3]",
    "is-cut-off": native()[:-20],
    "is-no-json": b"hello",
    "kind-unknown": native(kind="peek"),
    "line-over-64-kib": native(id="x" * 70_000),
    "names-a-command-of-this-service-as-its-source": native(source={"id": "imaging-governance-cli", "ods": "RRK"}),
    "names-this-service-as-its-source": native(source={"id": "imaging-governance", "ods": "RRK"}),
    "names-this-service-in-capitals": native(source={"id": " Imaging-Governance ", "ods": "RRK"}, kind="decision"),
    "nhs-number-with-wrong-check-digit": native(resource={"patient": "9990000019"}),
    "object-a-thousand-deep": b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    "ods-in-small-letters": native(source={"id": "vna-1", "ods": "rrk"}),
    "outcome-twelve": native(outcome=12),
    "purpose-unknown": native(purpose="CURIOSITY"),
    "resource-empty": native(resource={}),
    "resource-missing": native(resource=None),
    "subject-missing": native(subject=None),
    "subject-type-unknown": native(subject={"id": "jdoe", "type": "ghost"}),
    "time-far-ahead": native(time="2027-11-24T11:58:00Z"),
    "time-without-offset": native(time="2026-11-24T11:58:00"),
    "time-in-1900": native(time="1900-01-01T00:00:00Z"),
    "uid-with-leading-zero": native(resource={"study_uid": "1.02.3"}),
    "utf8-broken": native().replace(b"jdoe", b"jd\xff\xfeoe"),
}


def files() -> dict[str, bytes]:
    """Give every golden file by its path below this folder."""
    made = {f"good/dicom/{name}.xml": raw for name, raw in GOOD_DICOM.items()}
    made |= {f"hostile/dicom/{name}.xml": raw for name, raw in HOSTILE_DICOM.items()}
    made |= {f"good/fhir/{name}.json": text(value) for name, value in GOOD_FHIR.items()}
    made |= {f"hostile/fhir/{name}.json": text(value) for name, value in HOSTILE_FHIR.items()}
    made |= {f"hostile/native/{name}.ndjson": raw for name, raw in HOSTILE_NATIVE.items()}
    return made | {"good/fhir/patient-read.xml": FHIR_XML.encode(), "good/native/access.ndjson": native()}


def text(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


if __name__ == "__main__":
    for name, raw in files().items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
