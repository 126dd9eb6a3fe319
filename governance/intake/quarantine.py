"""Quarantine: messages that could not be read are kept as they came, counted, and can be read again.

1. Keeping is durable before it is acknowledged, like the log itself.
2. The raw bytes are sealed under the key of the day they came in; only sizes, times and reasons lie open.
3. It is bounded: when :data:`CAPACITY` messages wait, keeping raises Unavailable and the listener stops reading. A
   person must look; nothing is dropped to make room.
4. Reading again records the events and marks the message in one commit, so that a crash repeats nothing. A message of
   which one event is refused keeps waiting, and no message holds up the next.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from governance.audit import AuditLog, Event, Receipt
from governance.clock import Clock
from governance.errors import GovernanceError, InvalidInput, Unavailable
from governance.intake import _quarantine_store as store
from governance.pseudonyms import OwnerForgotten, Pseudonymiser, Vault
from governance.storage import Database
from governance.storage.exclusive import exclusive

CAPACITY = 100_000  # messages that may wait
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
    """

    def __init__(
        self, database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: Clock, capacity: int = CAPACITY
    ) -> None:
        self._database = database
        self._pseudonymiser = pseudonymiser
        self._vault = vault
        self._clock = clock
        self._capacity = capacity

    def keep(self, messages: Sequence[Unread]) -> list[int]:
        """Keep messages, all or none, and give their numbers; raises Unavailable when the quarantine is full."""
        now = self._clock.now()
        owner = self.owner_of(now)
        with self._database.transaction() as session:
            exclusive(session, "quarantine")  # so that writers at once do not each fill the last place
            if store.waiting(session) + len(messages) > self._capacity:
                raise Unavailable("quarantine.full", "Too many unread audit messages wait for a person.", 30)
            return [store.add(session, self._row(session, each, owner, now)) for each in messages]

    def waiting(self) -> int:
        """Give how many messages wait."""
        with self._database.reading() as session:
            return store.waiting(session)

    def page(self, after: int = 0, limit: int = 100) -> list[QuarantinedMessage]:
        """Give what is known of waiting messages with a number over ``after``, oldest first."""
        with self._database.reading() as session:
            rows = store.page(session, after, limit)
        names = QuarantinedMessage.__dataclass_fields__
        return [QuarantinedMessage(**{name: row[name] for name in names}) for row in rows]  # type: ignore[arg-type]

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


def describe(error: GovernanceError) -> str:
    """Give the faults of an error in one line."""
    if not isinstance(error, InvalidInput):
        return error.detail[:REASON_MAXIMUM]
    return "; ".join(f"{fault.path or 'message'}: {fault.message}" for fault in error.faults)[:REASON_MAXIMUM]
