"""What must hold of incidents whatever is found, in whatever order, and however it is cut into transactions."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.alerts import Alert, AlertQuery, ClosedBy, Evidence, Finding, Revision
from governance.clock import FixedClock
from governance.storage import Database
from governance.vocabulary import AlertKind, Severity, Verdict
from tests.worlds.alerts import BEGAN, REGION, AlertWorld, finding
from tests.worlds.basics import NOON

RANDOM = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def found(draw: st.DrawFn) -> Finding:
    """One finding about one of two patients, somewhere in a month, by one of two rules."""
    number = draw(st.integers(0, 40))
    about = draw(st.sampled_from(["p-1", "p-2"]))
    rule = draw(st.sampled_from(["self_access", "another"]))
    seen = draw(st.integers(1, 50))
    return finding(
        rule_id=rule,
        about=about,
        patient=about,
        kind=draw(st.sampled_from([AlertKind.ALERT, AlertKind.ALERT, AlertKind.NOTICE])),
        severity=draw(st.sampled_from(list(Severity))),
        occurred_at=BEGAN + timedelta(hours=draw(st.integers(0, 30 * 24))),
        events=tuple(sorted({number, draw(st.integers(0, 40))})),
        key=f"{rule}|{about}|{draw(st.integers(0, 8))}",
        evidence=(Evidence("looks", seen, 2, 30, seen / 2, f"{seen} looks."),),
        decision_ids=(f"d-{number}",),
        trusts=tuple(sorted({"RRK", draw(st.sampled_from(["RKB", "RRK", "RJE"]))})),
    )


def apart(findings: Sequence[Finding]) -> list[Finding]:
    """Let each key be one finding of one day: what a detector promises of its keys."""
    seen: dict[tuple[str, AlertKind], Finding] = {}
    for one in findings:
        first = seen.setdefault((one.key, one.kind), one)
        seen[one.key, one.kind] = first
    return [replace(one, key=f"{one.key}|{one.kind.value}") for one in seen.values()]


@contextmanager
def fresh(template: Path) -> Iterator[AlertWorld]:
    """Open a world on a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "incidents.sqlite"
        shutil.copy(template, path)
        database = Database(f"sqlite:///{path}")
        try:
            yield AlertWorld(database, FixedClock(NOON))
        finally:
            database.dispose()


def shown(world: AlertWorld, *, joined: bool = True) -> list[dict[str, Any]]:
    """Give what is there of each alert, but what the order of telling decides: numbers, steps, evidence's order."""
    alerts: Sequence[Alert] = world.alerts.list(REGION, AlertQuery(), 200).alerts
    return sorted(
        (
            {
                "group": one.group,
                "kind": one.kind.value,
                "state": (one.case.state.value, one.case.ending),
                "span": (one.opened_at, one.latest_at),
                "severity": one.severity.value,
                "evidence": sorted(item.sentence for item in one.evidence),
                "events": (one.events, one.totals.events),
                "named": (one.rule_ids, one.trusts, one.decision_ids, one.subjects, sorted(one.case.wanted)),
            }
            for one in alerts
            if joined or one.case.ending is not ClosedBy.JOINED
        ),
        key=lambda one: json.dumps(one, default=str),
    )


@given(findings=st.lists(found(), max_size=14), random=st.randoms(use_true_random=False))
@RANDOM
def test_the_order_of_a_batch_does_not_change_the_incidents(
    sqlite_template: Path, findings: list[Finding], random: Any
) -> None:
    """What joined on the way is closed and names the other; what is open is the same, evidence and events included."""
    told = apart(findings)
    mixed = list(told)
    random.shuffle(mixed)
    with fresh(sqlite_template) as one, fresh(sqlite_template) as other:
        one.raise_all(*told)
        other.raise_all(*mixed)
        assert shown(one, joined=False) == shown(other, joined=False)


@given(findings=st.lists(found(), max_size=14), random=st.randoms(use_true_random=False))
@RANDOM
def test_within_a_week_the_order_does_not_change_the_ids_either(
    sqlite_template: Path, findings: list[Finding], random: Any
) -> None:
    week = [replace(one, occurred_at=BEGAN + (one.occurred_at - BEGAN) / 5) for one in apart(findings)]
    mixed = list(week)
    random.shuffle(mixed)
    with fresh(sqlite_template) as one, fresh(sqlite_template) as other:
        assert {alert for alert, _ in one.raise_all(*week)} == {alert for alert, _ in other.raise_all(*mixed)}


@given(findings=st.lists(found(), max_size=14), cuts=st.lists(st.integers(0, 14), max_size=5))
@RANDOM
def test_how_findings_are_cut_into_transactions_changes_nothing(
    sqlite_template: Path, findings: list[Finding], cuts: list[int]
) -> None:
    """Ids, steps and history too: a restart in the middle of a batch is seen nowhere."""
    edges = [0, *sorted(cuts), len(findings)]
    with fresh(sqlite_template) as whole, fresh(sqlite_template) as cut:
        raised = whole.raise_all(*findings)
        pieces = [cut.raise_all(*findings[start:end]) for start, end in pairwise(edges)]
        assert [done for piece in pieces for done in piece] == raised
        assert whole.alerts.list(REGION, AlertQuery(), 200).alerts == cut.alerts.list(REGION, AlertQuery(), 200).alerts


@given(findings=st.lists(found(), max_size=12), again=st.lists(st.integers(0, 11), max_size=12))
@RANDOM
def test_the_same_finding_again_says_nothing_new(
    sqlite_template: Path, findings: list[Finding], again: list[int]
) -> None:
    told = apart(findings)
    with fresh(sqlite_template) as world:
        world.raise_all(*told)
        before, notices = shown(world), world.alerts.latest_notice()
        changes = {change for _, change in world.raise_all(*(told[number] for number in again if number < len(told)))}
        assert changes <= {"unchanged"}
        assert (shown(world), world.alerts.latest_notice()) == (before, notices)


@given(findings=st.lists(found(), min_size=1, max_size=10), random=st.randoms(use_true_random=False))
@RANDOM
def test_taking_everything_back_closes_everything_and_loses_nothing(
    sqlite_template: Path, findings: list[Finding], random: Any
) -> None:
    told = apart(findings)
    revisions = [Revision(one.key, 100 + number, one.events, "Explained.") for number, one in enumerate(told)]
    random.shuffle(revisions)
    with fresh(sqlite_template) as world:
        raised = {alert for alert, _ in world.raise_all(*told)}
        for one in revisions:
            world.revise(one)
        alerts = {alert.id: alert for alert in world.alerts.list(REGION, AlertQuery(), 200).alerts}
        assert raised <= set(alerts)
        assert {alert.case.ending for alert in alerts.values()} <= {ClosedBy.WITHDRAWN, ClosedBy.JOINED}
        assert {index for alert in alerts.values() for index in alert.events} == {
            index for one in told for index in one.events
        }


@given(findings=st.lists(found(), min_size=1, max_size=10))
@RANDOM
def test_nothing_reopens_what_a_person_closed(sqlite_template: Path, findings: list[Finding]) -> None:
    told = apart(findings)
    with fresh(sqlite_template) as world:
        world.raise_all(*told)
        for alert in world.alerts.list(REGION, AlertQuery(unclosed=True), 200).alerts:
            world.alerts.close(REGION, alert.id, Verdict.JUSTIFIED, "on call")
        closed = shown(world)
        world.raise_all(*(replace(one, severity=Severity.CRITICAL) for one in told))
        world.revise(*(Revision(one.key, 99, one.events, "Explained.") for one in told))
        assert shown(world) == closed
