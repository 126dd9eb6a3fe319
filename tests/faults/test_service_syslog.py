"""Syslog pours in while the service is stopped, or its database killed: what was read is stored, a cut is named.

CI does each once; ``STOPS=20 KILLS=10`` in the environment makes it the whole number.
"""

import hashlib
import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from governance.audit import RecordedEvent
from governance.bootstrap import build
from governance.commands._demo_home import DemoHome
from governance.commands.serving import GRACE
from governance.settings import from_environment
from governance.simulation.programs import free_port
from tests.peers.postgres import administer, killable_cluster
from tests.worlds.served import PATIENCE, Pouring, Sender, feeds, logged, running, said, seeded_home, until
from tests.worlds.served import check as check_log

STOPS = int(os.environ.get("STOPS", "1"))
KILLS = int(os.environ.get("KILLS", "1"))
FRAMES = 3_000
CONNECTIONS = 4
MARGIN = 5.0  # seconds that a busy machine may add to what is promised


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> DemoHome:
    if request.param == "sqlite":
        return seeded_home(tmp_path / "home")
    database = request.getfixturevalue("postgres_database")
    return seeded_home(tmp_path / "home", database.url)


def pour_and_stop(home: DemoHome, round_: int) -> list[Pouring]:
    """Run the service, pour frames in over several connections, and stop it in the middle."""
    port = free_port()
    with running(home, {"GOVERNANCE_SYSLOG_PORT": str(port)}) as process:
        begun = threading.Semaphore(0)
        senders = [
            Pouring(f"vna-{round_}-{number}", port, FRAMES // CONNECTIONS, begun) for number in range(CONNECTIONS)
        ]
        for sender in senders:
            sender.start()
        for _ in senders:
            assert begun.acquire(timeout=PATIENCE)
        asked = time.monotonic()
        process.terminate()
        assert process.wait(PATIENCE) == 0, said(home)[-2000:]
        assert time.monotonic() - asked < GRACE + MARGIN
    for sender in senders:
        sender.join(PATIENCE)
    return senders


def kept(home: DemoHome) -> int:
    """Give how many messages wait in the quarantine."""
    services = build(from_environment(home.environment()))
    waiting = services.uses.quarantine.waiting()
    services.infrastructure.database.dispose()
    return waiting


@pytest.mark.timeout(60 + 60 * STOPS)
def test_a_stop_stores_what_was_read_and_names_what_was_cut_off(home: DemoHome) -> None:
    seen = halves = 0
    for round_ in range(STOPS):
        senders = pour_and_stop(home, round_)
        events = logged(home)
        stored = Counter(each.source.id for each in events)
        told = [each for each in events if each.detail.get("act") == "syslog_cut_off"][seen:]
        named = [one for each in told for one in each.detail["named"]]
        seen += len(told)
        halves += sum(one["half_frame_bytes"] > 0 for one in named)
        print(round_, [(each.sent, stored[each.sender]) for each in senders], named)
        assert len(told) <= 1, "one event for all connections of a stop"
        for sender in senders:
            check(sender, stored[sender.sender], named, events)
    assert kept(home) == halves, "a frame half read is kept like a whole message"


def check(sender: Pouring, stored: int, named: list[dict[str, object]], events: list[RecordedEvent]) -> None:
    """What is stored of a sender is all, or all up to a place; the place is named if more of it had arrived."""
    last = hashlib.sha256(sender.frames[stored - 1]).hexdigest() if stored else None
    own = [each for each in named if each["last_frame_sha256"] == last and each["frames_kept"] == stored]
    if stored == len(sender.frames):
        return
    (cut,) = own
    assert (cut["source"], cut["why"]) == ("127.0.0.1", "stopping")
    assert cut["time"]
    if stored:
        index = cut["last_index"]
        assert isinstance(index, int)
        assert events[index].source.id == sender.sender


@pytest.mark.peer
@pytest.mark.timeout(120 + 60 * KILLS)
def test_a_killed_database_loses_nothing_acknowledged_and_syslog_waits_for_it(tmp_path: Path) -> None:
    port = free_port()
    with killable_cluster() as database:
        administer(database.url, "CREATE DATABASE killed")
        home = seeded_home(tmp_path / "home", f"{database.url}/killed")
        with running(home, {"GOVERNANCE_SYSLOG_PORT": str(port)}):
            bearer, enough, begun = feeds(home).bearer(), threading.Semaphore(0), threading.Semaphore(0)
            senders = [Sender(number, home, bearer, 0, enough) for number in range(2)]
            pouring = [Pouring(f"vna-{number}", port, FRAMES * KILLS // 4, begun) for number in range(2)]
            for each in (*senders, *pouring):
                each.start()
            for _ in range(KILLS):
                for _ in range(5):  # acknowledged requests between two kills
                    assert enough.acquire(timeout=PATIENCE)
                database.kill()
                database.start()
                while enough.acquire(blocking=False):
                    pass
            for _ in range(5):
                assert enough.acquire(timeout=PATIENCE), "it recovers by itself"
            for sender in senders:
                sender.over.set()
                sender.join(PATIENCE)
            for poured in pouring:
                until(lambda poured=poured: stored(home, poured) == len(poured.frames), "frames are lost")
        check_log(home, {name for sender in senders for name in sender.acknowledged})


def stored(home: DemoHome, poured: Pouring) -> int:
    return sum(event.source.id == poured.sender for event in logged(home))
