"""What windowed detectors hold to: late reasons, late events, hot keys, and peers that one person cannot teach."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from governance.alerts import Finding, Revision
from governance.detection.explanation.look import UNEXPLAINED, Explanation, ExplanationKind, Look
from governance.detection.peers.usual import Habit
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.state import RuleMemory
from governance.detection.registry import default_rules
from governance.detection.rule import RevisedRule, Rule
from governance.vocabulary import AlertKind
from tests.worlds.detection import BEGAN, LittleExplainer, event, region

RULES = {rule.id: rule for rule in default_rules()}
REASON = Explanation(ExplanationKind.ORDER, "e-1", strength=1.0)
VIP: Mapping[str, Any] = {"patients": [{"id": "p-1", "flags": ["vip"]}]}
HOME: Mapping[str, Any] = {
    "staff": [{"id": "s-1", "household": "h-1"}],
    "patients": [{"id": "p-1", "household": "h-1"}],
}
Timed = tuple[float, Mapping[str, Any]]


def crowd(count: int, every: float = 600) -> list[Timed]:
    return [(n * every, {"who": f"s-{n}", "patient": "p-1", "study": "t-1"}) for n in range(count)]


def run(
    rule: Rule, rows: Sequence[Timed], world: Mapping[str, Any] | None = None, memory: RuleMemory | None = None
) -> list[Finding]:
    """Score rows of seconds since the beginning and words, in their order."""
    here = region(world or {})
    events = [event(n, BEGAN + timedelta(seconds=at), row) for n, (at, row) in enumerate(rows)]
    return Scorer([rule], LittleExplainer(here)).score(events, here, memory or RuleMemory())


def named(found: Iterable[Finding]) -> set[str]:
    return {subject for one in found for subject in one.subjects}


def learn(rule: Rule, number: int, at: float, row: Mapping[str, Any], memory: RuleMemory, world: Any) -> list[Any]:
    """Let a reason come to light for a look."""
    assert isinstance(rule, RevisedRule)
    told = event(number, BEGAN + timedelta(seconds=at), row)
    return list(rule.revised(Look(told, UNEXPLAINED), Look(told, REASON), region(world), memory.of(rule.id)))


def test_a_crowd_is_one_incident_before_the_sixth_and_names_each_who_joins() -> None:
    found = run(RULES["patient_burst"], crowd(9))
    assert len(found[0].subjects) <= 5
    assert named(found) == {f"s-{n}" for n in range(9)}
    assert len({(one.family, one.subject, one.about) for one in found}) == 1
    assert len({one.key for one in found}) == len(found)


def test_one_whose_reason_comes_late_leaves_the_crowd_and_the_others_stay() -> None:
    memory, rows = RuleMemory(), crowd(9)
    found = run(RULES["patient_burst"], rows, memory=memory)
    (gone,) = learn(RULES["patient_burst"], 8, *rows[8], memory, {})
    assert isinstance(gone, Revision)
    assert (gone.key, gone.gone) == (found[-1].key, (8,))


def test_a_crowd_of_which_too_few_are_left_is_taken_back_whole() -> None:
    memory, rows = RuleMemory(), crowd(5)
    found = run(RULES["patient_burst"], rows, memory=memory)
    taken: set[int] = set()
    for number in (0, 1):
        for one in learn(RULES["patient_burst"], number, *rows[number], memory, {}):
            taken |= set(one.gone)
    assert taken == {index for one in found for index in one.events}


@pytest.mark.parametrize(("rule", "world"), [("watched_patient", VIP), ("household_access", HOME)])
def test_a_late_reason_takes_back_what_one_look_raised(rule: str, world: Mapping[str, Any]) -> None:
    memory, row = RuleMemory(), {"who": "s-1", "patient": "p-1", "study": "t-1"}
    (found,) = run(RULES[rule], [(0, row)], world, memory)
    (gone,) = learn(RULES[rule], 0, 0, row, memory, world)
    assert (gone.key, gone.gone) == (found.key, found.events)
    assert gone.reason == "A reason came to light that held at the time of the look: order."


def test_what_nobody_could_say_is_found_once_it_can_be_said() -> None:
    rule, told = RULES["watched_patient"], event(0, BEGAN, {"who": "s-1", "patient": "p-1", "study": "t-1"})
    assert isinstance(rule, RevisedRule)
    before = Look(told, Explanation(ExplanationKind.DEGRADED))
    found = list(rule.revised(before, replace(before, explanation=UNEXPLAINED), region(VIP), RuleMemory().of(rule.id)))
    assert [type(one) for one in found] == [Finding]


def test_a_watched_record_raises_four_one_by_one_and_then_the_crowd() -> None:
    alone = run(RULES["watched_patient"], crowd(12), VIP)
    together = run(RULES["patient_burst"], crowd(12), VIP)
    assert len(alone) == 4
    assert named(alone) | named(together) == {f"s-{n}" for n in range(12)}


@pytest.mark.parametrize("turn", [2, 4, 5, 8])
def test_the_order_of_arrival_changes_no_crowd(turn: int) -> None:
    rows = [*crowd(9), (90_000.0, {"who": "s-late", "patient": "p-2", "study": "t-2"})]
    turned = [rows[n * turn % 9] for n in range(9)]
    assert named(run(RULES["patient_burst"], turned)) == named(run(RULES["patient_burst"], rows))


def kept(memory: RuleMemory, rule_id: str) -> Sequence[tuple[str, Any]]:
    """Give what a rule keeps once everything is settled."""
    memory.settle()
    return list(memory.keeper.values(rule_id))


def largest(memory: RuleMemory, rule_id: str) -> int:
    """Give how many characters the largest value of a rule takes."""
    return max(len(json.dumps(value)) for _, value in kept(memory, rule_id))


def test_a_phantom_patient_costs_a_bounded_memory_and_a_bounded_finding() -> None:
    memory = RuleMemory()
    found = run(RULES["patient_burst"], crowd(3_000, 20), memory=memory)
    assert max(len(one.events) for one in found) <= 200
    assert 0 < largest(memory, "patient_burst") < 250_000


def test_a_migrator_costs_a_bounded_memory_and_few_findings() -> None:
    memory = RuleMemory()
    rows = [
        (n, {"kind": "export", "who": "mover", "type": "service", "patient": f"p-{n}", "study": f"t-{n}"})
        for n in range(6_000)
    ]
    found = run(RULES["mass_export"], rows, memory=memory)
    assert 1 <= len(found) <= 16
    assert max(len(one.events) for one in found) <= 200
    assert 0 < largest(memory, "mass_export") < 250_000


def test_made_up_roles_make_no_roles() -> None:
    """What an event says of a role that is none, of somebody nobody knows, opens no baseline of its own."""
    memory = RuleMemory()
    rows = [
        (n * 60.0, {"kind": "export", "who": f"s-{n}", "role": f"role {n}", "patient": "p-1", "study": f"t-{n}"})
        for n in range(3_000)
    ]
    run(RULES["mass_export"], [*rows, (400_000.0, rows[0][1])], memory=memory)
    roles = {key for key, _ in kept(memory, "mass_export") if key.startswith("usual:days:")}
    assert roles == {"usual:days:unknown"}


def test_a_role_of_the_register_counts_before_that_of_the_event() -> None:
    world = {"staff": [{"id": "s-1", "role": "pacs_admin", "patient": "p-1"}]}
    (found,) = run(
        RULES["self_access"], [(0, {"who": "s-1", "role": "nurse", "patient": "p-1", "study": "t-1"})], world
    )
    assert "a pacs admin" in found.evidence[0].sentence


def test_slow_boiling_moves_the_role_by_little() -> None:
    """E2: one person of twenty rises from two to two hundred a day over half a year; the role does not follow."""
    habit, state = Habit("days", 3.0), RuleMemory().of("mass_export")
    for day in range(180):
        for _ in range(19):
            habit.learn(state, "nurse", 2, 20_000 + day)
        habit.learn(state, "nurse", 2 + day * 1.1, 20_000 + day)
    usual = habit.of(state, "nurse")
    assert usual.mean < 3
    assert usual.bits(30) > 16


def test_a_role_never_seen_starts_from_the_middle_of_the_roles() -> None:
    habit, state = Habit("days", 3.0), RuleMemory().of("mass_export")
    for role, count in (("nurse", 2), ("clinician", 4), ("pacs_admin", 90)):
        for day in range(60):
            habit.learn(state, role, count, 20_000 + day)
    assert 3 < habit.of(state, "a role of tomorrow").mean < 5


@pytest.mark.parametrize("rule", ["break_glass_used", "self_claimed"])
def test_every_emergency_and_every_claim_is_a_notice(rule: str) -> None:
    detail = {"permit": True, "reasons": ["break_glass.granted", "relationship.self_claimed"]}
    row = {"kind": "decision", "who": "s-1", "patient": "p-1", "study": "t-1", "decision": "d-1", "detail": detail}
    found = run(RULES[rule], [(n * 60.0, row | {"decision": f"d-{n}"}) for n in range(30)])
    assert {one.kind for one in found} == {AlertKind.NOTICE}
    assert len(found) == 30


def test_only_our_own_sample_leaves_a_use_out_of_review() -> None:
    detail = {"permit": True, "reasons": ["break_glass.granted"], "emergency": {"review": False}}
    row = {"kind": "decision", "who": "s-1", "patient": "p-1", "study": "t-1", "decision": "d-1", "detail": detail}
    ours, theirs = (run(RULES["break_glass_used"], [(0, row | more)]) for more in ({}, {"source": "archive-x"}))
    assert [one.review and one.review.drawn for one in (*ours, *theirs)] == [False, True]
