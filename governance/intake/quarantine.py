"""Quarantine: messages that could not be read are kept as they came, counted, and can be read again.

1. Keeping is durable before it is acknowledged, like the log itself.
2. The raw bytes are sealed under the key of the day they came in; only sizes, times and reasons lie open.
3. It is bounded: :data:`CAPACITY` messages may wait, :data:`SHARE` of one source among them. What there is no room for
   is refused, of that source alone and by name (``overflow``); nothing is dropped to make room. A person must look.
4. Reading again records the events and marks the message in one commit, so that a crash repeats nothing. A message of
   which one event is refused keeps waiting, and no message holds up the next.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from governance.audit import AuditLog, Event, Receipt
from governance.clock import Clock
from governance.errors import GovernanceError, InvalidInput, NotFound
from governance.intake import _quarantine_store as store
from governance.pseudonyms import OwnerForgotten, Pseudonymiser, Vault
from governance.storage import Database
from governance.storage.exclusive import exclusive

CAPACITY = 100_000  # messages that may wait
SHARE = 10_000  # of one source among them
REASON_MAXIMUM = 500  # characters


Read = Callable[[bytes], Sequence[Event]]
Hear = Callable[[Sequence[Receipt]], None]


@dataclass(frozen=True, slots=True)
class Unread:
    """A message that could not be read: how and from which address it came, and why it could not."""

    raw: bytes
    carrier: str
    peer: str
    reason: str


@dataclass(frozen=True, slots=True)
class QuarantinedMessage:
    """What is known of a kept message without opening it; ``size`` in bytes."""

    number: int
    received_at: datetime
    carrier: str
    peer: str
    reason: str
    size: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Group:
    """Waiting messages that came the same way and could not be read for the same reason."""

    carrier: str
    reason: str
    count: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which waiting messages are meant: those that came one way, from one source, before an instant; None is any."""

    carrier: str | None = None
    source: str | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Discarded:
    """A message that was discarded, and its bytes as far as they could be had."""

    message: QuarantinedMessage
    raw: bytes | None

    @property
    def digest(self) -> str | None:
        """Give the SHA-256 of its bytes in hexadecimal."""
        return None if self.raw is None else hashlib.sha256(self.raw).hexdigest()


@dataclass(slots=True)
class _Room:
    """How many messages more may wait, of all and of each source."""

    total: int
    own: dict[str, int]

    def take(self, source: str) -> bool:
        """Take a place for a message of a source, if there is one."""
        fits = self.total > 0 and self.own[source] > 0
        self.total -= fits
        self.own[source] -= fits
        return fits


@dataclass(frozen=True, slots=True)
class Retried:
    """What reading again achieved: messages recorded, messages tried, and the number of the last one tried.

    ``last`` is None when no message was left to try.
    """

    recorded: int
    tried: int
    last: int | None


class Quarantine:
    """Keeps unread messages and reads them again.

    Args:
        database: holds them beside the log.
        pseudonymiser: names the owner of a day's messages.
        vault: seals the raw bytes.
        clock: says when they came.
        capacity: messages that may wait.
        share: messages of one source that may wait.
    """

    def __init__(
        self,
        database: Database,
        pseudonymiser: Pseudonymiser,
        vault: Vault,
        clock: Clock,
        capacity: int = CAPACITY,
        share: int = SHARE,
    ) -> None:
        self._database = database
        self._pseudonymiser = pseudonymiser
        self._vault = vault
        self._clock = clock
        self._capacity = capacity
        self._share = share

    def keep(self, messages: Sequence[Unread]) -> list[int | None]:
        """Keep messages and give their numbers; None for those there is no room for, the last of each source."""
        now = self._clock.now()
        owner = self.owner_of(now)
        with self._database.transaction() as session:
            exclusive(session, "quarantine")  # so that writers at once do not each fill the last place
            room = self._room(session, {each.peer for each in messages})
            kept: list[int | None] = []
            for each in messages:
                fits = room.take(each.peer)
                kept.append(store.add(session, self._row(session, each, owner, now)) if fits else None)
            return kept

    def waiting(self) -> int:
        """Give how many messages wait."""
        with self._database.reading() as session:
            return store.waiting(session)

    def page(self, after: int = 0, limit: int = 100) -> list[QuarantinedMessage]:
        """Give what is known of waiting messages with a number over ``after``, oldest first."""
        with self._database.reading() as session:
            rows = store.page(session, after, limit)
        return [_message(row) for row in rows]

    def groups(self, limit: int = 100) -> list[Group]:
        """Give how many messages wait for which reason, the most frequent first; no content is opened."""
        with self._database.reading() as session:
            return [Group(*row) for row in store.groups(session, limit)]

    def retry(
        self,
        read: Read,
        log: AuditLog,
        limit: int = 1_000,
        after: int = 0,
        carrier: str | None = None,
        hear: Hear | None = None,
    ) -> Retried:
        """Read waiting messages again, for instance after a sender was registered.

        Args:
            read: gives the events of a raw message or raises a typed error.
            log: takes the events.
            limit: messages tried in this call.
            after: only messages with a higher number; ``last`` of one call goes on where it ended.
            carrier: only messages that came this way; all when None.
            hear: is given the receipts of each message once they are durable.
        """
        with self._database.reading() as session:
            numbers = store.numbers(session, after, limit, carrier)
        recorded = 0
        for number in numbers:
            resolved, receipts = self._retry_one(number, read, log)
            recorded += resolved
            if hear is not None:
                hear(receipts)
        return Retried(recorded, len(numbers), max(numbers, default=None))

    def owner_of(self, day: datetime) -> str:
        """Give the owner whose key seals the messages of a day; destroying it disposes of them."""
        return self._pseudonymiser.subject(f"quarantine/{day.date().isoformat()}")

    def _retry_one(self, number: int, read: Read, log: AuditLog) -> tuple[bool, Sequence[Receipt]]:
        """Read one message again; give whether all of it is recorded now, and its receipts."""
        with self._database.transaction() as session:
            row = store.locked(session, number)
            if row is None:
                return False, ()
            try:
                events = read(self._opened(session, row))
            except GovernanceError as error:
                store.failed(session, number, describe(error))
                return False, ()
            receipts = log.append_in(session, events)
            refused = next((receipt.refused for receipt in receipts if receipt.refused), None)
            if refused is not None:
                store.failed(session, number, refused)
                return False, receipts
            placed = [receipt.position for receipt in receipts if receipt.position is not None]
            store.resolve(session, number, self._clock.now(), min(placed, default=None))
            return True, receipts

    def open(self, number: int) -> tuple[QuarantinedMessage, bytes | None]:
        """Give a waiting message with its bytes, None when they cannot be had any more.

        The caller owes the permission and the record of the look. Raises NotFound when no such message waits.
        """
        with self._database.reading() as session:
            found = store.page(session, number - 1, 1)
            if not found or found[0]["number"] != number:
                raise NotFound("quarantine.unknown", f"No message {number} waits.")
            return _message(found[0]), self._bytes(session, found[0])

    def select(self, chosen: Chosen, after: int = 0, limit: int = 1_000) -> list[int]:
        """Give the numbers of waiting messages that are chosen and over ``after``, oldest first."""
        with self._database.reading() as session:
            return store.numbers(session, after, limit, chosen.carrier, chosen.source, chosen.before)

    def discard_in(self, session: Session, numbers: Sequence[int]) -> list[Discarded]:
        """Discard waiting messages in the caller's transaction, who records it there.

        Their bytes are gone for good; that they came, from whom, and why they could not be read, stays. Gives what was
        discarded; a number that waits no more is passed over.
        """
        now = self._clock.now()
        found = [row for number in numbers if (row := store.locked(session, number)) is not None]
        discarded = [Discarded(_message(row), self._bytes(session, row)) for row in found]
        for each in discarded:
            store.discard(session, each.message.number, now)
        return discarded

    def _bytes(self, session: Session, row: dict[str, object]) -> bytes | None:
        try:
            return self._opened(session, row)
        except GovernanceError:
            return None

    def _room(self, session: Session, sources: Set[str]) -> _Room:
        total = store.waiting(session)
        own = {source: self._share - store.waiting(session, source) for source in sources}
        return _Room(self._capacity - total, own)

    def _opened(self, session: Session, row: dict[str, object]) -> bytes:
        """Give the raw bytes of a message; raises GovernanceError when they cannot be had."""
        try:
            fields = self._vault.unseal(session, str(row["owner"]), str(row["sealed"]))
        except ValueError:
            raise GovernanceError("quarantine.closed", "its sealed bytes cannot be opened") from None
        if fields is None:
            raise GovernanceError("quarantine.destroyed", "its key was destroyed")
        return base64.b64decode(fields["raw"])

    def _row(self, session: Session, message: Unread, owner: str, now: datetime) -> dict[str, object]:
        try:
            sealed = self._vault.seal(session, owner, {"raw": base64.b64encode(message.raw).decode()})
        except OwnerForgotten:
            sealed = ""  # the day was already disposed of: the message is still counted, its content is not kept
        return {
            "received_at": now,
            "carrier": message.carrier,
            "peer": message.peer,
            "reason": message.reason[:REASON_MAXIMUM],
            "size": len(message.raw),
            "owner": owner,
            "sealed": sealed,
            "attempts": 0,
        }


def _message(row: Mapping[str, object]) -> QuarantinedMessage:
    names = QuarantinedMessage.__dataclass_fields__
    return QuarantinedMessage(**{name: row[name] for name in names})  # type: ignore[arg-type]


def describe(error: GovernanceError) -> str:
    """Give the faults of an error in one line."""
    if not isinstance(error, InvalidInput):
        return error.detail[:REASON_MAXIMUM]
    return "; ".join(f"{fault.path or 'message'}: {fault.message}" for fault in error.faults)[:REASON_MAXIMUM]
