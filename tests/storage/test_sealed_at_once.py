"""The vault and the quarantine, used by several processes at once: no message lost, no limit passed, no key twice."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from governance.audit import AuditLog, AuditSearch, Event, NoteSigner, Query, Source
from governance.clock import FixedClock
from governance.intake.quarantine import Quarantine, Unread
from governance.pseudonyms import OwnerForgotten, Pseudonymiser, Vault
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome
from tests.worlds.basics import NOON
from tests.worlds.processes import at_once

SENDERS, MESSAGES = 6, 8
OWNERS = [f"p-{number}" for number in range(30)]
ORIGIN = "log.test/sealed"


def open_quarantine(database: Database, capacity: int = 1_000) -> Quarantine:
    return Quarantine(database, Pseudonymiser(b"k" * 32), Vault(b"e" * 32), FixedClock(NOON), capacity)


def open_log(database: Database) -> AuditLog:
    signer = NoteSigner.from_seed(ORIGIN, b"s" * 32)
    return AuditLog(database, Pseudonymiser(b"k" * 32), Vault(b"e" * 32), signer, FixedClock(NOON), ORIGIN)


def message(name: str) -> Unread:
    return Unread(name.encode(), "syslog", "10.1.2.3", "/event: unknown")


def keep(database: Database, sender: int, capacity: int = 1_000) -> int:
    """Keep messages one by one; gives how many were taken."""
    quarantine, taken = open_quarantine(database, capacity), 0
    for number in range(MESSAGES):
        (kept,) = quarantine.keep([message(f"{sender}-{number}")])
        taken += kept is not None
    return taken


def read_again(database: Database) -> int:
    """Read what waits once more; gives how many messages were recorded here."""
    return open_quarantine(database).retry(read, open_log(database)).recorded


def read(raw: bytes) -> Sequence[Event]:
    at = datetime(2026, 11, 24, 11, tzinfo=UTC)
    return [Event(raw.decode(), at, Source("vna-1", "RRK"), EventKind.LOGIN, Outcome.SUCCESS)]


def seal(database: Database, sealer: int) -> list[str | None]:
    """Seal something for each owner, in an order of one's own, in one transaction."""
    ordered = OWNERS[::-1] if sealer % 2 else OWNERS
    with database.transaction() as session:
        sealed = Vault(b"e" * 32).seal_many(session, [(owner, {"by": str(sealer)}) for owner in ordered])
    return sealed[::-1] if sealer % 2 else sealed


def destroy_and_seal(database: Database, worker: int) -> str:
    """One destroys the key of an owner nobody knew, the others seal for them."""
    vault = Vault(b"e" * 32)
    with database.transaction() as session:
        if worker == 0:
            vault.destroy(session, "p-gone", NOON)
            return ""
        try:
            return vault.seal(session, "p-gone", {"by": str(worker)})
        except OwnerForgotten:
            return ""


def test_the_first_messages_of_a_day_are_all_kept(database: Database) -> None:
    assert at_once(database.url, keep, [(sender,) for sender in range(SENDERS)]) == [MESSAGES] * SENDERS
    quarantine = open_quarantine(database)
    assert quarantine.waiting() == SENDERS * MESSAGES
    assert quarantine.retry(read, open_log(database)).recorded == SENDERS * MESSAGES
    told = {event.id for event in AuditSearch(database).find(Query(), 1_000)}
    assert told == {f"{sender}-{number}" for sender in range(SENDERS) for number in range(MESSAGES)}


def test_a_quarantine_never_holds_more_than_it_may(database: Database) -> None:
    taken = at_once(database.url, keep, [(sender, 20) for sender in range(SENDERS)])
    assert sum(taken) == open_quarantine(database).waiting() == 20


def test_a_message_that_two_read_again_is_recorded_once(database: Database) -> None:
    open_quarantine(database).keep([message(str(number)) for number in range(12)])
    assert sum(at_once(database.url, read_again, [()] * 3)) == 12
    assert open_quarantine(database).waiting() == 0
    assert open_log(database).tree_head()[0] == 12


def test_owners_whom_several_meet_first_have_one_key(database: Database) -> None:
    sealed = at_once(database.url, seal, [(sealer,) for sealer in range(4)])
    vault = Vault(b"e" * 32)
    with database.reading() as session:
        for sealer, texts in enumerate(sealed):
            opened = [vault.unseal(session, owner, str(text)) for owner, text in zip(OWNERS, texts, strict=True)]
            assert opened == [{"by": str(sealer)}] * len(OWNERS)


def test_who_is_forgotten_while_others_seal_stays_forgotten(database: Database) -> None:
    sealed = at_once(database.url, destroy_and_seal, [(worker,) for worker in range(4)])
    vault = Vault(b"e" * 32)
    with database.reading() as session:
        assert [vault.unseal(session, "p-gone", text) for text in sealed if text] == [None] * sum(map(bool, sealed))
    with database.transaction() as session, pytest.raises(OwnerForgotten):
        vault.seal(session, "p-gone", {"by": "a late one"})
