"""From an edge's decision log to ours: record what can be read, keep what cannot, and answer so that OPA moves on.

1. An upload that is no array of entries is refused whole: the doors answer 4xx, and OPA sends it again.
2. An entry of ours that cannot be read, or whose id the log holds with other content, is kept sealed in the
   quarantine, and its neighbours are recorded. The answer stays 200: sent again, it would be no better.
3. What another policy decided at the edge is not ours to keep: it is named in the answer and forgotten.
4. What waits can be read again, as for a sender of messages. An entry that is sent again is kept again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from governance.audit import AuditLog, Event, Source
from governance.clock import Clock
from governance.edges.log import decided_here, read_entries, read_entry
from governance.errors import Fault, InvalidInput
from governance.feeds import LineFault
from governance.intake.quarantine import Quarantine, Retried, Unread
from governance.intake.tally import Tally, tally

FORMAT = "opa"
CARRIER = "opa"


class Counter(Protocol):
    """Counts events by format and result, as the metrics do."""

    def events_taken(self, *, format_name: str, result: str, count: int = 1) -> None:
        """Add ``count``."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an upload: the counts, a fault for each entry not recorded, and how many of those are kept."""

    tally: Tally
    faults: tuple[LineFault, ...]
    quarantined: int


class EdgeIntake:
    """Takes uploads as they come; safe to call from many threads.

    Args:
        audit: where decisions go.
        quarantine: where entries go that cannot be read.
        clock: the recorder's clock.
        metrics: counts what came of it.
    """

    def __init__(self, audit: AuditLog, quarantine: Quarantine, clock: Clock, metrics: Counter) -> None:
        self._audit = audit
        self._quarantine = quarantine
        self._clock = clock
        self._metrics = metrics

    def take(self, items: object, edge: Source) -> Taken:
        """Record or keep every entry; comes back when all of it is durable.

        Raises:
            InvalidInput: it is no array of entries, or has too many; nothing of it was taken.
            Unavailable: the log or the quarantine cannot take more now; OPA offers the upload again.
        """
        read = read_entries(items, edge, self._clock.now())
        receipts = self._audit.append(list(read.rows))
        refused = [
            LineFault(number, receipt.refused)
            for number, receipt in zip(read.numbers, receipts, strict=True)
            if receipt.refused is not None
        ]
        faults = sorted([*read.faults, *refused], key=lambda fault: fault.line)
        kept = self._keep(items, edge, faults)
        counted = tally(receipts)
        results = {"accepted": counted.accepted, "duplicate": counted.duplicates}
        self._count(results | {"quarantined": kept, "rejected": len(faults) - kept})
        return Taken(counted, tuple(faults), kept)

    def retry(self, limit: int = 1_000, after: int = 0) -> Retried:
        """Read up to ``limit`` kept entries with a number over ``after`` again."""
        return self._quarantine.retry(self._read, self._audit, limit, after, carrier=CARRIER)

    def _keep(self, items: Any, edge: Source, faults: Sequence[LineFault]) -> int:
        unread = [
            Unread(_packed(items[fault.line - 1], edge), CARRIER, edge.id, fault.reason)
            for fault in faults
            if decided_here(items[fault.line - 1])
        ]
        if unread:
            self._quarantine.keep(unread)
        return len(unread)

    def _read(self, raw: bytes) -> Sequence[Event]:
        held = json.loads(raw)
        if not isinstance(held, dict) or held.keys() != {"edge", "entry", "ods"}:
            raise InvalidInput([Fault("", "is no entry of an edge")])
        return [read_entry(held["entry"], Source(held["edge"], held["ods"]), self._clock.now())]

    def _count(self, results: dict[str, int]) -> None:
        for result, count in results.items():
            if count:
                self._metrics.events_taken(format_name=FORMAT, result=result, count=count)


def _packed(item: object, edge: Source) -> bytes:
    """Write an entry with whom it came from, which is not in it."""
    return json.dumps({"edge": edge.id, "entry": item, "ods": edge.ods}).encode()
