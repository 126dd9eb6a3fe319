"""One alert that grows to thousands of findings against as many alerts of one finding: findings a second, in one run.

The work for a finding must not grow with its alert, so the last tenth of the growing alert is printed against its first
as well. Both are raised as detection raises them: a batch a transaction, with the records in the log.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from benchmarks._line import line
from governance.alerts import Finding
from governance.clock import FixedClock
from governance.storage import Database, migrate
from tests.worlds.alerts import BEGAN, AlertWorld, finding
from tests.worlds.basics import NOON

FINDINGS, BATCH = 5_000, 100


def run() -> None:
    """Grow one alert, open as many, and print each pair's findings a second."""
    growing, fresh = _seconds(_viewer), _seconds(_stranger)
    line("alerts growing_against_fresh", FINDINGS / sum(growing), FINDINGS / sum(fresh), "findings a second")
    tenth = len(growing) // 10
    rates = [BATCH * tenth / sum(part) for part in (growing[-tenth:], growing[:tenth])]
    line("alerts last_tenth_against_first", *rates, f"findings a second into one alert of {FINDINGS:,}")


def _seconds(made: Callable[[int], Finding]) -> list[float]:
    """Raise findings a batch at a time; gives the seconds of each batch."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'alerts.sqlite'}")
        migrate.upgrade(database)
        world = AlertWorld(database, FixedClock(NOON))
        marks = [time.perf_counter()]
        for start in range(0, FINDINGS, BATCH):
            world.raise_all(*_batch(made, start))
            marks.append(time.perf_counter())
        database.dispose()
    return [end - begin for begin, end in pairwise(marks)]


def _batch(made: Callable[[int], Finding], start: int) -> Sequence[Finding]:
    return [made(number) for number in range(start, start + BATCH)]


def _viewer(number: int) -> Finding:
    """Make what one more viewer adds to the alert of a patient."""
    return finding(
        family="patient_burst",
        subject=None,
        subjects=(f"s-{number:05}",),
        events=(number,),
        key=f"viewer-{number}",
        occurred_at=BEGAN + timedelta(seconds=number),
        decision_ids=(f"d-{number}",),
        token_jtis=(f"j-{number}",),
    )


def _stranger(number: int) -> Finding:
    """Make the only finding of an alert of its own."""
    name = f"s-{number:05}"
    return finding(
        subject=name,
        subjects=(name,),
        events=(number,),
        occurred_at=BEGAN + timedelta(seconds=number),
        decision_ids=(f"d-{number}",),
        token_jtis=(f"j-{number}",),
    )


if __name__ == "__main__":
    run()
