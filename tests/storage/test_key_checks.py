"""Keys are held to the database: the first process lets it know them, every other one is held to that."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from governance.bootstrap import Services, build
from governance.errors import Conflict
from governance.jobs import Runtime
from governance.pseudonyms import key_checks
from governance.settings import Settings, from_environment
from governance.storage import Database
from tests.worlds.basics import demo_environment, secret
from tests.worlds.log import some_event
from tests.worlds.processes import at_once

PSEUDONYM, WRAPPING = "GOVERNANCE_PSEUDONYM_KEY", "GOVERNANCE_KEY_ENCRYPTION_KEY"
OTHER = secret(101)


def chosen(database: Database, **changes: str) -> Settings:
    return from_environment(demo_environment(database.url) | changes)


@contextmanager
def opened(settings: Settings) -> Iterator[Services]:
    made = build(settings)
    runtime = Runtime(made)
    runtime.start(jobs=False)
    yield made
    runtime.stop()


def refused(settings: Settings) -> str:
    with pytest.raises(Conflict) as error:
        build(settings)
    assert error.value.reason == "keys.other"
    assert OTHER not in error.value.detail
    return error.value.detail


def keys_on_file(database: Database) -> dict[str, bytes]:
    with database.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT setting, value FROM key_check").all()
    return {setting: bytes(value) for setting, value in rows}


def test_the_first_process_puts_them_in_and_another_key_is_refused(database: Database) -> None:
    settings = chosen(database)
    assert keys_on_file(database) == {}
    for _ in range(2):
        with opened(settings):
            assert keys_on_file(database) == key_checks.check_values(settings)
    assert refused(chosen(database, **{PSEUDONYM: OTHER})).startswith(f"{PSEUDONYM} is not the key ")
    assert refused(chosen(database, **{WRAPPING: OTHER})).startswith(f"{WRAPPING} is not the key ")
    both = refused(chosen(database, **{WRAPPING: OTHER, PSEUDONYM: secret(77)}))
    assert both.startswith(f"{WRAPPING} and {PSEUDONYM} are not the keys ")
    assert keys_on_file(database) == key_checks.check_values(settings)


def test_one_key_for_two_purposes_would_have_two_values(database: Database) -> None:
    settings = chosen(database)
    given = settings.model_copy(update=dict.fromkeys(key_checks.CHECKED, settings.pseudonym_key))
    assert len(set(key_checks.check_values(given).values())) == len(key_checks.CHECKED)


@pytest.mark.parametrize("wrong", [PSEUDONYM, WRAPPING])
def test_a_log_from_before_they_were_kept_says_itself_whether_they_fit(database: Database, wrong: str) -> None:
    settings = chosen(database)
    with opened(settings) as made:
        made.infrastructure.audit.append([some_event(number) for number in range(3)])
    with database.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM key_check")
    assert refused(chosen(database, **{wrong: OTHER})).startswith(f"{wrong} is not the key ")
    assert keys_on_file(database) == {}
    with opened(settings):
        assert keys_on_file(database) == key_checks.check_values(settings)


def begin(database: Database, wrapping: str) -> str:
    """Begin as a process does, and say what came of it: at the top of the module, for another process calls it."""
    settings = chosen(database, **{WRAPPING: wrapping})
    try:
        if not key_checks.check_keys(database, settings):
            with database.transaction() as session:
                key_checks.keep_keys(session, settings)
    except Conflict as error:
        return error.reason
    return "begun"


def test_processes_that_begin_at_once_agree(database: Database) -> None:
    assert at_once(database.url, begin, [(secret(2),)] * 3) == ["begun"] * 3
    assert keys_on_file(database) == key_checks.check_values(chosen(database))


def test_of_two_keys_at_once_one_is_the_database_s(database: Database) -> None:
    assert sorted(at_once(database.url, begin, [(secret(2),), (OTHER,)])) == ["begun", "keys.other"]
    assert sorted(keys_on_file(database)) == list(key_checks.CHECKED)
