"""What the pages of questions show: to officers on the alert, and to whoever was asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g
from sqlmodel import Session

from governance.console._context import snapshot
from governance.console._guard import may, viewer
from governance.console._names import trust_names
from governance.console._rows import named
from governance.errors import NotFound
from governance.inquiries import Asked, Identity, Inquiry, InquiryState, LookSeen, Message
from governance.vocabulary import Scope
from governance.web.services import current_services

_WORDS = 5  # answers of one alert whose words are opened; the newest


@dataclass(frozen=True, slots=True)
class Question:
    """One question of an alert as an officer sees it: its messages, and the words of its answer once there is one.

    ``sealed`` says that there are words which cannot be shown: who gave them was erased, or the viewer may not review.
    """

    inquiry: Inquiry
    messages: tuple[Message, ...]
    words: str | None = None
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class AskedPage:
    """One question as whoever was asked sees it; ``about`` is the user id that a manager is asked about."""

    inquiry: Inquiry
    part: Asked
    looks: tuple[tuple[LookSeen, str | None], ...]
    about: str | None

    @property
    def open(self) -> bool:
        """Say whether it waits for an answer."""
        return self.inquiry.state is InquiryState.OPEN


def questions_of(session: Session, alert: str) -> tuple[Question, ...]:
    """Give the questions of an alert that the viewer may see, oldest first."""
    inquiries = current_services().uses.inquiries
    found = inquiries.of_case_in(session, alert)
    messages = inquiries.messages_in(session, found)
    opened = _opened(session, found) if may(Scope.ALERTS_REVIEW) else {}
    return tuple(
        Question(
            inquiry=one,
            messages=tuple(messages[one.number]),
            words=opened.get(one.number),
            sealed=one.answer is not None and one.answer.sealed is not None and one.number not in opened,
        )
        for one in found
    )


def question_of(alert: str, reference: str) -> Question:
    """Give one question of an alert; raises NotFound, and as the alert's own page does."""
    with snapshot() as session:
        current_services().uses.alerts.get_in(session, viewer(), alert)
        for question in questions_of(session, alert):
            if question.inquiry.reference == reference:
                return question
    raise NotFound("inquiry.unknown", "There is no such question.")


def asked_page_of(reference: str) -> AskedPage:
    """Assemble the page of a question for whoever was asked; raises NotFound for anybody else."""
    inquiries, names = current_services().uses.inquiries, trust_names()
    inquiry, part = inquiries.opened(identity(), reference)
    looks = tuple((look, named(look.custodian, names)) for look in inquiries.looks(inquiry))
    return AskedPage(inquiry, part, looks, inquiries.named(inquiry) if part is Asked.MANAGER else None)


def identity() -> Identity:
    """Give who is signed in, as they are asked."""
    found: Identity = g.identity
    return found


def _opened(session: Session, inquiries: Sequence[Inquiry]) -> dict[int, str]:
    """Open the words of the newest answers, by the number of their question."""
    said = [one for one in inquiries if one.answer is not None and one.answer.sealed is not None][-_WORDS:]
    opened = {one.number: current_services().uses.inquiries.words_in(session, one) for one in said}
    return {number: words for number, words in opened.items() if words is not None}
