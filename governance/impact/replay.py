"""Replay: the policy input of a decision that was made, rebuilt from what the log says of it.

The log names people, patients and studies by pseudonyms, and so does this module: nothing is unsealed. Rules:

1. Where log and directories differ, the log counts. The reasons of a decision are evidence: policy lists
   every failure of the clause it came closest to, so what is not among them was as that clause asks.
2. Directories are asked as of the event's time: edges valid then, employment and training on that day, an opt-out check
   that was fresh then, approvals of a manifest at that instant, studies an AI service had read that day.
3. What is neither logged nor kept is given twice, as two inputs. ``proven`` takes only what the log proves,
   ``possible`` the best the log leaves open. More assurance, a managed device or no opt-out never turn a permit into a
   denial, so the truth lies between the two. The strength of the sign-in, the managed device and an opt-out check that
   is no longer kept are such attributes.
4. Words are not needed: that a reason was given for breaking the glass, or a relationship claimed, is logged.
5. A decision the policy never took (an engine failed, attributes were missing, an obligation could not be honoured),
   and a search that names no study (its custodians are not logged), cannot be replayed and is set aside by name.

Taken as of today, because nothing older is kept: labels and further custodians of a study, team
membership, the version an AI service runs, and edges that a feed replaced since.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlmodel import Session

from governance.audit import RecordedEvent, RecordedResource, Subject
from governance.catalogue import Catalogue, Study
from governance.clock import LONDON
from governance.decisions.holders import holders_of, unknown_holder
from governance.decisions.pip import PolicyInput, manifest_terms, tie_terms
from governance.federation import FederationDirectory, StaffMember, recorded
from governance.relationships import Between, Holder, KnownPatient, Relationships
from governance.relationships.service import OPT_OUT_LIFETIME
from governance.vocabulary import ReasonCode, SubjectType

Terms: TypeAlias = Callable[[Session, str, int, str], Mapping[str, Any] | None]
ReadsBefore: TypeAlias = Callable[[Session, str, datetime, int], int]
HIGHEST_ASSURANCE = 3  # NHS CIS2 authentication assurance levels are 1 to 3
SEARCH = "search.custodians_not_logged"
NO_POLICY = "policy.not_asked"
_WORDS = "recorded"  # in place of a reason whose words are sealed
_NO_POLICY = frozenset(code.value for code in ReasonCode if code.outside_policy)
_DIRECT_CARE = frozenset({"BTG", "CAREMGT", "ETREAT", "PATRQT", "TREAT"})  # policies/imaging/opt_out


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision of the log that can be asked again.

    ``permitted`` is what was decided then, under ``revision``; ``proven`` and ``possible`` are rule 3.
    """

    event: RecordedEvent
    subject: Subject
    action: str
    permitted: bool
    revision: str | None
    proven: PolicyInput
    possible: PolicyInput


@dataclass(frozen=True, slots=True)
class SetAside:
    """A decision that cannot be asked again, and why (``search.…`` or ``policy.…``)."""

    event: RecordedEvent
    why: str


@dataclass(frozen=True, slots=True)
class _Logged:
    """What a decision's record says of how it came out."""

    action: str
    permit: bool
    reasons: frozenset[str]
    self_claimed: bool
    terms: Mapping[str, Any] | None  # of the clause it rests on, or came closest to

    def passed(self, *codes: ReasonCode) -> bool:
        """Say whether the decision proves that none of these stood in the way of its clause."""
        return (self.permit or self.terms is not None) and not self.failed(*codes)

    def failed(self, *codes: ReasonCode) -> bool:
        """Say whether one of these is among the reasons."""
        return not self.reasons.isdisjoint(code.value for code in codes)


@dataclass(frozen=True, slots=True)
class _Page:
    """What the directories know of the people, patients and studies of one page of events."""

    staff: Mapping[str, tuple[StaffMember, ...]]
    patients: Mapping[str, KnownPatient]
    studies: Mapping[str, Study]


class Replay:
    """Rebuilds policy inputs, a page of the log at a time.

    Args:
        federation: knows staff, services and manifests.
        catalogue: knows studies by pseudonym.
        relationships: knows edges and patients.
        terms: gives the compiled clause of an agreement, version and clause number, None when not on file.
        reads_before: counts the studies an AI service was let to read on the day of an instant, before a log index.
    """

    def __init__(
        self,
        *,
        federation: FederationDirectory,
        catalogue: Catalogue,
        relationships: Relationships,
        terms: Terms,
        reads_before: ReadsBefore,
    ) -> None:
        self._federation = federation
        self._catalogue = catalogue
        self._relationships = relationships
        self._terms = terms
        self._reads_before = reads_before

    def rebuild(self, session: Session, events: Sequence[RecordedEvent]) -> list[Replayed | SetAside]:
        """Give each decision event of a page as it can be asked again, or why it cannot, in order."""
        page = self._page(session, events)
        return [self._one(session, page, event) for event in events]

    def _page(self, session: Session, events: Sequence[RecordedEvent]) -> _Page:
        resources = [event.resource for event in events if event.resource]
        earliest = min((event.time for event in events), default=None)
        people = {event.subject.id for event in events if event.subject}
        patients = {resource.patient for resource in resources if resource.patient}
        return _Page(
            staff=self._federation.staff_many(session, people),
            patients=self._relationships.patients(session, patients, earliest) if earliest else {},
            studies=self._catalogue.studies_by_pseudonym(session, {r.study for r in resources if r.study}),
        )

    def _one(self, session: Session, page: _Page, event: RecordedEvent) -> Replayed | SetAside:
        logged = self._logged(session, event)
        subject, resource = event.subject, event.resource
        if logged is None or subject is None or resource is None or event.purpose is None:
            return SetAside(event, NO_POLICY)
        if resource.study is None:
            return SetAside(event, SEARCH)
        study = _study(resource, page.studies.get(resource.study))
        holders, attributes = self._subject(session, page, event, subject, logged)
        proven = {
            "time": _time(event.time),
            "subject": attributes | _bounds(logged, proven=True),
            "action": logged.action,
            "purpose": event.purpose.value,
            "resource": _resource(study, event, logged),
            "patient": {"opt_out": _opt_out(page, event, logged, proven=True)},
            "relationships": self._ties(session, event, holders, study),
            "context": {
                "break_glass_reason": _reason(event, logged),
                "self_claim_reason": _WORDS if logged.self_claimed else None,
            },
            "grants": _grants(event),
        }
        possible = proven | {
            "subject": attributes | _bounds(logged, proven=False),
            "patient": {"opt_out": _opt_out(page, event, logged, proven=False)},
        }
        revision = event.detail.get("revision")
        return Replayed(
            event, subject, logged.action, logged.permit, str(revision) if revision else None, proven, possible
        )

    def _logged(self, session: Session, event: RecordedEvent) -> _Logged | None:
        """Read how a decision came out; None when policy had no part in it."""
        detail = event.detail
        reasons, action, permit = detail.get("reasons"), detail.get("action"), detail.get("permit")
        if not isinstance(reasons, Sequence) or not isinstance(action, str) or not isinstance(permit, bool):
            return None
        found = frozenset(map(str, reasons))
        if not found or not _NO_POLICY.isdisjoint(found):
            return None
        name, version, clause = event.authority.agreement_id, detail.get("agreement_version"), detail.get("clause")
        known = name is not None and isinstance(version, int) and isinstance(clause, str)
        terms = self._terms(session, name, version, clause) if known else None  # type: ignore[arg-type]
        return _Logged(action, permit, found, detail.get("self_claimed") is True, terms)

    def _subject(
        self, session: Session, page: _Page, event: RecordedEvent, subject: Subject, logged: _Logged
    ) -> tuple[tuple[Holder, ...], dict[str, Any]]:
        """Give as what a subject holds ties, and its attributes; policy names an unknown one first."""
        person = subject.type is SubjectType.PRACTITIONER
        member = recorded(page.staff.get(subject.id, ()), subject.ods) if person else None
        attributes: dict[str, Any] = {
            "id": subject.id,
            "type": subject.type.value,
            "role": subject.role,
            "ods": subject.ods,
            "known": not logged.failed(ReasonCode.SUBJECT_UNKNOWN),
            "organisation_known": not logged.failed(ReasonCode.SUBJECT_ORGANISATION_UNKNOWN),
            "assurance": None,
            "training_valid": _training(member, event.time, logged),
            "managed_device": None,
            "ai": self._ai(session, subject.id, event) if subject.type is SubjectType.AI_SERVICE else None,
        }
        if not person:
            return (self._relationships.service(subject.id),), attributes
        known = (self._federation, self._relationships)
        if member is None:  # no longer on the register: the ties of that name at that trust are what is left
            return unknown_holder(*known, subject.id, subject.ods, session), attributes
        return holders_of(*known, member, session), attributes

    def _ai(self, session: Session, service: str, event: RecordedEvent) -> dict[str, Any]:
        manifest = self._federation.manifest(session, service)
        return {
            "version": manifest.version if manifest else None,
            "approved": manifest is not None and manifest.approved_on(event.time),
            "manifest": manifest_terms(manifest) if manifest else None,
            "reads_today": self._reads_before(session, service, event.time, event.index),
        }

    def _ties(
        self, session: Session, event: RecordedEvent, holders: tuple[Holder, ...], study: Study
    ) -> list[dict[str, Any]]:
        wanted = Between(holders, study.patient or None, study.study, study.custodians)
        edges = self._relationships.edges_between(session, wanted, event.time)
        return [tie_terms(edge, study, event.time) for edge in edges]


def _time(at: datetime) -> dict[str, int]:
    local = at.astimezone(LONDON)
    return {"epoch": int(at.timestamp()), "minute_of_day": local.hour * 60 + local.minute}


def _study(resource: RecordedResource, known: Study | None) -> Study:
    """Give the study as it was logged; what the log does not say is taken from the catalogue."""
    logged = resource.custodian
    base = known or Study("", resource.study or "", (logged,) if logged else (), "", "", None, _NO_DAY)
    return replace(
        base,
        patient=resource.patient or base.patient,
        modality=resource.modality or base.modality,
        body_part=resource.body_part or base.body_part,
        study_date=resource.study_date or base.study_date,
    )


_NO_DAY = date.min


def _resource(study: Study, event: RecordedEvent, logged: _Logged) -> dict[str, Any]:
    known = not logged.failed(ReasonCode.RESOURCE_UNKNOWN)
    owned = known and not logged.failed(ReasonCode.RESOURCE_NO_OWNER)
    dated = known and study.study_date != _NO_DAY
    return {
        "known": known,
        "custodians": list(study.custodians) if owned else [],
        "modality": (study.modality or None) if known else None,
        "body_part": study.body_part if known else None,
        "age_days": (event.time.astimezone(LONDON).date() - study.study_date).days if dated else None,
        "labels": sorted(study.labels) if known else [],
        "patient_known": known and bool(study.patient),
    }


def _training(member: StaffMember | None, at: datetime, logged: _Logged) -> bool | None:
    if logged.failed(ReasonCode.TRAINING_EXPIRED):
        return False
    if logged.failed(ReasonCode.TRAINING_UNKNOWN):
        return None
    if logged.terms and logged.terms["training"]:
        return True
    return member.training_valid(at.astimezone(LONDON).date()) if member else None


def _bounds(logged: _Logged, *, proven: bool) -> dict[str, Any]:
    """Give the strength of the sign-in and the managed device: as proven, or the best the log leaves open."""
    too_low, unmanaged = ReasonCode.ASSURANCE_TOO_LOW, ReasonCode.DEVICE_UNMANAGED
    floor = logged.terms["identity_assurance"] if logged.terms else None
    assurance: int | None = None if proven else HIGHEST_ASSURANCE
    if logged.failed(too_low):
        assurance = None if proven or floor is None or floor <= 1 else floor - 1
    elif proven and logged.passed(too_low):
        assurance = HIGHEST_ASSURANCE if floor is None else floor
    managed: bool | None = None if proven else True
    if logged.failed(unmanaged):
        managed = None
    elif proven and logged.passed(unmanaged) and (logged.terms is None or logged.terms["managed_device"]):
        managed = True
    return {"assurance": assurance, "managed_device": managed}


def _opt_out(page: _Page, event: RecordedEvent, logged: _Logged, *, proven: bool) -> bool | None:
    if logged.failed(ReasonCode.OPT_OUT_APPLIES):
        return True
    if logged.failed(ReasonCode.OPT_OUT_UNKNOWN):
        return None
    if logged.terms and logged.terms["opt_out_applies"] and event.purpose and event.purpose.value not in _DIRECT_CARE:
        return False
    context = page.patients.get(event.resource.patient or "") if event.resource else None
    checked = context.opt_out_checked_at if context else None
    if context and checked and event.time - OPT_OUT_LIFETIME < checked <= event.time:
        return context.opt_out
    return None if proven else False


def _grants(event: RecordedEvent) -> list[dict[str, Any]]:
    """Give the emergency grant a permit rested on: it ran at that instant, under the clause the record names."""
    emergency, at = event.detail.get("emergency"), int(event.time.timestamp())
    approval = emergency.get("approval") if isinstance(emergency, Mapping) else None
    if not isinstance(approval, str):
        return []
    clause = f"{event.authority.agreement_id}/{event.detail.get('clause')}"
    return [{"id": approval, "clause": clause, "since": at, "until": at + 1}]


def _reason(event: RecordedEvent, logged: _Logged) -> str | None:
    if not event.break_glass:
        return None
    return "" if logged.failed(ReasonCode.BREAK_GLASS_NO_REASON) else _WORDS
