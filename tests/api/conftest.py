"""Fixtures of the API tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from governance.bootstrap import Services
from governance.commands._demo_home import DemoHome
from tests.peers.identity_provider import identity_provider
from tests.worlds.audit_callers import AuditWorld
from tests.worlds.feeds import ContextWorld
from tests.worlds.region import RegionWorld, copy_home, seed_home


@pytest.fixture
def context_world(app: Flask, services: Services) -> ContextWorld:
    """Speak to the context feeds and registrations of a running service."""
    return ContextWorld(app, services)


@pytest.fixture
def world(app: Flask, services: Services) -> AuditWorld:
    """Speak to the audit's endpoints of a running service."""
    return AuditWorld(app, services)


@pytest.fixture(scope="session")
def region_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHome]:
    """Seed the demo region once, with its identity provider running beside, for tests to copy."""
    with identity_provider("--demo") as identity:
        home = seed_home(tmp_path_factory.mktemp("region") / "home", "http://127.0.0.1:8080", identity)
        made = RegionWorld(home)
        made.feed_showcase()
        made.close()
        yield home


@pytest.fixture
def region(region_home: DemoHome, tmp_path: Path) -> Iterator[RegionWorld]:
    """Run the region's service in this process, on a home of the test's own."""
    made = RegionWorld(copy_home(region_home, tmp_path / "home"))
    yield made
    made.close()
