"""Shapes of the audit's native endpoints."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from governance.intake import Taken
from governance.vocabulary import EventKind, Outcome

LIMIT_DEFAULT = 50
LIMIT_MAXIMUM = 500

Patient = Annotated[str, Field(pattern=r"^p-[a-z2-7]{26}$", description="a patient's pseudonym")]
Study = Annotated[str, Field(pattern=r"^t-[a-z2-7]{26}$", description="a study's pseudonym")]
Text = Annotated[str, Field(min_length=1, max_length=256)]


class Rejected(BaseModel):
    """A line that was not taken, counted from 1, and every fault in it."""

    line: int
    reason: str


class IngestAnswer(BaseModel):
    """What became of a body: sent only after everything accepted is durable and has its place in the log."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]
    first_index: int | None
    last_index: int | None


def ingested(taken: Taken) -> IngestAnswer:
    """Say what became of a body."""
    return IngestAnswer(
        accepted=taken.tally.accepted,
        duplicates=taken.tally.duplicates,
        rejected=[Rejected(line=fault.line, reason=fault.reason) for fault in taken.faults],
        first_index=taken.tally.first_index,
        last_index=taken.tally.last_index,
    )


class EventFilters(BaseModel):
    """What every search for events understands; ``since`` is included, ``until`` is not."""

    model_config = ConfigDict(extra="forbid")

    subject: Text | None = None
    custodian: Text | None = None
    source_id: Text | None = None
    kind: EventKind | None = None
    outcome: Outcome | None = None
    decision_id: Text | None = None
    agreement_id: Text | None = None
    token_jti: Text | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    order: Literal["newest", "oldest"] = "newest"
    limit: int = Field(LIMIT_DEFAULT, ge=1, le=LIMIT_MAXIMUM)
    cursor: int | None = Field(None, ge=0, lt=2**62, description="the cursor of the page before")


class EventsQuery(EventFilters):
    """A search by address: an address is logged by proxies, so people, patients and studies are pseudonyms in it."""

    patient: Patient | None = None
    study: Study | None = None


class EventsSearch(EventFilters):
    """A search by body, which may hold identifiers: ``user`` is a person's user id, ``subject`` as the log has it."""

    user: Text | None = None
    patient: Text | None = None
    study: Text | None = None


class ExplanationView(BaseModel):
    """Why whoever looked may have had a reason to: what detection found on record, as of when it read the event.

    Explained is not innocent and unexplained is not guilty. ``pending``: detection has not read the event yet.
    """

    kind: str = Field(
        description="order, worklist, report, referral, mdt, episode, rota, pool, project; self_claim, prior_report, "
        "confirmed; unexplained, degraded (a feed was silent); pending (not read yet), not_kept (read by a release "
        "that kept no reasons)"
    )
    explained: bool | None = Field(
        default=None, description="whether the reason is strong enough; null while nobody can say"
    )
    edge: str | None = Field(default=None, description="id of the relationship in its feed")
    source: str | None = Field(default=None, description="the system that said so")
    feed: str | None = Field(default=None, description="ODS code of the trust whose feed gave the relationship")
    team: bool = Field(default=False, description="whether a team of theirs holds the relationship")
    age_seconds: int | None = Field(
        default=None, description="from when the reason began to the look; negative: it began later"
    )
    strength: float = Field(default=0.0, ge=0, le=1, description="1: names the person and the patient, and is new")


class RecordedEventView(BaseModel):
    """One event as the log holds it: the native fields with pseudonyms.

    ``explanation`` is there for an access, an export and a print; it stands beside the log, not in it.
    """

    model_config = ConfigDict(extra="allow")

    index: int
    recorded_at: str
    leaf_hash: str
    id: str
    time: str
    source: dict[str, Any]
    kind: EventKind
    outcome: Outcome
    explanation: ExplanationView | None = None


class EventsPage(BaseModel):
    """Events in the asked order; ``cursor`` asks for the next page, ``recorded_as`` is the index of this look."""

    events: list[RecordedEventView]
    cursor: int | None
    recorded_as: int


class ProofView(BaseModel):
    """An inclusion proof: hashes in hexadecimal, the signed checkpoint as a note, and the same as a tlog-proof file.

    ``entry`` is the path of the bytes that ``leaf_hash`` is the hash of: SHA-256 of a zero byte and those bytes.
    """

    index: int
    leaf_hash: str
    size: int
    hashes: list[str]
    checkpoint: str
    text: str
    entry: str
