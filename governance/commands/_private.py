"""Files that only their owner may read: what the command line writes is about patients and staff, or a key."""

import os
from pathlib import Path
from typing import TextIO

import click

_PRIVATE = 0o600


def open_private(path: Path, *, new: bool = False) -> TextIO:
    """Open a text file to write, which nobody else can read from its first byte on.

    Args:
        path: of the file; what was in it is gone.
        new: whether it must not be there yet.

    A file that is there and must not be, or cannot be written, ends the command with one line.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_EXCL if new else os.O_TRUNC)
    try:
        descriptor = os.open(path, flags, _PRIVATE)
    except FileExistsError:
        raise click.ClickException(f"{path} is there already.") from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from None
    os.fchmod(descriptor, _PRIVATE)  # one that was there may have been anybody's
    return os.fdopen(descriptor, "w", encoding="utf-8")
