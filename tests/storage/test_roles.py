"""PostgreSQL's roles: an owner migrates and grants, the service's role adds to the log and cannot rewrite it."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from governance.audit import AuditLog, NoteSigner, Recorder, Source
from governance.bootstrap import build, schema
from governance.cli import main
from governance.clock import FixedClock
from governance.jobs import Runtime
from governance.pseudonyms import Pseudonymiser, Vault
from governance.settings import Settings, from_environment
from governance.storage import Database, migrate
from governance.vocabulary import SYSTEM, EventKind
from tests.peers.postgres import administer
from tests.worlds.basics import demo_environment
from tests.worlds.log import ORIGIN, CheckLog, check_log, erase, make_event, signer, some_event

__all__ = ["CheckLog", "check_log", "make_event", "signer"]
_numbers = itertools.count()
LOG = ("audit_entry", "audit_tile", "audit_checkpoint", "audit_signing")


@dataclass(frozen=True, slots=True)
class Roles:
    """Two roles of a database that nothing was put into yet."""

    owner_url: str
    service_url: str

    def settings(self, **changes: object) -> Settings:
        """Give whole settings of the demo profile with both roles."""
        given = demo_environment(self.service_url) | {"GOVERNANCE_DATABASE_OWNER_URL": self.owner_url}
        return from_environment(given).replaced(**changes)


@pytest.fixture
def roles(postgres_server: str) -> Iterator[Roles]:
    number = f"{os.getpid()}_{next(_numbers)}"
    owner, service, name = f"owner_{number}", f"service {number}", f"roles_{number}"  # a blank must be quoted
    administer(postgres_server, f'CREATE ROLE "{owner}" LOGIN')
    administer(postgres_server, f'CREATE ROLE "{service}" LOGIN')
    administer(postgres_server, f'CREATE DATABASE {name} OWNER "{owner}" TEMPLATE template0')
    at = postgres_server.partition("@")[2]
    yield Roles(
        f"postgresql+psycopg://{owner}@{at}/{name}",
        f"postgresql+psycopg://{service.replace(' ', '%20')}@{at}/{name}",
    )
    administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")
    for role in (owner, service):
        administer(postgres_server, f'DROP ROLE "{role}"')


@pytest.fixture
def database(roles: Roles) -> Iterator[Database]:
    """Migrate by the owner and open the database as the service does."""
    opened = Database(roles.service_url)
    schema.upgrade(roles.settings(), opened)
    yield opened
    opened.dispose()


def refused(database: Database, statement: str) -> bool:
    """Say whether the database refuses a statement for lack of a right; nothing of it is kept."""
    with database.engine.connect() as connection:
        try:
            connection.exec_driver_sql(statement)
        except sa.exc.ProgrammingError as error:
            return getattr(error.orig, "sqlstate", None) == "42501"  # insufficient_privilege
    return False


def test_the_service_adds_to_the_log_signs_it_and_forgets_a_person(
    database: Database, signer: NoteSigner, clock: FixedClock, check_log: CheckLog
) -> None:
    vault, pseudonymiser = Vault(b"e" * 32), Pseudonymiser(b"k" * 32)
    with AuditLog(database, pseudonymiser, vault, signer, clock, ORIGIN) as log:
        log.append([some_event(number) for number in range(300)])
        log.sign_checkpoint()
        recorder = Recorder(log, clock, Source(SYSTEM, "QHL"), lambda: "erasure-1")
        with database.transaction() as session:
            erase(session, vault, recorder, clock, pseudonymiser.patient("9990000001"))
        log.sign_checkpoint()
    report = check_log()
    assert report.ok, report.lines()
    assert report.signed_size == 301


@pytest.mark.parametrize(
    "statement",
    [
        *(f"DELETE FROM {table}" for table in LOG),
        *(f"TRUNCATE {table}" for table in LOG),
        *(f"ALTER TABLE {table} ADD COLUMN more text" for table in LOG),
        *(f"DROP TABLE {table}" for table in LOG),
        "UPDATE audit_entry SET outcome = 'success'",
        "UPDATE audit_tile SET root = root",
        "UPDATE audit_checkpoint SET note = note",
        "UPDATE audit_signing SET signature = signature",
        "UPDATE audit_head SET id = 2",
        "DELETE FROM audit_head",
        "TRUNCATE audit_head",
        "UPDATE alembic_version SET version_num = '0001'",
        "CREATE TABLE more (id int)",
        "CREATE TRIGGER more BEFORE INSERT ON audit_entry EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    ],
)
def test_what_is_there_it_can_neither_change_nor_remove(database: Database, statement: str) -> None:
    assert refused(database, statement)


def test_its_rights_are_taken_back_where_it_had_more(database: Database, roles: Roles) -> None:
    owner = Database(roles.owner_url)
    with owner.transaction() as session:
        session.connection().execute(sa.text(f'GRANT DELETE ON audit_entry TO "{database.role}"'))
    assert schema.log_protection(database) is not None
    schema.upgrade(roles.settings(), database)
    assert schema.log_protection(database) is None
    owner.dispose()


def test_the_whole_service_works_with_it(roles: Roles) -> None:
    made = build(roles.settings())
    runtime = Runtime(made)
    runtime.start(jobs=False)
    assert made.infrastructure.recorder.record(EventKind.CONFIG) == 0
    made.infrastructure.audit.sign_checkpoint()
    runtime.stop()


def test_one_role_for_both_works_and_is_said_not_to_protect_the_log(roles: Roles) -> None:
    one = Roles(roles.owner_url, roles.owner_url).settings(database_owner_url=None)
    made = build(one)
    assert "may rewrite the log" in str(schema.log_protection(made.infrastructure.database))
    made.infrastructure.database.dispose()


def test_sqlite_has_no_roles(sqlite_database: Database) -> None:
    assert "SQLite has no roles" in str(schema.log_protection(sqlite_database))


def checked(monkeypatch: pytest.MonkeyPatch, url: str, owner: str | None = None) -> str:
    """Give what the check of the settings says outside the demo."""
    given = demo_environment(url) | {"GOVERNANCE_PROFILE": "production", "GOVERNANCE_ISSUER": "https://a.example"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if owner is None:
        monkeypatch.delenv("GOVERNANCE_DATABASE_OWNER_URL", raising=False)
    else:
        monkeypatch.setenv("GOVERNANCE_DATABASE_OWNER_URL", owner)
    result = CliRunner().invoke(main, ["check-settings"])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_check_of_the_settings_asks_the_database_whether_the_log_is_protected(
    database: Database, roles: Roles, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "The log is not protected"
    assert words not in checked(monkeypatch, roles.service_url)  # the owner's URL is needed to migrate alone
    assert words not in checked(monkeypatch, roles.service_url, roles.owner_url)
    assert words in checked(monkeypatch, roles.owner_url)
    assert words in checked(monkeypatch, roles.owner_url, roles.owner_url)  # one role under both names


def test_the_check_of_the_settings_says_when_it_cannot_know(
    roles: Roles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "has not the schema of this version yet" in checked(monkeypatch, roles.owner_url)
    assert "has not the schema of this version yet" in checked(monkeypatch, f"sqlite:///{tmp_path / 'none.db'}")
    nobody = "postgresql+psycopg://governance@127.0.0.1:1/governance"
    assert "The database does not answer" in checked(monkeypatch, nobody)


def test_the_check_of_the_settings_says_that_sqlite_protects_nothing(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.upgrade(sqlite_database)
    assert "SQLite has no roles" in checked(monkeypatch, str(sqlite_database.engine.url))
