"""The outbox: tried until it is sent, bounded, never by two at once, and the same message is known by its id."""

from datetime import timedelta

import pytest

from governance.clock import FixedClock
from governance.inquiries import Inquiry, Message, MessageState, NotDelivered
from governance.inquiries.outbox import CLAIM, RETRIES
from governance.storage import Database
from tests.worlds.asking import AskingWorld, Kept


def message(world: AskingWorld, inquiry: Inquiry) -> Message:
    """Give the one message of an inquiry as it stands."""
    with world.database.reading() as session:
        (found,) = world.inquiries.messages_in(session, [inquiry])[inquiry.number]
    return found


def test_what_fails_is_tried_again_later_and_sent_once(world: AskingWorld, clock: FixedClock) -> None:
    inquiry = world.asked()
    world.channel.fails = NotDelivered("timeout")
    world.outbox.run_once()
    world.outbox.run_once()  # it is not due yet
    waiting = message(world, inquiry)
    assert (waiting.state, waiting.attempts, waiting.outcome) == (MessageState.WAITING, 1, "timeout")
    assert waiting.due_at == clock.now() + RETRIES[0]
    world.channel.fails = None
    clock.advance(RETRIES[0])
    world.outbox.run_once()
    world.outbox.run_once()
    assert [letter.id for letter in world.channel.sent] == [waiting.id]
    sent = message(world, inquiry)
    assert (sent.state, sent.attempts, sent.settled_at) == (MessageState.SENT, 2, clock.now())


def test_it_is_given_up_after_so_many_tries_and_that_is_said(world: AskingWorld, clock: FixedClock) -> None:
    inquiry = world.asked()
    world.channel.fails = NotDelivered("unreachable")
    for wait in (*RETRIES, timedelta(0), timedelta(days=1)):
        world.outbox.run_once()
        clock.advance(wait)
    over = message(world, inquiry)
    assert (over.state, over.attempts, over.outcome) == (MessageState.GIVEN_UP, len(RETRIES) + 1, "unreachable")
    exposition = world.metrics.render("text/plain")[0].decode()
    assert 'governance_inquiry_messages_total{channel="mail",result="failed"} 6.0' in exposition
    assert 'governance_inquiry_messages_total{channel="mail",result="given_up"} 1.0' in exposition


def test_what_is_refused_for_good_is_given_up_at_once(world: AskingWorld) -> None:
    inquiry = world.asked()
    world.channel.fails = NotDelivered("refused", for_good=True)
    world.outbox.run_once()
    assert message(world, inquiry).state is MessageState.GIVEN_UP


def test_a_claim_keeps_others_away_and_runs_out_with_who_died(world: AskingWorld, clock: FixedClock) -> None:
    world.asked()
    died, other = Kept(), Kept()
    dying, living = world.made_outbox([died]), world.made_outbox([other])

    class Death(BaseException):
        pass

    def die(_letter: object) -> None:
        living.run_once()  # meanwhile another process looks
        raise Death

    died.send = die  # type: ignore[method-assign]
    with pytest.raises(Death):
        dying.run_once()
    living.run_once()
    assert other.sent == []
    clock.advance(CLAIM)
    living.run_once()
    assert len(other.sent) == 1


def test_one_that_was_too_slow_does_not_undo_what_another_did(world: AskingWorld, clock: FixedClock) -> None:
    inquiry = world.asked()
    slow, other = Kept(), Kept()
    living = world.made_outbox([other])

    def wait(_letter: object) -> None:
        clock.advance(CLAIM)
        living.run_once()
        raise NotDelivered("timeout")

    slow.send = wait  # type: ignore[method-assign]
    world.made_outbox([slow]).run_once()
    assert len(other.sent) == 1
    assert message(world, inquiry).state is MessageState.SENT


def test_each_channel_gets_each_message_under_an_id_of_its_own(database: Database, clock: FixedClock) -> None:
    mail, webhook = Kept(), Kept("webhook", addressed=False)
    world = AskingWorld(database, clock, [mail, webhook]).seeded()
    world.asked()
    while world.outbox.run_once():
        pass
    assert [letter.address for letter in (*mail.sent, *webhook.sent)] == ["nurse.nia@rrk.example", None]
    assert len({letter.id for letter in (*mail.sent, *webhook.sent)}) == 2


def test_without_a_channel_nothing_waits(database: Database, clock: FixedClock) -> None:
    world = AskingWorld(database, clock, []).seeded()
    inquiry = world.asked()
    assert not world.outbox.run_once()
    with database.reading() as session:
        assert world.inquiries.messages_in(session, [inquiry]) == {inquiry.number: []}
