"""Questions and answers in words."""

from collections.abc import Mapping

from governance.inquiries import AnswerCode, Asked, InquiryState, Message, MessageState

ASKED: Mapping[Asked, str] = {
    Asked.PERSON: "The person who opened the images",
    Asked.MANAGER: "Their manager",
}
ASKED_HINTS: Mapping[str, str] = {
    "person": "They know best. Nobody is asked about their own record.",
    "manager": "When asking the person might do harm, or they have left. The person is not told.",
}
ANSWERS: Mapping[AnswerCode, str] = {
    AnswerCode.TREATING: "Caring for the patient",
    AnswerCode.ASKED_BY_COLLEAGUE: "A colleague asked for it",
    AnswerCode.TEACHING_OR_AUDIT: "Teaching, audit or quality work",
    AnswerCode.BY_MISTAKE: "Opened by mistake",
    AnswerCode.SHOULD_NOT_HAVE: "They should not have been opened",
    AnswerCode.OTHER: "Something else",
}
ANSWER_HINTS: Mapping[str, str] = {
    "asked_by_colleague": "Say who asked.",
    "by_mistake": "For example, the wrong patient of a similar name.",
    "other": "Say what it was.",
    "should_not_have": "It is better said now. Say what happened if you like.",
}
RULING_HINTS: Mapping[str, str] = {
    "confirm": "These looks count as explained, with the day before and after. Nobody gets any access by it.",
    "reject": "They stay unexplained. Close the alert with your verdict.",
}
INQUIRY_STATES: Mapping[InquiryState, str] = {
    InquiryState.ANSWERED: "Answered",
    InquiryState.CONFIRMED: "Confirmed",
    InquiryState.EXPIRED: "Not answered in time",
    InquiryState.OPEN: "Waiting for an answer",
    InquiryState.REJECTED: "Not accepted",
}
INQUIRY_COLOURS: Mapping[InquiryState, str] = {
    InquiryState.ANSWERED: "purple",
    InquiryState.CONFIRMED: "green",
    InquiryState.EXPIRED: "orange",
    InquiryState.OPEN: "blue",
    InquiryState.REJECTED: "red",
}
LOOKS: Mapping[str, str] = {
    "access": "Opened",
    "break_glass": "Opened as an emergency",
    "export": "Exported",
    "print": "Printed",
}
_CHANNELS = {"mail": "Mail", "webhook": "Message by the trust's own system"}
_TO = {"mailbox": "the privacy mailbox", "manager": "the manager", "person": "the person"}
_STATES: Mapping[MessageState, str] = {
    MessageState.DROPPED: "not sent, the answer was there before",
    MessageState.GIVEN_UP: "given up after {tries} ({outcome})",
    MessageState.SENT: "sent",
    MessageState.WAITING: "waiting",
}


def message_sentence(message: Message) -> str:
    """Say what became of a message: ``Reminder by mail to the manager: sent``."""
    kind = "Reminder: " if message.kind == "reminder" else ""
    tries = "1 try" if message.attempts == 1 else f"{message.attempts} tries"
    state = _STATES[message.state].format(tries=tries, outcome=(message.outcome or "").replace("_", " "))
    if message.state is MessageState.WAITING and message.attempts:
        state = f"waiting for the next try, {tries} so far ({(message.outcome or 'no answer yet').replace('_', ' ')})"
    channel, to = _CHANNELS.get(message.channel, message.channel), _TO.get(message.to, message.to)
    return f"{kind}{channel} to {to}: {state}"
