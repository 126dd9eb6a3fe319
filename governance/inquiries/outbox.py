"""The outbox: what is to be sent, tried until it is, bounded, and said when it is given up.

1. A message is put here in the transaction that asks, so that no question is without it and none goes without one.
2. A process claims a message before it sends it, for longer than sending may take; another leaves it alone meanwhile.
   One that dies in between leaves a claim that runs out: then it is sent once more, under the same id.
3. What fails for now is tried again after 1, 5 and 30 minutes, 2, 6 and 12 hours; then it is given up. What is refused
   for good is given up at once.
4. Nothing is sent any more once the answer is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from governance.audit import Recorder
from governance.clock import Clock
from governance.inquiries import _store
from governance.inquiries.inquiry import Inquiry, InquiryState, Message, MessageState
from governance.inquiries.letters import ASK, REMINDER, Letter, letter
from governance.inquiries.recipients import Recipients, Told
from governance.storage import Database
from governance.telemetry import Metrics, get_logger

CLAIM = timedelta(minutes=2)  # longer than the longest budget of a channel
RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720))
_BATCH = 5  # messages of one claim: together they take less than the claim lasts
_log = get_logger(__name__)


class NotDelivered(Exception):
    """A channel did not deliver; ``outcome`` is a word of ours for it, ``for_good`` says that it never will."""

    def __init__(self, outcome: str, *, for_good: bool = False) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.for_good = for_good


class Channel(Protocol):
    """A way to reach people; ``addressed`` when it needs an address for each message."""

    name: str
    addressed: bool

    def send(self, letter: Letter) -> None:
        """Send a message; raises NotDelivered. Bounded in time, and the message may have gone all the same."""
        ...


class Outbox:
    """Sends.

    Args:
        database: where messages wait.
        recorder: makes their ids.
        clock: says whether a question is still open.
        instant: gives the time by the clock that all processes share.
        recipients: find addresses.
        channels: by which a message goes; each of them gets every message.
        base_url: the service's public address.
        metrics: counts what became of messages.
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        instant: Callable[[Session], datetime],
        recipients: Recipients,
        channels: Sequence[Channel],
        base_url: str,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._new_id = recorder.new_id
        self._clock = clock
        self._instant = instant
        self._recipients = recipients
        self._channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self._base_url = base_url
        self._metrics = metrics

    def ask_in(self, session: Session, inquiry: Inquiry) -> None:
        """Put the first messages of an inquiry into the outbox."""
        self._queue(session, inquiry, ASK, inquiry.asked.value)

    def remind_in(self, session: Session, inquiry: Inquiry, to: str) -> None:
        """Put the messages of a reminder into the outbox."""
        self._queue(session, inquiry, REMINDER, to)

    def run_once(self) -> bool:
        """Try messages that are due; says whether there may be more."""
        if not self._channels:
            return False
        with self._database.transaction() as session:
            now = self._instant(session)
            claimed = _store.claim(session, now, now + CLAIM, _BATCH)
        for message in claimed:
            self._try(message)
        return len(claimed) == _BATCH

    def _queue(self, session: Session, inquiry: Inquiry, kind: str, to: str) -> None:
        """Queue a message for each channel that can reach somebody."""
        now, messages = self._instant(session), []
        for channel in self._channels.values():
            told = self._recipients.told(session, inquiry, to) if channel.addressed else Told(to, "")
            if told is not None:
                made = (self._new_id(), inquiry.number, kind, channel.name, told.to)
                messages.append(Message(*made, state=MessageState.WAITING, attempts=0, due_at=now))
        _store.queue(session, messages)

    def _try(self, message: Message) -> None:
        """Make the attempt that was claimed, and write what became of it."""
        done = self._attempt(message)
        with self._database.transaction() as session:
            at = self._instant(session)
            if done.state is not MessageState.WAITING:
                done = replace(done, settled_at=at)
            else:
                done = replace(done, due_at=at + RETRIES[message.attempts - 1])
            settled = _store.settle(session, done)
        if settled and done.state is MessageState.GIVEN_UP:
            _log.warning("message given up", message=message.id, channel=message.channel, outcome=done.outcome)

    def _attempt(self, message: Message) -> Message:
        """Send one message; gives it as it stands then."""
        with self._database.reading() as session:
            inquiry = _store.numbered(session, [message.inquiry])[message.inquiry]
            channel = self._channels.get(message.channel)
            addressed = channel is not None and channel.addressed
            told = self._recipients.told(session, inquiry, message.to) if addressed else None
        if inquiry.standing(self._clock.now()) is not InquiryState.OPEN:
            return replace(message, state=MessageState.DROPPED, outcome="no_longer_open")
        if channel is None:
            return self._failed(message, NotDelivered("no_such_channel"))
        if addressed and told is None:
            return self._failed(message, NotDelivered("no_address", for_good=True))
        try:
            channel.send(letter(message, inquiry, self._base_url, told))
        except NotDelivered as failed:
            return self._failed(message, failed)
        self._metrics.inquiry_message(channel=message.channel, result="sent")
        to = message.to if told is None else told.to
        return replace(message, state=MessageState.SENT, outcome="sent", to=to)

    def _failed(self, message: Message, failed: NotDelivered) -> Message:
        over = failed.for_good or message.attempts > len(RETRIES)
        self._metrics.inquiry_message(channel=message.channel, result="given_up" if over else "failed")
        state = MessageState.GIVEN_UP if over else MessageState.WAITING
        return replace(message, state=state, outcome=failed.outcome)
