"""A real mail server (aiosmtpd) on a free loopback port, and what it was handed."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ACCEPTED = "250 OK"


@dataclass
class Mailbox:
    """What the server took; ``answers`` are given to the next messages in their place, ``refuses`` to recipients."""

    port: int = 0
    envelopes: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    refuses: str | None = None
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - as the library names it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refuses is not None:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        self.encrypted.append(session.ssl is not None)
        self.envelopes.append(
            (str(envelope.mail_from), list(envelope.rcpt_tos), bytes(envelope.original_content or b""))
        )
        return ACCEPTED

    @property
    def messages(self) -> list[Message]:
        """Give the messages as they are read."""
        return [message_from_bytes(content) for _, _, content in self.envelopes]


class _FreePort(Controller):
    """The library's server on whichever port is free."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(
    certificate: tuple[str, str] | None = None, *, implicit: bool = False, login: tuple[str, str] | None = None
) -> Iterator[Mailbox]:
    """Run one.

    Args:
        certificate: paths of the certificate and the key of its TLS; without one it offers none.
        implicit: TLS from the first byte instead of STARTTLS.
        login: the user and password that it asks for.
    """
    mailbox = Mailbox()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    def admit(_server: object, _session: object, _envelope: object, _mechanism: str, given: object) -> AuthResult:
        fits = isinstance(given, LoginPassword) and (given.login.decode(), given.password.decode()) == login
        return AuthResult(success=fits, handled=fits)

    options: dict[str, object] = {"enable_SMTPUTF8": False}
    if context is not None and not implicit:
        options |= {"tls_context": context, "require_starttls": True}
    if login is not None:
        options |= {"authenticator": admit, "auth_required": True, "auth_require_tls": context is not None}
    controller = _FreePort(mailbox, hostname="127.0.0.1", port=0, ssl_context=context if implicit else None, **options)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()
