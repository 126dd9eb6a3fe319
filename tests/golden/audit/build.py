"""Rebuilds the golden audit messages beside this script: ``python tests/golden/audit/build.py``.

``good/`` holds one message for each dialect senders write, ``hostile/`` one for each defect, named for it. All people,
numbers and places are made up; NHS numbers are of the 999 range.
"""

import base64
import json
from pathlib import Path

HERE = Path(__file__).parent
NHS = "9990000018"
STUDY = "1.2.826.0.1.3680043.8.498.10"
OTHER = "1.2.826.0.1.3680043.8.498.20"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
TIME = "2026-11-24T11:58:00.000Z"
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def coded(tag: str, code: str, text: str = "", system: str = "DCM", dialect: str = "current") -> str:
    names = ("csd-code", "originalText") if dialect == "current" else ("code", "displayName")
    return f'<{tag} {names[0]}="{code}" codeSystemName="{system}" {names[1]}="{text}"/>'


def event(
    code: str,
    *types: str,
    action: str = "R",
    outcome: str = "0",
    time: str = TIME,
    dialect: str = "current",
    more: str = "",
) -> str:
    inner = coded("EventID", code, dialect=dialect) + "".join(
        coded("EventTypeCode", each, dialect=dialect) for each in types
    )
    return (
        f'<EventIdentification EventActionCode="{action}" EventDateTime="{time}" EventOutcomeIndicator="{outcome}">'
        f"{inner}{more}</EventIdentification>"
    )


def source(site: str | None = "RRK", name: str = "vna-1", inner: str = "") -> str:
    where = f' AuditEnterpriseSiteID="{site}"' if site else ""
    return f'<AuditSourceIdentification{where} AuditSourceID="{name}">{inner}</AuditSourceIdentification>'


def participant(user: str, *roles: str, requestor: bool = False, more: str = "", inner: str = "") -> str:
    codes = "".join(coded("RoleIDCode", role) for role in roles)
    asked = str(requestor).lower()
    return f'<ActiveParticipant UserID="{user}" UserIsRequestor="{asked}"{more}>{codes}{inner}</ActiveParticipant>'


def study(uid: str = STUDY, inner: str = "") -> str:
    return (
        f'<ParticipantObjectIdentification ParticipantObjectID="{uid}" ParticipantObjectTypeCode="2" '
        f'ParticipantObjectTypeCodeRole="3">{coded("ParticipantObjectIDTypeCode", "110180", "Study Instance UID")}'
        f"{inner}</ParticipantObjectIdentification>"
    )


def patient(identifier: str = f"{NHS}^^^NHS&amp;2.16.840.1.113883.2.1.4.1&amp;ISO", dialect: str = "current") -> str:
    kind = coded("ParticipantObjectIDTypeCode", "2", "Patient Number", "RFC-3881", dialect)
    return (
        f'<ParticipantObjectIdentification ParticipantObjectID="{identifier}" ParticipantObjectTypeCode="1" '
        f'ParticipantObjectTypeCodeRole="1">{kind}<ParticipantObjectName>Example^Zoë</ParticipantObjectName>'
        "</ParticipantObjectIdentification>"
    )


def message(*parts: str, head: str = HEAD, root: str = "AuditMessage") -> bytes:
    return f"{head}<{root}>{''.join(parts)}</{root}>".encode()


PERSON = ' UserTypeCode="1" NetworkAccessPointID="WS-12" NetworkAccessPointTypeCode="1"'
ARCHIVE = participant("VNA", "110153", more=' UserTypeCode="2" AlternativeUserID="AETITLES=VNA;VNA2"')
READER = participant("jdoe", "110152", requestor=True, more=PERSON)
COUNTS = (
    "<ParticipantObjectDescription>"
    '<SOPClass UID="1.2.840.10008.5.1.4.1.1.2" NumberOfInstances="40"/>'
    '<SOPClass UID="1.2.840.10008.5.1.4.1.1.88.67" NumberOfInstances="2"/>'
    "</ParticipantObjectDescription>"
)
# A C-FIND identifier in implicit VR little endian: QueryRetrieveLevel STUDY, PatientID, StudyInstanceUID (no value).
FIND = (
    b"\x08\x00\x52\x00\x06\x00\x00\x00STUDY "
    b"\x10\x00\x20\x00\x0a\x00\x00\x00" + NHS.encode() + b"\x20\x00\x0d\x00\x00\x00\x00\x00"
)


def dicom_query(raw: bytes) -> str:
    return (
        '<ParticipantObjectIdentification ParticipantObjectID="1.2.840.10008.5.1.4.1.2.2.1" '
        'ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="3">'
        f"{coded('ParticipantObjectIDTypeCode', '110181', 'SOP Class UID')}"
        f"<ParticipantObjectQuery>{b64(raw)}</ParticipantObjectQuery></ParticipantObjectIdentification>"
    )


YEAR4 = (
    "<IHEYr4><InstancesSent><RNode><IP>10.1.2.3</IP><Hname>ws12</Hname><AET>VIEWER</AET></RNode>"
    "<InstanceActionDescription><ObjectAction>Access</ObjectAction><User><LocalUser>jdoe</LocalUser></User>"
    f"<Patient><PatientID>{NHS}</PatientID><PatientName>Example^Zoë</PatientName></Patient><SUID>{STUDY}</SUID>"
    f"</InstanceActionDescription></InstancesSent><Host>vna-1</Host><TimeStamp>{TIME}</TimeStamp></IHEYr4>"
)

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


def concept(system: str, code: str) -> dict:
    return {"coding": [{"system": system, "code": code}]}


def agent(code: str, user: dict, *, requestor: bool = False, system: str = DCM, **more: object) -> dict:
    return {"type": concept(system, code), "who": user, "requestor": requestor, **more}


CLIENT = agent("110152", {"display": "viewer.example"}, network={"address": "10.1.2.3", "type": "2"})
SERVER = agent("110153", {"reference": "Device/vna"}, network={"address": "https://vna.example/fhir", "type": "5"})
V3 = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
USER = agent("IRCP", {"identifier": {"system": "https://idp.example", "value": "jdoe"}}, requestor=True, system=V3)
ORGANISATION = agent(
    "PROV",
    {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "RKB"}},
    system="http://terminology.hl7.org/CodeSystem/v3-RoleClass",
)
PATIENT = {
    "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "1"},
    "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"},
    "what": {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS}},
}
DATA = {
    "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "2"},
    "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "4"},
    "what": {"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY}"}},
}
REQUEST_ID = {
    "type": {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId"},
    "what": {"identifier": {"value": "76d148b6-586d-11ec-bf63-0242ac130002"}},
}
CONSENT = {
    "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Consent"},
    "what": {"reference": "Consent/DSA-1"},
}
TOKEN = {
    "type": {"code": "UserOauthAgent"},
    "what": {"identifier": {"value": "urn:ietf:params:oauth:jti:c187cc48"}},
}
RAW_QUERY = f"GET fhir.example/ImagingStudy?patient.identifier={NHS}&_count=10\nAccept: application/fhir+json\n"
QUERY = {
    "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "2"},
    "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "24"},
    "query": b64(RAW_QUERY.encode()),
}


def audit_event(
    code: str,
    *subtypes: str,
    agents: list[dict],
    entities: list[dict],
    action: str = "R",
    system: str = DCM,
    **more: object,
) -> dict:
    return {
        "resourceType": "AuditEvent",
        "type": {"system": system, "code": code},
        "subtype": [{"code": each} for each in subtypes],
        "action": action,
        "recorded": TIME,
        "outcome": "0",
        "agent": agents,
        "source": {"site": "RRK", "observer": {"display": "vna-1"}},
        "entity": entities,
    } | more


REST = "http://terminology.hl7.org/CodeSystem/audit-event-type"
READ = audit_event("rest", "read", agents=[CLIENT, SERVER, USER], entities=[PATIENT, DATA, REQUEST_ID], system=REST)
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

FHIR_XML = f"""<AuditEvent xmlns="http://hl7.org/fhir"><type><system value="{REST}"/><code value="rest"/></type>
<subtype><code value="read"/></subtype><action value="R"/><recorded value="{TIME}"/><outcome value="0"/>
<agent><type><coding><system value="{V3}"/><code value="IRCP"/></coding></type>
<who><identifier><value value="jdoe"/></identifier></who><requestor value="true"/></agent>
<source><site value="RRK"/><observer><display value="vna-1"/></observer></source>
<entity><what><identifier><system value="https://fhir.nhs.uk/Id/nhs-number"/><value value="{NHS}"/></identifier></what>
<type><code value="1"/></type><role><code value="1"/></role></entity></AuditEvent>"""

NATIVE = {
    "id": "evt-1",
    "time": TIME,
    "source": {"id": "vna-1", "ods": "RRK"},
    "kind": "access",
    "outcome": "success",
    "subject": {"id": "jdoe", "type": "practitioner", "role": "consultant_radiologist", "ods": "RKB"},
    "purpose": "TREAT",
    "resource": {"study_uid": STUDY, "modality": "CT", "patient": NHS, "custodian": "RRK"},
    "authority": {"decision_id": "d-1", "token_jti": "j-1", "agreement_id": "A-1"},
}


def native(**changes: object) -> bytes:
    return json.dumps({name: value for name, value in (NATIVE | changes).items() if value is not None}).encode()


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
