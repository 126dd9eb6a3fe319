"""The audit log: every decision, token and access, kept in order, provable and tamper-evident.

Rules of this room:

1. Acknowledged means kept: a receipt is given only after the event is on the disk and has its place in the order.
2. Order is the index, and the index is the receipt. There are no gaps and no clocks in it.
3. The log only grows. What is hashed is the stored bytes, and nothing ever rewrites them.
4. Identifiers never lie open in it: entries carry keyed pseudonyms, the originals are sealed under their owners' keys.
   Destroying a key erases, and every proof still holds.
5. An event is named by its source and its id; sending it again gives the first receipt again.
6. One bad event never costs its neighbours their place.
7. When the log cannot be written, callers get an error at once and nothing is released.
8. This service records what it does through the :class:`Recorder` alone, which gives an index or raises: a record
   refused is an action refused.
9. Anyone with the public key can check the whole log with ``verify``, which shares no code with the writer.

Example: ``index = recorder.record_in(session, EventKind.CONFIG, subject=caller, detail={"registered": "trust"})``, last
in the transaction that registers the trust.
"""

from governance.audit._sealing import evidence
from governance.audit._sequencer import Receipt
from governance.audit._writer import LogObserver, receipts_of
from governance.audit.event import (
    Authority,
    BreakGlass,
    Event,
    Identity,
    RecordedEvent,
    RecordedResource,
    Resource,
    Sealed,
    Source,
    Subject,
)
from governance.audit.log import AuditLog
from governance.audit.opening import Opening
from governance.audit.proof import InclusionProof
from governance.audit.recorder import Facts, Recorder
from governance.audit.search import AuditSearch, Query
from governance.audit.signer import NoteSigner, NoteVerifier

__all__ = [
    "AuditLog",
    "AuditSearch",
    "Authority",
    "BreakGlass",
    "Event",
    "Facts",
    "Identity",
    "InclusionProof",
    "LogObserver",
    "NoteSigner",
    "NoteVerifier",
    "Opening",
    "Query",
    "Receipt",
    "RecordedEvent",
    "RecordedResource",
    "Recorder",
    "Resource",
    "Sealed",
    "Source",
    "Subject",
    "evidence",
    "receipts_of",
]
