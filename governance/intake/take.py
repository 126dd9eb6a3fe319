"""Taking in: the one use case by which events of others come into the log, whatever their format.

1. Each thing sent is read on its own. What cannot be read, may not be sent or is refused by the log is named by its
   place and costs no neighbour its record, not even when the fault lies in this service.
2. All that could be read is appended at once, and durable on return.
3. What could not be taken goes sealed into the quarantine, if its carrier has one; it is read again by the same rules.
   What there is no room for is refused by name, and keeps nothing that could be read from being recorded.
4. Events are counted as accepted or duplicate, things sent as rejected, quarantined or refused, by wire format.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic

from governance.audit import AuditLog, Event, Receipt
from governance.clock import Clock
from governance.errors import GovernanceError
from governance.feeds import LineFault
from governance.intake.carrier import Carrier, Sent
from governance.intake.overflow import Overflow
from governance.intake.quarantine import Quarantine, Retried, Unread
from governance.intake.reading import Reader
from governance.intake.senders import Sender, Trusts, message_context
from governance.intake.taken import Part, Taken, Tally, count
from governance.pseudonyms import Pseudonymiser
from governance.telemetry import Metrics, get_logger

NO_ROOM = "it is not kept: as many unread messages of this sender wait as may"
_log = get_logger(__name__)


class Intake:
    """Takes in what others send; safe to call from many threads.

    Args:
        audit: where events go.
        quarantine: where things go that cannot be taken.
        overflow: names what has no room there.
        pseudonymiser: makes the keyed names of messages.
        clock: the recorder's clock.
        trusts: gives the registered trusts, by ODS code.
        sources: the trust of each source of senders that prove nothing.
        metrics: counts what came of it.
        kept_carriers: the carriers whose things may wait in the quarantine.
    """

    def __init__(
        self,
        *,
        audit: AuditLog,
        quarantine: Quarantine,
        overflow: Overflow,
        pseudonymiser: Pseudonymiser,
        clock: Clock,
        trusts: Callable[[], Collection[str]],
        sources: Mapping[str, str],
        metrics: Metrics,
        kept_carriers: Sequence[Carrier[Any]] = (),
    ) -> None:
        self.kept_carriers = tuple(kept_carriers)
        self._audit = audit
        self._quarantine = quarantine
        self._overflow = overflow
        self._pseudonymiser = pseudonymiser
        self._clock = clock
        self._trusts = trusts
        self._sources = sources
        self._metrics = metrics

    def take(self, carrier: Carrier[Sent], sent: Iterable[tuple[int, Sent]], sender: Sender) -> Taken:
        """Record, keep or refuse each thing sent; comes back when all of it is durable.

        Taking the same again is harmless: what was recorded is a duplicate then.

        Args:
            carrier: how it is read and kept.
            sent: each thing with its place.
            sender: who sent it.

        Raises:
            Unavailable: the log cannot take more now; the sender must offer all of it again.
        """
        reader = self._reader(carrier)
        read = [_read(reader, place, thing, sender) for place, thing in sent]
        receipts = self._audit.append([event for each in read for event in each.events])
        following = iter(receipts)
        parts = tuple(_part(carrier, each, following) for each in read)
        kept = self._keep(carrier, read, parts, sender)
        faults = tuple(
            LineFault(part.place, part.reason if kept.get(part.place, True) else f"{part.reason}; {NO_ROOM}")
            for part in parts
            if part.reason is not None
        )
        stays = sum(kept.values())
        taken = Taken(parts, count(receipts), faults, stays, len(kept) - stays)
        self._tell(carrier, taken, sender)
        return taken

    def retry(self, carrier: Carrier[Sent], limit: int = 1_000, after: int = 0) -> Retried:
        """Read up to ``limit`` kept things of a carrier again that have a number over ``after``."""
        if carrier.keeping is None:
            return Retried(0, 0, None)

        def hear(receipts: Sequence[Receipt]) -> None:
            self._count(carrier, count(receipts))

        return self._quarantine.retry(
            self._reader(carrier).reread, self._audit, limit, after, carrier.keeping.name, hear
        )

    def flush(self, *, everything: bool = False) -> None:
        """Record what had no room and is not recorded yet, if that is due; raises Unavailable."""
        self._overflow.flush(everything=everything)

    def _reader(self, carrier: Carrier[Sent]) -> Reader[Sent]:
        now = self._clock.now()
        trusts = Trusts(self._trusts(), self._sources) if carrier.names_trust else Trusts()
        return Reader(carrier, lambda sender: message_context(self._pseudonymiser, now, sender, trusts))

    def _keep(
        self, carrier: Carrier[Sent], read: Sequence[_Read[Sent]], parts: Sequence[Part], sender: Sender
    ) -> dict[int, bool]:
        """Keep what is not recorded, where its carrier keeps it; says of each such place whether it is kept now."""
        keeping = carrier.keeping
        if keeping is None:
            return {}
        unread = {
            part.place: Unread(raw, keeping.name, sender.name, part.reason)
            for each, part in zip(read, parts, strict=True)
            if part.reason is not None and (raw := keeping.pack(each.thing, sender)) is not None
        }
        numbers = self._quarantine.keep(list(unread.values())) if unread else []
        kept = {place: number is not None for place, number in zip(unread, numbers, strict=True)}
        if refused := [unread[place] for place, stays in kept.items() if not stays]:
            self._overflow.tell(refused)
        return kept

    def _tell(self, carrier: Carrier[Sent], taken: Taken, sender: Sender) -> None:
        """Count what came of what was sent, and log how much of it is not recorded."""
        self._count(carrier, taken.tally)
        rest = {"quarantined": taken.quarantined, "refused": taken.refused, "rejected": taken.rejected}
        for result, number in rest.items():
            if number:
                self._metrics.events_taken(format_name=carrier.format, result=result, count=number)
        if taken.faults:
            _log.warning("audit events not recorded", format=carrier.format, sender=sender.name, **rest)

    def _count(self, carrier: Carrier[Sent], tally: Tally) -> None:
        for result, number in {"accepted": tally.accepted, "duplicate": tally.duplicates}.items():
            if number:
                self._metrics.events_taken(format_name=carrier.format, result=result, count=number)


@dataclass(frozen=True, slots=True)
class _Read(Generic[Sent]):
    """One thing sent, with its events or why it has none."""

    place: int
    thing: Sent
    events: tuple[Event, ...] = ()
    error: GovernanceError | None = None


def _read(reader: Reader[Sent], place: int, thing: Sent, sender: Sender) -> _Read[Sent]:
    try:
        return _Read(place, thing, reader.read(thing, sender))
    except GovernanceError as error:
        return _Read(place, thing, error=error)


def _part(carrier: Carrier[Sent], each: _Read[Sent], receipts: Iterator[Receipt]) -> Part:
    """Say what became of one thing; its receipts are the next ones."""
    if each.error is not None:
        return Part(each.place, error=each.error, reason=carrier.reason(each.thing, each.error))
    own = tuple(islice(receipts, len(each.events)))
    return Part(each.place, own, reason=next((receipt.refused for receipt in own if receipt.refused), None))
