"""Databases without a schema, and the tables of every room."""

import importlib
import itertools
import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

import governance
from governance.storage import Database
from tests.peers.postgres import administer

_numbers = itertools.count()


@pytest.fixture(scope="session")
def tables() -> SQLModel:
    """Import each room's private tables, so that the metadata is whole."""
    for module in pkgutil.walk_packages(governance.__path__, "governance."):
        if module.name.rsplit(".", 1)[-1].endswith("_tables"):
            importlib.import_module(module.name)
    return SQLModel


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Open a database that nothing was ever put into."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path}/empty.sqlite")
        yield opened
        opened.dispose()
        return
    server: str = request.getfixturevalue("postgres_server")
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
    opened = Database(f"{server}/{name}")
    yield opened
    opened.dispose()
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")
