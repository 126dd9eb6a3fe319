"""How a call to a stranger ends, and the one error for every way but an answer.

The words are ours: nothing of what the stranger sent, and no address, is repeated in them.
"""

from enum import StrEnum

from governance.errors import Unavailable


class CallOutcome(StrEnum):
    """How a call ended; the label of its metric."""

    ANSWERED = "answered"
    ERROR_STATUS = "error_status"  # an answer too, with a status of 400 or more
    ADDRESS_REFUSED = "address_refused"
    BROKEN = "broken"
    BUSY = "busy"
    REDIRECTED = "redirected"
    REFUSED = "refused"  # of mail: the server answered, and does not take it
    TIMEOUT = "timeout"
    TLS_FAILED = "tls_failed"
    TOO_LONG = "too_long"
    UNREACHABLE = "unreachable"
    UNREADABLE = "unreadable"
    URL_REFUSED = "url_refused"


_DETAILS = {
    CallOutcome.ADDRESS_REFUSED: "The other side's name leads to an address that may not be called.",
    CallOutcome.BROKEN: "The other side's answer broke off or is no HTTP.",
    CallOutcome.BUSY: "Too many calls to the other side are under way.",
    CallOutcome.REDIRECTED: "The other side sent the call elsewhere, which is never followed.",
    CallOutcome.REFUSED: "The other side does not take the message.",
    CallOutcome.TIMEOUT: "The other side did not answer whole in time.",
    CallOutcome.TLS_FAILED: "No TLS connection with the other side that can be trusted.",
    CallOutcome.TOO_LONG: "The other side's answer is too long.",
    CallOutcome.UNREACHABLE: "The other side cannot be reached.",
    CallOutcome.UNREADABLE: "The other side's answer is not compressed as it says, or in a way that is not read.",
    CallOutcome.URL_REFUSED: "The URL is neither https nor loopback.",
}


class OutboundFailed(Unavailable):
    """A call ended without an answer that can be used; ``outcome`` says how, ``for_good`` that it always will."""

    def __init__(self, outcome: CallOutcome, *, for_good: bool = False) -> None:
        super().__init__(f"outbound.{outcome.value}", _DETAILS[outcome])
        self.outcome = outcome
        self.for_good = for_good
