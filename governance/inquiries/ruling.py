"""What officers see of questions that were asked from an alert, and what they make of the answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlmodel import Session

from governance.alerts import AlertService, Viewer
from governance.audit import Recorder
from governance.clock import Clock
from governance.errors import Forbidden, NotFound
from governance.inquiries import _store, _trail
from governance.inquiries.inquiry import MAXIMUM_REASON, Confirmed, Inquiry, Message, Ruling, ruled, text_of
from governance.pseudonyms import Vault
from governance.storage import Database


class Rulings:
    """The officers' part of inquiries.

    Args:
        database: where they live.
        recorder: records what was made of an answer, in its transaction.
        clock: says when.
        vault: opens the words of answers.
        alerts: say who may see the case that a question was asked from.
    """

    def __init__(
        self, *, database: Database, recorder: Recorder, clock: Clock, vault: Vault, alerts: AlertService
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._vault = vault
        self._alerts = alerts

    def of_case(self, viewer: Viewer, alert: str) -> tuple[Inquiry, ...]:
        """Give the questions that were asked from an alert, oldest first. Raises as the alert's own page does."""
        with self._database.reading() as session:
            self._alerts.get_in(session, viewer, alert)
            return self.of_case_in(session, alert)

    def of_case_in(self, session: Session, alert: str) -> tuple[Inquiry, ...]:
        """Give the same in the caller's snapshot, to who may see the alert."""
        now = self._clock.now()
        return tuple(replace(one, state=one.standing(now)) for one in _store.of_case(session, alert))

    def messages_in(self, session: Session, inquiries: Collection[Inquiry]) -> dict[int, list[Message]]:
        """Give the messages of some inquiries, by the inquiry's number, as they were due."""
        found: dict[int, list[Message]] = {inquiry.number: [] for inquiry in inquiries}
        for message in _store.messages_of(session, list(found)):
            found[message.inquiry].append(message)
        return found

    def words_in(self, session: Session, inquiry: Inquiry) -> str | None:
        """Open the words of an answer; None when there were none, or who gave them was erased."""
        answer = inquiry.answer
        if answer is None or answer.sealed is None:
            return None
        opened = self._vault.unseal(session, answer.owner, answer.sealed)
        return None if opened is None else opened["words"]

    def confirm(self, viewer: Viewer, alert: str, reference: str, reason: str) -> Inquiry:
        """Accept an answer: from here on it explains the looks that were asked about.

        Raises:
            NotFound: there is no such question of the alert, or the viewer may not see it.
            Forbidden: it is about the viewer, their own record, or their own answer.
            Conflict: there is no answer, or it was ruled on.
            InvalidInput: no reason.
        """
        return self._rule(viewer, alert, reference, reason, accepted=True)

    def reject(self, viewer: Viewer, alert: str, reference: str, reason: str) -> Inquiry:
        """Do not accept an answer; raises as :meth:`confirm`."""
        return self._rule(viewer, alert, reference, reason, accepted=False)

    def confirmed(self, session: Session, subjects: Collection[str]) -> tuple[Confirmed, ...]:
        """Give what was confirmed of the looks of some people (pseudonyms): what explains them, and since when."""
        return tuple(_store.confirmed(session, subjects))

    def _rule(self, viewer: Viewer, alert: str, reference: str, reason: str, *, accepted: bool) -> Inquiry:
        now, words = self._clock.now(), text_of(reason, "/reason", MAXIMUM_REASON)
        with self._database.transaction() as session:
            self._alerts.get_in(session, viewer, alert)
            inquiry = _store.find(session, reference, lock=True)
            if inquiry is None or inquiry.case != alert:
                raise NotFound("inquiry.unknown", "There is no such question.")
            if viewer.id in {inquiry.person.subject, inquiry.manager.subject if inquiry.manager else None}:
                raise Forbidden("inquiry.own_answer", "Nobody rules on a question that they were asked.")
            done = ruled(inquiry, Ruling(viewer.id, now, words), accepted=accepted)
            made = _trail.confirmed if accepted else _trail.rejected
            _store.save(session, done)
            (index,) = self._recorder.record_all_in(session, [made(self._recorder, done, viewer)])
            if accepted:
                done = replace(done, ruling=Ruling(viewer.id, now, words, index))
                _store.save(session, done)
            return done
