"""The two ways by which messages go: mail through a relay, and a signed POST to a system of the operator's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from http import HTTPStatus
from typing import TypeAlias

from governance.clock import Clock
from governance.inquiries.letters import Letter
from governance.inquiries.outbox import NotDelivered
from governance.outbound import CallPurpose, MailServer, Outbound, OutboundFailed

Sign: TypeAlias = Callable[[str, Mapping[str, str], bytes], Mapping[str, str]]
_AGAIN = frozenset(  # statuses after which another try may be of use, beside those of 500 and more
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


class MailChannel:
    """Mail: plain text in ASCII, with a Message-ID that stays the same for the same message.

    Args:
        outbound: the one client for calls to others.
        server: where mail is handed in.
        sender: the address it comes from.
        clock: says when it was written.
    """

    name = "mail"
    addressed = True

    def __init__(self, outbound: Outbound, server: MailServer, sender: str, clock: Clock) -> None:
        self._outbound = outbound
        self._server = server
        self._sender = sender
        self._clock = clock

    def send(self, letter: Letter) -> None:
        """Hand the message to the relay; raises NotDelivered."""
        try:
            self._outbound.mail(self._server, self._mail(letter))
        except OutboundFailed as failed:
            raise NotDelivered(failed.outcome.value, for_good=failed.for_good) from None

    def _mail(self, letter: Letter) -> EmailMessage:
        made = EmailMessage()
        made["From"] = self._sender
        made["To"] = letter.address
        made["Subject"] = letter.subject
        made["Date"] = format_datetime(self._clock.now())
        made["Message-ID"] = f"<{letter.id}@{self._sender.rpartition('@')[2]}>"
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice comes back
        made["Content-Language"] = "en-GB"
        made.set_content(letter.text)
        return made


class WebhookChannel:
    """A POST of JSON, signed by RFC 9421; ``Idempotency-Key`` and ``id`` stay the same for the same message.

    Args:
        outbound: the one client for calls to others.
        url: where it goes.
        sign: gives headers with a signature of the POST among them.
    """

    name = "webhook"
    addressed = False

    def __init__(self, outbound: Outbound, url: str, sign: Sign) -> None:
        self._outbound = outbound
        self._url = url
        self._sign = sign

    def send(self, letter: Letter) -> None:
        """Post the message; raises NotDelivered unless it is answered with success."""
        said = {
            "id": letter.id,
            "event": letter.event,
            "reference": letter.reference,
            "link": letter.link,
            "answer_by": letter.answer_by.isoformat().replace("+00:00", "Z"),
        }
        body = json.dumps(said).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": letter.id}
        try:
            answer = self._outbound.post(CallPurpose.WEBHOOK, self._url, body, self._sign(self._url, headers, body))
        except OutboundFailed as failed:
            raise NotDelivered(failed.outcome.value) from None
        status = answer.status
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            again = status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            raise NotDelivered(f"status_{status}", for_good=not again)
