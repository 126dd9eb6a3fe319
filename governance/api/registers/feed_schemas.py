"""What the context feeds take, a line each, and what they answer. The feeds' own readers check; these describe.

Of what is on file a line may leave out what :func:`_of_new` marks; of anything else it must say it.
"""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from governance.relationships import PatientFlag
from governance.vocabulary import Label, Purpose, RelationshipKind


def _of_new(about: str = "", alias: str | None = None) -> Any:
    """Describe a member that a line must have unless its row is on file; it is never null and has no default."""
    words = f"{about}; required of what is not on file" if about else "Required of what is not on file"
    return Field(default_factory=lambda: None, alias=alias, description=words)


class StudyLine(BaseModel):
    """One imaging study. No custodian means no owner, and no owner means no access.

    Custodians and labels are added to those on file; taking one away is an act of its own.
    """

    id: str = Field(description="Study instance UID (DICOM PS3.5 section 9.1)")
    custodians: list[str] = Field(
        default=[],
        description="ODS codes of the trusts that answer for it; required of a study that is not on file. A client adds"
        " trusts it writes for alone, and may repeat those on file",
    )
    patient: str = _of_new("NHS number, or the source's own reference")
    modality: str = _of_new("DICOM code string")
    body_part: str | None = Field(default=None, description="DICOM code string")
    study_date: date = _of_new()
    labels: list[Label] = Field(default=[], description="No other is taken; absent leaves them as they are")


class LabelsBody(BaseModel):
    """The labels a study is to have, all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: list[Label] = Field(description="What is left out is taken away; no other is taken")


class CustodiansBody(BaseModel):
    """The trusts that are to answer for a study, all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    custodians: list[str] = Field(description="ODS codes of registered organisations; who is left out is taken away")


class StudyAnswer(BaseModel):
    """A study's marks and who answers for it, as they are now."""

    id: str
    custodians: list[str]
    labels: list[str]


class EdgeLine(BaseModel):
    """One relationship, valid in [from, until). Only pool, project and rota may name neither patient nor study.

    Of a rota, from and until are the shift; on-call is a rota.
    """

    id: str
    kind: RelationshipKind = _of_new()
    subject: str = _of_new("A user, a team or a service")
    patient: str | None = None
    study_uid: str | None = None
    issuer: str | None = Field(
        default=None, description="Identity provider in whose names subject is one; without it the trust means its own"
    )
    ods: str = Field(
        default="",
        description="ODS code of the trust whose order, list or rota it is: one the client writes for; absent it is"
        " what is on file, or the client's own",
    )
    from_: datetime = _of_new(alias="from")
    until: datetime | None = None
    source: str = _of_new("The system that says so")
    site: str | None = Field(default=None, description="Where the work of a rota is done")
    purpose: Purpose | None = Field(default=None, description="What a project may use images for (HL7 v3 ActReason)")
    destination: str | None = Field(default=None, description="Where the images of a project go")
    limit: int | None = Field(default=None, ge=1, description="How many studies a project may take")


class StaffLine(BaseModel):
    """One member of staff. Keys are keyed hashes made at the source trust, never addresses or names."""

    id: str
    ods: str = Field(description="ODS code of the trust that employs them: one the client writes for")
    issuer: str | None = Field(
        default=None, description="National identity provider in whose names id is one; without it the trust's own"
    )
    role: str = _of_new()
    department: str | None = None
    manager: str | None = Field(default=None, description="The id of who they answer to, as staff are named")
    site: str | None = None
    team_ids: list[str] = []
    patient_key: str | None = Field(
        default=None,
        description="The patient this person is: HMAC-SHA-256 of the ten digits under the region's tie key, with its id"
        " and a colon before it or without (64 hexadecimal characters, or base64); or as patients are named in events",
    )
    household_key: str | None = None
    surname_key: str | None = None
    surname_share: float | None = Field(default=None, ge=0, le=1)
    postcode_key: str | None = None
    training_valid_to: date | None = None
    leaves_on: date | None = None
    contact: str | None = Field(
        default=None, description="Mail address at which the person is asked about a look; kept sealed, shown to nobody"
    )


class PatientLine(BaseModel):
    """What one trust says of a patient. Keys are keyed hashes made at the source trust, never addresses or names."""

    id: str = Field(description="NHS number, or the source's own reference")
    ods: str | None = Field(
        default=None,
        description="ODS code of the trust that says so; absent it is the client's own, or the region it writes for",
    )
    household_key: str | None = None
    surname_key: str | None = None
    surname_share: float | None = Field(default=None, ge=0, le=1)
    postcode_key: str | None = None
    staff_id: str | None = Field(default=None, description="The member of staff this patient is")
    flags: list[PatientFlag] = []
    deceased_on: date | None = None
    opt_out: bool | None = Field(
        default=None,
        description="National data opt-out, as checked; cached for a time. Of clients that write for the region",
    )
    opt_out_checked_at: datetime | None = None


class RejectedLine(BaseModel):
    """A line that was not taken, and every fault in it as ``/field: message``."""

    line: int = Field(ge=1)
    reason: str


class FeedAnswer(BaseModel):
    """How many lines were taken, and which were not."""

    accepted: int = Field(ge=0)
    rejected: list[RejectedLine]
    waiting: list[RejectedLine] = Field(
        default=[],
        description="Lines of the accepted that do not count yet: referrals that their other end has to send",
    )
