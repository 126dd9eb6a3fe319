"""The log: append, read, prove.

1. ``append`` answers after the events are on the disk and in order: the index is the receipt.
2. Inside a transaction of one's own, use ``append_in``: the change and its record are one commit. Calling ``append``
   there would wait for a lock that the caller itself holds.
3. Three numbers are kept apart: the next index, the committed size (``tree_head``), and the size of the newest signed
   checkpoint. Proofs hold for the checkpoint.
4. A checkpoint is signed only when the tree is shown to extend what was last signed (``history/``): a log that was
   rolled back or rewritten refuses to sign. The empty log is signed before it takes its first entry.
5. Starting needs no recovery: the head row was committed together with the entries it counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from sqlmodel import Session

from governance.audit import _store, checkpoint, merkle
from governance.audit._sealing import open_field, reveal
from governance.audit._sequencer import TILE_WIDTH, Receipt, Sequencer
from governance.audit._tree import StoredTree
from governance.audit._writer import GroupWriter, LogObserver, SilentObserver, receipts_of
from governance.audit.encoding import parse
from governance.audit.event import Event, Identity, RecordedEvent
from governance.audit.history import Fence, Held, KeptNote, Signings, progress
from governance.audit.history.progress import CheckProgress
from governance.audit.opening import Opening
from governance.audit.proof import InclusionProof
from governance.audit.signer import NoteSigner
from governance.clock import Clock
from governance.errors import Conflict, NotFound
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.threads import VitalThreads

CAPACITY = 20_000  # events waiting for a commit
GROUP = 2_000  # events in one commit


@dataclass(frozen=True, slots=True)
class LogState:
    """How long the log is, and up to where and when it was last signed."""

    size: int
    signed_size: int
    signed_at: datetime | None


class AuditLog:
    """The append-only, provable record of everything that happened.

    Args:
        database: holds the log; several processes may share it.
        pseudonymiser: makes the pseudonyms that entries carry.
        vault: seals the identifying originals under their owners' keys.
        signer: signs checkpoints.
        clock: says when events are recorded and checkpoints signed.
        origin: the log's name in its checkpoints; the signer's key has the same name (ValueError otherwise).
        capacity: events that may wait for a commit.
        group: events in one commit at most.
        observer: hears of commits and failures.
        kept: the file outside the database that holds the newest signed checkpoint; None without one.
        threads: those that the process cannot be without; the writer is one of them.
    """

    def __init__(
        self,
        database: Database,
        pseudonymiser: Pseudonymiser,
        vault: Vault,
        signer: NoteSigner,
        clock: Clock,
        origin: str,
        *,
        capacity: int = CAPACITY,
        group: int = GROUP,
        observer: LogObserver | None = None,
        kept: KeptNote | None = None,
        threads: VitalThreads | None = None,
    ) -> None:
        if origin != signer.name:
            raise ValueError(
                "the log's origin and the name of its key must be the same, or checkpoints could be mixed up"
            )
        self.origin = origin
        self._database = database
        self._vault = vault
        self._signer = signer
        self._signings = Signings(signer, clock, kept)
        self._sequencer = Sequencer(pseudonymiser, vault, clock)
        self._writer = GroupWriter(
            database,
            self._append,
            capacity=capacity,
            group=group,
            observer=observer or SilentObserver(),
            threads=threads or VitalThreads(),
        )

    def start(self) -> None:
        """Start taking events. In a server with several workers, call it in each worker.

        An empty log is signed first. Raises what the database raises; a log that cannot be signed starts all the same.
        """
        with self._database.reading() as session:
            unsigned = _store.latest_checkpoint(session) is None
        if unsigned:
            with suppress(Conflict):  # the log was emptied or cut: readiness and the job that signs say so
                self.sign_checkpoint()
        self._writer.start()

    def close(self) -> None:
        """Stop taking events, commit those that wait, and come back when it is done.

        Raises Unavailable when that takes too long.
        """
        self._writer.close()

    def __enter__(self) -> AuditLog:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def verifier_key(self) -> str:
        """Give the public key of the log's checkpoints, as one line to hand to verifiers."""
        return self._signer.verifier_key()

    @property
    def running(self) -> bool:
        """Say whether this process takes events."""
        return self._writer.running

    @property
    def queued(self) -> int:
        """Give how many events wait for a commit in this process."""
        return self._writer.queued

    def submit(self, events: Sequence[Event]) -> Future[list[Receipt]]:
        """Queue events as one request; the future gives their receipts once they are durable and in order.

        Raises Unavailable when the log is closed or full; the future fails with Unavailable when the commit did.
        """
        return self._writer.submit(events)

    def try_again(self) -> None:
        """Have the writer commit nothing, without waiting for it: its observer hears whether a commit succeeds again.

        Raises Unavailable when the log is closed.
        """
        self._writer.submit([])

    def append(self, events: Sequence[Event]) -> list[Receipt]:
        """Record events and wait until they are durable and in order; gives one receipt for each, in order.

        A re-sent event gives its first index as a duplicate. A refused event has no index and holds up no other.

        Raises:
            Unavailable: the log is closed, full, or could not be written, and nothing of this call was recorded; or it
                did not answer in time, and sending the same events again finds out.
        """
        return receipts_of(self.submit(events)) if events else []

    def append_in(self, session: Session, events: Sequence[Event]) -> list[Receipt]:
        """Record events inside the caller's write transaction: they are in the log when, and only when, it commits.

        The log stays locked for all others until then, so call it last. Raises what the database raises.
        """
        return self._append(session, events) if events else []

    def _append(self, session: Session, events: Sequence[Event]) -> list[Receipt]:
        self._signings.begin(session)
        return self._sequencer.append(session, events)

    def tree_head(self) -> tuple[int, bytes]:
        """Give how many entries are committed, and the Merkle root over them."""
        with self._database.reading() as session:
            edge = _store.head(session)
        return edge.size, edge.root()

    def read(self, start: int, limit: int) -> list[RecordedEvent]:
        """Give up to ``limit`` events from index ``start`` on, in order; fewer, or none, at the end of the log."""
        with self._database.reading() as session:
            return [parse(entry) for entry in _store.entries(session, start, start + limit)]

    def first_since(self, instant: datetime) -> int:
        """Give the index of the first entry recorded at an instant or later; the size of the log when there is none."""
        with self._database.reading() as session:
            size = _store.head(session).size
            return bisect_left(range(size), instant, key=lambda index: _store.recorded_at(session, index) or instant)

    def entry(self, index: int) -> RecordedEvent:
        """Give one event; raises NotFound."""
        return parse(self.entry_bytes(index))

    def entry_bytes(self, index: int) -> bytes:
        """Give the bytes of one entry as hashed and stored; raises NotFound."""
        with self._database.reading() as session:
            found = _store.entries(session, index, index + 1)
        if not found:
            raise NotFound("audit.no_entry", "The log has no entry with this index.")
        return found[0]

    def reveal(self, event: RecordedEvent) -> Identity:
        """Give the identifying originals of an event. The caller owes the permission and the record of the look."""
        with self._database.reading() as session:
            return reveal(session, self._vault, event)

    def open_field(self, event: RecordedEvent, field: str) -> Opening | None:
        """Open one sealed field of an event, so that it can be shown to an outsider.

        None when it has no such field, its owner's key was destroyed, or the entry does not commit to its fields. The
        caller owes the permission and the record of the look.
        """
        with self._database.reading() as session:
            return open_field(session, self._vault, event, field)

    def sign_checkpoint(self) -> str:
        """Sign the present head and give the note; the newest note again when nothing was appended since.

        Raises:
            Conflict: the log does not extend what was last signed: the store was rolled back or rewritten.
            Unavailable: the file outside the database cannot be read or written.
        """
        known = self._signings.known()
        with self._database.transaction() as session:
            _store.lock(session)
            held = self._signings.sign(session, known)
        self._signings.remember(held)
        self._signings.keep(held)
        return held.note

    def fence(self, head: str) -> Fence:
        """Say what a fence after a restore would close and open; ``head`` is the last known note of the old origin.

        Raises Conflict when there is nothing to close, or the log does not fit what is known of it.
        """
        with self._database.reading() as session:
            return self._signings.fence(session, _store.head(session), head)

    def fence_in(self, session: Session, fence: Fence, head: str, record: Callable[[], int]) -> Held:
        """Close an origin and open another in the caller's transaction; hand the result to :meth:`fenced` after it.

        Args:
            session: the caller's write transaction; the log stays locked until it ends.
            fence: what was approved.
            head: the note it was made from.
            record: appends the fence's entry in the same transaction and gives its index.

        Raises:
            Conflict: the log is no longer what was approved.
        """
        _store.lock(session)
        if self._signings.fence(session, _store.head(session), head) != fence or record() != fence.begins.size:
            raise Conflict("audit.fence_changed", "The log is no longer what the fence was approved for.")
        return self._signings.sign_fence(session)

    def fenced(self, held: Held) -> None:
        """Take note of a committed fence; raises Unavailable when the file outside the database cannot be written."""
        self._signings.remember(held)
        self._signings.keep(held)

    def newest_signing(self) -> Held | None:
        """Give the newest of the chain of signings, shown to be what the log extends; None before the first.

        Raises as :meth:`sign_checkpoint`, and signs nothing.
        """
        known = self._signings.known()
        with self._database.reading() as session:
            held = self._signings.check(session, _store.head(session), known)
        if held is None:
            return None
        self._signings.remember(held)
        return held

    def check_progress(self) -> CheckProgress | None:
        """Give how far the check of the whole log is, None before the first."""
        with self._database.reading() as session:
            return progress.read(session)

    def save_check_progress(self, now: CheckProgress) -> None:
        """Keep how far the check of the whole log is."""
        with self._database.transaction() as session:
            progress.save(session, now)

    def latest_checkpoint(self) -> str:
        """Give the newest signed checkpoint; the first one is signed when there is none yet."""
        with self._database.reading() as session:
            note = _store.latest_checkpoint(session)
        return self.sign_checkpoint() if note is None else note

    def state_in(self, session: Session) -> LogState:
        """Give the state of the log as a snapshot shows it."""
        size, newest = _store.head(session).size, _store.newest_checkpoint(session)
        if newest is None:
            return LogState(size, 0, None)
        note, signed_at = newest
        return LogState(size, checkpoint.parse(note).checkpoint.size, signed_at)

    def proof(self, index: int) -> InclusionProof:
        """Give the proof that an entry is in the log, under the newest checkpoint, signing one when it has none yet.

        Raises NotFound when the log has no such entry.
        """
        with self._database.reading() as session:
            note = _store.latest_checkpoint(session)
            made = None if note is None else _inclusion(session, index, note)
        if made is None:
            note = self.sign_checkpoint()
            with self._database.reading() as session:
                made = _inclusion(session, index, note)
        if made is None:
            raise NotFound("audit.no_entry", "The log has no entry with this index.")
        return made

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Give the proof that the tree of ``old`` leaves is a prefix of that of ``new`` (RFC 9162 section 2.1.4).

        Raises NotFound unless ``0 <= old <= new <= committed size``.
        """
        with self._database.reading() as session:
            if not 0 <= old <= new <= _store.head(session).size:
                raise NotFound("audit.no_tree", "The log never had a tree of that size.")
            return StoredTree(session, new).fill(merkle.consistency_plan(old, new))

    def tile(self, level: int, number: int, width: int | None = None) -> bytes:
        """Give the hashes of a tile: all 256 of a full one, or the first ``width`` (C2SP tlog-tiles, "Merkle Tree").

        Raises NotFound when the tree is not that large yet or there can be no such tile.
        """
        wanted = TILE_WIDTH if width is None else width
        if 0 <= level < 8 and 0 <= number < 1 << 62 and 1 <= wanted <= TILE_WIDTH:
            with self._database.reading() as session:
                size = _store.head(session).size
                start = number * TILE_WIDTH
                if start + wanted <= size >> (8 * level):
                    return b"".join(StoredTree(session, size).hashes(level, start, start + wanted))
        raise NotFound("audit.no_tile", "The log has no such tile.")

    def bundle(self, number: int, width: int | None = None) -> list[bytes]:
        """Give the bytes of the entries under a tile of level 0, all 256 or the first ``width`` (C2SP tlog-tiles).

        Raises NotFound when the log does not have them all yet.
        """
        wanted = TILE_WIDTH if width is None else width
        if 0 <= number < 1 << 54 and 1 <= wanted <= TILE_WIDTH:
            start = number * TILE_WIDTH
            with self._database.reading() as session:
                found = _store.entries(session, start, start + wanted)
            if len(found) == wanted:
                return found
        raise NotFound("audit.no_tile", "The log has no such tile.")


def _inclusion(session: Session, index: int, note: str) -> InclusionProof | None:
    """Give the proof that an entry is in the tree of a checkpoint, None when that tree does not hold it."""
    size = checkpoint.parse(note).checkpoint.size
    if not 0 <= index < size:
        return None
    return InclusionProof(index, size, tuple(StoredTree(session, size).fill(merkle.inclusion_plan(index, size))), note)
