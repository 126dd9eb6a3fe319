"""What a failed statement says of itself: never the values it was given."""

import logging
from typing import Any

import pytest
import structlog
from sqlalchemy.exc import DBAPIError

from governance.storage import Database
from governance.telemetry import configure, get_logger
from tests.worlds.storage import WAYS, Way, put

SECRET = "Vincent-van-Gogh"


@pytest.mark.parametrize("way", WAYS)
def test_a_row_that_is_refused_is_not_repeated(
    database: Database, way: Way, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    before: tuple[int, list[Any]] = root.level, root.handlers[:]
    put(database, SECRET)
    configure("DEBUG")
    try:
        with database.transaction() as session:
            way(session, SECRET)
            session.flush()
    except (DBAPIError, database.engine.dialect.loaded_dbapi.Error) as error:
        get_logger("test").exception("unexpected error", exc_info=error)
    finally:
        structlog.reset_defaults()
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    said = capsys.readouterr().err
    assert "unexpected error" in said
    assert "IntegrityError" in said or "UniqueViolation" in said
    assert SECRET not in said
