"""Why somebody may have looked, in the words of an officer; and how many looks had a reason, over some weeks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from governance.console import _formats as formats
from governance.console import _wording as wording
from governance.console._rows import named
from governance.detection import ExplanationKind, Explanations, Told, Untold
from governance.detection.explanation.explanations import OTHER, Count
from governance.vocabulary import Role

DAYS = 28  # that the shares are of
SOURCES = 20  # of the systems that gave most reasons

UNTOLD: Mapping[Untold, str] = {
    Untold.PENDING: "Not looked into yet",
    Untold.NOT_KEPT: "Read before reasons were kept",
}

KINDS: Mapping[ExplanationKind, str] = {
    ExplanationKind.CONFIRMED: "Asked about, and accepted",
    ExplanationKind.DEGRADED: "Cannot be told: a feed was silent",
    ExplanationKind.EPISODE: "Episode of care",
    ExplanationKind.MDT: "MDT list",
    ExplanationKind.ORDER: "Order",
    ExplanationKind.POOL: "Reporting pool",
    ExplanationKind.PRIOR_REPORT: "Filed images or a report for the patient before",
    ExplanationKind.PROJECT: "Approved project",
    ExplanationKind.REFERRAL: "Referral",
    ExplanationKind.REPORT: "Report",
    ExplanationKind.ROTA: "Rota or on-call",
    ExplanationKind.SELF_CLAIM: "Claimed by themselves",
    ExplanationKind.UNEXPLAINED: "No recorded reason found",
    ExplanationKind.WORKLIST: "Worklist",
}

_ON: Mapping[ExplanationKind, str] = {
    ExplanationKind.CONFIRMED: "Asked about, and the answer was accepted",
    ExplanationKind.DEGRADED: "Nobody can say yet: a feed of relationships was silent",
    ExplanationKind.EPISODE: "In an episode of care from {source}",
    ExplanationKind.MDT: "On an MDT list from {source}",
    ExplanationKind.ORDER: "On an order from {source}",
    ExplanationKind.POOL: "In a reporting pool of {source}",
    ExplanationKind.PRIOR_REPORT: "They had filed images or a report for the patient",
    ExplanationKind.PROJECT: "In an approved project of {source}",
    ExplanationKind.REFERRAL: "On a referral from {source}",
    ExplanationKind.REPORT: "On a report from {source}",
    ExplanationKind.ROTA: "On a rota from {source}",
    ExplanationKind.SELF_CLAIM: "They claimed a relationship themselves",
    ExplanationKind.UNEXPLAINED: "No recorded reason found",
    ExplanationKind.WORKLIST: "On a worklist from {source}",
}


def spoken(told: Told) -> str:
    """Say why somebody may have looked: ``On a referral from ris-rrk, 3 days before``."""
    if isinstance(told, Untold):
        return UNTOLD[told]
    said = _ON[told.kind].format(source=told.source or "an unnamed system")
    if told.team:
        said += ", held by a team of theirs"
    if told.age is not None:
        said += f", {_when(told.age)}"
    weak = told.kind not in {ExplanationKind.UNEXPLAINED, ExplanationKind.DEGRADED} and not told.explained
    return f"{said}: too wide to explain this look" if weak else said


def _when(age: timedelta) -> str:
    minutes = int(abs(age).total_seconds() // 60)
    for length, unit in ((1_440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= length:
            return f"{formats.counted(minutes // length, unit)} {'before' if age > timedelta() else 'later'}"
    return "at the same time"


@dataclass(frozen=True, slots=True)
class Share:
    """How many looks of one group had a reason; ``untold`` could not be told because a feed was silent."""

    name: str
    looks: int
    explained: int
    untold: int = 0

    @property
    def percent(self) -> str:
        """Give the share that had a reason, of those that can be told."""
        told = self.looks - self.untold
        return f"{100 * self.explained / told:.1f} %" if told else "None to tell of"


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of some weeks: of the whole, by trust, by role, and how many looks each kind and system explained."""

    since: datetime
    whole: Share
    trusts: tuple[Share, ...]
    roles: tuple[Share, ...]
    kinds: tuple[tuple[str, int], ...]
    sources: tuple[tuple[str, int], ...]


def shares(
    session: Session, explanations: Explanations, names: Mapping[str, str], ods: str | None, now: datetime
) -> Shares:
    """Give the shares of the last weeks (:data:`DAYS`), whole days in UTC.

    Args:
        session: the snapshot of the page.
        explanations: what is counted.
        names: organisations' names by ODS code.
        ods: the viewer's trust: its roles and reasons are shown, and the region's total beside its own; None sees all.
        now: the present instant.
    """
    since = now - timedelta(days=DAYS - 1)
    counts = explanations.counts(session, since.date())
    own = [one for one in counts if ods in {None, one.ods}]
    trusts = sorted({one.ods for one in own}, key=lambda code: (code == OTHER, named(code, names) or code))
    by_trust = {code: [one for one in own if one.ods == code] for code in trusts}
    by_role = {role: [one for one in own if one.role == role] for role in sorted({one.role for one in own})}
    sources = Counter[str]()
    kinds = Counter[ExplanationKind]()
    for one in own:
        kinds[one.kind] += one.looks
        if one.explained and one.source:
            sources[one.source] += one.looks
    return Shares(
        since=since,
        whole=_share("The region", counts),
        trusts=tuple(_share(_trust(code, names), some) for code, some in by_trust.items()),
        roles=tuple(_share(_role(role), some) for role, some in by_role.items()),
        kinds=tuple((KINDS[kind], looks) for kind, looks in sorted(kinds.items(), key=lambda one: (-one[1], one[0]))),
        sources=tuple(sorted(sources.items(), key=lambda one: (-one[1], one[0]))[:SOURCES]),
    )


def _share(name: str, counts: Iterable[Count]) -> Share:
    some = list(counts)
    return Share(
        name,
        sum(one.looks for one in some),
        sum(one.looks for one in some if one.explained),
        sum(one.looks for one in some if one.kind is ExplanationKind.DEGRADED),
    )


def _trust(code: str, names: Mapping[str, str]) -> str:
    return "Not of the network" if code == OTHER else named(code, names) or code


def _role(role: str) -> str:
    return "Another role, or none" if role == OTHER else wording.ROLES[Role(role)]
