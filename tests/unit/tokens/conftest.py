"""The world of tokens, fresh for each test."""

from collections.abc import Iterator

import pytest

from governance.clock import FixedClock
from governance.storage import Database
from tests.worlds.tokens import TokenWorld


@pytest.fixture
def world(sqlite_database: Database, clock: FixedClock) -> Iterator[TokenWorld]:
    made = TokenWorld(sqlite_database, clock)
    yield made
    made.close()
