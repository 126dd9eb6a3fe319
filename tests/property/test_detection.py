"""What must hold of detection whatever the log says: determinism, monotony, idempotence, finiteness."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.alerts import Finding
from governance.audit.event import RecordedEvent
from governance.detection.registry import default_rules
from governance.detection.scoring import Scorer
from governance.detection.state import RuleMemory
from governance.detection.tail import MAXIMUM_BITS, Moments, fit, surprise
from governance.vocabulary import EventKind
from tests.worlds.detection import BEGAN, LittleRegion, event, region

WORLD: Mapping[str, Any] = {
    "staff": [{"id": "s-1", "patient": "p-1"}, {"id": "s-2"}],
    "patients": [{"id": "p-2", "staff": "s-3"}],
    "studies": [
        {"id": "t-0", "decoy": True},
        {"id": "t-1", "modality": "CT", "body_part": "HEAD"},
        {"id": "t-2", "modality": "MR", "body_part": "KNEE"},
    ],
    "manifests": [{"service": "ai", "modalities": ["CT"], "body_parts": ["HEAD"], "trusts": ["RRK"], "volume": 2}],
    "ties": [{"who": "s-4", "patient": "p-1"}, {"who": "s-2", "patient": "p-2", "from": "3h"}],
}
PEOPLE = [f"s-{n}" for n in range(1, 10)]
HARD = {"own_record", "decoy_opened", "no_authority", "denied", "modality", "body_part", "trust"}


@st.composite
def acts(draw: st.DrawFn) -> dict[str, Any]:
    """One act in a few words, at a minute of two weeks."""
    kind = draw(st.sampled_from(["access"] * 6 + ["export", "print", "decision", "token", "import", "break_glass"]))
    ai = draw(st.booleans()) and draw(st.booleans())
    row: dict[str, Any] = {
        "kind": kind,
        "minute": draw(st.integers(0, 14 * 24 * 60)),
        "who": "ai" if ai else draw(st.sampled_from(PEOPLE)),
        "type": "ai_service" if ai else "practitioner",
        "role": draw(st.sampled_from(["nurse", "clinician", None, "a role of tomorrow"])),
        "patient": draw(st.sampled_from(["p-1", "p-2", None])),
        "study": draw(st.sampled_from([f"t-{n}" for n in range(40)])),
        "decision": draw(st.sampled_from([None, "d-1", "d-2", "d-3"])),
        "token": draw(st.sampled_from([None, None, "j-1"])),
        "outcome": draw(st.sampled_from(["success"] * 5 + ["minor", "serious"])),
        "broke_glass": draw(st.booleans()) and draw(st.booleans()),
        "bytes": draw(st.sampled_from([None, 10**6, 15 * 10**9])),
        "modality": draw(st.sampled_from(["CT", "MR", "a modality of tomorrow", None])),
        "custodian": draw(st.sampled_from(["RRK", "RBK", None])),
    }
    return row


def log_of(rows: Sequence[Mapping[str, Any]]) -> list[RecordedEvent]:
    """Put acts into a log in the order given."""
    return [event(index, BEGAN + timedelta(minutes=row["minute"]), row) for index, row in enumerate(rows)]


def in_time_order(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: row["minute"])


def score(events: Sequence[RecordedEvent], cuts: Sequence[int] = (), *, restart: bool = False) -> list[Finding]:
    """Score a log in batches that end at ``cuts``; a restart keeps nothing but what was written as JSON."""
    scorer, world, memory = Scorer(default_rules()), region(WORLD), RuleMemory()
    found: list[Finding] = []
    edges = [0, *sorted(cut for cut in cuts if cut <= len(events)), len(events)]
    for start, end in pairwise(edges):
        found += scorer.score(events[start:end], world, memory)
        if restart:
            memory = restarted(memory)
    return found


def restarted(memory: RuleMemory) -> RuleMemory:
    written = [(rule_id, key, json.dumps(kept.value), kept.due) for (rule_id, key), kept in memory.items()]
    fresh = RuleMemory(high_water=memory.high_water)
    for rule_id, key, value, due in written:
        fresh.restore(rule_id, key, json.loads(value), due)
    return fresh


def signals(found: Sequence[Finding]) -> set[tuple[str | None, str | None, str]]:
    return {(item.subject, item.patient, piece.signal) for item in found for piece in item.evidence}


@given(st.lists(acts(), max_size=60), st.lists(st.integers(0, 60), max_size=6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_batches_and_restarts_change_nothing(rows: list[dict[str, Any]], cuts: list[int], restart: bool) -> None:
    events = log_of(rows)
    assert score(events, cuts, restart=restart) == score(events)


@given(st.lists(acts(), max_size=40), st.lists(acts(), max_size=20))
@settings(max_examples=100, deadline=None)
def test_padding_never_takes_a_hard_finding_away(rows: list[dict[str, Any]], padding: list[dict[str, Any]]) -> None:
    """E1: genuine-looking accesses around a peek do not lower what is said of the peek."""
    innocent = [row | {"kind": "access", "who": "s-4", "type": "practitioner", "patient": "p-1"} for row in padding]
    alone = {signal for signal in signals(score(log_of(in_time_order(rows)))) if signal[2] in HARD}
    padded = signals(score(log_of(in_time_order([*rows, *innocent]))))
    assert alone <= padded


@given(st.lists(acts(), max_size=40), st.lists(st.integers(0, 39), max_size=10))
@settings(max_examples=100, deadline=None)
def test_the_same_act_told_twice_shows_nothing_new(rows: list[dict[str, Any]], again: list[int]) -> None:
    """Two systems that report one access: the incidents stay the same."""
    ordered = in_time_order(rows)
    doubled = [
        told
        for number, row in enumerate(ordered)
        for told in ([row, row | {"source": "another-system"}] if number in again else [row])
    ]
    once = {finding.rule_id + finding.about + str(finding.subject) for finding in score(log_of(ordered))}
    twice = {finding.rule_id + finding.about + str(finding.subject) for finding in score(log_of(doubled))}
    assert once == twice


@given(st.lists(acts(), max_size=50), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_order_within_the_lateness_does_not_change_the_hard_incidents(rows: list[dict[str, Any]], random: Any) -> None:
    looks = [row | {"kind": "access"} for row in in_time_order(rows)]
    shuffled = sorted(looks, key=lambda row: row["minute"] + random.uniform(0, 14))
    hard = {signal for signal in signals(score(log_of(looks))) if signal[2] in HARD}
    assert hard == {signal for signal in signals(score(log_of(shuffled))) if signal[2] in HARD}


@given(st.lists(acts(), max_size=60))
@settings(max_examples=100, deadline=None)
def test_every_number_is_finite_and_no_rule_fails(rows: list[dict[str, Any]]) -> None:
    """Unseen roles, modalities and missing parts are numbers, not crashes."""
    for finding in score(log_of(rows)):
        assert finding.family != "detector_fault", finding
        assert finding.events
        assert list(finding.events) == sorted(set(finding.events))
        for piece in finding.evidence:
            for number in (piece.observed, piece.expected, piece.bits):
                assert not isinstance(number, float) or math.isfinite(number)


@given(
    st.lists(st.integers(0, 5_000), max_size=200), st.floats(0.01, 100), st.integers(0, 100_000), st.integers(0, 1_000)
)
@settings(max_examples=200, deadline=None)
def test_surprise_is_finite_and_grows_with_the_count(seen: list[int], prior: float, count: int, more: int) -> None:
    moments = Moments()
    for one in seen:
        moments = moments.add(one)
    expected = fit(moments, prior)
    low, high = surprise(count, expected), surprise(count + more, expected)
    assert 0 <= low <= high + 1e-6
    assert high <= MAXIMUM_BITS


@pytest.mark.parametrize("kind", list(EventKind))
def test_an_event_with_nothing_in_it_is_taken(kind: EventKind) -> None:
    bare = event(0, BEGAN, {"kind": kind.value})
    found = Scorer(default_rules()).score([bare], LittleRegion(), RuleMemory())
    assert all(finding.family != "detector_fault" for finding in found)
