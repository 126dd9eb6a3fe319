"""Checking the log: rows a second of the independent checker against a bare SHA-256 scan of the same rows."""

import hashlib
import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks._line import line
from benchmarks._log import filled_log
from governance.audit.checker import open_reader, read_key, verify
from governance.audit.signer import ed25519_valid

ROWS = 200_000


def run() -> None:
    """Fill a log, check it, scan it."""
    with tempfile.TemporaryDirectory() as folder:
        url, key = filled_log(Path(folder), ROWS)
        began = time.perf_counter()
        reader = open_reader(url)
        report = verify(reader, [read_key(key)], ed25519_valid)
        ours = ROWS / (time.perf_counter() - began)
        assert report.ok, report.lines()
        began = time.perf_counter()
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            for (entry,) in connection.execute('SELECT entry FROM audit_entry ORDER BY "index"'):
                hashlib.sha256(entry).digest()
        theirs = ROWS / (time.perf_counter() - began)
    line("log_verify rows_per_second", ours, theirs, "against a bare sha256 scan")
