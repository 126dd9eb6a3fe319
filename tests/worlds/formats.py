"""Reading native events and messages in tests as the service reads them, without a log behind."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from governance.api.audit.record import ITEMS, LINES
from governance.audit import Event
from governance.errors import InvalidInput
from governance.feeds import LineFault, Parsed
from governance.formats import Context, event_items, event_lines
from governance.intake import Carrier, Sender
from governance.intake.senders import Trusts, message_context
from governance.pseudonyms import Pseudonymiser

Sent = TypeVar("Sent")


def parse_lines(body: bytes, now: datetime) -> Parsed[Event]:
    """Read a body of native events, one a line."""
    return _parsed(LINES, event_lines(body), now)


def parse_items(items: object, now: datetime) -> Parsed[Event]:
    """Read a JSON array of native events."""
    return _parsed(ITEMS, event_items(items), now)


def context_of(
    pseudonymiser: Pseudonymiser,
    now: datetime,
    trusts: Collection[str] = ("RRK", "RKB"),
    *,
    ods: str | None = None,
    sources: Mapping[str, str] | None = None,
) -> Context:
    """Make the context of a sender that is bound to a trust, or of one that proved nothing."""
    return message_context(
        pseudonymiser, now, Sender("test", ods, proven=ods is not None), Trusts(trusts, sources or {})
    )


def _parsed(carrier: Carrier[Sent], sent: Iterable[tuple[int, Sent]], now: datetime) -> Parsed[Event]:
    sender = Sender("test")
    context = context_of(Pseudonymiser(b"k" * 32), now)
    rows: list[Event] = []
    numbers: list[int] = []
    faults: list[LineFault] = []
    for number, each in sent:
        try:
            rows.extend(carrier.read(each, sender, context))
            numbers.append(number)
        except InvalidInput as error:
            faults.append(LineFault(number, carrier.reason(each, error)))
    return Parsed(tuple(rows), tuple(faults), tuple(numbers))
