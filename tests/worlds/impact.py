"""A little world of impact: two trusts under one agreement, and decisions about their people in a real log."""

import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from governance.access import AccessAnswer, PresentedDenial, Wanted
from governance.agreements import InForce, Moved, Record
from governance.agreements.documents import check
from governance.agreements.rehearsal import new_signatories, rehearse
from governance.bootstrap import Services
from governance.catalogue import Study
from governance.clock import FixedClock
from governance.decisions import AccessRequest, RequestSubject
from governance.emergency import Grant
from governance.federation import AiManifest, ServiceClient, StaffMember, Trust
from governance.impact import ImpactReport, Question
from governance.relationships import Edge, PatientContext
from governance.vocabulary import Action, Attestation, Purpose, RelationshipKind, SubjectType
from tests.worlds.agreements import OFFICE, document
from tests.worlds.tokens import KeyPair

AGREEMENT = "two-trusts"
_CLAUSE: dict[str, Any] = {
    "/clauses/0/recipients": {
        "roles": ["clinician"],
        "ai_services": [
            {"id": "ich-triage", "versions": ["2.1.0"], "modalities": ["CT"], "body_parts": ["*"], "daily_volume": 3}
        ],
    },
    "/clauses/0/conditions": {
        "identity_assurance": 2,
        "managed_device": False,
        "relationship": "required",
        "training": True,
    },
    "/clauses/0/token": {"seconds": 60, "act_depth": 0},
}


@dataclass(frozen=True, slots=True)
class _Asker:
    id: str = "viewer-rkb"
    ods: str | None = "RKB"


def terms(changes: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Give the world's agreement, changed."""
    return document(copy.deepcopy({**_CLAUSE, **(changes or {})}), **fields)


def draft(changes: dict[str, Any] | None = None, **fields: Any) -> InForce:
    """Suppose the world's agreement, changed, in force."""
    return InForce(check(terms(changes, **fields)).agreement)


def _role(user: str) -> str:
    return "nurse" if user == "nurse" else "clinician"


class ImpactWorld:
    """The services of a process, filled: clinicians and nurses of RKB, and studies of RRK."""

    def __init__(self, services: Services, clock: FixedClock) -> None:
        self.services = services
        self.clock = clock
        self.began = clock.now()
        self._fill()
        (self.record,) = self.agree(terms())

    def agree(self, *documents: dict[str, Any]) -> tuple[Record, ...]:
        """Bring documents into force, signed by everybody."""
        signatories = new_signatories({"RRK": "RRK", "RKB": "RKB"})
        return rehearse(self.services.registers.agreements, documents, signatories, OFFICE)

    def ask(
        self,
        user: str = "clinician",
        study: str | None = "1.2.1",
        role: str | None = None,
        kind: SubjectType = SubjectType.PRACTITIONER,
        assurance: int | None = 3,
        **request: Any,
    ) -> AccessAnswer:
        """Ask for a decision and let a minute pass."""
        subject = RequestSubject(user, kind, role or user.split(".")[0], "RKB", assurance)
        asked: dict[str, Any] = {"action": Action.READ, "purpose": Purpose.TREAT} | request
        answer = self.services.uses.access.evaluate(AccessRequest(subject, study_uid=study, **asked), _Asker())
        self.clock.advance(timedelta(minutes=1))
        return answer

    def emergency(self, user: str, study: str = "1.2.1") -> Grant:
        """Have somebody denied, and given the minutes of the clause for a reason."""
        subject = RequestSubject(user, SubjectType.PRACTITIONER, user.split(".")[0], "RKB", 3)
        asked = AccessRequest(subject, Action.READ, Purpose.TREAT, study_uid=study)
        answer = self.services.uses.access.evaluate(asked, _Asker())
        offer = self.services.uses.access_requests.offer(answer, _Asker())
        assert offer is not None
        denial = PresentedDenial(offer.expires_at, binding_token=offer.binding_token)
        return self.services.uses.access_requests.submit(Wanted(asked, denial, "arrest", None, None, "0"), _Asker())

    def suppose(self, *changes: InForce | Moved, **question: Any) -> ImpactReport:
        """Analyse changes over everything that was asked so far."""
        asked: dict[str, Any] = {"since": self.began, "until": self.clock.now()} | question
        return self.services.uses.impact.analyse(Question(changes, **asked))

    def move_on(self, **span: float) -> datetime:
        """Let time pass."""
        self.clock.advance(timedelta(**span))
        return self.clock.now()

    def _fill(self) -> None:
        made, names = self.services, self.services.infrastructure.pseudonymiser
        patient = names.patient("9990000018")
        key = {"keys": [KeyPair.ec("k1").public]}
        with made.infrastructure.database.transaction() as session:
            for ods in ("RKB", "RRK", "QHL"):
                made.registers.federation.register_trust(session, Trust(ods, f"Trust {ods}"))
            users = ("clinician", "clinician.two", "nurse", "stale")
            trained = {user: date(2026, 1, 1) if user == "stale" else date(2027, 1, 1) for user in users}
            made.registers.federation.upsert_staff(
                session,
                [StaffMember(names.subject(u), "RKB", _role(u), training_valid_to=trained[u]) for u in users],
            )
            viewer = ServiceClient("viewer-rkb", "RKB", "Viewer", SubjectType.SERVICE, key)
            made.registers.federation.register_client(session, replace(viewer, attests=frozenset(Attestation)))
            service = ServiceClient("ich-triage", "RKB", "Triage", SubjectType.AI_SERVICE, key, ai_version="2.1.0")
            made.registers.federation.register_client(session, service)
            covers = [frozenset({word}) for word in ("CT", "HEAD", "RRK")]
            manifest = AiManifest("ich-triage", "2.1.0", *covers, frozenset({Purpose.TREAT}), 100)
            made.registers.federation.register_manifest(session, manifest)
            made.registers.federation.approve_manifest(session, "ich-triage", "2.1.0", self.began - timedelta(days=1))
            made.registers.catalogue.upsert(
                session,
                [
                    Study(uid, names.study(uid), ("RRK",), patient, modality, "HEAD", date(2026, 11, 14), labels)
                    for uid, modality, labels in (
                        ("1.2.1", "CT", frozenset[str]()),
                        ("1.2.2", "US", frozenset[str]()),
                        ("1.2.3", "CT", frozenset({"sensitive"})),
                    )
                ],
            )
            made.registers.relationships.upsert_patients(session, [PatientContext(patient)])
            made.registers.relationships.upsert_edges(
                session, [self.edge(user, patient) for user in ("clinician", "nurse", "stale", "ich-triage")]
            )

    def edge(self, user: str, patient: str, **changes: Any) -> Edge:
        """Give somebody a worklist entry for the patient."""
        begins: datetime = changes.get("valid_from", self.began - timedelta(days=3))
        ends: datetime | None = changes.get("valid_until")
        subject = self.services.infrastructure.pseudonymiser.subject(user)
        return Edge(f"e-{user}", RelationshipKind.WORKLIST, subject, patient, None, "RRK", begins, ends, "ris-rrk")
