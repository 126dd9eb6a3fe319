"""Random tamperings with the database of a log, by somebody without a key: none goes unseen."""

from pathlib import Path

import pytest

from tests.worlds.log import MakeEvent, make_event
from tests.worlds.tampering import TAMPERINGS, World, build, check, run

__all__ = ["make_event"]
HOW_MANY = 520  # `python -m benchmarks.log_tampering` makes ten thousand
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def world(tmp_path: Path, sqlite_template: Path, make_event: MakeEvent) -> World:
    return build(tmp_path, sqlite_template, make_event)


def test_none_of_them_goes_unseen_and_the_first_bad_entry_is_named(world: World, tmp_path: Path) -> None:
    whole = check(world, world.path)
    assert whole.ok, whole.lines()
    outcomes = list(run(world, tmp_path, seed=20261129, tamperings=HOW_MANY))
    missed = [(one.number, one.name, one.first, one.report.lines()) for one in outcomes if not one.found]
    assert missed == []
    assert {one.name for one in outcomes} == set(TAMPERINGS)
