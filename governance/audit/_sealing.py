"""From an event to its recorded form: identifiers become pseudonyms, the originals go into envelopes of their owners.

1. The subject's id belongs to the subject. Patient, study UID, series UID and the break-glass reason belong to the
   patient, or to the study when no patient is known; a reason with neither belongs to the subject.
2. A service's id is not a person's and stays as written.
3. A value that arrived as a pseudonym has no original to seal.
4. An owner whose key was destroyed stays forgotten: the event is recorded without that envelope, never refused.
5. Beside an envelope stand the commitments to its fields (``opening.py``), so that one of them can be shown to others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from itertools import islice
from typing import NamedTuple

from sqlmodel import Session

from governance.audit import _store
from governance.audit.encoding import encode, parse
from governance.audit.event import Event, Identity, RecordedEvent, RecordedResource, Resource, Sealed, Subject
from governance.audit.opening import SALT, Opening, commit, opening
from governance.pseudonyms import Pseudonymiser, Vault
from governance.vocabulary import SubjectType

_LOOKED_AT = 1_000  # newest entries that may show whether the keys fit; services' own acts have nothing sealed in them


class Closed(NamedTuple):
    """The envelopes of an entry, and the commitments to the fields in them by their names."""

    envelopes: tuple[Sealed, ...]
    commitments: Mapping[str, str]


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
        continues=event.continues,
        decision_scope=event.decision_scope,
        expires_at=event.expires_at,
    )
    return Draft(recorded, secrets)


def seal(session: Session, vault: Vault, drafts: Sequence[Draft], random: Callable[[int], bytes]) -> list[Closed]:
    """Close the identifying fields of drafts under their owners' keys; a draft's envelopes come in order of owner."""
    items = [item for prepared in drafts for item in sorted(prepared.secrets.items())]
    fresh = BytesIO(random(SALT * sum([len(fields) for _, fields in items])))
    salts = [fresh.read(SALT * len(fields)) for _, fields in items]
    parts = zip(items, salts, vault.seal_many(session, items, salts), strict=True)
    return [_closed(islice(parts, len(prepared.secrets))) for prepared in drafts]


def _closed(parts: Iterable[tuple[tuple[str, Mapping[str, str]], bytes, str | None]]) -> Closed:
    """Put together what one entry has of owners, their fields and salts, and the envelopes of who is not forgotten."""
    envelopes: list[Sealed] = []
    committed: dict[str, str] = {}
    for (owner, fields), salts, envelope in parts:
        if envelope is not None:
            envelopes.append(Sealed(owner, envelope))
            commit(fields, salts, committed)
    return Closed(tuple(envelopes), committed)


def reveal(session: Session, vault: Vault, event: RecordedEvent) -> Identity:
    """Open the envelopes of a recorded event; fields of owners whose key was destroyed stay None.

    Raises ValueError when an envelope was altered.
    """
    fields: dict[str, str] = {}
    for part in event.sealed:
        fields.update(vault.unseal(session, part.owner, part.envelope) or {})
    return Identity(**fields)


def open_field(session: Session, vault: Vault, event: RecordedEvent, field: str) -> Opening | None:
    """Open one sealed field of a recorded event, with the salt of its commitment.

    None when the event has no such field, when its owner's key was destroyed, and for an entry that commits to none.
    Raises ValueError when the envelope was altered.
    """
    for part in event.sealed if field in event.commitments else ():
        opened = vault.unseal_all(session, part.owner, part.envelope)
        if opened is not None and field in opened[0]:
            return opening(event.index, *opened, field)
    return None


def same_event(session: Session, vault: Vault, prepared: Draft, stored: RecordedEvent) -> bool:
    """Tell whether a draft says the same as what the log already holds under its id.

    Fields whose key was destroyed can no longer be compared and count as the same. Raises Unrecordable for a draft that
    the log could not carry.
    """
    placed = replace(prepared.event, recorded_at=stored.recorded_at)
    entry = encode(placed, stored.index, stored.sealed, stored.commitments)
    if replace(parse(entry), leaf_hash=stored.leaf_hash) != stored:
        return False
    for part in stored.sealed:
        known = vault.unseal(session, part.owner, part.envelope)
        if known is not None and known != prepared.secrets.get(part.owner):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether each key can be the one a log was written with; so can any key as long as nothing is sealed."""

    key_encryption_key: bool = True
    pseudonym_key: bool = True


def evidence(session: Session, pseudonymiser: Pseudonymiser, vault: Vault) -> Evidence:
    """Open one thing that is sealed in the log, and name it anew: both keys show whether they fit."""
    for owner, envelope in _sealed(session):
        try:
            fields = vault.unseal(session, owner, envelope)
        except ValueError:
            return Evidence(key_encryption_key=False)
        for field, keyed in (("patient", pseudonymiser.patient), ("subject", pseudonymiser.subject)):
            if fields and field in fields and owner.startswith(field[0]):
                return Evidence(pseudonym_key=keyed(fields[field]) == owner)
    return Evidence()


def _sealed(session: Session) -> Iterator[tuple[str, str]]:
    for entry in _store.find(session, {}, _LOOKED_AT, newest_first=True):
        for part in parse(entry).sealed:
            yield part.owner, part.envelope


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
        subject.version,
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
