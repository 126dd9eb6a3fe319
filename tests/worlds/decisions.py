"""A small region in a real database: two trusts, a radiologist, an AI service, a study, an order."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from sqlmodel import Session

from governance.catalogue import Catalogue, Study
from governance.decisions import AccessRequest, Decision, DecisionService, PolicyInformationPoint, RequestSubject
from governance.decisions.engine import Engine
from governance.federation import FederationDirectory, StaffMember
from governance.pseudonyms import Pseudonymiser
from governance.relationships import Edge, Relationships
from governance.storage import Database
from governance.vocabulary import Action, Purpose, RelationshipKind, SubjectType

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STUDY_UID = "1.2.826.0.1.3680043.10.1"
NHS_NUMBER = "9990000018"
USER = "555021935107"
PERSON = RequestSubject(USER, SubjectType.PRACTITIONER, "consultant_radiologist", "RKB", 3, managed_device=True)
AI = RequestSubject("ich-triage", SubjectType.AI_SERVICE, "ai_service", "RKB", version="2.1.0")
KEY = {"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256"}
POINT = {
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}  # RFC 7515 appendix A.3.1


@dataclass(frozen=True)
class Region:
    """The rooms that attributes come from, over one database."""

    database: Database
    federation: FederationDirectory
    catalogue: Catalogue
    relationships: Relationships
    pseudonymiser: Pseudonymiser
    information: PolicyInformationPoint

    @property
    def patient(self) -> str:
        return self.pseudonymiser.patient(NHS_NUMBER)

    def change(self, write: Callable[[Session], object]) -> None:
        with self.database.transaction() as session:
            write(session)

    def gather(self, request: AccessRequest, now: datetime = NOW) -> dict[str, Any]:
        with self.database.reading() as session:
            return dict(self.information.gather(request, session, now))

    def decide(self, engine: Engine, request: AccessRequest, now: datetime = NOW) -> Decision:
        ids = (f"d-{number}" for number in count(1))
        with self.database.reading() as session:
            return DecisionService(engine, self.information).decide(request, session, now, lambda: next(ids))

    def study(self, **changes: Any) -> Study:
        uid = changes.pop("study_uid", STUDY_UID)
        base = Study(uid, self.pseudonymiser.study(uid), ("RRK",), self.patient, "CT", "HEAD", date(2026, 11, 14))
        return replace(base, **changes)

    def edge(self, **changes: Any) -> Edge:
        base = Edge(
            id="o-1",
            kind=RelationshipKind.ORDER,
            subject=self.pseudonymiser.subject(USER),
            patient=self.patient,
            study=None,
            ods="RKB",
            valid_from=NOW - timedelta(days=3),
            valid_until=NOW + timedelta(days=30),
            source="orders",
        )
        return replace(base, **changes)

    def staff(self, **changes: Any) -> StaffMember:
        base = StaffMember(
            id=self.pseudonymiser.subject(USER),
            ods="RKB",
            role="consultant_radiologist",
            team_ids=("neuro",),
            training_valid_to=date(2027, 1, 1),
        )
        return replace(base, **changes)


def asking(**changes: Any) -> AccessRequest:
    """Give the base request, changed."""
    return replace(AccessRequest(PERSON, Action.READ, Purpose.TREAT, STUDY_UID), **changes)
