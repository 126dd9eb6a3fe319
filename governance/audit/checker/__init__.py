"""Checker: reads a log as it is stored and says whether it still is what was signed.

Rules of this room:

1. It shares no code with the writer: own hashing, own reading of entries and notes, own SQL. A test holds it to that.
2. It only reads, and goes on after the first thing wrong: the first bad index is named wherever one exists, and else
   the range it lies in.

Example: ``verify(open_reader(url), [read_key(line)], ed25519_valid).ok`` says whether the log is whole, as
``python app.py verify-log`` does.
"""

from governance.audit.checker.verify import (
    Finding,
    Opens,
    Reader,
    Report,
    SqliteReader,
    TrustedKey,
    open_reader,
    read_key,
    verification,
    verify,
)

__all__ = [
    "Finding",
    "Opens",
    "Reader",
    "Report",
    "SqliteReader",
    "TrustedKey",
    "open_reader",
    "read_key",
    "verification",
    "verify",
]
