"""The audit event: what a system saw, and what the log holds of it.

1. ``Event`` is what arrives: its identifiers are the real ones. It lives in memory only and is never stored or logged.
2. ``RecordedEvent`` is what the log holds: people, patients and studies are keyed pseudonyms, and the originals travel
   beside them in ``sealed`` envelopes, one per owner, that can be opened only while the owner's data key exists.
3. A service or an AI service is not a person: its subject id is stored as written, so that it can be matched against
   its registration. Only a practitioner's id is replaced.
4. ``(source.id, id)`` names an event for ever: sending it again is harmless.
5. ``time`` is when it happened at the source, ``recorded_at`` when the log took it, ``index`` the order of the log.
   Only the index is ever used as a cursor.
6. ``continues``, ``decision_scope``, ``expires_at`` and a subject's ``version`` are the source's word, no more.
7. ``detail`` holds non-identifying facts of our own event kinds (reason codes, policy revision, changed setting).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from governance.vocabulary import DecisionScope, EventKind, Outcome, Purpose, SubjectType

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Digest: TypeAlias = bytes


@dataclass(frozen=True, slots=True)
class Source:
    """The system that saw the event: its own identifier, and the ODS code of the organisation that runs it."""

    id: str
    ods: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Who acted. ``id`` is a user id (a pseudonym ``s-…`` once recorded) or a service's client id.

    ``version`` is the version that an AI service says it is.
    """

    id: str
    type: SubjectType
    role: str | None = None
    ods: str | None = None
    department: str | None = None
    session: str | None = None
    device: str | None = None
    site: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What was acted on. ``patient`` is an NHS number or a pseudonym ``p-…``; ``instances`` counts DICOM instances."""

    patient: str | None = None
    study_uid: str | None = None
    series_uid: str | None = None
    instances: int | None = None
    modality: str | None = None
    body_part: str | None = None
    study_date: date | None = None
    custodian: str | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """Under what the access happened: the decision, the token (its ``jti``, never the token) and the agreement."""

    decision_id: str | None = None
    token_jti: str | None = None
    agreement_id: str | None = None


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """An emergency override and the reason the person gave; free text, so it is treated as identifying."""

    reason: str


@dataclass(frozen=True, slots=True)
class Event:
    """One audit event as its source reported it (the native audit event of the public surface).

    Args:
        continues: the id, at the same source, of the access that this one goes on with.
        decision_scope: whether a decision is about its study or about all of the patient's.
        expires_at: when a token ends, as its issuer says.
    """

    id: str
    time: datetime
    source: Source
    kind: EventKind
    outcome: Outcome
    subject: Subject | None = None
    purpose: Purpose | None = None
    resource: Resource | None = None
    authority: Authority = Authority()
    break_glass: BreakGlass | None = None
    bytes: int | None = None
    destination: str | None = None
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
    continues: str | None = None
    decision_scope: DecisionScope | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordedResource:
    """What was acted on, as the log holds it: ``patient`` is ``p-…``, ``study`` and ``series`` are ``t-…``."""

    patient: str | None = None
    study: str | None = None
    series: str | None = None
    instances: int | None = None
    modality: str | None = None
    body_part: str | None = None
    study_date: date | None = None
    custodian: str | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope of identifying fields, readable only while the data key of ``owner`` (a pseudonym) exists."""

    owner: str
    envelope: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The identifying originals of a recorded event; a field is None when it never was or its key is destroyed."""

    subject: str | None = None
    patient: str | None = None
    study_uid: str | None = None
    series_uid: str | None = None
    break_glass_reason: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event as the log holds it. ``leaf_hash`` is the RFC 6962 hash of the stored entry bytes (32 bytes).

    ``commitments`` has a salted hash of each field that is sealed, by its name (``opening.py``); an entry from before
    there were such has none.
    """

    index: int
    recorded_at: datetime
    leaf_hash: Digest
    id: str
    time: datetime
    source: Source
    kind: EventKind
    outcome: Outcome
    subject: Subject | None = None
    purpose: Purpose | None = None
    resource: RecordedResource | None = None
    authority: Authority = Authority()
    break_glass: bool = False
    bytes: int | None = None
    destination: str | None = None
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
    sealed: tuple[Sealed, ...] = ()
    commitments: Mapping[str, str] = field(default_factory=dict)
    continues: str | None = None
    decision_scope: DecisionScope | None = None
    expires_at: datetime | None = None
