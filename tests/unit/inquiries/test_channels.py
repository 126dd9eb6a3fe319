"""The two ways out, against real servers: what arrives, signed and whole, and what a refusal means for the next try."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)
from joserfc.util import urlsafe_b64decode

from governance.clock import FixedClock
from governance.inquiries import MessageState, NotDelivered
from governance.inquiries.channels import MailChannel, WebhookChannel
from governance.outbound import LOOPBACK, Budget, CallPurpose, MailServer, MailTls, Outbound, Peers
from governance.storage import Database
from governance.tokens.message_key import MessageKeys
from tests.fakes.stranger import silence, stranger
from tests.peers.mail_server import mail_server
from tests.worlds.asking import NIA, PATIENT, AskingWorld

KEYS = MessageKeys.of(b"e" * 32, 1)


@dataclass
class Receiver:
    """A web server that keeps what is posted to it and answers with a status."""

    url: str = ""
    status: int = 202
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.posted.append((made.url, dict(self.headers), body))
            self.send_response(made.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/hooks/governance?team=ig"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client(seconds: float = 60.0) -> Outbound:
    budget = Budget(seconds, 1 << 16)
    return Outbound(Peers(LOOPBACK), budgets={CallPurpose.MAIL: budget, CallPurpose.WEBHOOK: budget})


def webhook(url: str, seconds: float = 60.0) -> WebhookChannel:
    now = datetime.now(UTC)
    return WebhookChannel(client(seconds), url, lambda url, headers, body: KEYS.present.signed(url, headers, body, now))


def mail(port: int, clock: FixedClock) -> MailChannel:
    return MailChannel(client(), MailServer("127.0.0.1", port, MailTls.NONE), "governance@region.example", clock)


def verified(url: str, headers: dict[str, str], body: bytes) -> dict[str, object]:
    """Verify a post as its receiver would, by the published key; gives what the signature covers."""
    keys = {jwk["kid"]: _public(jwk) for jwk in KEYS.published()["keys"]}
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519, key_resolver=MappingKeyResolver(public_keys=keys, private_keys={})
    )
    request = SimpleNamespace(method="POST", url=url, headers=headers)
    (found,) = verifier.verify(request, body=body, expect_tag="imaging-governance", max_age=timedelta(minutes=5))
    return dict(found.covered_components)


def _public(jwk: dict[str, str]) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(jwk["x"].encode()))


def test_a_mail_arrives_and_says_a_reference_alone(database: Database, clock: FixedClock) -> None:
    with mail_server() as mailbox:
        world = AskingWorld(database, clock, [mail(mailbox.port, clock)]).seeded()
        inquiry = world.asked()
        world.outbox.run_once()
    ((sender, recipients, _),) = mailbox.envelopes
    (message,) = mailbox.messages
    assert (sender, recipients) == ("governance@region.example", [f"{NIA}@rrk.example"])
    assert message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(message["Date"]) == clock.now()
    text = message.get_payload()
    assert f"https://governance.example/console/asked/{inquiry.reference}" in text
    for secret in (NIA, PATIENT, inquiry.patient, "RRK", "CT"):
        assert secret not in text.replace(inquiry.reference, "")
    with database.reading() as session:
        (row,) = world.inquiries.messages_in(session, [inquiry])[inquiry.number]
    assert message["Message-ID"] == f"<{row.id}@region.example>"
    assert row.state is MessageState.SENT


def test_a_mail_that_was_not_taken_comes_again_as_the_same(sqlite_database: Database, clock: FixedClock) -> None:
    with mail_server() as mailbox:
        world = AskingWorld(sqlite_database, clock, [mail(mailbox.port, clock)]).seeded()
        world.asked()
        mailbox.answers = ["451 greylisted"]
        world.outbox.run_once()
        assert mailbox.envelopes == []
        clock.advance(timedelta(minutes=1))
        world.outbox.run_once()
    assert len(mailbox.envelopes) == 1


def test_a_post_is_signed_and_says_a_reference_alone(database: Database, clock: FixedClock) -> None:
    with receiver() as received:
        world = AskingWorld(database, clock, [webhook(received.url)]).seeded()
        inquiry = world.asked()
        world.outbox.run_once()
    ((url, headers, body),) = received.posted
    said = json.loads(body)
    assert set(said) == {"id", "event", "reference", "link", "answer_by"}
    assert (said["event"], said["reference"]) == ("inquiry.asked", inquiry.reference)
    assert headers["Idempotency-Key"] == said["id"]
    covered = verified(url, headers, body)
    assert {name.strip('"') for name in covered} >= {
        "@method",
        "@target-uri",
        "content-type",
        "idempotency-key",
        "content-digest",
    }
    for altered in (
        (url, headers, body.replace(b"q-", b"x-")),
        (url, headers | {"Idempotency-Key": "another"}, body),
        (url.replace("ig", "soc"), headers, body),
    ):
        with pytest.raises(InvalidSignature):
            verified(*altered)


@pytest.mark.parametrize(
    ("status", "for_good"), [(400, True), (410, True), (422, True), (404, False), (429, False), (503, False)]
)
def test_what_a_receiver_answers_decides_on_the_next_try(status: int, for_good: bool, world: AskingWorld) -> None:
    letter = _letter(world)
    with receiver() as received:
        received.status = status
        with pytest.raises(NotDelivered) as failed:
            webhook(received.url).send(letter)
    assert (failed.value.outcome, failed.value.for_good) == (f"status_{status}", for_good)


def test_a_receiver_that_hangs_or_sends_elsewhere_is_cut_off(world: AskingWorld) -> None:
    letter = _letter(world)
    with stranger(silence) as hanging, pytest.raises(NotDelivered) as failed:
        webhook(hanging.url, seconds=1.0).send(letter)
    assert (failed.value.outcome, failed.value.for_good) == ("timeout", False)
    with receiver() as received:
        received.status = 302
        with pytest.raises(NotDelivered) as sent_on:
            webhook(received.url).send(letter)
    assert sent_on.value.outcome == "status_302"  # without a Location it leads nowhere
    with pytest.raises(NotDelivered) as insecure:
        webhook("http://hooks.example/").send(letter)
    assert insecure.value.outcome == "url_refused"


def test_the_keys_of_two_generations_are_published_and_differ() -> None:
    keys = KEYS.published()["keys"]
    assert len({key["kid"] for key in keys}) == 2
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in keys)
    assert MessageKeys.of(b"e" * 32, 2).present.kid == KEYS.next.kid


def _letter(world: AskingWorld):  # type: ignore[no-untyped-def]
    world.asked()
    world.outbox.run_once()
    return world.channel.sent[0]
