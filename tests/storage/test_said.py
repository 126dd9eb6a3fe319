"""What a failed statement says of itself: never the values it was given."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from governance.storage import Database
from governance.telemetry import configure, get_logger
from tests.worlds.storage import WAYS, Way, put

SECRET = "Vincent-van-Gogh"


@contextmanager
def lines_written() -> Iterator[None]:
    """Write log lines as a serving process does, everything; put back what was."""
    root = logging.getLogger()
    before: tuple[int, list[Any]] = root.level, root.handlers[:]
    configure("DEBUG")
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.setLevel(before[0])
        root.handlers[:] = before[1]


@pytest.mark.parametrize("way", WAYS)
def test_a_row_that_is_refused_is_not_repeated(
    database: Database, way: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    put(database, SECRET)
    with lines_written():
        try:
            with database.transaction() as session:
                way(session, SECRET)
                session.flush()
        except (DBAPIError, database.engine.dialect.loaded_dbapi.Error) as error:
            get_logger("test").exception("unexpected error", exc_info=error)
            logging.getLogger("a.library").exception("failed: %s", error.args)
    said = capsys.readouterr().err
    assert "unexpected error" in said
    assert "IntegrityError" in said or "UniqueViolation" in said
    assert SECRET not in said
    assert [json.loads(line)["event"][:7] for line in said.splitlines()] == ["unexpec", "failed:"]


def test_a_value_that_cannot_be_read_is_not_repeated(
    postgres_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with lines_written():
        try:
            with postgres_database.reading() as session:
                session.connection().execute(text("SELECT CAST(CAST(:given AS text) AS integer)"), {"given": SECRET})
        except DBAPIError as error:
            get_logger("test").exception("unexpected error", exc_info=error)
    said = capsys.readouterr().err
    assert "InvalidTextRepresentation" in said
    assert SECRET not in said


def test_no_library_tells_of_statements_and_rows_whatever_the_level(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with lines_written():
        put(database, SECRET)
        with database.reading() as session:
            session.connection().execute(text("SELECT :given"), {"given": SECRET}).all()
    assert capsys.readouterr().err == ""
