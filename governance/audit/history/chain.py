"""Signs the head of the log: shows first that it extends what was last signed, then adds the checkpoint and its record.

The order of checks is that of trust: the newest record by its signature, then whether the chain still holds what this
process and the file outside the database know, then whether the tree extends the newest record.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass

from sqlmodel import Session

from governance.audit import _store as log_store
from governance.audit import checkpoint, merkle
from governance.audit._tree import StoredTree
from governance.audit.checkpoint import Checkpoint
from governance.audit.history import _store
from governance.audit.history.fence import Fence
from governance.audit.history.kept import KeptNote
from governance.audit.history.record import FIRST, SigningRecord, hash_note
from governance.audit.merkle import CompactRange
from governance.audit.signer import NoteSigner, NoteVerifier
from governance.clock import Clock
from governance.errors import Conflict, Unavailable


@dataclass(frozen=True, slots=True)
class Known:
    """What a process knows of the chain without asking the database: its own memory, and the file's note."""

    last: SigningRecord | None
    kept: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """The newest signing that is known to hold: its record, the record's signature, and the note."""

    record: SigningRecord
    signature: bytes
    note: str

    @property
    def digest(self) -> bytes:
        """Give the hash that the next record names."""
        return self.record.digest(self.signature)


class Signings:
    """The chain of signings of one log, as one process sees it.

    Args:
        signer: the log's key; its name is the log's origin.
        clock: dates a signing.
        kept: the file outside the database, None without one.
    """

    def __init__(self, signer: NoteSigner, clock: Clock, kept: KeptNote | None) -> None:
        self._signer = signer
        self._clock = clock
        self._kept = kept
        self._guard = threading.Lock()
        self._last: SigningRecord | None = None
        self._begun = False  # whether the log is known to have entries, or a signing

    def known(self) -> Known:
        """Give what is known outside the database; asked before the transaction that looks at it.

        Otherwise another thread's signing, newer than the snapshot, would be missed in it. Raises Unavailable when the
        file cannot be read.
        """
        return Known(self._last, None if self._kept is None else self._kept.read())

    def sign(self, session: Session, known: Known) -> Held:
        """Sign the present head under the log's lock; gives the newest signing again when nothing was appended since.

        The caller hands it to :meth:`remember` and :meth:`keep` once it is committed. Raises Conflict when the log does
        not extend what was last signed, or the chain of signings is cut.
        """
        edge = log_store.head(session)
        held = self.check(session, edge, known)
        if held is not None and held.record.size == edge.size:
            return held
        head = Checkpoint(self._signer.name, edge.size, edge.root())
        number, previous = (0, FIRST) if held is None else (held.record.number + 1, held.digest)
        return self._add(session, head, number, previous)

    def begin(self, session: Session) -> None:
        """Sign the empty log in the transaction of its first entries, where nobody did before (rule 2 of the room)."""
        if self._begun:
            return
        log_store.lock(session)
        if log_store.head(session).size or _store.newest(session) is not None:
            self._begun = True
            return
        with suppress(Conflict, Unavailable):  # whoever signs next says what is wrong; a record never waits for it
            self.sign(session, self.known())

    def remember(self, held: Held) -> None:
        """Take note of a committed signing in this process."""
        with self._guard:
            if self._last is None or held.record.number > self._last.number:
                self._last = held.record

    def keep(self, held: Held) -> None:
        """Keep a committed signing in the file; raises Unavailable when it cannot be written."""
        if self._kept is not None and self._kept.read() != held.note:
            self._kept.write(held.note)

    def check(self, session: Session, edge: CompactRange, known: Known) -> Held | None:
        """Give the newest signing, shown to be what the log extends; None when nothing was ever signed.

        Raises Conflict when the log does not extend it, or the chain is cut.
        """
        found = _store.newest(session)
        if found is None:
            self._check_before_the_chain(session, edge, known)
            return None
        record, signature = found
        self._check_trusted(record, signature)
        note = _store.note_of(session, record.size)
        if note is None or hash_note(note) != record.note_hash or log_store.latest_checkpoint(session) != note:
            raise _cut("the checkpoint of its newest record is missing or another one")
        self._check_holds(session, record, note, known)
        _check_extends(session, edge, Checkpoint(record.origin, record.size, record.root))
        return Held(record, signature, note)

    def fence(self, session: Session, edge: CompactRange, head: str) -> Fence:
        """Say what a fence would close and open: this service's origin is the new one, the chain's the old.

        Args:
            session: the caller's session.
            edge: the head of the log as restored.
            head: the last known note of the old origin.

        Raises:
            Conflict: the head is not of the chain's origin, or there is nothing to close; or the log does not extend
                the newest signing that was restored.
        """
        found = _store.newest(session)
        if found is None or found[0].origin == self._signer.name:
            raise Conflict("audit.no_fence", "There is no other origin to close: set the log's origin to a new name.")
        record, signature = found
        if not self._signer.record_holds(record.message(), signature):
            raise _cut("its newest record is not signed by the log's key")
        closed = self._read(head, record.origin)
        if closed.size < record.size:
            raise Conflict("audit.older_head", "The head given is older than the newest signing that was restored.")
        restored = Checkpoint(record.origin, record.size, record.root)
        _check_extends(session, edge, restored)
        return Fence(closed, restored, Checkpoint(self._signer.name, edge.size, edge.root()))

    def sign_fence(self, session: Session) -> Held:
        """Sign the head that has the fence's entry, under the new origin and the log's lock."""
        edge, found = log_store.head(session), _store.newest(session)
        assert found is not None  # noqa: S101 - a fence closes a chain
        record, signature = found
        head = Checkpoint(self._signer.name, edge.size, edge.root())
        return self._add(session, head, record.number + 1, record.digest(signature))

    def _check_trusted(self, record: SigningRecord, signature: bytes) -> None:
        if not self._signer.record_holds(record.message(), signature):
            raise _cut("its newest record is not signed by the log's key")
        if record.origin != self._signer.name:
            raise _cut(f"its newest record is of the origin {record.origin}, and this service is set to another")

    def _check_before_the_chain(self, session: Session, edge: CompactRange, known: Known) -> None:
        """Allow a chain to begin: for a log that has nothing, or one from before there was a chain.

        Such a log is taken up at its newest checkpoint, and only when nobody remembers that there was a chain.
        """
        if known.last is not None or known.kept is not None:
            raise _cut("it is gone")
        note = log_store.latest_checkpoint(session)
        if note is not None:
            _check_extends(session, edge, self._read(note))
        elif edge.size:
            raise _cut("there is no checkpoint, and the log has entries")

    def _add(self, session: Session, head: Checkpoint, number: int, previous: bytes) -> Held:
        now = self._clock.now()
        note = _store.note_of(session, head.size)  # there is one only of a log from before there was a chain
        if note is None:
            note = self._signer.sign(head.text())
            log_store.insert_checkpoint(session, head.size, head.root, note, now)
        record = SigningRecord(number, head.origin, head.size, head.root, hash_note(note), previous, now)
        signature = self._signer.sign_record(record.message())
        _store.insert_record(session, record, signature)
        return Held(record, signature, note)

    def _read(self, note: str, origin: str | None = None) -> Checkpoint:
        """Verify a note of this log's key, under the origin of now or a closed one."""
        verifier = NoteVerifier(origin or self._signer.name, self._signer.public_key)
        try:
            return verifier.verify(note)
        except ValueError:
            raise _cut("a checkpoint that should be its own is not signed by the log's key") from None

    def _check_holds(self, session: Session, newest: SigningRecord, note: str, known: Known) -> None:
        """Make sure that the chain still holds the signing this process saw last, and the one in the file."""
        last = known.last
        if last is not None and last != newest:
            found = _store.numbered(session, last.number)
            if found is None or found[0] != last:
                raise _cut(f"signing {last.number} of size {last.size}, which this process saw, is no longer in it")
        if known.kept is None or known.kept == note or self._is_closed(session, known.kept):
            return
        kept = self._read(known.kept)
        held = _store.of_size(session, kept.size)
        if held is None or held[0].note_hash != hash_note(known.kept):
            raise _cut(f"the signing of size {kept.size}, which is kept outside the database, is not in it")

    def _is_closed(self, session: Session, note: str) -> bool:
        """Say whether a note is of an origin that a fence closed, as another server's file may still hold one."""
        try:
            origin = checkpoint.parse(note).checkpoint.origin
        except ValueError:
            return False
        if origin == self._signer.name or not _store.has_origin(session, origin):
            return False
        self._read(note, origin)
        return True


def _check_extends(session: Session, edge: CompactRange, before: Checkpoint) -> None:
    """Make sure the tree extends an earlier checkpoint; raises Conflict."""
    root, extends = edge.root(), before.size <= edge.size
    if extends:
        plan = merkle.consistency_plan(before.size, edge.size)
        try:
            proof = StoredTree(session, edge.size).fill(plan)
        except LookupError:
            extends = False
        else:
            extends = merkle.verify_consistency(before.size, edge.size, proof, before.root, root)
    if not extends:
        raise Conflict("audit.rolled_back", "The log does not extend its newest checkpoint; nothing was signed.")


def _cut(fault: str) -> Conflict:
    return Conflict("audit.signings_cut", f"The chain of signings is not whole: {fault}; nothing was signed.")
