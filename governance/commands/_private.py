"""Files that only their owner may read: what the command line writes is about patients and staff, or a key."""

import os
from pathlib import Path
from typing import TextIO

_PRIVATE = 0o600


def open_private(path: Path, *, new: bool = False) -> TextIO:
    """Open a text file to write, which nobody else can read from its first byte on.

    Args:
        path: of the file; what was in it is gone.
        new: whether it must not be there yet; raises FileExistsError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_EXCL if new else os.O_TRUNC), _PRIVATE)
    os.fchmod(descriptor, _PRIVATE)  # one that was there may have been anybody's
    return os.fdopen(descriptor, "w", encoding="utf-8")
