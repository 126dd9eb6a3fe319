"""The demo region with a caller of its searches, one for each module."""

from collections.abc import Iterator

import pytest

from governance.simulation import network
from tests.worlds.region import RegionWorld, seed_home
from tests.worlds.search_callers import bearer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegionWorld]:
    home = seed_home(tmp_path_factory.mktemp("search") / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    made = RegionWorld(home)
    made.feed_showcase()
    yield made
    made.close()


@pytest.fixture(scope="module")
def headers(world: RegionWorld) -> dict[str, str]:
    return bearer(world, network.EXPLORER)
