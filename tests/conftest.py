"""Fixtures that every test folder shares: real parts on throwaway files and a throwaway PostgreSQL."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

from governance.clock import FixedClock
from governance.pseudonyms import Pseudonymiser, Vault
from governance.settings import Settings, from_environment
from governance.storage import Database, migrate
from tests.peers.opa import OpaServer, find_opa
from tests.peers.postgres import administer, cluster
from tests.worlds.basics import NOON, demo_environment

if TYPE_CHECKING:
    from governance.bootstrap import Services
    from tests.worlds.agreements import World

TOOLS = Path(__file__).resolve().parents[1] / ".tools" / "bin"
os.environ["PATH"] = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
# No test asserts a time, Hypothesis's own included. CI walks the same examples each run; a developer's run explores.
_PATIENT = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("house", _PATIENT)
hypothesis.settings.register_profile("ci", _PATIENT, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "house")
PEERS = frozenset(
    {"archive", "chromium", "envoy", "opa", "orthanc", "postgres_server"}
)  # fixtures behind which a program runs
_numbers = itertools.count()
Database.strict = True  # a thread that holds a connection never asks for another


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that another program stands behind, so that `make test-quick` leaves it out."""
    for item in items:
        if PEERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.peer)


@pytest.fixture
def clock() -> FixedClock:
    """Stand still at a Tuesday noon of the demo's year."""
    return FixedClock(NOON)


@pytest.fixture
def pseudonymiser() -> Pseudonymiser:
    """Make pseudonyms under a key of the test's own."""
    return Pseudonymiser(b"k" * 32)


@pytest.fixture
def vault() -> Vault:
    """Seal under a key of the test's own."""
    return Vault(b"e" * 32)


@pytest.fixture
def blocks_may_nest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test do within a block of the service what another process would do meanwhile."""
    monkeypatch.setattr(Database, "strict", False)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate one SQLite file, to be copied for each test."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start PostgreSQL with one migrated database to make others from."""
    with cluster() as server:
        administer(server, "CREATE DATABASE template_governance")
        database = Database(f"{server}/template_governance")
        migrate.upgrade(database)
        database.dispose()
        yield server


@pytest.fixture
def sqlite_database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """Open a fresh, migrated SQLite file."""
    path = tmp_path / "test.sqlite"
    shutil.copy(sqlite_template, path)
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.dispose()


@pytest.fixture
def elsewhere(tmp_path: Path, sqlite_template: Path, clock: FixedClock) -> Iterator["World"]:
    """Give the agreements of another service: a register of its own, the same two trusts and the same clock."""
    from tests.worlds.agreements import World  # here, so that tests of other rooms do not load it

    path = tmp_path / "elsewhere.sqlite"
    shutil.copy(sqlite_template, path)
    opened = Database(f"sqlite:///{path}")
    yield World(opened, clock, "RRK", "RKB")
    opened.dispose()


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[Database]:
    """Open a fresh, migrated PostgreSQL database."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE template_governance STRATEGY FILE_COPY")
    opened = Database(f"{postgres_server}/{name}")
    yield opened
    opened.dispose()
    administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def opa() -> str:
    """Give the path of an OPA; `make opa` provides one."""
    return find_opa()


@pytest.fixture(scope="session")
def opa_server(opa: str) -> Iterator[OpaServer]:
    """Serve decisions for the whole session."""
    server = OpaServer(opa)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def database(request: pytest.FixtureRequest) -> Database:
    """Open a fresh database: every test that asks for one runs on SQLite and on PostgreSQL."""
    opened: Database = request.getfixturevalue("sqlite_database" if request.param == "sqlite" else "postgres_database")
    return opened


@pytest.fixture
def settings(sqlite_database: Database) -> Settings:
    """Give whole settings of the demo profile on the test's own SQLite file."""
    return from_environment(demo_environment(sqlite_database.url))


@pytest.fixture
def services(settings: Settings, clock: FixedClock) -> "Iterator[Services]":
    """Build the real services with the log's writer running and no jobs: a test ticks them itself."""
    from governance.bootstrap import build  # here, so that unit tests of a room do not load the whole house
    from governance.jobs import Runtime

    made = build(settings, clock)
    runtime = Runtime(made)
    runtime.start(jobs=False)
    yield made
    runtime.stop()


@pytest.fixture
def app(services: "Services") -> Flask:
    """Build the real application."""
    from governance.server import create_app

    return create_app(services)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Open a client of the application."""
    return app.test_client()
