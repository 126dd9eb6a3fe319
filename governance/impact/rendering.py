"""An impact report as people read it, in plain English, and as programs do, as one JSON document."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from governance.agreements import InForce, Moved, Transition
from governance.impact.comparison import AccessChange, Effect, Tally
from governance.impact.impact import ImpactReport
from governance.impact.replay import NO_POLICY, SEARCH

_HEADINGS = {
    Effect.GAINS: "would gain access",
    Effect.LOSES: "would lose access",
    Effect.MAY_GAIN: "may gain access: it depends on what the log does not hold",
    Effect.MAY_LOSE: "may lose access: it depends on what the log does not hold",
}
_SET_ASIDE = {
    NO_POLICY: "were denials that policy had no part in, such as a failed engine",
    SEARCH: "were searches that name no study, whose custodians are not logged",
}
_STEPS = {
    Transition.ACTIVATE: "in force",
    Transition.EXPIRE: "expired",
    Transition.SUSPEND: "suspended",
    Transition.TERMINATE: "terminated",
}
_DIGITS = 12  # of a digest, as in a bundle's revision
NOTHING_ASKED = "No decision was asked again, so this does not tell who would gain or lose access."
_DAY = "%Y-%m-%d %H:%M"


def summary(report: ImpactReport) -> list[str]:
    """Give the lines of a report: what was asked, what would change for whom, and how far to trust it."""
    question, tally = report.question, report.tally
    lines = [
        f"Supposing {' and '.join(_supposed(report))}.",
        f"{_decisions(tally.decisions)} from {question.since:{_DAY}} to {question.until:{_DAY}} (UTC) were looked at.",
    ]
    if report.same:
        lines.append("The policy would be the same: nothing changes for anybody.")
    for effect, words in _HEADINGS.items():
        if tally.effects[effect]:
            lines.append(f"{_decisions(tally.effects[effect])} {words}:")
            lines += _groups(change for change in report.changes if change.group.effect is effect)
    if not tally.asked:
        return [*lines, NOTHING_ASKED, *trust_lines(tally)]
    if not tally.effects:
        lines.append("Nobody who asked would have gained or lost access.")
    lines.append(f"Unchanged: {tally.still_permitted} permitted, {tally.still_denied} denied.")
    return [*lines, *trust_lines(tally)]


def document(report: ImpactReport) -> dict[str, Any]:
    """Give the report as plain JSON values; times as RFC 3339, identifiers pseudonymous."""
    tally = report.tally
    return {
        "since": report.question.since.isoformat(),
        "until": report.question.until.isoformat(),
        "policy_revision": report.revision,
        "supposed_revision": report.supposed_revision,
        "rules": report.policies,
        "supposed_rules": report.supposed_policies,
        "decisions": tally.decisions,
        **{effect.value: tally.effects[effect] for effect in Effect},
        "still_permitted": tally.still_permitted,
        "still_denied": tally.still_denied,
        "set_aside": dict(sorted(tally.set_aside.items())),
        "not_reproduced": {
            "permitted_then": tally.not_reproduced_permits,
            "denied_then": tally.not_reproduced_denials,
            "other_revision": tally.not_reproduced_other_revision,
        },
        "changes": [_row(change) for change in report.changes],
        "summary": summary(report),
    }


def _row(change: AccessChange) -> dict[str, Any]:
    group = change.group
    return {
        "effect": group.effect.value,
        "trust": group.trust,
        "custodian": group.custodian,
        "role": group.role,
        "purpose": group.purpose,
        "action": group.action,
        "decisions": change.decisions,
        "reasons": dict(change.reasons),
        "examples": [{"decision_id": one.decision_id, "log_index": one.index} for one in change.examples],
    }


def _supposed(report: ImpactReport) -> Iterator[str]:
    yield from map(_change, report.question.changes)
    if report.question.policies is not None:
        yield f"the candidate policies {report.supposed_policies[:_DIGITS]} were in force"


def _change(change: InForce | Moved) -> str:
    if isinstance(change, InForce):
        return f"{change.agreement.id} version {change.agreement.version} were in force"
    return f"{change.agreement_id} version {change.version} were {_STEPS[change.transition]}"


def _groups(changes: Iterable[AccessChange]) -> Iterator[str]:
    """Write one line a trust, and below it one a role, custodian, purpose and action."""
    by_trust = sorted(changes, key=lambda change: (change.group.trust, -change.decisions, change.group))
    for trust, found in groupby(by_trust, key=lambda change: change.group.trust):
        changed = list(found)
        yield f"  {trust}: {_decisions(sum(change.decisions for change in changed))}"
        for change in changed:
            group = change.group
            why = ", ".join(f"{reason} {count}" for reason, count in change.reasons)
            who = f"{group.role}, {group.purpose}, {group.action}, images of {group.custodian}"
            yield f"    {change.decisions} x {who} ({why})"
            for example in change.examples:
                yield f"      decision {example.decision_id}, log index {example.index}"


def trust_lines(tally: Tally) -> Iterator[str]:
    """Give the lines that say how far the figures of a report can be trusted."""
    for why, count in sorted(tally.set_aside.items()):
        yield f"Set aside: {count} {_SET_ASIDE[why]}."
    if not tally.asked:
        return
    off = tally.not_reproduced_permits + tally.not_reproduced_denials
    if off:
        yield (
            f"Not reproduced: today's policy decides {off} otherwise than was logged ({tally.not_reproduced_permits} "
            f"permitted then, {tally.not_reproduced_denials} denied then; {tally.not_reproduced_other_revision} "
            "were made under other terms). The figures above may be off by as many."
        )
    else:
        yield "Today's policy decides every one of them as it was logged."


def _decisions(count: int) -> str:
    return f"{count} decision{'' if count == 1 else 's'}"
