"""What the doors of the audit share: who a message is from, what it is called, and what became of its events."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.audit._sequencer import Receipt
from governance.audit.event import Event
from governance.errors import Fault, InvalidInput
from governance.formats import Context, parse_message, parse_syslog
from governance.pseudonyms import Pseudonymiser


def message_context(
    pseudonymiser: Pseudonymiser,
    now: datetime,
    *,
    ods: str | None = None,
    trusts: Collection[str] = (),
    senders: Mapping[str, str] | None = None,
) -> Context:
    """Make the context in which a foreign message is read; its name is keyed, so that no guess can be confirmed."""

    def identify(raw: bytes) -> str:
        return "m-" + pseudonymiser.study(f"message/{hashlib.sha256(raw).hexdigest()}").partition("-")[2]

    return Context(now, identify, ods, trusts, senders or {})


def read_syslog(raw: bytes, context: Context) -> tuple[Event, ...]:
    """Read one syslog frame that carries an audit message; raises InvalidInput for any other."""
    try:
        message = parse_syslog(raw)
    except ValueError as problem:
        raise InvalidInput([Fault("", str(problem))]) from None
    if not message.payload.startswith(b"<"):
        raise InvalidInput([Fault("", "carries no audit message in XML")])
    return parse_message(message.payload, context)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a batch: indexes are None when nothing of it has a place in the log."""

    accepted: int
    duplicates: int
    first_index: int | None
    last_index: int | None


def tally(receipts: Sequence[Receipt]) -> Tally:
    """Count receipts; a refused event counts as neither accepted nor duplicate."""
    placed = [receipt.position for receipt in receipts if receipt.position is not None]
    duplicates = sum(receipt.duplicate for receipt in receipts)
    return Tally(len(placed) - duplicates, duplicates, min(placed, default=None), max(placed, default=None))
