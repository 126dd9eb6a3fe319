"""The database of the settings: how many connections it may have, how long it may take, and who may ask for two."""

import builtins
from pathlib import Path
from types import FunctionType

import pytest

from governance.settings import from_environment
from governance.storage import Database, Limits
from governance.storage.opening import open_database
from tests.worlds.basics import demo_environment


def opened(tmp_path: Path, **settings: str) -> Limits:
    environment = demo_environment(f"sqlite:///{tmp_path}/service.sqlite")
    made = open_database(
        from_environment(environment | {f"GOVERNANCE_{name}": value for name, value in settings.items()})
    )
    made.dispose()
    return made.limits


def test_there_are_connections_for_all_threads_or_as_many_as_are_set(tmp_path: Path) -> None:
    assert opened(tmp_path) == Limits(answer=4.0, work=60.0, connections=30, pooler="none")
    assert opened(tmp_path, THREADS="64").connections == 78
    assert opened(tmp_path, DATABASE_CONNECTIONS="7").connections == 7


def test_how_long_it_may_take_is_set(tmp_path: Path) -> None:
    set_so = opened(tmp_path, DATABASE_TIMEOUT="1.5", DATABASE_WORK_TIMEOUT="9", DATABASE_POOLER="transaction")
    assert (set_so.answer, set_so.work, set_so.pooler) == (1.5, 9.0, "transaction")


@pytest.mark.parametrize("outer", ["reading", "transaction"])
@pytest.mark.parametrize("inner", ["reading", "transaction"])
def test_a_thread_that_has_a_block_is_found_out_when_it_opens_another(
    database: Database, monkeypatch: pytest.MonkeyPatch, outer: str, inner: str
) -> None:
    """All other tests run so: whatever asks for a second connection while it holds one fails them."""
    monkeypatch.setattr(Database, "strict", True)

    def nest(database: Database, outer: str, inner: str) -> None:
        with getattr(database, outer)(), getattr(database, inner)():
            pass

    ours = FunctionType(nest.__code__, {"__name__": "governance.somewhere", "__builtins__": builtins})
    with pytest.raises(RuntimeError, match="inside another"):
        ours(database, outer, inner)
    assert database.ping()
