"""The sequencer: gives events their place in the log, inside one transaction that the caller commits.

Steps, all under the log's lock:

1. Read the head: the next index and the growing edge of the tree.
2. Look up which ``(source id, event id)`` the log already holds, and which come twice in this batch.
3. Each event is new, a duplicate (same content), or refused (other content under a used id, or not recordable).
4. New events are sealed, encoded with their index, hashed and inserted; tiles that became full are kept.
5. The head is written last. Either everything of a batch is committed or nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from governance.audit import _store, merkle
from governance.audit._sealing import Draft, draft, same_event, seal
from governance.audit.encoding import Unrecordable, check_text, encode, parse
from governance.audit.event import Event, RecordedEvent
from governance.clock import Clock
from governance.errors import Conflict
from governance.pseudonyms import Pseudonymiser, Vault

TILE_WIDTH = 256
ID_REUSED = "another event with this id was already recorded"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The log's answer for one event: where it is, whether it was there before, or why it was refused.

    ``position`` is None exactly when ``refused`` says why. Code that must not go on without a record reads ``index``.
    """

    position: int | None
    duplicate: bool = False
    refused: str | None = None

    @property
    def index(self) -> int:
        """Give the index of the event in the log; raises Conflict when the event was refused."""
        if self.position is None:
            raise Conflict("audit.refused", f"The event was not recorded: {self.refused}.")
        return self.position


class Sequencer:
    """Places batches of events at the end of the log."""

    def __init__(self, pseudonymiser: Pseudonymiser, vault: Vault, clock: Clock) -> None:
        self._pseudonymiser = pseudonymiser
        self._vault = vault
        self._clock = clock

    def append(self, session: Session, events: Sequence[Event]) -> list[Receipt]:
        """Record events in order inside the caller's write transaction; gives one receipt for each."""
        now = self._clock.now()
        drafts = [self._draft(event, now) for event in events]
        _store.lock(session)
        edge = _store.head(session)
        known = _store.known(session, {_key(made.event) for made in drafts if isinstance(made, Draft)})
        batch = _Batch(session, self._vault, edge.size, known)
        receipts = [batch.take(made) if isinstance(made, Draft) else made for made in drafts]
        if batch.rows:
            _store.insert_entries(session, batch.rows)
            keep_tiles(session, edge.size, batch.leaves)
            for leaf in batch.leaves:
                edge.append(leaf)
            _store.save_head(session, edge)
        return receipts

    def _draft(self, event: Event, now: datetime) -> Draft | Receipt:
        """Prepare an event, or refuse one whose identifiers could not even be looked up."""
        try:
            check_text(event.source.id)
            check_text(event.id)
            return draft(event, self._pseudonymiser, now)
        except Unrecordable as fault:
            return Receipt(None, refused=str(fault))
        except UnicodeEncodeError:
            return Receipt(None, refused="a text is not valid Unicode")


class _Batch:
    """The rows that one transaction will add."""

    def __init__(self, session: Session, vault: Vault, size: int, known: dict[tuple[str, str], bytes]) -> None:
        self._session = session
        self._vault = vault
        self._next = size
        self._known = known
        self.rows: list[dict[str, object]] = []
        self.leaves: list[bytes] = []

    def take(self, prepared: Draft) -> Receipt:
        """Add one event, unless the log or this batch has it or it cannot be recorded."""
        try:
            earlier = self._known.get(_key(prepared.event))
            if earlier is None:
                return Receipt(self._place(prepared))
            stored = parse(earlier)
            if same_event(self._session, self._vault, prepared, stored):
                return Receipt(stored.index, duplicate=True)
            return Receipt(None, refused=ID_REUSED)
        except Unrecordable as fault:
            return Receipt(None, refused=str(fault))

    def _place(self, prepared: Draft) -> int:
        sealed = seal(self._session, self._vault, prepared)
        placed = replace(prepared.event, index=self._next, sealed=sealed)
        entry = encode(placed)
        leaf = merkle.leaf_hash(entry)
        self.rows.append(_store.row_of(placed, leaf, entry))
        self.leaves.append(leaf)
        self._known[_key(placed)] = entry
        self._next += 1
        return placed.index


def keep_tiles(session: Session, size: int, added: Iterable[bytes]) -> None:
    """Keep every tile that ``added`` leaves make full in a log that had ``size`` (C2SP tlog-tiles, "Merkle Tree")."""
    level, before, fresh = 0, size, list(added)
    while (before + len(fresh)) // TILE_WIDTH > before // TILE_WIDTH:
        start = before - before % TILE_WIDTH
        hashes = _store.hashes(session, level, start, before) + fresh
        tiles = [hashes[at : at + TILE_WIDTH] for at in range(0, len(hashes) - TILE_WIDTH + 1, TILE_WIDTH)]
        first = start // TILE_WIDTH
        roots = [merkle.root(tile) for tile in tiles]
        _store.insert_tiles(
            session, level, first, [(root, b"".join(tile)) for root, tile in zip(roots, tiles, strict=True)]
        )
        level, before, fresh = level + 1, first, roots


def _key(event: RecordedEvent) -> tuple[str, str]:
    return event.source.id, event.id
