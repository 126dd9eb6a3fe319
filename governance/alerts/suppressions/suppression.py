"""What a suppression covers, and what one may be (pure)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from governance.alerts.finding import Finding
from governance.errors import Fault, Forbidden, InvalidInput
from governance.vocabulary import AlertKind, Severity

MAXIMUM_DAYS = 90
MAXIMUM_TEXT = 2_000  # characters of a reason
NEVER = frozenset(
    {
        "self_access",
        "decoy_record",
        "lapsed_authority",
        "own_case",
        "detector_fault",  # what says that detection, the log or an edge does not work
        "edge_health",
        "log_history",
    }
)


class SuppressionKind(StrEnum):
    """What holds findings back: a suppression of a rule or signal, or a relation that somebody vouches for."""

    KNOWN_RELATION = "known_relation"
    SUPPRESSION = "suppression"


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """What is to be held back. People, teams and patients are pseudonyms; ``trust`` is an ODS code.

    A suppression names a rule, a signal or both, and any of user, team, patient and trust; a known relation a user and
    a patient, and nothing else.
    """

    reason: str
    expires_at: datetime
    kind: SuppressionKind = SuppressionKind.SUPPRESSION
    rule: str | None = None
    signal: str | None = None
    subject: str | None = None
    team: str | None = None
    patient: str | None = None
    trust: str | None = None

    @property
    def wide(self) -> bool:
        """Say whether it is for a whole trust or for everybody, and so wants a second person."""
        return self.subject is None and self.team is None and self.patient is None


@dataclass(frozen=True, slots=True)
class Suppression:
    """A suppression or a known relation on file; ``ods`` is whose it is (None: the region's).

    ``hits`` counts the findings that it held back, each once.
    """

    id: str
    kind: SuppressionKind
    ods: str | None
    rule: str | None
    signal: str | None
    subject: str | None
    team: str | None
    patient: str | None
    trust: str | None
    reason: str
    owner: str
    set_at: datetime
    expires_at: datetime
    needs_approval: bool
    approved_by: str | None
    approved_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    end_reason: str | None
    hits: int
    last_hit_at: datetime | None

    def state_at(self, now: datetime) -> str:
        """Say where it stands: ended, expired, waiting (for approval) or in_force."""
        if self.ended_at is not None:
            return "ended"
        if now >= self.expires_at:
            return "expired"
        return "waiting" if self.needs_approval and self.approved_at is None else "in_force"

    def covers(self, finding: Finding, teams: Callable[[], Collection[str]]) -> bool:
        """Say whether it holds a finding back while it is in force; ``teams`` gives those of whoever acted."""
        if finding.kind is AlertKind.NOTICE or finding.rule_id in NEVER:
            return False
        acted = {*finding.subjects, *((finding.subject,) if finding.subject else ())}
        if acted & {self.owner, self.approved_by}:
            return False
        concerned = {*finding.trusts, *(party.ods for party in finding.parties)}
        if any(ods is not None and concerned != {ods} for ods in (self.ods, self.trust)):
            return False
        if self.subject is not None and acted != {self.subject}:
            return False
        if self.patient is not None and finding.patient != self.patient:
            return False
        if self.rule is not None and finding.rule_id != self.rule:
            return False
        if self.signal is not None and {item.signal for item in finding.evidence} != {self.signal}:
            return False
        return self.team is None or (len(acted) == 1 and self.team in teams())


@dataclass(frozen=True, slots=True)
class Withheld:
    """One finding that was held back: what it said, and the log entries it rests on."""

    key: str
    rule: str
    severity: Severity
    occurred_at: datetime
    events: tuple[int, ...]
    sentence: str


def check(wanted: NewSuppression, ods: str | None, now: datetime) -> None:
    """Refuse what no suppression may be, for whoever asks for one.

    Args:
        wanted: what is asked for.
        ods: the trust that asks; None for the region.
        now: the present instant.

    Raises:
        InvalidInput: every fault at once, each by its field.
        Forbidden: it is for another trust.
    """
    faults = [*_scope_faults(wanted), *_time_faults(wanted, now)]
    text = wanted.reason.strip()
    if not text or len(text) > MAXIMUM_TEXT:
        faults.append(Fault("/reason", f"say why in 1 to {MAXIMUM_TEXT} characters"))
    if faults:
        raise InvalidInput(faults)
    if ods is not None and wanted.trust not in {None, ods}:
        raise Forbidden("suppression.not_yours", "A trust suppresses what concerns that trust alone.")


def _scope_faults(wanted: NewSuppression) -> list[Fault]:
    if wanted.kind is SuppressionKind.KNOWN_RELATION:
        faults = [Fault(f"/{name}", "is needed: who is known to whom") for name in ("subject", "patient")
                  if getattr(wanted, name) is None]  # fmt: skip
        faults += [Fault(f"/{name}", "has no place in a known relation") for name in ("rule", "signal", "team", "trust")
                   if getattr(wanted, name) is not None]  # fmt: skip
        return faults
    faults = []
    if wanted.rule is None and wanted.signal is None:
        faults.append(Fault("/rule", "name the rule or the signal that is to be held back"))
    if wanted.rule in NEVER:
        faults.append(Fault("/rule", "findings of this rule are never held back"))
    return faults


def _time_faults(wanted: NewSuppression, now: datetime) -> list[Fault]:
    if now < wanted.expires_at <= now + timedelta(days=MAXIMUM_DAYS):
        return []
    return [Fault("/expires_at", f"is later than now, and at most {MAXIMUM_DAYS} days from now")]
