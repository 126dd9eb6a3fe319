"""Fixtures of the API tests."""

from collections.abc import Iterator

import pytest
from flask import Flask

from governance.clock import FixedClock
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.web import Services
from tests.api.audit_world import AuditWorld, audit_world
from tests.context_world import ContextWorld


@pytest.fixture
def context_world(app: Flask, services: Services) -> ContextWorld:
    """Speak to the context feeds and registrations of a running service."""
    return ContextWorld(app, services)


@pytest.fixture
def world(
    sqlite_database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock
) -> Iterator[AuditWorld]:
    """Speak to the audit's doors, with a real log behind them."""
    with audit_world(sqlite_database, pseudonymiser, vault, clock) as made:
        yield made
