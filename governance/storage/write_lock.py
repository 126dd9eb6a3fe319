"""The write lock: one writer at a time among the threads of a process, and among the processes of a machine."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from governance.storage import patience

_SHORTEST, _LONGEST = 0.0001, 0.0004  # seconds between two looks at the lock


class WriteLock:
    """Lets one writer at a time reach a database's file; a thread takes it once at a time.

    Args:
        path: of the database; the lock's file lies beside it, under the name that older versions of this service use.
            None, or a database in memory, needs no lock.
    """

    def __init__(self, path: str | None) -> None:
        on_disk = path is not None and path not in {"", ":memory:"} and not path.startswith("file:")
        self._path = f"{path}-turn" if on_disk else None
        self._thread = threading.Lock()
        self._file: int | None = None
        self._owner = 0  # the process that opened the file: a lock is not to be shared with a fork

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for the block. When it cannot be had in time the block runs without it, and SQLite decides."""
        if self._path is None:
            yield
            return
        seconds = patience.part_left(patience.PATIENCE)
        until = time.monotonic() + seconds
        alone = self._thread.acquire(timeout=seconds)
        locked = False
        try:
            locked = alone and self._wait(self._path, until)
            yield
        finally:
            if locked and self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            if alone:
                self._thread.release()

    def close(self) -> None:
        """Close the lock's file; whoever holds the lock keeps it, and whoever takes it next opens the file again."""
        if self._thread.acquire(blocking=False):
            try:
                if self._file is not None:
                    os.close(self._file)
                self._file = None
            finally:
                self._thread.release()

    def _wait(self, path: str, until: float) -> bool:
        """Wait for the lock among processes; False when it cannot be had, until then or at all."""
        pause = _SHORTEST
        while True:
            try:
                fcntl.flock(self._opened(path), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST)
            except OSError:  # no room, no right, no folder: SQLite says what is wrong, if it matters to it
                return False
            else:
                return True

    def _opened(self, path: str) -> int:
        """Give the lock's file, opened by this process."""
        if self._file is None or self._owner != os.getpid():
            self._file, self._owner = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), os.getpid()
        return self._file
