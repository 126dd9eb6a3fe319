"""Who reads the log: a lease by the clock that all share, which no clock that is wrong keeps longer than it lasts."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from sqlmodel import Session

from governance.audit.event import Event
from governance.bootstrap import Services, build
from governance.clock import FixedClock
from governance.detection import STUCK_AFTER, LagWatch, Pace
from governance.detection.reader import _store
from governance.detection.reader._tables import DetectionCursorRow
from governance.detection.reader.engine import CURSOR, LEASE
from governance.jobs.leadership import Leadership
from governance.jobs.runtime import _jobs
from governance.server import create_app
from governance.settings import Settings, from_environment
from governance.storage import Database, shared_now
from governance.tokens import _store as tokens
from tests.worlds.alerts import AlertWorld, act
from tests.worlds.basics import demo_environment

HOUR = timedelta(hours=1)


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    return AlertWorld(database, clock)


def by(now: datetime) -> Callable[[Session], datetime]:
    """Give the lease's time as a process whose own clock says that does."""
    return lambda session: shared_now(session, now)


def later(now: datetime, after: timedelta) -> Callable[[Session], datetime]:
    """Give the same some time later, on either database."""
    return lambda session: shared_now(session, now) + after


def access(number: int) -> Event:
    return act(f"a-{number}", patient="9990000026", study="1.2.4")


def test_a_process_whose_clock_is_an_hour_ahead_keeps_the_others_out_no_longer_than_a_lease(world: AlertWorld) -> None:
    now = world.clock.now()
    ahead = world.engine("ahead", instant=by(now + HOUR))
    world.record([access(1)])
    assert ahead.catch_up() >= 1
    world.record([access(2)])
    del ahead  # it was killed: nothing is given back
    other = world.engine("other", instant=later(now, LEASE + timedelta(seconds=1)))
    assert other.catch_up() >= 1


def test_a_process_that_stops_in_order_gives_the_lease_back_whatever_its_clock(world: AlertWorld) -> None:
    now = world.clock.now()
    ahead = world.engine("ahead", instant=by(now + HOUR))
    world.record([access(1)])
    assert ahead.catch_up() >= 1
    ahead.release()
    world.record([access(2)])
    assert world.engine("other", instant=later(now, timedelta(seconds=1))).catch_up() >= 1


def test_a_lease_of_the_far_future_is_not_believed(world: AlertWorld) -> None:
    now = world.clock.now()
    gone = world.engine("gone", instant=by(now))
    world.record([access(1)])
    assert gone.catch_up() >= 1
    with world.database.transaction() as session:  # as an older version wrote it, by its own clock
        session.connection().execute(update(DetectionCursorRow).values(held_until=datetime(2199, 1, 1, tzinfo=UTC)))
    world.record([access(2)])
    assert world.engine("other", instant=by(now)).catch_up() >= 1


def test_a_lease_that_lives_is_believed(world: AlertWorld) -> None:
    now = world.clock.now()
    world.record([access(1)])
    assert world.engine("one", instant=by(now)).catch_up() >= 1
    world.record([access(2)])
    assert world.engine("two", instant=later(now, LEASE / 2)).run_once() == 0
    with world.database.reading() as session:
        found = _store.cursor(session, CURSOR)
    assert found is not None
    assert found.holder == "one"


def test_the_shared_clock_is_the_servers_on_postgresql_and_the_machines_on_sqlite(database: Database) -> None:
    own = datetime(2001, 1, 1, tzinfo=UTC)
    found = database.now(own)
    assert found == own if database.dialect == "sqlite" else abs(found - datetime.now(UTC)) < HOUR
    assert found.tzinfo is not None


@pytest.fixture
def ahead(postgres_database: Database) -> Iterator[Services]:
    """Run the service in a process whose clock is an hour ahead of the database's."""
    made = build(from_environment(demo_environment(postgres_database.url)), FixedClock(datetime.now(UTC) + HOUR))
    yield made
    made.infrastructure.database.dispose()


def test_housekeeping_forgets_nothing_that_another_process_still_accepts(ahead: Services) -> None:
    database = ahead.infrastructure.database
    with database.transaction() as session:
        assert tokens.use_once(session, b"d" * 32, datetime.now(UTC) + HOUR / 2)
        assert tokens.use_once(session, b"o" * 32, datetime.now(UTC) - HOUR / 2)
    (housekeeping,) = [job for job in _jobs(ahead, Leadership(None), lambda: False) if job.name == "housekeeping"]
    housekeeping.run()
    with database.transaction() as session:
        assert not tokens.use_once(session, b"d" * 32, datetime.now(UTC)), "it was used, and is still accepted"
        assert tokens.use_once(session, b"o" * 32, datetime.now(UTC)), "its time was over"


def test_a_lag_that_does_not_move_is_stuck_and_one_that_moves_is_not() -> None:
    seconds = [0.0]
    watch = LagWatch(lambda: seconds[0])
    assert watch.pace(5, 5) is Pace.CURRENT
    assert watch.pace(5, 6) is Pace.BEHIND
    seconds[0] = STUCK_AFTER
    assert (watch.pace(5, 9), watch.stalled(5, 9)) == (Pace.BEHIND, STUCK_AFTER)
    seconds[0] = STUCK_AFTER + 1
    assert watch.pace(5, 9) is Pace.STUCK
    assert watch.pace(6, 9) is Pace.BEHIND, "it moved"
    seconds[0] = STUCK_AFTER * 3
    assert watch.pace(6, 9) is Pace.STUCK
    assert watch.pace(9, 9) is Pace.CURRENT
    assert watch.stalled(9, 9) == 0.0
    seconds[0] = STUCK_AFTER * 9
    assert watch.pace(9, 10) is Pace.BEHIND, "it begins to count when there is something to read"


def test_readiness_and_metrics_say_that_detection_stands_still(services: Services, settings: Settings) -> None:
    app: Flask = create_app(services)
    seconds = [0.0]
    services.uses.detection.lag = LagWatch(lambda: seconds[0])

    def told() -> tuple[int, str, bool]:
        answer = app.test_client().get("/readyz")
        metrics, _ = services.infrastructure.metrics.render("text/plain")
        return (
            answer.status_code,
            answer.get_json()["detection"],
            b"governance_detection_stalled_seconds 121.0" in metrics,
        )

    assert told() == (200, "current", False)
    services.infrastructure.audit.append([access(1)])
    assert told() == (200, "behind", False)
    seconds[0] = STUCK_AFTER + 1
    assert told() == (200, "stuck", True), "decisions are made and recorded all the same"
    services.uses.detection.catch_up()
    assert told() == (200, "current", False)
