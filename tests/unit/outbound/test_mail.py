"""Mail to a real server: over TLS, to whom it may, and cut off whatever the server does.

No time is asserted but a generous multiple of the total: a call that had no end would never come back.
"""

import time
from datetime import UTC, datetime
from email.message import EmailMessage
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from governance.outbound import Budget, CallOutcome, CallPurpose, MailServer, MailTls, Outbound, OutboundFailed, Peers
from tests.fakes.stranger import Conversation, Stranger, stranger_at_connection
from tests.peers.mail_server import mail_server
from tests.worlds.certificates import Certificate

TOTAL = 2.0
BOUND = 10 * TOTAL
GREETING = b"220 mail.example ESMTP\r\n"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Make a certificate for ``localhost``, by an authority of its own."""
    return Certificate.made("localhost", datetime.now(UTC)).write(tmp_path, "server")


class Client:
    """An outbound client that trusts one authority, and what it observed."""

    def __init__(self, authority: str | None = None, seconds: float = 60.0, at_once: int = 4) -> None:
        self.observed: list[tuple[str, str]] = []
        peers = Peers([(name, ip_network("127.0.0.0/8")) for name in ("localhost", "127.0.0.1", "mail.example")])
        self.outbound = Outbound(
            peers,
            observe=lambda purpose, outcome: self.observed.append((purpose.value, outcome.value)),
            resolve=lambda _name: [ip_address("127.0.0.1")],
            authorities=None if authority is None else Path(authority),
            budgets={CallPurpose.MAIL: Budget(seconds, 1 << 16, at_once)},
        )

    def send(self, server: MailServer, to: str = "nia@rrk.example", text: str = "Please answer.\n") -> None:
        self.outbound.mail(server, letter(to, text))

    def fails(self, server: MailServer) -> OutboundFailed:
        began = time.monotonic()
        with pytest.raises(OutboundFailed) as caught:
            self.send(server)
        assert time.monotonic() - began < BOUND
        assert self.observed == [("mail", caught.value.outcome.value)]
        return caught.value


def letter(to: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "governance@region.example"
    message["To"] = to
    message["Subject"] = "A question"
    message.set_content(text)
    return message


def clear(port: int, host: str = "127.0.0.1") -> MailServer:
    return MailServer(host, port, MailTls.NONE)


def test_a_message_arrives_over_starttls_with_a_login(certificate: tuple[str, str]) -> None:
    login = ("governance", "correct horse")
    with mail_server(certificate, login=login) as mailbox:
        client = Client(certificate[0])
        client.send(MailServer("localhost", mailbox.port, credential=login, own_name="governance.example"))
    ((sender, recipients, _),) = mailbox.envelopes
    assert (sender, recipients, mailbox.encrypted) == ("governance@region.example", ["nia@rrk.example"], [True])
    assert mailbox.messages[0].get_payload() == "Please answer.\r\n"
    assert client.observed == [("mail", "answered")]


def test_a_message_arrives_over_tls_from_the_first_byte(certificate: tuple[str, str]) -> None:
    with mail_server(certificate, implicit=True) as mailbox:
        Client(certificate[0]).send(MailServer("localhost", mailbox.port, MailTls.TLS))
    assert len(mailbox.envelopes) == 1


def test_nothing_is_said_to_a_server_without_tls(certificate: tuple[str, str]) -> None:
    with mail_server() as mailbox:
        failed = Client(certificate[0]).fails(MailServer("localhost", mailbox.port, credential=("u", "p")))
    assert failed.outcome is CallOutcome.TLS_FAILED
    assert mailbox.envelopes == []


@pytest.mark.parametrize("tls", [MailTls.STARTTLS, MailTls.TLS])
def test_a_certificate_of_another_name_or_authority_is_not_believed(
    certificate: tuple[str, str], tmp_path: Path, tls: MailTls
) -> None:
    other = Certificate.made("localhost", datetime.now(UTC)).write(tmp_path, "other")
    with mail_server(certificate, implicit=tls is MailTls.TLS) as mailbox:
        for host, authority in (("mail.example", certificate[0]), ("localhost", other[0])):
            failed = Client(authority).fails(MailServer(host, mailbox.port, tls))
            assert failed.outcome is CallOutcome.TLS_FAILED
    assert mailbox.envelopes == []


def test_in_the_clear_only_to_this_machine() -> None:
    with mail_server() as mailbox:
        assert Client().fails(clear(mailbox.port, "mail.example")).outcome is CallOutcome.URL_REFUSED
        Client().send(clear(mailbox.port))
    assert len(mailbox.envelopes) == 1


def test_an_address_inside_is_called_only_where_it_is_registered() -> None:
    observed: list[str] = []
    outbound = Outbound(
        Peers(), observe=lambda _, outcome: observed.append(outcome.value), resolve=lambda _: [ip_address("10.0.0.9")]
    )
    with pytest.raises(OutboundFailed):
        outbound.mail(MailServer("relay.example", 25), letter("nia@rrk.example", "x"))
    assert observed == ["address_refused"]


@pytest.mark.parametrize(
    ("recipient", "data", "for_good"),
    [
        ("550 no such user", None, True),
        ("451 try later", None, False),
        (None, "554 looks like spam", True),
        (None, "452 no room", False),
    ],
)
def test_a_refusal_is_for_good_or_for_now(recipient: str | None, data: str | None, for_good: bool) -> None:
    with mail_server() as mailbox:
        mailbox.refuses, mailbox.answers = recipient, [data] if data else []
        failed = Client().fails(clear(mailbox.port))
    assert (failed.outcome, failed.for_good) == (CallOutcome.REFUSED, for_good)


def test_a_wrong_password_is_no_reason_to_give_a_message_up(certificate: tuple[str, str]) -> None:
    with mail_server(certificate, login=("governance", "right")) as mailbox:
        server = MailServer("localhost", mailbox.port, credential=("governance", "wrong"))
        failed = Client(certificate[0]).fails(server)
    assert (failed.outcome, failed.for_good) == (CallOutcome.REFUSED, False)


def hangs(_: Conversation) -> None:
    _.over.wait()


def drips(conversation: Conversation) -> None:
    conversation.drip(GREETING, every=0.5)
    conversation.over.wait()


def hangs_at_the_end(conversation: Conversation) -> None:
    converse(conversation, silent_at="DATA.")


def floods(conversation: Conversation) -> None:
    conversation.say(GREETING)
    conversation.connection.recv(1024)
    while True:
        conversation.say(b"250-" + b"x" * 400 + b"\r\n")


def breaks_off(conversation: Conversation) -> None:
    conversation.say(b"220 mai")


def says_no(conversation: Conversation) -> None:
    conversation.say(b"554 not today\r\n")


def speaks_http(conversation: Conversation) -> None:
    conversation.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def converse(conversation: Conversation, silent_at: str = "") -> None:
    """Speak SMTP until a word (``DATA.`` is the end of the message), then say nothing."""
    conversation.say(GREETING)
    while line := _line(conversation):
        word = line.split(b" ")[0].split(b":")[0].strip().upper().decode()
        if word == silent_at:
            conversation.over.wait()
            return
        conversation.say(b"354 go on\r\n" if word == "DATA" else b"250 ok\r\n")
        if word == "DATA":
            while _line(conversation) not in {b".\r\n", b""}:
                pass
            if silent_at == "DATA.":
                conversation.over.wait()
                return
            conversation.say(b"250 taken\r\n")


def _line(conversation: Conversation) -> bytes:
    heard = b""
    while not heard.endswith(b"\n"):
        piece = conversation.connection.recv(1)
        if not piece:
            return b""
        heard += piece
    return heard


@pytest.mark.parametrize(
    ("behave", "seconds", "outcome"),
    [
        (hangs, TOTAL, CallOutcome.TIMEOUT),
        (drips, TOTAL, CallOutcome.TIMEOUT),
        (hangs_at_the_end, TOTAL, CallOutcome.TIMEOUT),
        (floods, 60.0, CallOutcome.TOO_LONG),
        (breaks_off, 60.0, CallOutcome.BROKEN),
        (says_no, 60.0, CallOutcome.REFUSED),
        (speaks_http, 60.0, CallOutcome.BROKEN),
    ],
)
def test_a_server_that_misbehaves_is_cut_off(behave, seconds: float, outcome: CallOutcome) -> None:  # type: ignore[no-untyped-def]
    made = Stranger("127.0.0.1", scheme="smtp")
    with stranger_at_connection(made, 0, behave):
        assert Client(seconds=seconds).fails(clear(made.port)).outcome is outcome


def test_a_message_that_was_taken_is_delivered_whatever_the_server_does_then() -> None:
    made = Stranger("127.0.0.1", scheme="smtp")
    with stranger_at_connection(made, 0, lambda conversation: converse(conversation, silent_at="QUIT")):
        client = Client()
        client.send(clear(made.port))
    assert client.observed == [("mail", "answered")]


def test_nobody_is_there() -> None:
    with mail_server() as mailbox:
        port = mailbox.port
    assert Client().fails(clear(port)).outcome is CallOutcome.UNREACHABLE


def test_a_handshake_that_hangs_is_cut_off(certificate: tuple[str, str]) -> None:
    made = Stranger("127.0.0.1", scheme="smtp")

    def offers_and_hangs(conversation: Conversation) -> None:
        conversation.say(GREETING)
        _line(conversation)
        conversation.say(b"250-mail.example\r\n250 STARTTLS\r\n")
        _line(conversation)
        conversation.say(b"220 go ahead\r\n")
        conversation.over.wait()

    with stranger_at_connection(made, 0, offers_and_hangs):
        failed = Client(certificate[0], seconds=TOTAL).fails(MailServer("localhost", made.port))
    assert failed.outcome is CallOutcome.TIMEOUT


def test_headers_cannot_be_smuggled_in() -> None:
    with pytest.raises(ValueError, match="Header"):
        letter("nia@rrk.example\r\nBcc: everybody@rrk.example", "x")
