"""The whole service is killed, or asked to stop, under load: what it acknowledged over HTTP is in the log.

CI kills it a few times; ``KILLS=50`` in the environment makes it the whole number.
"""

import os
import threading
from pathlib import Path

import pytest

from governance.commands._demo_home import DemoHome
from tests.worlds.served import BATCH, PATIENCE, Sender, check, feeds, running, seeded_home

KILLS = int(os.environ.get("KILLS", "3"))
SENDERS = 4
ENOUGH = 8  # acknowledged requests before the next kill


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> DemoHome:
    if request.param == "sqlite":
        return seeded_home(tmp_path / "home")
    return seeded_home(tmp_path / "home", request.getfixturevalue("postgres_database").url)


@pytest.mark.timeout(120 + 30 * KILLS)
def test_kills_under_load_lose_nothing_acknowledged(home: DemoHome) -> None:
    surface = feeds(home)
    acknowledged: set[str] = set()
    following = [0] * SENDERS
    for _ in range(KILLS):
        with running(home):
            enough = threading.Semaphore(0)
            senders = [Sender(n, home, surface.bearer(), following[n], enough) for n in range(SENDERS)]
            for sender in senders:
                sender.start()
            for _ in range(ENOUGH):
                assert enough.acquire(timeout=PATIENCE)
        for sender in senders:
            sender.join(PATIENCE)
            assert not sender.is_alive()
            acknowledged |= sender.acknowledged
            following[sender.number] = sender.next
    assert len(acknowledged) >= KILLS * ENOUGH * BATCH
    check(home, acknowledged)


def test_a_stop_under_load_finishes_what_it_acknowledged(home: DemoHome) -> None:
    surface = feeds(home)
    with running(home) as process:
        enough = threading.Semaphore(0)
        senders = [Sender(number, home, surface.bearer(), 0, enough) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        for _ in range(ENOUGH):
            assert enough.acquire(timeout=PATIENCE)
        process.terminate()
        assert process.wait(PATIENCE) == 0
        for sender in senders:
            sender.join(PATIENCE)
            assert not sender.is_alive()
    check(home, {name for sender in senders for name in sender.acknowledged})
