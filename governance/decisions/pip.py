"""The policy information point: every attribute a decision needs, gathered once, from one snapshot.

Rules:

1. An attribute that is not known is null. It is never left out, and nothing replaces it.
2. A service or a person counts as known only as registered: a service in its own organisation and of its own kind, a
   member of staff of the organisation they act for who has not left. A verified token may name another organisation
   to act for: the person stays who they are. Whoever is called the same elsewhere is somebody else. An AI service is
   approved in the version it is registered to run alone.
3. A patient named beside a study must be the study's patient; otherwise the study counts as unknown.
4. The instant of the request decides what is valid. Hours and ages follow the calendar of Europe/London.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlmodel import Session

from governance.catalogue import Catalogue, Study
from governance.clock import LONDON
from governance.decisions.holders import holders_of
from governance.decisions.request import AccessRequest, RequestSubject
from governance.emergency import Grant, Scope
from governance.federation import AiManifest, FederationDirectory, StaffMember
from governance.pseudonyms import Pseudonymiser
from governance.relationships import Between, Edge, Holder, KnownPatient, Relationships
from governance.storage.snapshot import cached
from governance.vocabulary import SubjectType

PolicyInput: TypeAlias = Mapping[str, Any]
ReadsToday: TypeAlias = Callable[[Session, str, datetime], int]
GrantsHeld: TypeAlias = Callable[[Session, Scope, datetime], Sequence[Grant]]


class PolicyInformationPoint:
    """Gathers the attributes of one request.

    Args:
        federation: knows organisations, staff, services and manifests.
        catalogue: knows studies.
        relationships: knows edges and patients.
        pseudonymiser: turns identifiers of people into pseudonyms; the policy never sees a person's own.
        reads_today: counts the studies an AI service read on the day of an instant, by client id.
        grants: finds the emergency grants that run for a scope; without it nobody holds one.
    """

    def __init__(
        self,
        *,
        federation: FederationDirectory,
        catalogue: Catalogue,
        relationships: Relationships,
        pseudonymiser: Pseudonymiser,
        reads_today: ReadsToday,
        grants: GrantsHeld | None = None,
    ) -> None:
        self._federation = federation
        self._catalogue = catalogue
        self._relationships = relationships
        self._pseudonymiser = pseudonymiser
        self._reads_today = reads_today
        self._grants = grants

    def gather(self, request: AccessRequest, session: Session, now: datetime) -> PolicyInput:
        """Give the policy input of a request.

        Args:
            request: what is asked.
            session: a read snapshot.
            now: the instant of the request, aware.
        """
        local = now.astimezone(LONDON)
        study, patient, custodians = self._resource(request, session)
        subject, holders = self._subject(request.subject, session, now)
        return {
            "time": {"epoch": int(now.timestamp()), "minute_of_day": local.hour * 60 + local.minute},
            "subject": subject,
            "action": request.action.value,
            "purpose": request.purpose.value,
            "resource": {
                "known": study is not None,
                "custodians": list(custodians),
                "modality": study.modality if study else None,
                "body_part": study.body_part if study else None,
                "age_days": (local.date() - study.study_date).days if study else None,
                "labels": sorted(study.labels) if study else [],
                "patient_known": patient is not None,
            },
            "patient": {"opt_out": self._opt_out(patient, session, now)},
            "relationships": [
                tie_terms(edge, study, now)
                for edge in self._relationships.edges_between(
                    session, _between(holders, study, patient, custodians), now
                )
            ],
            "context": {
                "break_glass_reason": request.break_glass_reason,
                "self_claim_reason": request.self_claim_reason,
            },
            "grants": self._held(request, subject["id"], study, session, now),
        }

    def prepare(self, requests: Collection[AccessRequest], session: Session, now: datetime) -> None:
        """Read in one go what gathering each of several requests is going to look up on this snapshot."""
        self._catalogue.prepare(session, {request.study_uid for request in requests if request.study_uid})
        wanted = []
        for request in requests:
            _, holders = self._subject(request.subject, session, now)
            wanted.append(_between(holders, *self._resource(request, session)))
        self._relationships.prepare(session, wanted, now)

    def gather_unnamed(
        self, request: AccessRequest, session: Session, now: datetime
    ) -> tuple[PolicyInput, tuple[Edge, ...]]:
        """Give the policy input of a request that names no study yet, and every tie of the one who asks."""
        local = now.astimezone(LONDON)
        subject, holders = self._subject(request.subject, session, now)
        known = {
            "time": {"epoch": int(now.timestamp()), "minute_of_day": local.hour * 60 + local.minute},
            "subject": subject,
            "action": request.action.value,
            "purpose": request.purpose.value,
        }
        return known, self._relationships.edges_of(session, holders, now)

    def patients(self, studies: Iterable[Study], session: Session, now: datetime) -> dict[str, KnownPatient]:
        """Give what is known of the patients of some studies, in one go."""
        return self._relationships.patients(session, {study.patient for study in studies}, now)

    def named(self, request: AccessRequest) -> str | None:
        """Give the pseudonym of the patient a request names."""
        return self._pseudonymiser.patient(request.patient) if request.patient else None

    def _held(
        self, request: AccessRequest, subject: str, study: Study | None, session: Session, now: datetime
    ) -> list[dict[str, Any]]:
        """Give the emergency grants of a person for this study, action and purpose."""
        who = request.subject
        if self._grants is None or study is None or who.ods is None or who.type is not SubjectType.PRACTITIONER:
            return []
        scope = Scope(subject, who.role, who.ods, study.study, request.action, request.purpose, who.named_by or who.ods)
        return [grant_terms(grant) for grant in self._grants(session, scope, now)]

    def _resource(self, request: AccessRequest, session: Session) -> tuple[Study | None, str | None, tuple[str, ...]]:
        """Find the study, the patient's pseudonym (rule 3), and the trusts that answer for what is asked for."""
        named = self.named(request)
        if request.study_uid is None:
            return None, named, request.custodians
        study = self._catalogue.study(session, request.study_uid)
        if study is None or (named is not None and named != study.patient):
            return None, None, ()
        return study, study.patient, study.custodians

    def _opt_out(self, patient: str | None, session: Session, now: datetime) -> bool | None:
        context = self._relationships.patient(session, patient, now) if patient else None
        return context.opt_out if context else None

    def _subject(
        self, subject: RequestSubject, session: Session, now: datetime
    ) -> tuple[dict[str, Any], tuple[Holder, ...]]:
        """Give the subject's attributes, not to be changed, and as what it and its teams hold edges."""
        return cached(session, ("subject", subject, now), lambda: self._read_subject(subject, session, now))

    def _read_subject(
        self, subject: RequestSubject, session: Session, now: datetime
    ) -> tuple[dict[str, Any], tuple[Holder, ...]]:
        trust = self._federation.trust(session, subject.ods) if subject.ods else None
        attributes: dict[str, Any] = {
            "id": subject.id,
            "type": subject.type.value,
            "role": subject.role,
            "ods": subject.ods,
            "known": False,
            "organisation_known": trust is not None or (subject.proven and subject.ods is not None),
            "assurance": subject.assurance,
            "training_valid": None,
            "managed_device": subject.managed_device,
            "ai": None,
        }
        if subject.type is not SubjectType.PRACTITIONER:
            return attributes | self._service(subject, session, now), (self._relationships.service(subject.id),)
        pseudonym = self._pseudonymiser.subject(subject.id)
        member = self._member(subject, pseudonym, session)
        if member is None:
            return attributes | {"id": pseudonym}, ()
        today = now.astimezone(LONDON).date()
        return attributes | {
            "id": pseudonym,
            "known": member.in_force and member.employed(today),
            "training_valid": member.training_valid(today),
        }, holders_of(self._federation, self._relationships, member, session)

    def _member(self, subject: RequestSubject, pseudonym: str, session: Session) -> StaffMember | None:
        """Find a person on the staff of whom they act for; one whom a token proves may be staff of another trust."""
        member = self._federation.staff(session, pseudonym, subject.ods or "", subject.named_by)
        if member is None and subject.proven:
            return self._federation.staff(session, pseudonym, None, subject.named_by or subject.ods or "")
        return member

    def _service(self, subject: RequestSubject, session: Session, now: datetime) -> dict[str, Any]:
        client = self._federation.client(session, subject.id)
        if client is None or client.kind is not subject.type or client.ods != subject.ods:
            return {}
        if client.kind is not SubjectType.AI_SERVICE:
            return {"known": True}
        version = subject.version if subject.version is not None else client.ai_version
        manifest = self._federation.manifest(session, subject.id, version) if version else None
        return {
            "known": True,
            "ai": {
                "version": version,
                "approved": manifest is not None and version == client.ai_version and manifest.approved_on(now),
                "manifest": manifest_terms(manifest) if manifest else None,
                "reads_today": self._reads_today(session, subject.id, now),
            },
        }


def _between(
    holders: tuple[Holder, ...],
    study: Study | None,
    patient: str | None,
    custodians: tuple[str, ...],
) -> Between:
    """Say what relationships a request may rest on."""
    return Between(holders, patient, study.study if study else None, custodians)


def manifest_terms(manifest: AiManifest) -> dict[str, Any]:
    """Give a manifest as the policy sees it."""
    return {
        "versions": [manifest.version],
        "modalities": sorted(manifest.modalities),
        "body_parts": sorted(manifest.body_parts),
        "trusts": sorted(manifest.trusts),
        "purposes": sorted(manifest.purposes),
        "daily_volume": manifest.daily_volume,
    }


def grant_terms(grant: Grant) -> dict[str, Any]:
    """Give an emergency grant as the policy sees it, in whole seconds, rounded down."""
    return {
        "id": grant.approval_id,
        "clause": grant.clause_key,
        "since": int(grant.since.timestamp()),
        "until": int(grant.until.timestamp()),
    }


def tie_terms(edge: Edge, study: Study | None, now: datetime) -> dict[str, Any]:
    """Give an edge as the policy sees it, without its id; ``of_study`` says that it names this very study."""
    return {
        "kind": edge.kind.value,
        "age_days": (now - edge.valid_from).days,
        "of_study": study is not None and edge.study == study.study,
    }
