"""The region that the console tests look at: three trusts, four people, two agreements, one chain of each kind.

Everything goes in through the services' own use cases, so every pseudonym, signature, proof and link is a real one.
"""

import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from governance.agreements import Actor
from governance.agreements.rehearsal import new_signatories
from governance.agreements.signing import public_key_of, sign
from governance.alerts import Bar, Evidence, Finding, NewSuppression, Picture, Review, Viewer
from governance.audit.event import Authority, BreakGlass, Event, Resource, Source, Subject
from governance.bootstrap import Services
from governance.federation import IdentityProvider, Person, Trust
from governance.relationships import Edge, PatientContext
from governance.vocabulary import (
    AlertKind,
    EventKind,
    Outcome,
    Purpose,
    RelationshipKind,
    Role,
    Severity,
    SubjectType,
    Verdict,
)
from tests.peers.browser import Visit
from tests.worlds.agreements import document
from tests.worlds.facts import changing

BIRMINGHAM, COVENTRY, DUDLEY = "RRK", "RKB", "RNA"
TRUSTS = (
    Trust(BIRMINGHAM, "University Hospitals Birmingham"),
    Trust(COVENTRY, "University Hospitals Coventry and Warwickshire"),
    Trust(DUDLEY, "The Dudley Group"),
)
PATIENT, OTHER_PATIENT = "9990000018", "9990000026"
CLINICIAN, NOSY, STUDY, CONSOLE = "clinician-7731", "radiographer-0042", "1.2.826.0.1.3680043.8.498.1", "archive-rrk"
OFFICE = Actor("operator", "service", None)
OFFICER, OTHER_OFFICER, ANALYST, STRANGER = "Helen Sharpe", "Martin Croft", "Jas Gill", "Prof Idris Bello"
ASKED = "Dr Lucy Arden"  # a radiologist of Birmingham, without an account
PEOPLE = {
    OFFICER: ("ig.officer.rrk", BIRMINGHAM, Role.IG_OFFICER),
    OTHER_OFFICER: ("ig.officer.rkb", COVENTRY, Role.IG_OFFICER),
    ANALYST: ("soc.analyst.rrk", BIRMINGHAM, Role.SOC_ANALYST),
}
TRUST_OF = dict.fromkeys((OFFICER, ANALYST, STRANGER, ASKED), "University Hospitals Birmingham") | {
    OTHER_OFFICER: "University Hospitals Coventry and Warwickshire"
}


DAYS = Picture(
    "Studies opened on each of the last 14 days, against other radiographers.",
    "studies",
    tuple(Bar(f"{day} November", 31 if day == 24 else 4 + day % 3, 5.5) for day in range(11, 25)),
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """Where the tests find what was put in."""

    decision_index: int
    access_index: int
    bypass_index: int
    other_index: int
    alert: str
    bypass_alert: str
    closed_alert: str
    other_alert: str
    patient: str
    suppression: str


@dataclass(frozen=True, slots=True)
class Region:
    """The running service: where it is, what is inside, and what was put in."""

    address: str
    services: Services
    seeded: Seeded

    def looks(self) -> list[dict[str, object]]:
        """Give the details of every look at the audit so far, oldest first."""
        size, _ = self.services.infrastructure.audit.tree_head()
        events = self.services.infrastructure.audit.read(0, size)
        return [dict(event.detail) for event in events if event.kind is EventKind.AUDIT_READ]


def seed(services: Services, providers: dict[str, str], people: dict[str, tuple[str, str, Role]]) -> Seeded:
    """Fill an empty region.

    Args:
        services: of the application under test.
        providers: issuer by ODS code.
        people: (subject, ODS code, role) of each console account, by name.
    """
    _federation(services, providers, people)
    _agreements(services)
    now = services.infrastructure.clock.now()
    _worklist(services, now)
    decision, access, bypass, other = _events(services, now)
    alerts = _alerts(services, now, access, bypass, other)
    patient = services.infrastructure.pseudonymiser.patient(PATIENT)
    return Seeded(decision, access, bypass, other, *alerts, patient, _held_back(services, now, bypass))


def _held_back(services: Services, now: datetime, bypass: int) -> str:
    """Hold exports at Birmingham back, with a finding that was; tell a notice that waits for its review."""
    keyed = services.infrastructure.pseudonymiser
    owner, second = (Viewer(keyed.subject(name), BIRMINGHAM, person=True) for name in ("ig-earlier", "ig-second"))
    suppressions = services.uses.alerts.suppressions
    wanted = NewSuppression("The archive is moved this month.", now + timedelta(days=30), rule="mass_export")
    made = suppressions.set(owner, wanted)
    suppressions.approve(second, made.id)
    words = Evidence("exports_in_an_hour", 45, 3.2, 60, 21.0, "A radiographer exported 45 studies within an hour.")
    told = Evidence("emergency_access", 1, 0, 0, None, "Emergency access was used by a clinician.")
    facts: dict[str, Any] = {
        "severity": Severity.MEDIUM,
        "about": BIRMINGHAM,
        "occurred_at": now - timedelta(minutes=10),
        "events": (bypass + 2,),
        "trusts": (BIRMINGHAM,),
    }
    exports = Finding("mass_export", "mass_export", subject=keyed.subject(NOSY), evidence=(words,), **facts)
    glass = Finding(
        "break_glass_used",
        "break_glass",
        subject=keyed.subject(CLINICIAN),
        evidence=(told,),
        kind=AlertKind.NOTICE,
        review=Review(drawn=True, due=now + timedelta(days=14)),
        **facts,
    )
    with services.infrastructure.database.transaction() as session:
        services.uses.alerts.raise_findings(session, [exports, glass])
    return made.id


def _federation(services: Services, providers: dict[str, str], people: dict[str, tuple[str, str, Role]]) -> None:
    directory = services.registers.federation
    with services.infrastructure.database.transaction() as session:
        for trust in TRUSTS:
            directory.register_trust(session, trust)
        for ods, issuer in providers.items():
            audiences = (services.infrastructure.settings.console_client_id,)
            directory.register_identity_provider(session, IdentityProvider(issuer, ods, f"{issuer}/jwks", audiences))
        for subject, ods, role in people.values():
            directory.register_person(session, Person(providers[ods], subject, ods, frozenset({role})))


def _worklist(services: Services, now: datetime) -> None:
    """Put the patient on the clinician's worklist, so that the terms of today permit what was permitted."""
    subject, patient = (
        services.infrastructure.pseudonymiser.subject(CLINICIAN),
        services.infrastructure.pseudonymiser.patient(PATIENT),
    )
    since, until = now - timedelta(days=30), now + timedelta(days=30)
    edge = Edge("e-1", RelationshipKind.WORKLIST, subject, patient, None, BIRMINGHAM, since, until, "ris-rrk")
    with changing(services) as session:
        services.registers.relationships.upsert_patients(session, [PatientContext(patient)])
        services.registers.relationships.upsert_edges(session, [edge])


def _agreements(services: Services) -> None:
    today = services.infrastructure.clock.now().date()
    soon = document(
        {"/clauses/0/conditions/hours": None},
        title="Reporting pool of Birmingham and Coventry",
        effective={"from": "2026-01-01", "to": str(today + timedelta(days=24))},
        review_date=str(today + timedelta(days=5)),
    )
    suspended = document(
        id="ct-triage",
        title="Triage of head scans by an AI service",
        effective={"from": "2026-01-01", "to": str(today + timedelta(days=400))},
    )
    draft = copy.deepcopy(suspended) | {"id": "orthopaedic-referrals", "title": "Orthopaedic referrals"}
    signatories = new_signatories({BIRMINGHAM: "University Hospitals Birmingham", COVENTRY: "Coventry"})
    keys = {
        ods: services.registers.agreements.register_key(
            ods, one.name, one.role, public_key_of(one.private_key), OFFICE
        ).key_id
        for ods, one in signatories.items()
    }
    for record in services.registers.agreements.load([soon, suspended, draft], OFFICE)[:2]:
        name, version = record.agreement.id, record.agreement.version
        for ods, one in signatories.items():
            services.registers.agreements.sign(name, version, keys[ods], sign(record.text, one.private_key), OFFICE)
        services.registers.agreements.activate(name, version, OFFICE)
    services.registers.agreements.suspend("ct-triage", 1, OFFICE, "New version of the service is not approved yet")


def _events(services: Services, now: datetime) -> tuple[int, int, int, int]:
    resource = Resource(
        patient=PATIENT,
        study_uid=STUDY,
        instances=212,
        modality="CT",
        body_part="HEAD",
        study_date=date(2026, 11, 3),
        custodian=BIRMINGHAM,
    )
    clinician = Subject(CLINICIAN, SubjectType.PRACTITIONER, "clinician", COVENTRY, "Stroke unit", site="Walsgrave")
    nosy = Subject(NOSY, SubjectType.PRACTITIONER, "radiographer", BIRMINGHAM, "Imaging", site="Queen Elizabeth")
    chain = Authority("decision-0001", "token-0001", "two-trusts")
    answered: dict[str, Any] = {
        "action": "read",
        "agreement_version": 1,
        "asked_by": "viewer-rkb",
        "clause": "4.1",
        "obligations": ["watermark"],
        "permit": True,
        "reasons": ["agreement.permits"],
        "revision": "9f2c" * 16,
    }
    refused = answered | {"permit": False, "reasons": ["relationship.none"], "clause": None, "obligations": []}
    service, archive = Source("imaging-governance", COVENTRY), Source(CONSOLE, BIRMINGHAM)
    common: dict[str, Any] = {"outcome": Outcome.SUCCESS, "purpose": Purpose.TREAT, "resource": resource}
    events = [
        Event("decision-0001", now - timedelta(minutes=62), service, EventKind.DECISION, subject=clinician,
              authority=Authority("decision-0001", None, "two-trusts"), detail=answered, **common),
        Event("token-0001/minted", now - timedelta(minutes=62), service, EventKind.TOKEN, subject=clinician,
              authority=chain, detail={"audience": "https://pacs.rrk.example"}, **common),
        Event("a-1", now - timedelta(minutes=61), archive, EventKind.ACCESS, subject=clinician,
              authority=chain, **common),
        Event("a-2", now - timedelta(minutes=20), archive, EventKind.ACCESS, subject=nosy, **common),
        Event("decision-0002", now - timedelta(minutes=19), service, EventKind.DECISION, subject=nosy,
              authority=Authority("decision-0002"), detail=refused, **common | {"outcome": Outcome.MINOR}),
        Event("a-3", now - timedelta(minutes=12), archive, EventKind.EXPORT, subject=nosy, bytes=104_857_600,
              destination="usb-drive", **common),
        Event("a-4", now - timedelta(minutes=9), archive, EventKind.BREAK_GLASS, subject=clinician,
              break_glass=BreakGlass("Collapsed in resus"), **common),
        Event("b-1", now - timedelta(minutes=7), Source("archive-rna", DUDLEY), EventKind.ACCESS,
              subject=Subject("nurse-5", SubjectType.PRACTITIONER, "nurse", DUDLEY), outcome=Outcome.SUCCESS,
              resource=Resource(patient=OTHER_PATIENT, study_uid="1.2.3.4", modality="MR", custodian=DUDLEY)),
    ]  # fmt: skip
    first = Authority("decision-0000", "token-0000", "two-trusts")
    earlier = [
        Event("decision-0000", now - timedelta(days=3, minutes=31), service, EventKind.DECISION, subject=clinician,
              authority=first, detail=answered, **common),
        *(Event(f"old-{n}", now - timedelta(days=3, minutes=n), archive, EventKind.ACCESS, subject=clinician,
                authority=first, **common) for n in reversed(range(30))),
    ]  # fmt: skip
    services.infrastructure.audit.append(earlier)
    receipts = services.infrastructure.audit.append(events)
    indexes = [receipt.index for receipt in receipts]
    services.infrastructure.audit.sign_checkpoint()
    return indexes[0], indexes[2], indexes[3], indexes[7]


def _alerts(services: Services, now: datetime, access: int, bypass: int, other: int) -> tuple[str, str, str, str]:
    person, patient = services.infrastructure.pseudonymiser.subject, services.infrastructure.pseudonymiser.patient

    def found(rule: str, severity: Severity, who: str, whom: str, events: tuple[int, ...], trust: str, words: str,
              **links: Any) -> Finding:  # fmt: skip
        return Finding(
            rule_id=rule,
            family=rule,
            severity=severity,
            subject=person(who),
            about=patient(whom),
            occurred_at=now - timedelta(minutes=15),
            evidence=(Evidence(rule, 1, 0, 0, None, words),),
            events=events,
            patient=patient(whom),
            subjects=(person(who),),
            trusts=(trust,),
            **links,
        )

    findings = [
        found("break_glass_without_follow_up", Severity.MEDIUM, CLINICIAN, PATIENT,
              (access, access - 1, access - 2), BIRMINGHAM,
              "The emergency override was used and no care of this patient followed within 72 hours.",
              agreement_ids=("two-trusts",), decision_ids=("decision-0001",), token_jtis=("token-0001",)),
        found("access_without_decision", Severity.CRITICAL, NOSY, PATIENT, (bypass, bypass + 2), BIRMINGHAM,
              "A radiographer opened a CT head study and no decision allowed it.", picture=DAYS),
        found("self_access", Severity.HIGH, NOSY, OTHER_PATIENT, (bypass,), BIRMINGHAM,
              "Somebody opened a study of their own record."),
        found("decoy_record", Severity.CRITICAL, "nurse-5", OTHER_PATIENT, (other,), DUDLEY,
              "A record that no patient owns was opened."),
    ]  # fmt: skip
    with services.infrastructure.database.transaction() as session:
        raised = [done.alert for done in services.uses.alerts.raise_findings(session, findings)]
    reviewer = Viewer(person("ig-earlier"), BIRMINGHAM, person=True)
    services.uses.alerts.assign(reviewer, raised[2], reviewer.id)
    services.uses.alerts.close(reviewer, raised[2], Verdict.UNJUSTIFIED, "The manager confirmed there was no reason.")
    return raised[0], raised[1], raised[2], raised[3]


def sign_in(visit: Visit, name: str) -> None:
    """Sign in as somebody of the identity provider's list, from wherever the service sends one to sign in."""
    if "/console/sign-in" not in visit.page.url:
        visit.go("/console/sign-in")
    visit.page.get_by_role("link", name=TRUST_OF[name], exact=True).click()
    visit.page.get_by_role("radio", name=name).check()
    with visit.page.expect_navigation(
        url=lambda url: url.startswith(visit.address)
    ):  # back from the provider, whatever it said
        visit.page.get_by_role("button", name="Sign in").click()
