"""Fixtures of the API tests."""

from collections.abc import Iterator

import pytest

from governance.clock import FixedClock
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from tests.api.audit_world import AuditWorld, audit_world


@pytest.fixture
def world(database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock) -> Iterator[AuditWorld]:
    with audit_world(database, pseudonymiser, vault, clock) as made:
        yield made
