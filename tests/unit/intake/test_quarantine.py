"""What cannot be read is kept, sealed, counted and read again."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta

import pytest

from governance.audit import AuditLog, Event
from governance.clock import FixedClock
from governance.errors import Fault, InvalidInput, NotFound
from governance.intake.quarantine import Chosen, Group, Quarantine, Retried, Unread
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from tests.worlds.log import MakeEvent

RAW = b"<85>1 - - - - - - <AuditMessage>9990000018</AuditMessage>"


def unread(raw: bytes = RAW, reason: str = "/event: unknown", peer: str = "10.1.2.3") -> Unread:
    return Unread(raw, "syslog", peer, reason)


@pytest.fixture
def quarantine(database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock) -> Quarantine:
    return Quarantine(database, pseudonymiser, vault, clock, capacity=5, share=3)


def test_a_message_is_kept_sealed_and_counted(quarantine: Quarantine, database: Database) -> None:
    assert quarantine.keep([unread(), unread(b"other")]) == [1, 2]
    assert quarantine.waiting() == 2
    (first, second) = quarantine.page()
    assert (first.carrier, first.peer, first.reason, first.size) == ("syslog", "10.1.2.3", "/event: unknown", len(RAW))
    assert [each.number for each in quarantine.page(after=first.number)] == [second.number]
    with database.engine.connect() as connection:
        row = str(connection.exec_driver_sql("SELECT * FROM audit_quarantine").all())
    assert "9990000018" not in row
    assert base64.b64encode(RAW).decode()[:24] not in row


def test_a_source_has_its_share_and_others_theirs_until_all_of_it_is_full(quarantine: Quarantine) -> None:
    assert quarantine.keep([unread()] * 4) == [1, 2, 3, None]
    assert quarantine.keep([unread(peer="10.9.9.9"), unread(), unread(peer="10.9.9.9")]) == [4, None, 5]
    assert quarantine.keep([unread(peer="10.8.8.8")]) == [None], "no place is left for anybody"
    assert quarantine.waiting() == 5


def test_what_is_discarded_makes_room_and_its_bytes_are_gone(
    quarantine: Quarantine, database: Database, log: AuditLog
) -> None:
    quarantine.keep([unread(b"one"), unread(b"two"), unread(b"three")])
    with database.transaction() as session:
        found = quarantine.discard_in(session, [1, 3, 99])
    assert [(each.message.number, each.digest) for each in found] == [
        (1, hashlib.sha256(b"one").hexdigest()),
        (3, hashlib.sha256(b"three").hexdigest()),
    ]
    with database.transaction() as session:
        assert quarantine.discard_in(session, [1]) == []
    assert [each.number for each in quarantine.page()] == [2]
    assert quarantine.retry(lambda _: [], log).tried == 1
    with database.engine.connect() as connection:
        sealed = (
            connection.exec_driver_sql("SELECT sealed FROM audit_quarantine WHERE number IN (1, 3)").scalars().all()
        )
    assert list(sealed) == ["", ""]
    assert quarantine.keep([unread(), unread()]) == [4, 5]


def test_waiting_messages_are_chosen_by_source_way_and_time(quarantine: Quarantine, clock: FixedClock) -> None:
    began = clock.now()
    quarantine.keep([unread()])
    clock.advance(timedelta(minutes=1))
    quarantine.keep([unread(peer="10.9.9.9"), unread()])
    assert quarantine.select(Chosen()) == [1, 2, 3]
    assert quarantine.select(Chosen(source="10.1.2.3")) == [1, 3]
    assert quarantine.select(Chosen(source="10.1.2.3", before=clock.now())) == [1]
    assert quarantine.select(Chosen(before=began)) == []
    assert quarantine.select(Chosen(carrier="opa")) == []
    assert quarantine.select(Chosen(), after=1, limit=1) == [2]


def test_a_message_is_opened_while_it_waits(quarantine: Quarantine) -> None:
    quarantine.keep([unread(b"one"), unread(b"two")])
    message, raw = quarantine.open(2)
    assert (message.number, raw) == (2, b"two")
    with pytest.raises(NotFound):
        quarantine.open(3)


def test_reading_again_records_what_can_be_read_now(
    quarantine: Quarantine, log: AuditLog, make_event: MakeEvent
) -> None:
    quarantine.keep([unread(b"good"), unread(b"bad"), unread(b"good too")])

    def read(raw: bytes) -> Sequence[Event]:
        if raw == b"bad":
            raise InvalidInput([Fault("/time", "is no time")])
        return [make_event(len(raw)), make_event(len(raw) + 100)]

    assert quarantine.retry(read, log) == Retried(recorded=2, tried=3, last=3)
    assert [event.id for event in log.read(0, 10)] == ["event-4", "event-104", "event-8", "event-108"]
    (left,) = quarantine.page()
    assert (left.number, left.reason, left.attempts) == (2, "/time: is no time", 1)
    assert quarantine.retry(read, log) == Retried(recorded=0, tried=1, last=2)


def test_messages_that_stay_unread_do_not_keep_the_next_ones_from_their_turn(
    quarantine: Quarantine, log: AuditLog, make_event: MakeEvent
) -> None:
    quarantine.keep([unread(b"bad"), unread(b"bad"), unread(b"good")])

    def read(raw: bytes) -> Sequence[Event]:
        if raw == b"bad":
            raise InvalidInput([Fault("/time", "is no time")])
        return [make_event(1)]

    assert quarantine.retry(read, log, limit=2) == Retried(recorded=0, tried=2, last=2)
    assert quarantine.retry(read, log, limit=2, after=2) == Retried(recorded=1, tried=1, last=3)
    assert quarantine.retry(read, log, limit=2, after=3) == Retried(recorded=0, tried=0, last=None)


def test_waiting_messages_are_counted_by_reason(quarantine: Quarantine, clock: FixedClock) -> None:
    began = clock.now()
    quarantine.keep([unread(reason="a"), unread(reason="b")])
    clock.advance(timedelta(minutes=1))
    quarantine.keep([unread(reason="b")])
    assert quarantine.groups() == [
        Group("syslog", "b", 2, began, clock.now()),
        Group("syslog", "a", 1, began, began),
    ]
    assert [each.reason for each in quarantine.groups(limit=1)] == ["b"]


def test_a_message_the_log_refuses_keeps_waiting_with_the_reason(
    quarantine: Quarantine, log: AuditLog, make_event: MakeEvent
) -> None:
    log.append([make_event(1)])
    quarantine.keep([unread()])
    other = make_event(1, destination="elsewhere")
    assert quarantine.retry(lambda _: [other], log) == Retried(0, 1, 1)
    assert quarantine.page()[0].reason == "another event with this id was already recorded"


def test_destroying_a_days_key_disposes_of_its_messages(
    quarantine: Quarantine, database: Database, vault: Vault, clock: FixedClock, log: AuditLog
) -> None:
    quarantine.keep([unread()])
    with database.transaction() as session:
        vault.destroy(session, quarantine.owner_of(clock.now()), clock.now())
    assert quarantine.retry(lambda _: [], log) == Retried(0, 1, 1)
    assert quarantine.page()[0].reason == "its key was destroyed"
    quarantine.keep([unread()])  # the day is forgotten: counted, not kept
    clock.advance(timedelta(days=1))
    quarantine.keep([unread()])
    assert quarantine.waiting() == 3
