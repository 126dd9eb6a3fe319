"""The sequencer: gives events their place in the log, inside one transaction that the caller commits.

Steps, all under the log's lock:

1. Read the head: the next index and the growing edge of the tree.
2. Look up which ``(source id, event id)`` the log already holds, and which come twice in this batch.
3. Each event is new, a duplicate (same content), or refused (other content under a used id, or not recordable).
4. New events are sealed, encoded with their index, hashed and inserted; tiles that became full are kept.
5. The head is written last. Either everything of a batch is committed or nothing is.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from governance.audit import _store, merkle
from governance.audit._sealing import Closed, Draft, draft, same_event, seal
from governance.audit.encoding import Unrecordable, check_text, encode, parse
from governance.audit.event import Event, RecordedEvent
from governance.clock import Clock
from governance.errors import Conflict
from governance.pseudonyms import Pseudonymiser, Vault

TILE_WIDTH = 256
ID_REUSED = "another event with this id was already recorded"
_Key = tuple[str, str]


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

    def __init__(
        self,
        pseudonymiser: Pseudonymiser,
        vault: Vault,
        clock: Clock,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._pseudonymiser = pseudonymiser
        self._vault = vault
        self._clock = clock
        self._random = random

    def append(self, session: Session, events: Sequence[Event]) -> list[Receipt]:
        """Record events in order inside the caller's write transaction; gives one receipt for each."""
        now = self._clock.now()
        drafts = [self._draft(event, now) for event in events]
        _store.lock(session)
        edge = _store.head(session)
        batch = _Batch(session, self._vault, edge.size, drafts)
        receipts = batch.receipts(self._random)
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
    """The rows that one transaction will add, and the receipts of its events."""

    def __init__(self, session: Session, vault: Vault, size: int, drafts: Sequence[Draft | Receipt]) -> None:
        self._session = session
        self._vault = vault
        self._next = size
        self._drafts = drafts
        self._first: dict[_Key, int] = {}
        for place, made in enumerate(drafts):
            if isinstance(made, Draft):
                self._first.setdefault(_key(made), place)
        self._known = _store.known(session, self._first)
        self.rows: list[dict[str, object]] = []
        self.leaves: list[bytes] = []

    def receipts(self, random: Callable[[int], bytes]) -> list[Receipt]:
        """Place what is new, sealed with random salts, and answer for every event, in order."""
        fresh = [place for key, place in self._first.items() if key not in self._known]
        closed = seal(self._session, self._vault, [self._at(place) for place in fresh], random)
        sealed = dict(zip(fresh, closed, strict=True))
        receipts: list[Receipt] = []
        for place, made in enumerate(self._drafts):
            if isinstance(made, Receipt):
                receipts.append(made)
            elif place in sealed:
                receipts.append(self._place(made.event, sealed[place]))
            elif (entry := self._known.get(_key(made))) is not None:
                receipts.append(self._compare(made, entry))
            else:
                first = self._first[_key(made)]
                receipts.append(_repeated(made, self._at(first), receipts[first]))
        return receipts

    def _at(self, place: int) -> Draft:
        made = self._drafts[place]
        assert isinstance(made, Draft)  # noqa: S101  places are only ever taken of drafts
        return made

    def _place(self, event: RecordedEvent, closed: Closed) -> Receipt:
        index = self._next
        try:
            entry = encode(event, index, *closed)
        except Unrecordable as fault:
            return Receipt(None, refused=str(fault))
        leaf = merkle.leaf_hash(entry)
        self.rows.append(_store.row_of(event, index, leaf, entry))
        self.leaves.append(leaf)
        self._next += 1
        return Receipt(index)

    def _compare(self, made: Draft, entry: bytes) -> Receipt:
        stored = parse(entry)
        try:
            same = same_event(self._session, self._vault, made, stored)
        except Unrecordable as fault:
            return Receipt(None, refused=str(fault))
        return Receipt(stored.index, duplicate=True) if same else Receipt(None, refused=ID_REUSED)


def _repeated(made: Draft, first: Draft, receipt: Receipt) -> Receipt:
    """Answer for an event whose id came earlier in the same batch."""
    if made != first:
        return Receipt(None, refused=ID_REUSED)
    return replace(receipt, duplicate=receipt.refused is None)


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


def _key(made: Draft) -> _Key:
    return made.event.source.id, made.event.id
