"""The demo region with one caller of its access requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.commands._demo_home import DemoHome
from tests.worlds.access_requests import Caller
from tests.worlds.region import RegionWorld, copy_home, seed_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> DemoHome:
    made = seed_home(tmp_path_factory.mktemp("requests") / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    world = RegionWorld(made)
    world.feed_showcase()
    world.close()
    return made


@pytest.fixture
def world(home: DemoHome, tmp_path: Path) -> Iterator[RegionWorld]:
    made = RegionWorld(copy_home(home, tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def caller(world: RegionWorld) -> Caller:
    return Caller(world)
