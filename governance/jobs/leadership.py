"""Which of the workers of one server runs the jobs: the one that holds a lock of the kernel, until it ends."""

import fcntl
from pathlib import Path
from typing import IO


class Leadership:
    """At most one process that asks over the same folder leads. When it ends, however it ends, another may.

    Args:
        folder: shared by the workers; None for a process that is alone and therefore leads.
    """

    def __init__(self, folder: str | None) -> None:
        self._path = Path(folder) / "leader" if folder else None
        self._lock: IO[bytes] | None = None

    def held(self) -> bool:
        """Say whether this process leads, taking the lead when nobody has it."""
        if self._path is None or self._lock is not None:
            return True
        lock = self._path.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Let another process lead."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
