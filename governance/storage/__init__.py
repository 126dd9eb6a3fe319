"""Storage: the engine, the transaction and the column types; no table of any room.

Stores of other rooms take the ``Session`` that :class:`Database` opens as their first argument, so one use case is one
transaction whichever rooms it touches.
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
