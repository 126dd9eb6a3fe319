"""What time does to inquiries: reminders, bounded, and the end.

A reminder goes to the manager, who may answer from then on; without one on file, to whoever was asked first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from governance.audit import Event, Recorder
from governance.inquiries import _store, _trail
from governance.inquiries.inquiry import Asked, Identity, Inquiry, InquiryState, Pace
from governance.inquiries.outbox import Outbox
from governance.inquiries.recipients import Recipients
from governance.storage import Database

_BATCH = 50


class Tending:
    """Reminds, and closes what nobody answered.

    Args:
        database: one transaction holds what is done and its records.
        recorder: records it.
        instant: gives the time by the clock that all processes share.
        recipients: find managers.
        outbox: takes the reminders.
        pace: how often, and how many.
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        instant: Callable[[Session], datetime],
        recipients: Recipients,
        outbox: Outbox,
        pace: Pace,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._instant = instant
        self._recipients = recipients
        self._outbox = outbox
        self._pace = pace

    def run_once(self) -> bool:
        """Do what is due; says whether there may be more."""
        with self._database.transaction() as session:
            now = self._instant(session)
            found = _store.due(session, now, _BATCH)
            self._recorder.record_all_in(session, [self._tend(session, inquiry, now) for inquiry in found])
        return len(found) == _BATCH

    def _tend(self, session: Session, inquiry: Inquiry, now: datetime) -> Event:
        if now >= inquiry.expires_at:
            over = replace(inquiry, state=InquiryState.EXPIRED)
            _store.save(session, over)
            return _trail.expired(self._recorder, over)
        manager = inquiry.manager or self._manager(session, inquiry)
        to = inquiry.asked if manager is None else Asked.MANAGER
        count = inquiry.reminders + 1
        again = now + self._pace.remind_after if count < self._pace.reminders else None
        done = replace(inquiry, manager=manager, reminders=count, remind_at=again)
        _store.save(session, done)
        self._outbox.remind_in(session, done, to.value)
        return _trail.reminded(self._recorder, done, to.value)

    def _manager(self, session: Session, inquiry: Inquiry) -> Identity | None:
        """Find the manager of the person; nobody is asked about their own record."""
        member = self._recipients.member(session, inquiry.person.subject, inquiry.ods)
        found = None if member is None else self._recipients.manager(session, member)
        who = None if found is None else Identity(found.id, found.named_by)
        return None if who is None or self._recipients.is_patient(session, who, inquiry.patient) else who
