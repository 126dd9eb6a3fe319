"""The outbox and processes side by side: a message is sent by one of them, and one question is open of its kind."""

from datetime import UTC, datetime, timedelta

from governance.clock import FixedClock
from governance.storage import Database
from tests.worlds.asking import NIA, WHY, AskingWorld
from tests.worlds.processes import at_once

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MESSAGES = 24


def send(database: Database) -> list[str]:
    """Send whatever is due until there is nothing left; gives the ids of what this process sent."""
    world = AskingWorld(database, FixedClock(NOON))
    for _ in range(MESSAGES):
        world.outbox.run_once()
    return [letter.id for letter in world.channel.sent]


def ask(database: Database, look: int, patient: str, reference: int) -> str:
    """Ask about the same look as the others do; gives the reference."""
    world = AskingWorld(database, FixedClock(NOON))
    world.inquiries._random = lambda length: reference.to_bytes(length)
    with database.transaction() as session:
        asked = world.inquiries.open_in(
            session, subject=world.person(NIA).subject, patient=patient, looks=[look], why=WHY
        )
    return asked.reference


def remind(database: Database) -> int:
    """Remind of whatever is due."""
    world = AskingWorld(database, FixedClock(NOON + timedelta(days=3)))
    world.tending.run_once()
    return len([act for act in world.acts() if act == "inquiry.reminded"])


def test_no_message_is_sent_by_two_processes(database: Database) -> None:
    world = AskingWorld(database, FixedClock(NOON)).seeded()
    for number in range(MESSAGES):
        patient = world.pseudonymiser.patient(f"patient {number}")
        look = world.look(patient=patient, number=number)
        with database.transaction() as session:
            world.inquiries.open_in(session, subject=world.person(NIA).subject, patient=patient, looks=[look], why=WHY)
    sent = at_once(database.url, send, [(), (), ()])
    everything = [one for each in sent for one in each]
    assert len(everything) == len(set(everything)) == MESSAGES


def test_two_who_ask_at_once_open_one_question(database: Database) -> None:
    world = AskingWorld(database, FixedClock(NOON)).seeded()
    patient, look = world.pseudonymiser.patient("9990000018"), world.look()
    found = at_once(database.url, ask, [(look, patient, 900 + number) for number in range(3)])
    assert len(set(found)) == 1
    assert world.acts() == ["inquiry.asked"]


def test_two_who_tend_at_once_remind_once(database: Database) -> None:
    world = AskingWorld(database, FixedClock(NOON)).seeded()
    world.asked()
    at_once(database.url, remind, [(), (), ()])
    assert world.acts().count("inquiry.reminded") == 1
