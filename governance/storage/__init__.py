"""Storage: the engine, the transaction and the column types; no table of any room.

Rules of this room:

1. Stores of other rooms take the ``Session`` that :class:`Database` opens as their first argument, so one use case is
   one transaction whichever rooms it touches.
2. A read snapshot (``reading``) is one state throughout, on SQLite and on PostgreSQL, whatever others commit meanwhile.
   It takes no writes. It holds a connection: a use case opens one snapshot and hands its session on.
3. A write transaction (``transaction``) is kept whole or not at all: any exception undoes it. A thread has one at a
   time.
4. SQLite has one writer at a time, who takes the write lock at the beginning. PostgreSQL's writers wait for each
   other's rows alone, so what is read in order to be changed is locked first: by its row (``FOR UPDATE``), or by the
   name of the matter where no row stands for it (``exclusive``). Two processes that insert the same row never fail for
   it: ``upsert``, ``insert_new`` and ``count_up`` leave the decision to the database.
5. Every wait, for a connection, a lock or an answer, has a limit; a thread that may not wait never does. A lock goes
   with its process: whoever died holds up nobody. A database that does not answer is Unavailable, whatever it is.
6. What one process leaves for another to compare times with is measured by the clock that they share (``shared_now``).
7. A list in a statement is cut into chunks. Instants are whole microseconds in UTC.
8. The schema is what the revisions make; a test compares it with the tables of the rooms, on both databases.

Example: ``with database.transaction() as session: catalogue.upsert(session, studies)``.
"""

from governance.storage.columns import UtcMicroseconds, from_microseconds, json_column, to_microseconds, utc_column
from governance.storage.database import Database
from governance.storage.limits import Limits
from governance.storage.patience import WouldWait, at_once, ending_at, hurried, locked, require_patience
from governance.storage.shared_clock import shared_now

__all__ = [
    "Database",
    "Limits",
    "UtcMicroseconds",
    "WouldWait",
    "at_once",
    "ending_at",
    "from_microseconds",
    "hurried",
    "json_column",
    "locked",
    "require_patience",
    "shared_now",
    "to_microseconds",
    "utc_column",
]
