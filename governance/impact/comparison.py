"""Comparison: the decisions that were made, asked again of two engines; who gains and who loses.

1. ``today`` and ``supposed`` are asked the same inputs. What was logged is the truth about what is not logged: a permit
   that today's terms give at best counts as given, a denial counts as a denial unless it is proven otherwise.
2. ``gains`` and ``loses`` are proven; ``may_gain`` and ``may_lose`` depend on something the log does not say.
3. A decision today's terms decide otherwise than was logged is counted as not reproduced, whatever else is said of it.
4. What is held is counts and the first few examples of each group: memory grows with groups, never with decisions.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from governance.decisions.decision import Answer
from governance.decisions.engine import Engine
from governance.impact.replay import Replayed, SetAside

Corner: TypeAlias = tuple[str, str, str]  # requester, custodian, purpose


class Effect(StrEnum):
    """What a change does to a decision."""

    GAINS = "gains"
    LOSES = "loses"
    MAY_GAIN = "may_gain"
    MAY_LOSE = "may_lose"


class _Standing(StrEnum):
    """How terms decide an input whose unlogged attributes are bounded."""

    DENY = "deny"
    DEPENDS = "depends"
    PERMIT = "permit"


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Whose access changes: the trust that asks, whose images, in which role, for what, doing what; or a service."""

    effect: Effect
    trust: str
    custodian: str
    role: str
    purpose: str
    action: str


@dataclass(frozen=True, slots=True)
class Example:
    """A decision, by its id and its place in the log; nothing else of it leaves."""

    decision_id: str
    index: int


@dataclass(frozen=True, slots=True)
class AccessChange:
    """One group and how many decisions it is about.

    ``reasons`` counts why: for a loss the reasons of the supposed terms, for a gain those of today's that fall away.
    """

    group: Group
    decisions: int
    reasons: tuple[tuple[str, int], ...]
    examples: tuple[Example, ...]


@dataclass(slots=True)
class Tally:
    """What was seen so far."""

    decisions: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    still_permitted: int = 0
    still_denied: int = 0
    effects: Counter[Effect] = field(default_factory=Counter)
    not_reproduced_permits: int = 0
    not_reproduced_denials: int = 0
    not_reproduced_other_revision: int = 0

    @property
    def asked(self) -> int:
        """Give how many decisions were asked again; the others tell nothing."""
        return self.decisions - self.set_aside.total()


@dataclass(slots=True)
class _Gathered:
    decisions: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)


class Comparison:
    """Asks two engines about each decision and keeps count.

    Args:
        today: holds the terms in force.
        supposed: holds the supposed terms.
        differing: the (requester, custodian, purpose) where the two may differ; elsewhere only ``today`` is asked.
            None when they may differ anywhere, as they may when the rules themselves change.
        revision: of today's policy data, to recognise decisions made under other terms.
        examples: how many decisions of each group are named.
    """

    def __init__(
        self, today: Engine, supposed: Engine, differing: Collection[Corner] | None, revision: str, examples: int
    ) -> None:
        self.tally = Tally()
        self._today = today
        self._supposed = supposed
        self._differing = None if differing is None else frozenset(differing)
        self._revision = revision
        self._examples = examples
        self._groups: dict[Group, _Gathered] = {}

    def add(self, replayed: Replayed | SetAside) -> None:
        """Take one decision. Raises EngineFault."""
        self.tally.decisions += 1
        if isinstance(replayed, SetAside):
            self.tally.set_aside[replayed.why] += 1
            return
        standing, answer = _standing(self._today, replayed)
        before = standing is _Standing.PERMIT or (standing is _Standing.DEPENDS and replayed.permitted)
        self._note_reproduction(replayed, before)
        after, then = self._after(replayed, standing, answer)
        effect = _effect(before, standing, after)
        if effect is None:
            self.tally.still_permitted += before
            self.tally.still_denied += not before
        else:
            why = then if effect in {Effect.LOSES, Effect.MAY_LOSE} else answer
            self._note_effect(effect, replayed, why)

    def changes(self) -> tuple[AccessChange, ...]:
        """Give the groups whose access changes: by effect, the largest first."""
        found = [
            AccessChange(group, held.decisions, tuple(sorted(held.reasons.items())), tuple(held.examples))
            for group, held in self._groups.items()
        ]
        return tuple(sorted(found, key=lambda change: (change.group.effect, -change.decisions, change.group)))

    def _after(self, replayed: Replayed, standing: _Standing, answer: Answer) -> tuple[_Standing, Answer]:
        asked = replayed.proven
        requester, purpose = asked["subject"]["ods"], asked["purpose"]
        corners = ((requester, custodian, purpose) for custodian in asked["resource"]["custodians"])
        if self._differing is not None and self._differing.isdisjoint(corners):
            return standing, answer
        return _standing(self._supposed, replayed)

    def _note_reproduction(self, replayed: Replayed, before: bool) -> None:
        if before == replayed.permitted:
            return
        self.tally.not_reproduced_permits += replayed.permitted
        self.tally.not_reproduced_denials += not replayed.permitted
        self.tally.not_reproduced_other_revision += replayed.revision != self._revision

    def _note_effect(self, effect: Effect, replayed: Replayed, why: Answer) -> None:
        self.tally.effects[effect] += 1
        held = self._groups.setdefault(_group(effect, replayed), _Gathered())
        held.decisions += 1
        held.reasons.update(reason.value for reason in why.reasons)
        if len(held.examples) < self._examples:
            event = replayed.event
            held.examples.append(Example(event.authority.decision_id or event.id, event.index))


def _standing(engine: Engine, replayed: Replayed) -> tuple[_Standing, Answer]:
    """Ask the proven input, and only when it is denied the best one."""
    answer = engine.evaluate(replayed.proven)
    if answer.permit:
        return _Standing.PERMIT, answer
    if replayed.possible != replayed.proven and engine.evaluate(replayed.possible).permit:
        return _Standing.DEPENDS, answer
    return _Standing.DENY, answer


def _effect(before: bool, today: _Standing, after: _Standing) -> Effect | None:
    """Say what the supposed terms change; ``before`` is what today's terms give, rule 1 applied."""
    if before:
        if after is _Standing.DENY:
            return Effect.LOSES
        return Effect.MAY_LOSE if after is _Standing.DEPENDS and today is _Standing.PERMIT else None
    if after is _Standing.PERMIT:
        return Effect.GAINS
    return Effect.MAY_GAIN if after is _Standing.DEPENDS and today is _Standing.DENY else None


def _group(effect: Effect, replayed: Replayed) -> Group:
    subject, asked = replayed.subject, replayed.proven
    custodians: Sequence[str] = asked["resource"]["custodians"]
    resource = replayed.event.resource
    owner = resource.custodian if resource and resource.custodian else next(iter(custodians), "-")
    role = subject.role or subject.type.value
    return Group(effect, subject.ods or "-", owner, role, asked["purpose"], replayed.action)
