"""What one finding costs does not grow with the alert it goes to: counted in statements and rows, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from governance.alerts import Finding, Revision
from governance.alerts.finding import MAXIMUM_SHOWN
from governance.clock import FixedClock
from governance.storage import Database
from tests.worlds.alerts import BEGAN, REGION, AlertWorld, finding

SMALL, LARGE = 300, 3_000  # viewers of one patient, both beyond what an alert lists
_WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass
class Cost:
    """What was asked of the database: statements, rows written, and (where the driver counts them) rows read."""

    statements: int = 0
    written: int = 0
    read: int = 0


@contextmanager
def counted(database: Database) -> Iterator[Cost]:
    """Count what is asked of the tables of alerts; the log's own have their own costs."""
    cost = Cost()

    def after(_connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if "alert" not in statement:
            return
        cost.statements += 1
        if statement.startswith(_WRITES):
            cost.written += len(parameters) if many else 1
        else:
            cost.read += max(cursor.rowcount, 0)

    for engine in database.engines:
        event.listen(engine, "after_cursor_execute", after)
    try:
        yield cost
    finally:
        for engine in database.engines:
            event.remove(engine, "after_cursor_execute", after)


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    return AlertWorld(database, clock)


def viewer(number: int) -> Finding:
    """Make what a viewer of one patient adds: a person, a decision and a token of their own."""
    return finding(
        subject=None,
        subjects=(f"s-{number:05}",),
        about="p-1",
        key=f"viewer-{number}",
        events=(number,),
        occurred_at=BEGAN + timedelta(seconds=number),
        decision_ids=(f"d-{number}",),
        token_jtis=(f"j-{number}",),
    )


def grown(world: AlertWorld, start: int, end: int) -> str:
    """Grow the alert of one patient, a hundred viewers a transaction; gives its id."""
    raised = ""
    for first in range(start, end, 100):
        raised = world.raise_all(*(viewer(number) for number in range(first, first + 100)))[0][0]
    return raised


def cost_of(world: AlertWorld, number: int) -> Cost:
    with counted(world.database) as cost:
        ((_, change),) = world.raise_all(viewer(number))
    assert change == "gained"
    return cost


def test_a_finding_costs_the_same_whatever_its_alert_holds(world: AlertWorld) -> None:
    alert = grown(world, 0, SMALL)
    small = cost_of(world, SMALL)
    grown(world, SMALL + 100, LARGE)
    large = cost_of(world, LARGE)
    assert large == small
    shown = world.alerts.get(REGION, alert)
    assert len(shown.events) == len(shown.subjects) == MAXIMUM_SHOWN
    assert shown.totals.events == shown.totals.subjects == LARGE - 98


def test_taking_a_finding_back_costs_the_same_too(world: AlertWorld) -> None:
    grown(world, 0, SMALL)
    costs = []
    for number, size in ((10, SMALL), (20, LARGE)):
        if size == LARGE:
            grown(world, SMALL, LARGE)
        with counted(world.database) as cost:
            assert [change for _, change in world.revise(Revision(f"viewer-{number}", 9_000, (number,), "Seen."))] == [
                "softened"
            ]
        costs.append(cost)
    assert costs[0] == costs[1]


def test_a_batch_for_one_alert_takes_the_statements_of_one(world: AlertWorld) -> None:
    grown(world, 0, SMALL)
    one = cost_of(world, SMALL)
    with counted(world.database) as cost:
        world.raise_all(*(viewer(number) for number in range(SMALL + 1, SMALL + 101)))
    assert cost.statements == one.statements


def test_reading_an_alert_reads_what_it_lists_and_no_more(world: AlertWorld) -> None:
    alert = grown(world, 0, LARGE)
    with counted(world.database) as cost:
        world.alerts.get(REGION, alert)
    assert cost.statements <= 4
    assert cost.read <= 5 * MAXIMUM_SHOWN
