"""Waiting for a file descriptor, however many this process has open: select(2) takes no number over 1,023."""

import select
from typing import Protocol


class HasDescriptor(Protocol):
    """A socket or an open file."""

    def fileno(self) -> int:
        """Give its number."""


def readable(what: HasDescriptor | int, seconds: float) -> bool:
    """Say whether there is something to read, or the end, within so many seconds."""
    poll = select.poll()
    poll.register(what, select.POLLIN)
    return bool(poll.poll(seconds * 1_000))
