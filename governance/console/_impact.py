"""What the page shows that asks what a change of an agreement would do, before anybody signs or ends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.agreements import Moved, Record, Transition
from governance.agreements.lifecycle import FINAL
from governance.console import _wording as wording
from governance.console._guard import viewer
from governance.console._names import trust_names
from governance.console._rows import named
from governance.impact import ImpactReport, Question
from governance.impact.comparison import AccessChange, Effect, Example
from governance.impact.rendering import trust_lines
from governance.vocabulary import AgreementStatus
from governance.web.services import current_services

DECISIONS_MOST = 5_000  # replayed while somebody waits: some seconds
ROWS_MOST = 50  # of each effect on a page
_EXAMPLES = 3
_ENDINGS = (Transition.SUSPEND, Transition.TERMINATE)


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """Decisions whose outcome would change alike, in words; ``why`` holds a sentence for each reason."""

    trust: str
    role: str
    purpose: str
    action: str
    custodian: str
    decisions: int
    why: tuple[str, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class ImpactSection:
    """What one effect is about; ``left_out`` counts the groups beyond ``ROWS_MOST``."""

    effect: Effect
    decisions: int
    rows: tuple[ImpactRow, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class ImpactAnswer:
    """The answer: ``asked`` decisions of the period were asked again, from ``since``; it holds ``decisions`` in all.

    ``set_aside`` were looked at and could not be asked again; at none asked the answer tells nothing.
    """

    since: datetime
    until: datetime
    asked: int
    set_aside: int
    decisions: int
    sections: tuple[ImpactSection, ...]
    still_permitted: int
    still_denied: int
    how_far: tuple[str, ...]


def possible_changes(record: Record) -> tuple[Transition, ...]:
    """Give what may still happen to a version that the impact of can be asked; empty when it is over."""
    if record.status in FINAL or record.superseded_by is not None:
        return ()
    if record.in_force:
        return _ENDINGS
    return () if record.status is AgreementStatus.ACTIVE else (Transition.ACTIVATE,)


def impact_of(record: Record, change: Transition, days: int) -> ImpactAnswer:
    """Ask what a change would have done to the viewer's decisions of the last days; the newest, if there are too many.

    Raises:
        NotFound, Conflict: the version is no longer there to be changed so.
        TooManyRequests: another analysis runs.
        Unavailable: the policy engine failed.
    """
    services = current_services()
    now = services.infrastructure.clock.now()
    moved = Moved(record.agreement.id, record.agreement.version, change)
    whole = Question((moved,), now - timedelta(days=days), now, _EXAMPLES, viewer().ods)
    decisions = services.uses.impact.decisions(whole)
    report = services.uses.impact.analyse(services.uses.impact.newest(whole, DECISIONS_MOST))
    return _answer(report, decisions)


def _answer(report: ImpactReport, decisions: int) -> ImpactAnswer:
    tally, names = report.tally, trust_names()
    return ImpactAnswer(
        since=report.question.since,
        until=report.question.until,
        asked=tally.asked,
        set_aside=tally.set_aside.total(),
        decisions=max(decisions, tally.decisions),
        sections=tuple(_section(report, effect, names) for effect in Effect if tally.effects[effect]),
        still_permitted=tally.still_permitted,
        still_denied=tally.still_denied,
        how_far=tuple(trust_lines(tally)),
    )


def _section(report: ImpactReport, effect: Effect, names: Mapping[str, str]) -> ImpactSection:
    found = [change for change in report.changes if change.group.effect is effect]
    rows = sorted((_row(change, names) for change in found[:ROWS_MOST]), key=lambda row: (row.trust, -row.decisions))
    return ImpactSection(effect, report.tally.effects[effect], tuple(rows), max(len(found) - ROWS_MOST, 0))


def _row(change: AccessChange, names: Mapping[str, str]) -> ImpactRow:
    group = change.group
    return ImpactRow(
        trust=named(group.trust, names) or group.trust,
        role=wording.role_name(group.role) or group.role,
        purpose=wording.purpose_name(group.purpose),
        action=wording.action_name(group.action),
        custodian=named(group.custodian, names) or group.custodian,
        decisions=change.decisions,
        why=tuple(wording.reason_sentence(reason) for reason, _ in change.reasons),
        examples=change.examples,
    )
