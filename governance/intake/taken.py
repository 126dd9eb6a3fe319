"""What became of what was sent: a receipt for each event, or the reason why there is none, by its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance.audit import Receipt
from governance.errors import Conflict, GovernanceError
from governance.feeds import LineFault


@dataclass(frozen=True, slots=True)
class Part:
    """What became of one thing sent.

    Args:
        place: its number in what was sent, from 1.
        receipts: those of its events; none when it could not be read or may not be sent.
        error: why it could not be read or may not be sent.
        reason: why it is not recorded, or not all of it, in one line; None when it is.
    """

    place: int
    receipts: tuple[Receipt, ...] = ()
    error: GovernanceError | None = None
    reason: str | None = None

    @property
    def new(self) -> bool:
        """Say whether the log did not hold all of it before."""
        return not all(receipt.duplicate for receipt in self.receipts)

    @property
    def failure(self) -> GovernanceError | None:
        """Give why it is not recorded as a typed error, None when it is."""
        if self.error is not None or self.reason is None:
            return self.error
        return Conflict("audit.refused", f"The event was not recorded: {self.reason}.")


@dataclass(frozen=True, slots=True)
class Tally:
    """The receipts of events, counted; the indexes are None when none of them has a place in the log."""

    accepted: int
    duplicates: int
    first_index: int | None
    last_index: int | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of everything sent at once.

    Args:
        parts: each thing sent, in order.
        tally: the receipts of all events.
        faults: the place and the reason of each part that is not recorded.
        quarantined: how many of those are kept.
        refused: how many of those the quarantine had no room for; they are named in the log.
    """

    parts: tuple[Part, ...]
    tally: Tally
    faults: tuple[LineFault, ...]
    quarantined: int
    refused: int = 0

    @property
    def rejected(self) -> int:
        """Give how many parts are neither recorded, kept nor refused."""
        return len(self.faults) - self.quarantined - self.refused


def count(receipts: Sequence[Receipt]) -> Tally:
    """Count receipts; a refused event counts as neither accepted nor duplicate."""
    placed = [receipt.position for receipt in receipts if receipt.position is not None]
    duplicates = sum(receipt.duplicate for receipt in receipts)
    return Tally(len(placed) - duplicates, duplicates, min(placed, default=None), max(placed, default=None))
