"""Opens the database that the settings name, with the limits they give it."""

from pathlib import Path

from sqlalchemy.engine import make_url

from governance.settings import Settings
from governance.storage.database import Database
from governance.storage.limits import Limits

_BESIDE = 14  # threads of a process that use the database beside those that answer: jobs, the log's writer, the batcher


def open_database(settings: Settings) -> Database:
    """Give the database of the settings, with their limits; nothing is asked of it yet."""
    limits = Limits(
        answer=settings.database_timeout,
        work=settings.database_work_timeout,
        connections=settings.database_connections or settings.threads + _BESIDE,
        pooler=settings.database_pooler,
    )
    return Database(settings.database_url.get_secret_value(), limits)


def is_made(settings: Settings) -> bool:
    """Say whether the database can be there: a SQLite file is made by whoever opens it first."""
    url = make_url(settings.database_url.get_secret_value())
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()
