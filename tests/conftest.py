"""Fixtures that every test folder shares: real parts on throwaway files."""

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import SQLModel

import governance
from governance.clock import FixedClock
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database


def import_every_table() -> None:
    """Import each room's private tables, so that the metadata is whole."""
    for module in pkgutil.walk_packages(governance.__path__, "governance."):
        if module.name.rsplit(".", 1)[-1].endswith("_tables"):
            importlib.import_module(module.name)


@pytest.fixture
def clock() -> FixedClock:
    """Stand still at a Tuesday noon of the demo's year."""
    return FixedClock(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))


@pytest.fixture
def pseudonymiser() -> Pseudonymiser:
    """Make pseudonyms under a key of the test's own."""
    return Pseudonymiser(b"k" * 32)


@pytest.fixture
def vault() -> Vault:
    """Seal under a key of the test's own."""
    return Vault(b"e" * 32)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Open a fresh SQLite file with every table."""
    import_every_table()
    opened = Database(f"sqlite:///{tmp_path}/test.sqlite")
    SQLModel.metadata.create_all(opened.engine)
    yield opened
    opened.dispose()
