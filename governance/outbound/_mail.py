"""Mail (RFC 5321) as a call like any other: its sockets are paid from the call, and TLS is ours.

1. TLS from the first byte (RFC 8314), or after STARTTLS (RFC 3207); a server that does not offer it gets nothing. In
   the clear only to this machine.
2. A message is delivered when its last line was answered. What the server does after that costs nothing.
3. A recipient or a message that is refused with 5xx is refused for good (RFC 5321 section 4.2.1); anything else is
   refused for now.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum

from governance.outbound._sockets import Call
from governance.outbound.failure import CallOutcome, OutboundFailed
from governance.outbound.peers import is_loopback_host

_FOR_NOW = 400
_FOR_GOOD = 500  # replies from here on


class MailTls(StrEnum):
    """How the line to a mail server is secured."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"  # this machine alone


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in: a relay of the operator's, the user and password it asks for, our own name to it."""

    host: str
    port: int
    tls: MailTls = MailTls.STARTTLS
    credential: tuple[str, str] | None = field(default=None, repr=False)
    own_name: str = "localhost"


class _Line(smtplib.SMTP):
    """The library's dialogue over a socket of ours."""

    def __init__(self, call: Call, server: MailServer, context: Callable[[], ssl.SSLContext]) -> None:
        super().__init__(local_hostname=server.own_name)  # or it would look its own name up, however long that takes
        self._call = call
        self._server = server
        self._make_context = context
        self._host = server.host  # whose certificate STARTTLS wants

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened = self._call.connect(host, port)
        if self._server.tls is not MailTls.TLS:
            return opened
        return self._make_context().wrap_socket(opened, server_hostname=host)


def deliver(call: Call, server: MailServer, message: EmailMessage, context: Callable[[], ssl.SSLContext]) -> None:
    """Hand a message in; its ``From`` and ``To`` say who gets it. Raises OutboundFailed."""
    if server.tls is MailTls.NONE and not is_loopback_host(server.host):
        raise OutboundFailed(CallOutcome.URL_REFUSED)
    line = _Line(call, server, context)
    try:
        _hand_in(line, server, message, context)
    except smtplib.SMTPRecipientsRefused as refused:
        raise _refused(max(code for code, _ in refused.recipients.values())) from None
    except smtplib.SMTPDataError as refused:
        raise _refused(refused.smtp_code) from None
    except smtplib.SMTPResponseException:  # the sender, our name or our password: an operator can mend that
        raise OutboundFailed(CallOutcome.REFUSED) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLError):
        raise OutboundFailed(CallOutcome.TLS_FAILED) from None
    except (smtplib.SMTPException, OSError, ValueError):
        raise OutboundFailed(CallOutcome.BROKEN if call.received else CallOutcome.UNREACHABLE) from None
    finally:
        line.close()


def _hand_in(line: _Line, server: MailServer, message: EmailMessage, context: Callable[[], ssl.SSLContext]) -> None:
    code, _ = line.connect(server.host, server.port)
    if code != 220:
        raise OutboundFailed(CallOutcome.REFUSED if code >= _FOR_NOW else CallOutcome.BROKEN)
    line.ehlo_or_helo_if_needed()
    if server.tls is MailTls.STARTTLS:
        line.starttls(context=context())
        line.ehlo()
    if server.credential is not None:
        line.login(*server.credential)
    line.sendmail(str(message["From"]), [str(message["To"])], message.as_bytes(policy=SMTP))
    with suppress(OutboundFailed, OSError, smtplib.SMTPException):  # rule 2
        line.putcmd("quit")


def _refused(code: int) -> OutboundFailed:
    return OutboundFailed(CallOutcome.REFUSED, for_good=code >= _FOR_GOOD)
