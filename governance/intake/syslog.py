"""From syslog frames to the log: read each, record what can be read, keep what cannot."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from sqlmodel import Session

from governance.audit import Event, Receipt
from governance.clock import Clock
from governance.errors import InvalidInput
from governance.formats import Context, Frame
from governance.intake.quarantine import Quarantine, Retried, Unread, describe
from governance.intake.tally import message_context, read_syslog, tally
from governance.pseudonyms import Pseudonymiser

FORMAT = "dicom"
CARRIER = "syslog"


class Log(Protocol):
    """Records events durably, as the audit log does."""

    def append(self, events: Sequence[Event]) -> list[Receipt]:
        """Record events and wait until they are on the disk; raises Unavailable."""
        ...

    def append_in(self, session: Session, events: Sequence[Event]) -> list[Receipt]:
        """Record events inside the caller's transaction."""
        ...


class Registry(Protocol):
    """Says which trusts are registered, by ODS code."""

    def __call__(self) -> Collection[str]:
        """Give them all."""
        ...


class Counter(Protocol):
    """Counts events by format and result, as the metrics do."""

    def events_taken(self, *, format_name: str, result: str, count: int = 1) -> None:
        """Add ``count``."""
        ...


class SyslogIntake:
    """Takes frames as they arrive; safe to call from many threads.

    Args:
        log: where events go.
        quarantine: where unread messages go.
        pseudonymiser: makes the keyed names of messages.
        clock: the recorder's clock.
        trusts: gives the registered trusts.
        senders: the trust of an ``AuditSourceID`` that names none.
        metrics: counts what came of it.
    """

    def __init__(
        self,
        log: Log,
        quarantine: Quarantine,
        pseudonymiser: Pseudonymiser,
        clock: Clock,
        trusts: Registry,
        senders: Mapping[str, str],
        metrics: Counter,
    ) -> None:
        self._log = log
        self._quarantine = quarantine
        self._pseudonymiser = pseudonymiser
        self._clock = clock
        self._trusts = trusts
        self._senders = senders
        self._metrics = metrics

    def take(self, frames: Sequence[Frame], peer: str) -> None:
        """Record or keep every frame; comes back when all of it is durable.

        Taking the same frames again is harmless: what was recorded is a duplicate then.

        Raises:
            Unavailable: the log or the quarantine cannot take more now; the caller must offer the frames again.
        """
        context = self.context()
        events: list[Event] = []
        origins: list[Frame] = []
        unread: list[Unread] = []
        for frame in frames:
            try:
                found = read_syslog(frame.raw, context)
            except InvalidInput as error:
                reason = "; ".join(filter(None, (frame.defect, describe(error))))
                unread.append(Unread(frame.raw, CARRIER, peer, reason))
                continue
            events.extend(found)
            origins.extend([frame] * len(found))
        receipts = self._log.append(events)
        refused = {
            id(frame): Unread(frame.raw, CARRIER, peer, receipt.refused)
            for frame, receipt in zip(origins, receipts, strict=True)
            if receipt.refused is not None
        }
        unread.extend(refused.values())
        if unread:
            self._quarantine.keep(unread)
        self._count(receipts, len(unread))

    def retry(self, limit: int = 1_000, after: int = 0) -> Retried:
        """Read up to ``limit`` kept messages with a number over ``after`` again, as once their sender is known."""
        context = self.context()
        return self._quarantine.retry(lambda raw: read_syslog(raw, context), self._log, limit, after, carrier=CARRIER)

    def context(self) -> Context:
        """Give the context messages are read in at this moment."""
        return message_context(self._pseudonymiser, self._clock.now(), trusts=self._trusts(), senders=self._senders)

    def _count(self, receipts: Sequence[Receipt], unread: int) -> None:
        counted = tally(receipts)
        results = {"accepted": counted.accepted, "duplicate": counted.duplicates, "quarantined": unread}
        for result, count in results.items():
            if count:
                self._metrics.events_taken(format_name=FORMAT, result=result, count=count)
