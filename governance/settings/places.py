"""Whether the files and folders that the settings name can be used: what only this machine can say, before a start.

What stands where a file of ours is to be is never overwritten unless it is one: a SQLite database, a checkpoint.
"""

import os
import sqlite3
import ssl
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from governance.errors import ConfigurationError, Fault
from governance.settings.declaration import Settings
from governance.settings.faults import variable

_FOLDER = "is in a folder that is not there or cannot be written"
_LONGEST_NOTE = 1_000_000  # bytes of a signed note (C2SP signed-note), of which ours have a few hundred
_SIGNATURE = "\n\n\u2014 "  # what begins the signatures of a note


def check_places(settings: Settings) -> None:
    """Look at every file and folder; raises ConfigurationError with each that cannot be used, by its variable."""
    faults = [Fault(variable(name), message) for name, message in _faults(settings)]
    if faults:
        raise ConfigurationError(faults)


def note_fault(file: Path) -> str | None:
    """Say why a signed checkpoint cannot be kept in a file; None when it can."""
    if (fault := _file_fault(file)) is not None or not file.exists():
        return fault
    try:
        with file.open("rb") as opened:
            held = opened.read(_LONGEST_NOTE)
        is_note = not held or _SIGNATURE in held.decode()
    except OSError:
        return "cannot be read"
    except UnicodeDecodeError:
        is_note = False
    return None if is_note else "is a file that holds something else than a signed checkpoint"


def _faults(settings: Settings) -> Iterator[tuple[str, str]]:
    for number, folder in enumerate(settings.tenants, 1):
        if not (Path(folder).is_dir() and os.access(folder, os.R_OK | os.X_OK)):
            yield "tenants", f"folder {number} is not there or cannot be read"
    url = urlsplit(settings.database_url.get_secret_value())
    database = Path(unquote(url.path[1:])) if url.scheme.startswith("sqlite") else None
    if database is not None and (fault := _sqlite_fault(database)) is not None:
        yield "database_url", fault
    kept = Path(settings.checkpoint_file) if settings.checkpoint_file else None
    if kept is not None and database is not None and kept.resolve() == database.resolve():
        yield "checkpoint_file", "is the database itself"
    elif kept is not None and (fault := note_fault(kept)) is not None:
        yield "checkpoint_file", fault
    yield from _opa_faults(settings)
    if settings.mail_credentials is not None and mail_credential(Path(settings.mail_credentials)) is None:
        yield "mail_credentials", "is no file that can be read and holds a user and, on the next line, a password"
    if settings.shared_folder is not None and not Path(settings.shared_folder).is_dir():
        yield "shared_folder", "is not there"


def mail_credential(file: Path) -> tuple[str, str] | None:
    """Read the user and the password for the mail server; None when the file does not hold them."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    user, password = (*lines, "", "")[:2]
    return (user, password) if user and password else None


def _opa_faults(settings: Settings) -> Iterator[tuple[str, str]]:
    scheme, _, path = (settings.opa_url or "").partition(":")
    if scheme == "unix" and Path(path).exists() and not Path(path).is_socket():
        yield "opa_url", "is no socket"
    certificate, key = settings.opa_client_certificate, settings.opa_client_key
    if certificate and key:
        try:
            ssl.create_default_context().load_cert_chain(certificate, key, lambda: "")
        except (OSError, ValueError):  # ssl.SSLError is an OSError
            yield "opa_client_certificate", f"and {variable('opa_client_key')} are no certificate and its key in PEM"


def _sqlite_fault(file: Path) -> str | None:
    """Ask SQLite itself: whoever closes a file of its own gives up the locks that this process has on it (POSIX)."""
    if (fault := _file_fault(file)) is not None or not file.exists():
        return fault
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as opened:
            opened.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            return "is a file that is no SQLite database"
    return None if os.access(file, os.R_OK) else "cannot be read"


def _file_fault(file: Path) -> str | None:
    """Say why a file cannot be made or written, or another beside it: an SQLite journal, a checkpoint's next note."""
    try:
        found = file.stat()
    except OSError:
        found = None
    if found is not None and not stat.S_ISREG(found.st_mode):
        return "is no file but a folder, a device or something else"
    folder = file.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return _FOLDER
    return None if found is None or os.access(file, os.W_OK) else "cannot be written"
