"""The newest signed note in a file outside the database: what whoever rewrites the database cannot rewrite with it.

1. The file holds one C2SP note and nothing else, so it can be handed to a witness, or to ``verify-log``.
2. It is replaced whole: written beside, flushed to the disk, renamed. Only its owner may read it.
3. A file that is missing knows nothing, as on a new host. One that cannot be read or written is an error: without it
   nothing is signed.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from governance.errors import Unavailable
from governance.settings import note_fault


class KeptNote:
    """Keeps the newest note in a file.

    Args:
        path: of the file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, path: str | None, database_url: str) -> KeptNote | None:
        """Give the file of a setting, or without one that beside a SQLite database; None for another database."""
        if path:
            return cls(Path(path))
        scheme, _, rest = database_url.partition("?")[0].partition(":///")
        on_disk = scheme.startswith("sqlite") and rest and rest != ":memory:"
        return cls(Path(f"{unquote(rest)}-checkpoint")) if on_disk else None

    def read(self) -> str | None:
        """Give the note, None when there is no file; raises Unavailable when it cannot be read."""
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise _unavailable("cannot be read") from error

    def write(self, note: str) -> None:
        """Replace the note durably; raises Unavailable when that fails, and the old file stays.

        A file that holds anything else than a note is not replaced.
        """
        if note_fault(self.path) is not None:
            raise _unavailable("cannot be written, or holds something else")
        try:
            descriptor, beside = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(note)
                    file.flush()
                    os.fsync(file.fileno())
                Path(beside).replace(self.path)
            except BaseException:
                with suppress(FileNotFoundError):
                    Path(beside).unlink()
                raise
            self._flush_folder()
        except OSError as error:
            raise _unavailable("cannot be written") from error

    def _flush_folder(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unavailable(fault: str) -> Unavailable:
    return Unavailable("audit.kept_note", f"The file of the newest signed checkpoint {fault}.", retry_after=5)
