"""Taking turns: threads and processes never write at the same time, and nobody is kept out by one that died."""

import multiprocessing
import os
import shutil
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from governance.storage import Database
from governance.storage.write_lock import WriteLock

ROUNDS = 40
_SPAWN = multiprocessing.get_context("spawn")


def _count(database: str, counter: str) -> None:
    """Add one, again and again, in a way that loses counts unless nobody else is at it."""
    lock = WriteLock(database)
    for _ in range(ROUNDS):
        with lock.held():
            seen = int(Path(counter).read_text())
            Path(counter).write_text(str(seen + 1))


def _die_holding(database: str) -> None:
    with WriteLock(database).held():
        os.kill(os.getpid(), signal.SIGKILL)


def test_processes_take_turns(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    arguments = (str(tmp_path / "x.sqlite"), str(counter))
    processes = [_SPAWN.Process(target=_count, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert counter.read_text() == str(3 * ROUNDS)


def test_threads_take_turns(tmp_path: Path) -> None:
    lock, counted = WriteLock(str(tmp_path / "x.sqlite")), 0
    inside = 0

    def count() -> None:
        nonlocal counted, inside
        for _ in range(ROUNDS):
            with lock.held():
                inside += 1
                assert inside == 1
                counted += 1
                inside -= 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == 4 * ROUNDS


def test_one_that_dies_gives_up_its_turn(tmp_path: Path) -> None:
    database = str(tmp_path / "x.sqlite")
    process = _SPAWN.Process(target=_die_holding, args=(database,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with WriteLock(database).held():
        pass


def test_a_block_that_fails_gives_up_its_turn(tmp_path: Path) -> None:
    lock = WriteLock(str(tmp_path / "x.sqlite"))

    def fail() -> None:
        with lock.held():
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with lock.held():
        pass


def test_a_database_in_memory_has_no_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (None, "", ":memory:"):
        with WriteLock(path).held(), WriteLock(path).held():
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_had_leaves_the_decision_to_sqlite(tmp_path: Path) -> None:
    with WriteLock(str(tmp_path / "no folder" / "x.sqlite")).held():
        pass
    (tmp_path / "x.sqlite-turn").mkdir()
    with WriteLock(str(tmp_path / "x.sqlite")).held():
        pass


def test_a_database_that_is_closed_leaves_no_file_open(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "x.sqlite"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    for _ in range(2):  # closed, and used and closed again
        with database.transaction():
            assert _open_files(tmp_path)
        database.dispose()
        assert not _open_files(tmp_path)


def test_whoever_holds_the_lock_keeps_it_when_it_is_closed(tmp_path: Path) -> None:
    lock, other = (WriteLock(str(tmp_path / "x.sqlite")) for _ in range(2))
    with lock.held():
        lock.close()
        assert not other._wait(f"{tmp_path / 'x.sqlite'}-turn", 0.0)
    assert other._wait(f"{tmp_path / 'x.sqlite'}-turn", 0.0)
    other.close()
    lock.close()


def _open_files(folder: Path) -> list[str]:
    """Give the files of a folder that this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            found.append(str(link.readlink()))
    return [name for name in found if name.startswith(str(folder))]
