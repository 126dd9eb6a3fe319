"""How long the database may take: what the settings say of it, in one value."""

from dataclasses import dataclass
from typing import Literal

from governance.storage.patience import REQUEST_PATIENCE

OVERFLOW = 20  # connections beyond those that are kept open, unless the settings say how many there may be
KEPT = 10  # connections kept open


@dataclass(frozen=True, slots=True)
class Limits:
    """What a database may take of time and connections.

    ``answer`` is the seconds a request waits for one answer, all waits on the way to it together. ``work`` is the
    seconds that a job or a command waits for one statement. ``connections`` is how many this process may have open.
    ``pooler`` says what stands between: with ``transaction``, a pooler hands each transaction to whichever connection
    is free (PgBouncer's mode of that name), so nothing may be left on one for the next.
    """

    answer: float = REQUEST_PATIENCE
    work: float = 60.0
    connections: int = KEPT + OVERFLOW
    pooler: Literal["none", "transaction"] = "none"
