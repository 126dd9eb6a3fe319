"""Through PgBouncer in transaction mode, with four connections of the server for everybody: nothing is left on one.

The suites of the storage room run through it as they stand, then the log, decisions and what runs beside them.
"""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from governance.audit import Query
from governance.bootstrap import build
from governance.clock import FixedClock
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import from_environment
from governance.storage import Database, Limits, migrate
from governance.vocabulary import EventKind, Scope
from tests.peers.pgbouncer import bouncer
from tests.peers.postgres import administer
from tests.storage.test_snapshot import (  # noqa: F401  collected here too, on this module's database
    test_a_snapshot_is_of_its_first_statement_not_of_its_opening,
    test_a_table_that_was_not_looked_at_before_is_of_the_same_state,
    test_a_write_in_a_snapshot_is_an_error_and_keeps_nothing,
    test_every_statement_sees_what_the_first_one_saw,
)
from tests.storage.test_transaction import (  # noqa: F401
    test_a_block_is_kept_whole,
    test_a_block_may_go_on_after_a_rollback,
    test_a_block_sees_the_newest_commits_and_nobody_sees_its_writes_before_the_end,
    test_a_failed_block_is_left_out_whole,
    test_a_rollback_undoes_what_was_done_by_any_way,
    test_a_statement_that_failed_is_never_half_of_what_is_kept,
)
from tests.storage.test_upsert import (  # noqa: F401
    test_a_count_that_is_rolled_back_was_not_counted,
    test_a_row_that_is_there_is_left_alone_and_said_so,
    test_an_older_row_never_replaces_a_newer_one,
    test_what_was_there_is_replaced_and_the_last_of_equals_counts,
)
from tests.worlds.basics import demo_environment
from tests.worlds.callers import REGION, Callers
from tests.worlds.storage import owners, put

POOLED = Limits(pooler="transaction", connections=8)


@pytest.fixture(scope="module")
def pooler(postgres_server: str) -> Iterator[str]:
    with bouncer(postgres_server) as address:
        yield address


@pytest.fixture
def database(pooler: str, postgres_server: str) -> Iterator[Database]:
    """Open a fresh database through the pooler."""
    name = f"pooled_{uuid.uuid4().hex[:8]}"
    administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE template_governance STRATEGY FILE_COPY")
    opened = Database(f"{pooler}/{name}", POOLED)
    yield opened
    opened.dispose()
    administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def test_more_clients_than_connections_read_and_write_what_they_mean_to(database: Database) -> None:
    """Each takes a setting, a lock and statements that repeat, on whichever connection is free."""

    def work(number: int) -> int:
        for _ in range(8):
            put(database, f"{number:02}-{uuid.uuid4().hex}")
            assert owners(database)
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))
    assert len(owners(database)) == 64


def test_limits_hold_in_each_transaction_and_stay_on_no_connection(database: Database) -> None:
    with database.reading() as session:
        shown = session.connection().exec_driver_sql("SHOW lock_timeout").scalar_one()
        timeout = session.connection().exec_driver_sql("SHOW statement_timeout").scalar_one()
    assert (shown, timeout) == ("3500ms", "1min")
    with psycopg.connect(database.url.replace("+psycopg", ""), autocommit=True) as somebody:
        for _ in range(12):
            assert somebody.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_the_schema_is_made_and_checked_through_it(pooler: str, postgres_server: str) -> None:
    name = f"empty_{uuid.uuid4().hex[:8]}"
    administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
    opened = Database(f"{pooler}/{name}", POOLED)
    migrate.upgrade(opened)
    migrate.check(opened)
    opened.dispose()


def test_the_service_decides_records_and_works_through_it(database: Database, clock: FixedClock) -> None:
    environment = demo_environment(database.url) | {"GOVERNANCE_DATABASE_POOLER": "transaction"}
    services = build(from_environment(environment), clock)
    runtime = Runtime(services)
    runtime.start(jobs=False)
    app = create_app(services)
    headers = Callers(app, services).headers("everything", REGION, tuple(Scope))
    question = {
        "subject": {"type": "practitioner", "id": "somebody", "properties": {"ods": "RKB"}},
        "action": {"name": "read"},
        "resource": {"type": "study", "id": "1.2.3"},
    }

    def ask(_: int) -> tuple[int, bool]:
        answer = app.test_client().post("/access/v1/evaluation", json=question, headers=headers)
        return answer.status_code, answer.get_json()["decision"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(40))) == {(200, False)}
    found = services.infrastructure.audit_search.find(Query(kind=EventKind.DECISION), 100, newest_first=False)
    assert len(found) == 40
    services.infrastructure.audit.sign_checkpoint()
    services.uses.detection.catch_up()
    assert services.uses.detection.position() >= 40
    services.registers.agreements.refresh()
    assert app.test_client().get("/readyz").get_json()["parts"]["database"] is True
    runtime.stop()
