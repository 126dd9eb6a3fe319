"""The world of inquiries on either database."""

import pytest

from governance.clock import FixedClock
from governance.storage import Database
from tests.worlds.asking import AskingWorld


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AskingWorld:
    """Open a seeded world."""
    return AskingWorld(database, clock).seeded()
