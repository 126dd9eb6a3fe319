"""The native audit event as the API describes it. ``governance.formats`` reads it; a test holds the two together."""

from datetime import date

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from governance.vocabulary import DecisionScope, EventKind, Outcome, Purpose, SubjectType

INTEGER_MAXIMUM = 2**53 - 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EventSource(_Part):
    """The system that saw it."""

    id: str = Field(description="the system's name; not this service's own")
    ods: str = Field(description="ODS code of its trust")


class EventSubject(_Part):
    """Who acted. Role and trust are the event's claim; the register decides."""

    id: str = Field(max_length=256, description="user id, or id of a service")
    type: SubjectType
    role: str | None = None
    ods: str | None = Field(None, description="ODS code of the trust they act for")
    department: str | None = None
    session: str | None = None
    device: str | None = None
    site: str | None = None
    version: str | None = Field(None, description="of an AI service: the version it says it is")


class EventResource(_Part):
    """What it was done to; names a study or a patient."""

    study_uid: str | None = None
    series_uid: str | None = None
    instances: int | None = Field(None, ge=0, le=INTEGER_MAXIMUM)
    modality: str | None = Field(None, description="DICOM code string")
    body_part: str | None = Field(None, description="DICOM code string")
    study_date: date | None = None
    custodian: str | None = Field(None, description="ODS code of the trust whose images they are")
    patient: str | None = Field(None, description="NHS number, the source's own reference, or a pseudonym")


class EventAuthority(_Part):
    """What allowed it, as far as the source knows."""

    decision_id: str | None = None
    token_jti: str | None = None
    agreement_id: str | None = None


class EventEmergency(_Part):
    """Emergency access (break-glass) and the reason that was given."""

    reason: str = Field(max_length=1_000)


class NativeEvent(_Part):
    """One audit event. Its ``id`` is unique at its source: sent again, it is recorded once."""

    id: str
    time: AwareDatetime = Field(description="when it happened at the source; at most ten minutes ahead of our clock")
    source: EventSource
    kind: EventKind
    outcome: Outcome
    subject: EventSubject | None = Field(None, description="needed where a person acts")
    purpose: Purpose | None = None
    resource: EventResource | None = Field(None, description="needed by access, export and print")
    authority: EventAuthority | None = None
    break_glass: EventEmergency | None = None
    bytes: int | None = Field(None, ge=0, le=INTEGER_MAXIMUM, description="how much was exported")
    destination: str | None = Field(None, max_length=256, description="where it was sent or printed")
    continues: str | None = Field(
        None,
        description="on an access, export or print: the id, at the same source, of the one it goes on with; its counts "
        "and bytes belong to that one, and it is no look of its own",
    )
    decision_scope: DecisionScope | None = Field(
        None, description="on a decision: whether it covers its study (as without it) or all studies of the patient"
    )
    expires_at: AwareDatetime | None = Field(None, description="on a token: when it ends, as its issuer says")
