"""Storage: the engine, the transaction and the column types; no table of any room.

Rules of this room:

1. Stores of other rooms take the ``Session`` that :class:`Database` opens as their first argument, so one use case is
   one transaction whichever rooms it touches.
2. A read snapshot sees one state of the database from its first statement to its last, and keeps no change.
3. One writer at a time. Every wait, for a connection or a lock, has a limit; a thread that may not wait never does.
4. Every promise holds on SQLite and on PostgreSQL alike.

Example: ``with database.transaction() as session: catalogue.upsert(session, studies)``.
"""

from governance.storage.columns import UtcMicroseconds, from_microseconds, json_column, to_microseconds, utc_column
from governance.storage.database import Database
from governance.storage.patience import WouldWait, at_once, locked, require_patience

__all__ = [
    "Database",
    "UtcMicroseconds",
    "WouldWait",
    "at_once",
    "from_microseconds",
    "json_column",
    "locked",
    "require_patience",
    "to_microseconds",
    "utc_column",
]
