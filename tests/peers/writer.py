"""Another process that writes to a SQLite database of ours, and does not stop."""

import subprocess
import sys
from types import TracebackType

from sqlalchemy.engine import make_url

from governance.storage import Database

_HOLD = """
import fcntl, sqlite3, sys
turn = open(sys.argv[1] + "-turn", "ab")
fcntl.flock(turn, fcntl.LOCK_EX)
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""


_OWN = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("PRAGMA locking_mode=EXCLUSIVE")
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
connection.close()
"""


class OtherWriter:
    """Holds the write lock, both the kernel's and SQLite's, from the beginning of the block to its end."""

    script = _HOLD

    def __init__(self, database: Database) -> None:
        path = make_url(database.url).database
        assert database.dialect == "sqlite"
        assert path is not None
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "OtherWriter":
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "held\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()

    def let_go(self) -> None:
        """End it, and the lock with it; more than once is harmless."""
        self._process.communicate("")


class OnlyUser(OtherWriter):
    """Has the whole file for itself, readers kept out as well; nobody else may have it open when the block begins."""

    script = _OWN
