"""Asking, and answering."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlmodel import Session

from governance.alerts import AlertService, Viewer
from governance.audit import AuditLog, AuditSearch, Event, Query, Recorder
from governance.audit.event import RecordedEvent
from governance.clock import Clock
from governance.errors import Conflict, Fault, InvalidInput, NotFound
from governance.federation import StaffMember
from governance.inquiries import _store, _trail
from governance.inquiries.inquiry import (
    MAXIMUM_LOOKS,
    MAXIMUM_WHY,
    Answer,
    AnswerCode,
    Asked,
    Identity,
    Inquiry,
    InquiryState,
    LookSeen,
    Pace,
    answered,
    text_of,
    words_of,
)
from governance.inquiries.outbox import Outbox
from governance.inquiries.recipients import Recipients
from governance.inquiries.ruling import Rulings
from governance.pseudonyms import OwnerForgotten, Vault
from governance.storage import Database
from governance.telemetry import Metrics
from governance.vocabulary import EventKind

SEEN = frozenset({EventKind.ACCESS, EventKind.BREAK_GLASS, EventKind.EXPORT, EventKind.PRINT})  # what is asked about
_REFERENCE = 16  # random bytes
_NOT_THERE = "There is no such question, or it is not for you."


class Inquiries(Rulings):
    """The questions of the region.

    Args:
        database: where they live.
        recorder: records every step in the transaction of the step.
        clock: says when somebody asked or answered.
        vault: seals the words of answers.
        log: opens who a manager is asked about.
        search: finds the looks.
        alerts: say who may see the case that a question was asked from.
        recipients: find people.
        outbox: sends.
        metrics: counts answers.
        pace: how long things take.
        random: source of random bytes (length in, bytes out).
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        vault: Vault,
        log: AuditLog,
        search: AuditSearch,
        alerts: AlertService,
        recipients: Recipients,
        outbox: Outbox,
        metrics: Metrics,
        pace: Pace,
        random: Callable[[int], bytes],
    ) -> None:
        super().__init__(database=database, recorder=recorder, clock=clock, vault=vault, alerts=alerts)
        self._log = log
        self._search = search
        self._recipients = recipients
        self._outbox = outbox
        self._metrics = metrics
        self._pace = pace
        self._random = random

    # Asking

    def ask(self, viewer: Viewer, alert: str, asked: Asked, why: str) -> Inquiry:
        """Ask about what an alert is about, for who may review it.

        Raises:
            NotFound, Forbidden: as the alert's own page does.
            Conflict: the alert names no one person and one patient, or as :meth:`open_in`.
            InvalidInput: as :meth:`open_in`.
        """
        with self._database.transaction() as session:
            case = self._alerts.get_in(session, viewer, alert)
            if case.subject is None or case.patient is None or not case.subject.startswith("s-"):
                raise Conflict("inquiry.nobody_to_ask", "This alert is not about one person and one patient.")
            return self.open_in(
                session,
                subject=case.subject,
                patient=case.patient,
                looks=case.events,
                why=why,
                case=alert,
                asked=asked,
                viewer=viewer,
            )

    def open_in(
        self,
        session: Session,
        *,
        subject: str,
        patient: str,
        looks: Sequence[int],
        why: str,
        case: str | None = None,
        asked: Asked = Asked.PERSON,
        viewer: Viewer | None = None,
    ) -> Inquiry:
        """Ask in the caller's write transaction, or give the question that is open already. Call it last: it records.

        Args:
            session: the transaction.
            subject: pseudonym of the person who looked.
            patient: pseudonym of the patient.
            looks: log indexes; those that are no looks of this person at this patient are left out.
            why: a sentence for the officer and the person, without any identifier.
            case: the alert it is asked from.
            asked: whom to ask.
            viewer: who asks; None when the service does.

        Raises:
            Conflict: the person is not on the staff register, has no manager there, or it is their own record.
            InvalidInput: no such look, or no sentence.
        """
        now = self._clock.now()
        seen = self._looks(session, subject, patient, looks)
        sentence = text_of(why, "/why", MAXIMUM_WHY)
        if not seen:
            raise InvalidInput([Fault("/looks", "holds no look of this person at this patient")])
        member, manager = self._whom(session, seen[-1], patient, asked)
        person = Identity(subject, member.named_by)
        known = _store.open_of(session, person, patient)
        if known is not None and known.standing(now) is InquiryState.OPEN:
            return known
        overdue = [] if known is None else [self._close(session, known)]
        inquiry = Inquiry(
            number=0,
            reference=f"q-{base64.b32encode(self._random(_REFERENCE)).decode().rstrip('=').lower()}",
            person=person,
            ods=member.ods,
            patient=patient,
            looks=tuple(event.index for event in seen),
            first_at=min(event.time for event in seen),
            last_at=max(event.time for event in seen),
            asked=asked,
            manager=manager,
            case=case,
            why=sentence,
            asked_by=None if viewer is None else viewer.id,
            opened_at=now,
            expires_at=now + self._pace.lifetime,
            remind_at=now + self._pace.remind_after,
            reminders=0,
            state=InquiryState.OPEN,
        )
        return self._put(session, inquiry, viewer, overdue)

    # Answering

    def mine(self, who: Identity) -> tuple[Inquiry, ...]:
        """Give the questions that somebody may open now, newest first."""
        with self._database.reading() as session:
            return self.mine_in(session, who)

    def mine_in(self, session: Session, who: Identity) -> tuple[Inquiry, ...]:
        """Give the same in the caller's snapshot."""
        found = _store.asked_of(session, who, self._clock.now())
        return tuple(one for one in found if not self._recipients.is_patient(session, who, one.patient))

    def opened(self, who: Identity, reference: str) -> tuple[Inquiry, Asked]:
        """Give a question to whoever was asked, and in which part they may answer.

        Raises:
            NotFound: there is none, it is not for them, or its time is over: nobody learns which.
        """
        with self._database.reading() as session:
            return self._opened_to(session, who, _store.find(session, reference))

    def looks(self, inquiry: Inquiry) -> tuple[LookSeen, ...]:
        """Give what the person themselves saw of the looks that are asked about, oldest first."""
        with self._database.reading() as session:
            found = self._looks(session, inquiry.person.subject, inquiry.patient, inquiry.looks)
        return tuple(map(_seen, found))

    def named(self, inquiry: Inquiry) -> str | None:
        """Give the user id of the person to the manager who is asked about them; None when their key was destroyed."""
        with self._database.reading() as session:
            found = self._looks(session, inquiry.person.subject, inquiry.patient, inquiry.looks)
        return next((name for event in reversed(found) if (name := self._log.reveal(event).subject)), None)

    def answer(self, who: Identity, reference: str, code: AnswerCode, words: str) -> Inquiry:
        """Answer, once.

        Raises:
            NotFound: as :meth:`opened`.
            Conflict: it was answered already, or the person was erased.
            InvalidInput: the code needs words, or they are too long.
        """
        now = self._clock.now()
        said = words_of(code, words)
        with self._database.transaction() as session:
            inquiry, part = self._opened_to(session, who, _store.find(session, reference, lock=True))
            given = Answer(code, part, who.subject, now, self._sealed(session, who.subject, said))
            done = answered(inquiry, given)
            _store.save(session, done)
            self._recorder.record_all_in(session, [_trail.answered(self._recorder, done, given, who)])
        self._metrics.inquiry_answered(answer=code.value, by=part.value)
        return done

    def _opened_to(self, session: Session, who: Identity, inquiry: Inquiry | None) -> tuple[Inquiry, Asked]:
        part = None if inquiry is None else inquiry.open_to(who, self._clock.now())
        if inquiry is None or part is None or self._recipients.is_patient(session, who, inquiry.patient):
            raise NotFound("inquiry.unknown", _NOT_THERE)
        return inquiry, part

    def _looks(self, session: Session, subject: str, patient: str, indexes: Sequence[int]) -> list[RecordedEvent]:
        """Give the looks of a person at a patient among some entries, oldest first."""
        query = Query(subject=subject, patient=patient, kinds=SEEN)
        return self._search.among_in(session, sorted(indexes), query, MAXIMUM_LOOKS)[::-1]

    def _whom(
        self, session: Session, look: RecordedEvent, patient: str, asked: Asked
    ) -> tuple[StaffMember, Identity | None]:
        """Find who looked on the staff register, and their manager if it is they who are asked. Raises Conflict."""
        who = look.subject
        member = None if who is None else self._recipients.member(session, who.id, who.ods)
        if member is None:
            raise Conflict("inquiry.not_on_file", "This person is not on the staff register, so nobody can be asked.")
        if asked is Asked.MANAGER:
            return member, self._manager(session, member, patient)
        if self._recipients.is_patient(session, Identity(member.id, member.named_by), patient):
            raise Conflict("inquiry.own_record", "Nobody is asked about their own record. Ask the manager.")
        return member, None

    def _put(self, session: Session, inquiry: Inquiry, viewer: Viewer | None, owed: list[Event]) -> Inquiry:
        """Keep a new question, queue its messages and record it; or give the one that another process just asked."""
        added = _store.add(session, inquiry)
        if added is not None:
            self._outbox.ask_in(session, added)
            self._recorder.record_all_in(session, [*owed, _trail.opened(self._recorder, added, viewer)])
            return added
        found = _store.open_of(session, inquiry.person, inquiry.patient)
        if found is None:
            raise Conflict("inquiry.raced", "Somebody else asked at the same moment; look again.")
        return found

    def _manager(self, session: Session, member: StaffMember, patient: str) -> Identity:
        manager = self._recipients.manager(session, member)
        if manager is None or self._recipients.is_patient(session, Identity(manager.id, manager.named_by), patient):
            raise Conflict("inquiry.no_manager", "No manager of this person who could be asked is on the register.")
        return Identity(manager.id, manager.named_by)

    def _close(self, session: Session, inquiry: Inquiry) -> Event:
        """Close a question whose time is over; gives the record that is owed."""
        over = replace(inquiry, state=InquiryState.EXPIRED)
        _store.save(session, over)
        return _trail.expired(self._recorder, over)

    def _sealed(self, session: Session, owner: str, words: str | None) -> str | None:
        if words is None:
            return None
        try:
            return self._vault.seal(session, owner, {"words": words})
        except OwnerForgotten:
            raise Conflict("inquiry.erased", "Nothing more is kept of this person.") from None


def _seen(event: RecordedEvent) -> LookSeen:
    resource = event.resource
    return LookSeen(
        index=event.index,
        at=event.time,
        what=event.kind.value,
        modality=resource.modality if resource else None,
        body_part=resource.body_part if resource else None,
        study_date=resource.study_date if resource else None,
        custodian=resource.custodian if resource else None,
    )
