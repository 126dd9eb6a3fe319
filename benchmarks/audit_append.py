"""Durable ingest in batches of 500 against a raw insert loop into the same table, both fsynced at each commit."""

import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks._line import line
from benchmarks._log import BATCH, events, open_log
from governance.audit.encoding import parse

ROWS = 50_000


def run() -> None:
    """Append through the log, then insert the very same rows by hand."""
    with tempfile.TemporaryDirectory() as folder:
        log, database = open_log(Path(folder))
        began = time.perf_counter()
        for start in range(0, ROWS, BATCH):
            log.append(events(start, BATCH))
        ours = ROWS / (time.perf_counter() - began)
        assert parse(log.entry_bytes(ROWS - 1)).index == ROWS - 1
        log.close()
        database.dispose()
        theirs = ROWS / _raw(Path(folder))
    line("audit_append rows_per_second", ours, theirs, "against raw inserts of the same rows and indexes")


def _raw(folder: Path) -> float:
    source = sqlite3.connect(folder / "log.sqlite")
    rows = source.execute("SELECT * FROM audit_entry").fetchall()
    schema = [
        sql
        for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'audit_entry' AND sql NOT NULL")
    ]
    target = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
    target.execute("PRAGMA journal_mode=WAL")
    target.execute("PRAGMA synchronous=FULL")
    for sql in schema:
        target.execute(sql)
    places = ", ".join("?" * len(rows[0]))
    began = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        target.execute("BEGIN IMMEDIATE")
        target.executemany(f"INSERT INTO audit_entry VALUES ({places})", rows[start : start + BATCH])
        target.execute("COMMIT")
    return time.perf_counter() - began
