"""The agreement as a value: what its document says.

The field names are those of the document (``schema/agreement-1.json``), so a reader who knows one knows the other.
Everything here is frozen.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from governance.clock import LONDON
from governance.vocabulary import Action, Label, PartyRole, Purpose, Role

Scalar = str | int | bool


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Party(_Part):
    """An organisation bound by the agreement, and its role under UK GDPR (Articles 4(7), 4(8) and 26)."""

    ods: str
    role: PartyRole


class Direction(_Part):
    """From whom to whom images may go.

    ``pool`` names a reporting pool for people. It is not compiled: the pool's trusts are listed as recipients, and its
    work list arrives as relationships.
    """

    owners: tuple[str, ...]
    recipients: tuple[str, ...]
    pool: str | None = None


class LawfulBasis(_Part):
    """UK GDPR Article 6 and Article 9 conditions, and what sets the common-law duty of confidentiality aside."""

    article_6: str
    article_9: str
    confidentiality: str


class Effective(_Part):
    """First and last day, both included, by the calendar of Europe/London."""

    from_: date
    to: date

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.rstrip("_"))

    @property
    def begins_at(self) -> datetime:
        """Give the first instant, in UTC."""
        return _midnight(self.from_)

    @property
    def ends_at(self) -> datetime:
        """Give the instant at which it is over (the midnight after the last day), in UTC."""
        return _midnight(self.to + timedelta(days=1))


class Retention(_Part):
    """How long copies made under the agreement are kept."""

    class_: str
    years: int

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.rstrip("_"))


class AiService(_Part):
    """An AI service a clause lets in: its approved versions, what it may look at and how many studies a day."""

    id: str
    versions: tuple[str, ...]
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    daily_volume: int


class Recipients(_Part):
    """Who, inside a receiving organisation, a clause lets in."""

    roles: tuple[Role, ...] = ()
    services: tuple[str, ...] = ()
    ai_services: tuple[AiService, ...] = ()


class DataItems(_Part):
    """Which studies; ``*`` is every modality or body part, ``priors_days`` None is no limit."""

    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    level: Literal["identifiable", "pseudonymised"]
    priors_days: int | None
    excluded_labels: tuple[Label, ...]
    sensitive: Literal["break_glass", "deny"]


class Hours(_Part):
    """Hours of the day, Europe/London, ``to`` excluded; ``to`` before ``from`` runs past midnight."""

    from_: str
    to: str

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.rstrip("_"))

    @property
    def from_minute(self) -> int:
        """Give the first minute of the day, 0 to 1439."""
        return _minute(self.from_)

    @property
    def to_minute(self) -> int:
        """Give the minute of the day it ends at, 0 to 1439."""
        return _minute(self.to)


class Obligation(_Part):
    """Something the enforcement point must do; one that cannot be honoured turns the decision into a denial."""

    type: str
    properties: dict[str, Scalar] = {}


class Conditions(_Part):
    """What must hold at the moment of asking."""

    identity_assurance: int
    managed_device: bool
    relationship: Literal["not_required", "required", "self_claim"]
    training: bool
    hours: Hours | None = None
    obligations: tuple[Obligation, ...] = ()


class BreakGlass(_Part):
    """Whether the emergency override exists, for how many minutes, who is notified and what share is reviewed."""

    allowed: bool
    minutes: int = 0
    notify: tuple[str, ...] = ()
    review_share: float = 0.0


class OptOut(_Part):
    """Whether the national data opt-out (DCB3058) applies, or why not."""

    applies: bool
    exempt_because: str | None = None


class TokenLimits(_Part):
    """The token of one access: lifetime in seconds, and how often it may be exchanged again."""

    seconds: int
    act_depth: int


class Clause(_Part):
    """One permission: who may do what with which studies, why, and on which conditions."""

    id: str
    text: str
    purposes: tuple[Purpose, ...]
    actions: tuple[Action, ...]
    recipients: Recipients
    data: DataItems
    conditions: Conditions
    break_glass: BreakGlass
    opt_out: OptOut
    token: TokenLimits


class Agreement(_Part):
    """One version of an agreement, as its document says it."""

    id: str
    version: int
    title: str
    parties: tuple[Party, ...]
    direction: Direction
    lawful_basis: LawfulBasis
    effective: Effective
    review_date: date
    dpia: str
    retention: Retention
    clauses: tuple[Clause, ...]

    @property
    def signatories(self) -> frozenset[str]:
        """Give the ODS codes of every party: each must sign."""
        return frozenset(party.ods for party in self.parties)

    @property
    def review_at(self) -> datetime:
        """Give the instant at which the day of its review begins, in UTC."""
        return _midnight(self.review_date)

    def role_of(self, ods: str) -> PartyRole | None:
        """Give the role of a party, None for an organisation that is not one."""
        return next((party.role for party in self.parties if party.ods == ods), None)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
