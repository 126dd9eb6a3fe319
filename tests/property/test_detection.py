"""What must hold of detection whatever the log says: determinism, monotony, idempotence, finiteness."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.alerts import Finding, Revision
from governance.audit.event import RecordedEvent
from governance.detection.peers.tail import MAXIMUM_BITS, Moments, fit, surprise
from governance.detection.reader.replay import Sink
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.silence import SOURCE_SILENT
from governance.detection.reader.state import RuleMemory
from governance.detection.registry import default_rules
from governance.detection.rule import Found
from governance.vocabulary import EventKind
from tests.worlds.detection import BEGAN, LittleExplainer, LittlePast, LittleRegion, event, region

WORLD: Mapping[str, Any] = {
    "staff": [
        {"id": "s-1", "patient": "p-1", "site": "A"},
        {"id": "s-2", "site": "A", "household": "h-1"},
        {"id": "s-5", "leaves_on": date(2026, 1, 1), "role": "a role of tomorrow"},
    ],
    "patients": [{"id": "p-2", "staff": "s-3", "household": "h-1", "flags": ["vip"]}],
    "studies": [
        {"id": "t-0", "decoy": True},
        {"id": "t-1", "modality": "CT", "body_part": "HEAD"},
        {"id": "t-2", "modality": "MR", "body_part": "KNEE"},
        {"id": "t-3", "labels": ["sealed"]},
    ],
    "manifests": [{"service": "ai", "modalities": ["CT"], "body_parts": ["HEAD"], "trusts": ["RRK"], "volume": 2}],
    "ties": [{"who": "s-4", "patient": "p-1"}, {"who": "s-2", "patient": "p-2", "from": "3h"}],
}
PEOPLE = [f"s-{n}" for n in range(1, 10)]
HARD = {"own_record", "decoy_opened", "no_authority", "denied", "modality", "body_part", "trust"}
HARD |= {"same_household", "seal_not_lifted", "after_leaving", "own_record_read"}
HARD |= {"decision_unknown", "token_unknown", "decisions_back"}
END = [{"kind": "login", "minute": minute, "who": "s-9"} for minute in (30_000, 30_100, 40_000)]  # all of it is due


@st.composite
def acts(draw: st.DrawFn) -> dict[str, Any]:
    """One act in a few words, at a minute of two weeks."""
    kind = draw(
        st.sampled_from(
            ["access"] * 6 + ["export", "print", "decision", "token", "import", "break_glass", "audit_read", "config"]
        )
    )
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
        "site": draw(st.sampled_from(["A", "B", "vpn", None])),
        "device": draw(st.sampled_from(["x", "y", None])),
        "purpose": draw(st.sampled_from(["TREAT", "HRESCH"])),
        "destination": draw(st.sampled_from(["usb", None])),
    }
    return row


def log_of(rows: Sequence[Mapping[str, Any]]) -> list[RecordedEvent]:
    """Put acts into a log in the order given."""
    return [event(index, BEGAN + timedelta(minutes=row["minute"]), row) for index, row in enumerate(rows)]


def in_time_order(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: row["minute"])


def score(
    events: Sequence[RecordedEvent], cuts: Sequence[int] = (), *, restart: bool = False, budget: int = 500
) -> list[Found]:
    """Score a log in batches that end at ``cuts``; a restart keeps nothing but what was written as JSON."""
    world, memory, past = region(WORLD), RuleMemory(), LittlePast(events)
    scorer = Scorer(default_rules(), LittleExplainer(world))
    found: list[Found] = []
    edges = [0, *sorted(cut for cut in cuts if cut <= len(events)), len(events)]
    for start, end in pairwise(edges):
        while start < end:
            step = scorer.step(events[start:end], world, memory, past, budget)
            memory.settle()
            past.keep(step.looks, step.changed)
            if restart:
                memory = RuleMemory(keeper=memory.keeper)
            found += step.found
            start += step.done
    return found


def standing(found: Sequence[Found]) -> list[Mapping[str, Any]]:
    """Give what is left in the end, as alerts have it."""
    sink = Sink()
    sink.take(found)
    return [each for each in sink.findings() if not each["withdrawn"]]


def incidents(found: Sequence[Found]) -> set[tuple[str, str, str | None]]:
    own = {"bypass", SOURCE_SILENT}  # about a source, which is judged by what it reports itself
    return {(each["rule_id"], each["about"], each["subject"]) for each in standing(found) if each["family"] not in own}


def signals(found: Sequence[Found]) -> set[tuple[str | None, str | None, str]]:
    return {
        (each["subject"], each["patient"], piece["signal"]) for each in standing(found) for piece in each["evidence"]
    }


@given(st.lists(acts(), max_size=60), st.lists(st.integers(0, 60), max_size=6), st.booleans(), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_batches_steps_and_restarts_change_nothing(
    rows: list[dict[str, Any]], cuts: list[int], restart: bool, budget: int
) -> None:
    events = log_of(rows)
    assert score(events, cuts, restart=restart, budget=budget) == score(events)


@given(st.lists(acts(), max_size=40), st.lists(acts(), max_size=20))
@settings(max_examples=100, deadline=None)
def test_padding_never_takes_a_hard_finding_away(rows: list[dict[str, Any]], padding: list[dict[str, Any]]) -> None:
    """E1: genuine-looking accesses around a peek do not lower what is said of the peek."""
    innocent = [
        row
        | {"kind": kind, "who": "s-4", "type": "practitioner", "patient": "p-1", "token": None, "outcome": "success"}
        | {"decision": f"d-padding-{number}", "broke_glass": False}
        for number, row in enumerate(padding)
        for kind in ("decision", "access")
    ]
    alone = {signal for signal in signals(score(log_of(in_time_order([*rows, *END])))) if signal[2] in HARD}
    padded = signals(score(log_of(in_time_order([*rows, *innocent, *END]))))
    assert alone <= padded


@given(st.lists(acts(), max_size=40), st.lists(st.integers(0, 39), max_size=10))
@settings(max_examples=100, deadline=None)
def test_the_same_act_told_twice_shows_nothing_new(rows: list[dict[str, Any]], again: list[int]) -> None:
    """Two systems that report one access: the incidents stay the same."""
    ordered = [row for row in in_time_order(rows) if row["kind"] in {"access", "export", "print"}]
    doubled = [
        told
        for number, row in enumerate(ordered)
        for told in ([row, row | {"source": "another-system"}] if number in again else [row])
    ]
    once, twice = (incidents(score(log_of([*told, *END]))) for told in (ordered, doubled))
    assert once == twice


@given(st.lists(acts(), max_size=50), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_order_within_the_lateness_does_not_change_the_hard_incidents(rows: list[dict[str, Any]], random: Any) -> None:
    """What stands in the end is the same: a notice about a source among it, and whom it does not concern."""
    looks = [row | {"kind": "access"} for row in in_time_order(rows)]
    shuffled = sorted(looks, key=lambda row: row["minute"] + random.uniform(0, 14))
    hard = {signal for signal in signals(score(log_of([*looks, *END]))) if signal[2] in HARD}
    assert hard == {signal for signal in signals(score(log_of([*shuffled, *END]))) if signal[2] in HARD}


@given(st.lists(acts(), max_size=60))
@settings(max_examples=100, deadline=None)
def test_every_number_is_finite_and_no_rule_fails(rows: list[dict[str, Any]]) -> None:
    """Unseen roles, modalities and missing parts are numbers, not crashes."""
    for finding in score(log_of(rows)):
        if isinstance(finding, Revision):
            continue
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
    assert not any(isinstance(each, Finding) and each.family == "detector_fault" for each in found)


@given(st.lists(acts(), max_size=30), st.integers(1, 20), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_a_spool_of_ten_days_ago_is_judged_as_if_it_had_come_in_time(
    rows: list[dict[str, Any]], minutes: int, random: Any
) -> None:
    """Among its events live ones of another source come, minutes or hours apart: what it shows is the same."""
    told = [row | {"source": "cut-off"} for row in in_time_order(rows) if row["kind"] not in {"decision", "token"}]
    live = {"kind": "login", "who": "s-9", "source": "live"}
    spool: list[Mapping[str, Any]] = [live | {"minute": 40_000}]
    for number, row in enumerate(told, 1):
        spool += [row, live | {"minute": 40_000 + number * minutes + random.randrange(minutes)}]
    end = [live | {"minute": minute} for minute in (45_000, 45_100, 90_000, 90_100)]
    assert incidents(score(log_of([*spool, *end]))) == incidents(score(log_of([*told, *end])))
    hard = [{each for each in signals(score(log_of([*some, *end]))) if each[2] in HARD} for some in (spool, told)]
    assert hard[0] == hard[1]
