"""What detectors remember, on both databases: the same as in one process, whatever is committed when, and bounded."""

from __future__ import annotations

from random import Random
from typing import Any

from governance.detection.reader import _store
from governance.detection.reader.keeping.keeper import DatabaseKeeper
from governance.detection.reader.keeping.lists import LIST
from governance.detection.reader.state import RuleMemory
from governance.storage import Database
from tests.worlds.detection import BEGAN, event

HOUR = 3_600_000_000
KEEP = 4 * HOUR
NAMES = [f"n-{number}" for number in range(12)] + ["É", "a b", "Z", "z"]


class Kept:
    """A memory on a database: read on snapshots, committed when asked, forgotten by the process when asked."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.restart()

    def restart(self) -> None:
        with self.database.reading() as session:
            self.keeper = DatabaseKeeper(session)
            self.memory = RuleMemory(keeper=self.keeper, held=16)
        self.keeper.read_on(None)

    def commit(self) -> None:
        with self.database.transaction() as session:
            changes = self.memory.changes()
            _store.save(session, changes)
            self.keeper.take(changes)


def act(memory: RuleMemory, random: Random, hour: int) -> list[Any]:
    """Do one thing at random and say what it gave."""
    state = memory.of(random.choice(["one", "two"]))
    key, name = random.choice(["k", "q"]), random.choice(NAMES)
    at = hour * HOUR + random.randrange(5) * HOUR // 5
    held = state.list(key)
    what = random.randrange(9)
    if what == 0:
        state.put(key, {"at": at, "name": name}, random.choice([None, at + HOUR]))
    elif what == 1:
        state.drop(key)
    elif what == 2:
        held.remove(name)
    elif what == 3:
        return [held.prune(at - 2 * HOUR)]
    elif what == 4 and random.random() < 0.2:
        held.clear()
    elif what < 7:
        held.put(name, at, {"hour": hour}, keep=KEEP)
    newest = random.random() < 0.5
    return [
        state.get(key),
        len(held),
        held.get(name),
        held.between(at - 2 * HOUR, at, 1 + random.randrange(9), newest_first=newest),
        held.oldest(3),
    ]


def test_the_database_keeps_what_a_process_keeps(database: Database) -> None:
    for seed in range(4):
        with database.transaction() as session:
            _store.reset(session, "detection", 0)
        random, kept, plain = Random(seed), Kept(database), RuleMemory()
        for hour in range(120):
            login = event(hour, BEGAN.replace(year=1970, month=1, day=1, hour=0), {"kind": "login", "who": "s-a"})
            with database.reading() as session:
                kept.keeper.read_on(session)
                for memory in (kept.memory, plain):
                    memory.load(hour * HOUR)
                    memory.clocks.front = memory.clocks.watermark = hour * HOUR
                for _ in range(6):
                    state = random.getstate()
                    told = act(kept.memory, random, hour)
                    random.setstate(state)
                    assert told == act(plain, random, hour)
                while (due := kept.memory.next_due()) is not None:
                    assert due == plain.next_due()
                assert plain.next_due() is None
            kept.keeper.read_on(None)
            assert login.index == hour
            if random.random() < 0.5:
                kept.commit()
                plain.settle()
                if random.random() < 0.3:
                    kept.restart()
                    plain = RuleMemory(keeper=plain.keeper)


def test_an_entry_is_a_row_and_a_list_that_is_over_leaves_none(database: Database) -> None:
    kept = Kept(database)
    with database.reading() as session:
        kept.keeper.read_on(session)
        kept.memory.load(0)
        for number in range(700):
            kept.memory.of("one").list("hot").put(f"n-{number}", number, {}, keep=HOUR)
    kept.commit()
    with database.reading() as session:
        assert len(_store.entries(session, ("one", "hot"), (0, HOUR), 1_000, newest=False)) == 700
        found = _store.value(session, "one", f"{LIST}hot")
        assert found is not None
        assert found.value["n"] == 700
        kept.restart()
        kept.keeper.read_on(session)
        kept.memory.load(3 * HOUR)
        kept.memory.clocks.front = kept.memory.clocks.watermark = 3 * HOUR
        assert kept.memory.next_due() is None, "a list is forgotten silently"
    kept.commit()
    with database.reading() as session:
        assert _store.entries(session, ("one", "hot"), (0, HOUR), 10, newest=False) == []
        assert list(_store.keys(session)) == [[]]


def test_what_was_never_written_is_not_asked_for(database: Database) -> None:
    kept = Kept(database)
    assert kept.memory.of("one").get("a new patient") is None, "no snapshot is open, and none was needed"
