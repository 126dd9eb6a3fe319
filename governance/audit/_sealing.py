"""From an event to its recorded form: identifiers become pseudonyms, the originals go into envelopes of their owners.

1. The subject's id belongs to the subject. Patient, study UID, series UID and the break-glass reason belong to the
   patient, or to the study when no patient is known; a reason with neither belongs to the subject.
2. A service's id is not a person's and stays as written.
3. A value that arrived as a pseudonym has no original to seal.
4. An owner whose key was destroyed stays forgotten: the event is recorded without that envelope, never refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from sqlmodel import Session

from governance.audit.encoding import encode, parse
from governance.audit.event import Event, Identity, RecordedEvent, RecordedResource, Resource, Sealed, Subject
from governance.pseudonyms import Pseudonymiser, Vault
from governance.vocabulary import SubjectType


@dataclass(frozen=True, slots=True)
class Draft:
    """A recorded event that has no place in the log yet, and the identifying fields of each owner, still open."""

    event: RecordedEvent
    secrets: Mapping[str, Mapping[str, str]]


def draft(event: Event, pseudonymiser: Pseudonymiser, recorded_at: datetime) -> Draft:
    """Replace the identifiers of an event by pseudonyms and set the originals apart by owner."""
    secrets: dict[str, dict[str, str]] = {}
    subject, subject_owner = _subject(event.subject, pseudonymiser, secrets)
    resource, resource_owner = _resource(event.resource, pseudonymiser, secrets)
    if event.break_glass is not None:
        owner = resource_owner or subject_owner or pseudonymiser.subject(event.source.id)
        secrets.setdefault(owner, {})["break_glass_reason"] = event.break_glass.reason
    recorded = RecordedEvent(
        index=0,
        recorded_at=recorded_at,
        leaf_hash=b"",
        id=event.id,
        time=event.time,
        source=event.source,
        kind=event.kind,
        outcome=event.outcome,
        subject=subject,
        purpose=event.purpose,
        resource=resource,
        authority=event.authority,
        break_glass=event.break_glass is not None,
        bytes=event.bytes,
        destination=event.destination,
        detail=event.detail,
    )
    return Draft(recorded, secrets)


def seal(session: Session, vault: Vault, drafts: Sequence[Draft]) -> list[tuple[Sealed, ...]]:
    """Close the identifying fields of drafts under their owners' keys; a draft's envelopes come in order of owner."""
    items = [item for prepared in drafts for item in sorted(prepared.secrets.items())]
    envelopes = zip(items, vault.seal_many(session, items), strict=True)
    return [
        tuple(
            Sealed(owner, envelope)
            for (owner, _), envelope in islice(envelopes, len(prepared.secrets))
            if envelope is not None
        )
        for prepared in drafts
    ]


def reveal(session: Session, vault: Vault, event: RecordedEvent) -> Identity:
    """Open the envelopes of a recorded event; fields of owners whose key was destroyed stay None.

    Raises ValueError when an envelope was altered.
    """
    fields: dict[str, str] = {}
    for part in event.sealed:
        fields.update(vault.unseal(session, part.owner, part.envelope) or {})
    return Identity(**fields)


def same_event(session: Session, vault: Vault, prepared: Draft, stored: RecordedEvent) -> bool:
    """Tell whether a draft says the same as what the log already holds under its id.

    Fields whose key was destroyed can no longer be compared and count as the same. Raises Unrecordable for a draft that
    the log could not carry.
    """
    placed = replace(prepared.event, recorded_at=stored.recorded_at)
    if replace(parse(encode(placed, stored.index, stored.sealed)), leaf_hash=stored.leaf_hash) != stored:
        return False
    for part in stored.sealed:
        known = vault.unseal(session, part.owner, part.envelope)
        if known is not None and known != prepared.secrets.get(part.owner):
            return False
    return True


def _subject(
    subject: Subject | None, pseudonymiser: Pseudonymiser, secrets: dict[str, dict[str, str]]
) -> tuple[Subject | None, str | None]:
    if subject is None:
        return None, None
    owner = pseudonymiser.subject(subject.id)
    if subject.type is not SubjectType.PRACTITIONER:
        return subject, owner
    if owner != subject.id:
        secrets[owner] = {"subject": subject.id}
    person = Subject(
        owner,
        subject.type,
        subject.role,
        subject.ods,
        subject.department,
        subject.session,
        subject.device,
        subject.site,
    )
    return person, owner


def _resource(
    resource: Resource | None, pseudonymiser: Pseudonymiser, secrets: dict[str, dict[str, str]]
) -> tuple[RecordedResource | None, str | None]:
    if resource is None:
        return None, None
    patient = pseudonymiser.patient(resource.patient) if resource.patient else None
    study = pseudonymiser.study(resource.study_uid) if resource.study_uid else None
    series = pseudonymiser.study(resource.series_uid) if resource.series_uid else None
    owner = patient or study or series
    fields: dict[str, str] = {}
    if resource.patient and resource.patient != patient:
        fields["patient"] = resource.patient
    if resource.study_uid and resource.study_uid != study:
        fields["study_uid"] = resource.study_uid
    if resource.series_uid and resource.series_uid != series:
        fields["series_uid"] = resource.series_uid
    if owner and fields:
        secrets.setdefault(owner, {}).update(fields)
    recorded = RecordedResource(
        patient=patient,
        study=study,
        series=series,
        instances=resource.instances,
        modality=resource.modality,
        body_part=resource.body_part,
        study_date=resource.study_date,
        custodian=resource.custodian,
    )
    return recorded, owner
