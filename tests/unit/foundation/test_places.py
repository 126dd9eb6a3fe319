"""What a setting names on this machine is looked at before a start; what is not ours is never overwritten."""

import os
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from governance.audit.history import KeptNote
from governance.errors import ConfigurationError, Unavailable
from governance.settings import check_places, from_environment
from governance.settings.database_urls import _OPTIONS
from tests.unit.foundation.test_settings import GOOD

NOTE = "log.test/log\n0\nAAAA\n\n\u2014 log.test/log AAAA\n"
Make = Callable[[Path], object]
FOREIGN, FOLDER = "holds something else than a signed checkpoint", "is no file but a folder"


def faults(name: str, value: str) -> list[tuple[str, str]]:
    try:
        check_places(from_environment(GOOD | {f"GOVERNANCE_{name}": value}))
    except ConfigurationError as error:
        return [(fault.path, fault.message) for fault in error.faults]
    return []


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE one (it)")


def _nothing(_path: Path) -> None:
    """Make nothing."""


@pytest.mark.parametrize(
    ("name", "written", "make", "message"),
    [
        ("DATABASE_URL", "sqlite:///{}", _nothing, None),
        ("DATABASE_URL", "sqlite:///{}", lambda path: path.write_bytes(b""), None),
        ("DATABASE_URL", "sqlite:///{}", _sqlite, None),
        ("DATABASE_URL", "sqlite:///{}", lambda path: path.write_text("root:x:0:0"), "is no SQLite database"),
        ("DATABASE_URL", "sqlite:///{}", Path.mkdir, FOLDER),
        ("DATABASE_URL", "sqlite:///{}", os.mkfifo, FOLDER),
        ("DATABASE_URL", "sqlite:///{}/a", _nothing, "is in a folder that is not there"),
        ("CHECKPOINT_FILE", "{}", _nothing, None),
        ("CHECKPOINT_FILE", "{}", lambda path: path.write_text(NOTE), None),
        ("CHECKPOINT_FILE", "{}", lambda path: path.write_text("root:x:0:0"), FOREIGN),
        ("CHECKPOINT_FILE", "{}", lambda path: path.write_bytes(b"\xff"), FOREIGN),
        ("CHECKPOINT_FILE", "{}", Path.mkdir, FOLDER),
        ("CHECKPOINT_FILE", "{}", lambda path: path.symlink_to("/dev/null"), FOLDER),
        ("CHECKPOINT_FILE", "{}/a", _nothing, "is in a folder that is not there"),
        ("OPA_URL", "unix:{}", _nothing, None),
        ("OPA_URL", "unix:{}", _socket, None),
        ("OPA_URL", "unix:{}", Path.mkdir, "is no socket"),
        ("TENANTS", "{}", _nothing, "folder 1 is not there"),
        ("TENANTS", "{}", Path.touch, "folder 1 is not there"),
        ("SHARED_FOLDER", "{}", Path.touch, "is not there"),
    ],
)
def test_what_a_setting_names_can_be_used_or_is_refused_by_name(
    tmp_path: Path, name: str, written: str, make: Make, message: str | None
) -> None:
    path = tmp_path / "named"
    make(path)
    found = faults(name, written.format(path))
    if message is None:
        assert found == []
        return
    ((variable, said),) = found
    assert variable == f"GOVERNANCE_{name}"
    assert message in said
    assert str(path) not in said


def test_a_certificate_for_opa_is_one(tmp_path: Path) -> None:
    (tmp_path / "pem").write_text("no certificate")
    given = {
        "GOVERNANCE_OPA_CLIENT_KEY": str(tmp_path / "pem"),
        "GOVERNANCE_OPA_CLIENT_CERTIFICATE": str(tmp_path / "pem"),
    }
    with pytest.raises(ConfigurationError) as refused:
        check_places(from_environment(GOOD | given))
    assert [fault.path for fault in refused.value.faults] == ["GOVERNANCE_OPA_CLIENT_CERTIFICATE"]


def test_the_checkpoint_is_not_kept_in_the_database(tmp_path: Path) -> None:
    given = {"GOVERNANCE_DATABASE_URL": f"sqlite:///{tmp_path}/a", "GOVERNANCE_CHECKPOINT_FILE": f"{tmp_path}/a"}
    with pytest.raises(ConfigurationError) as refused:
        check_places(from_environment(GOOD | given))
    assert [fault.message for fault in refused.value.faults] == ["is the database itself"]


def test_what_is_no_checkpoint_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("precious")
    with pytest.raises(Unavailable):
        KeptNote(path).write(NOTE)
    assert path.read_text() == "precious"
    path.write_text(NOTE)
    KeptNote(path).write(NOTE + "\n")
    assert path.read_text() == NOTE + "\n"


def test_the_options_of_a_database_url_are_those_of_libpq() -> None:
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    assert set(_OPTIONS) <= known
