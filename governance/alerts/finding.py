"""What a detector found, and what it has to take back: the input of this room.

A finding names pseudonyms and log indexes, never a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from governance.vocabulary import AlertKind, Capacity, Severity

MAXIMUM_SHOWN = 200  # log entries, decisions, tokens that one alert, or one finding, lists; the rest are counted
MAXIMUM_BARS = 31  # of a picture: a month of days


@dataclass(frozen=True, slots=True)
class Evidence:
    """One signal that supports a finding.

    Args:
        signal: machine name of the signal.
        observed: what was seen, in the signal's own unit.
        expected: what peers, the manifest or the rule would have led us to expect; None when nothing is comparable.
        sample: how many observations ``expected`` rests on; 0 for a rule that is not statistical.
        bits: surprise as ``-log2`` of the tail probability, None for a rule that is not statistical.
        sentence: the same in words an officer uses, without any identifier of a person, and without "bits".
    """

    signal: str
    observed: float | str
    expected: float | str | None
    sample: int
    bits: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a picture: what it stands for (a day, an hour), what was seen and what is usual among peers."""

    label: str
    seen: float
    usual: float | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The data of one small picture: a person's days against those of their peers.

    Args:
        title: what it shows, as a sentence without identifiers.
        unit: what is counted: ``studies opened``.
        bars: oldest first; of more than ``MAXIMUM_BARS`` the newest are kept.
    """

    title: str
    unit: str
    bars: tuple[Bar, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "bars", self.bars[-MAXIMUM_BARS:])


@dataclass(frozen=True, slots=True)
class Review:
    """Whether a notice was drawn for review, and until when somebody should have looked; only our own word counts."""

    drawn: bool
    due: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class Party:
    """A trust (ODS code) whose verdict is wanted, and in what capacity."""

    ods: str
    capacity: Capacity


@dataclass(frozen=True, slots=True)
class Finding:
    """One hit of one rule.

    Args:
        rule_id: the rule that fired.
        family: the group of rules that find the same kind of incident; findings of a family share an incident.
        severity: how soon it wants a person.
        subject: who acted (pseudonym or service id), None when the incident is about many people.
        about: what the incident is about besides the subject: a patient pseudonym, a trust or a service.
        occurred_at: event time at which it became true; never the wall clock.
        evidence: why.
        events: indexes of the log entries it rests on; the first ``MAXIMUM_SHOWN`` are kept.
        patient: patient pseudonym when one patient is concerned.
        subjects: everybody whose acts are part of it; none of them may review it.
        trusts: ODS codes of the trusts whose officers should see it.
        agreement_ids, decision_ids, token_jtis: the links of the chain of authority that its events carry.
        kind: whether it accuses or tells.
        key: what this finding is, the same each time it is found again and unlike any other's; without one, the rule,
            whom and what it is about, and its first event.
        total: how many log entries it rests on, when that is more than it lists.
        parties: whose verdict is wanted; every trust of ``trusts`` that is not named here is asked as well
            (:func:`governance.alerts.grouping.parties_of`).
        picture: one small picture of it.
        review: of a notice, whether it was drawn for review.
        found_at: the log index up to which was read when it was found. A finding no newer than what took it back
            does not come back by being read again.
    """

    rule_id: str
    family: str
    severity: Severity
    subject: str | None
    about: str
    occurred_at: datetime
    evidence: tuple[Evidence, ...]
    events: tuple[int, ...]
    patient: str | None = None
    subjects: tuple[str, ...] = ()
    trusts: tuple[str, ...] = ()
    agreement_ids: tuple[str, ...] = ()
    decision_ids: tuple[str, ...] = ()
    token_jtis: tuple[str, ...] = ()
    kind: AlertKind = AlertKind.ALERT
    key: str = ""
    total: int = 0
    parties: tuple[Party, ...] = ()
    picture: Picture | None = None
    review: Review | None = None
    found_at: int | None = None

    def __post_init__(self) -> None:
        if not self.key:
            first = str(min(self.events)) if self.events else "-"
            object.__setattr__(self, "key", "|".join((self.rule_id, self.subject or "-", self.about, first)))
        object.__setattr__(self, "total", max(self.total, len(set(self.events))))

    @property
    def shown(self) -> tuple[int, ...]:
        """Give the log entries that are kept: the first ``MAXIMUM_SHOWN`` of them, by index."""
        return tuple(sorted(set(self.events)))[:MAXIMUM_SHOWN]


@dataclass(frozen=True, slots=True)
class Revision:
    """What a finding has to take back, because something was learnt since.

    Args:
        key: of the finding.
        index: the log index that taught it.
        gone: log entries that the finding does not rest on any more: they are explained now.
        reason: one sentence for the officer, without identifiers.
        evidence: what supports the rest of it; None leaves what was said.
        severity: of the rest of it; None leaves what it was.
        at: event time of what taught it; without one the history shows when it was learnt.
    """

    key: str
    index: int
    gone: tuple[int, ...]
    reason: str
    evidence: tuple[Evidence, ...] | None = None
    severity: Severity | None = None
    at: datetime | None = None
