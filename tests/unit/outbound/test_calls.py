"""Calls to strangers who do not keep the rules: each ends as an error of ours, within the total and the size.

No time is asserted but a generous multiple of the total: a call that had no end would never come back.
"""

import gzip
import logging
import socket
import threading
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from governance.outbound import (
    LOOPBACK,
    Budget,
    CallOutcome,
    CallPurpose,
    Outbound,
    OutboundFailed,
    Peers,
    within,
)
from tests.fakes.stranger import (
    OK,
    Behaviour,
    Conversation,
    Stranger,
    breaks_off,
    breaks_off_in_a_chunk,
    document,
    drips_body,
    drips_headers,
    endless_chunks,
    endless_headers,
    sends_elsewhere,
    silence,
    stranger,
    stranger_at_connection,
    two_hundred_megabytes,
    two_hundred_megabytes_undeclared,
)

TOTAL = 2.0  # seconds
BOUND = 10 * TOTAL
SIZE = 1 << 20
BUDGET = Budget(TOTAL, SIZE, at_once=2)
GENEROUS = Budget(60.0, SIZE, at_once=2)  # for what must end by something else than time


class Client:
    """An outbound client that may call loopback, and what it observed."""

    def __init__(self, budget: Budget = GENEROUS, **options: Any) -> None:
        self.observed: list[tuple[CallPurpose, CallOutcome]] = []
        options.setdefault("peers", Peers(LOOPBACK))
        self.outbound = Outbound(
            observe=lambda *seen: self.observed.append(seen), budgets={CallPurpose.JWKS: budget}, **options
        )

    def get(self, url: str) -> bytes:
        return self.outbound.get(CallPurpose.JWKS, url).body

    def failure(self, url: str) -> CallOutcome:
        began = time.monotonic()
        with pytest.raises(OutboundFailed) as caught:
            self.get(url)
        assert time.monotonic() - began < BOUND
        assert self.observed[-1] == (CallPurpose.JWKS, caught.value.outcome)
        assert caught.value.reason == f"outbound.{caught.value.outcome.value}"
        return caught.value.outcome


def closes(conversation: Conversation) -> None:
    conversation.connection.close()


def talks_nonsense(conversation: Conversation) -> None:
    conversation.say(b"220 mail.example ESMTP\r\n" * 10)


def claims_a_terabyte(conversation: Conversation) -> None:
    conversation.say(OK + b"Content-Length: 1000000000000\r\n\r\n")
    conversation.over.wait()


def claims_a_number_beyond_numbers(conversation: Conversation) -> None:
    conversation.say(OK + b"Content-Length: " + b"9" * 10_000 + b"\r\n\r\n")
    conversation.over.wait()


def bomb(conversation: Conversation) -> None:
    """Send 100 MB as 100 kB."""
    body = gzip.compress(b" " * 100_000_000)
    assert len(body) < SIZE
    conversation.say(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def swells_to_nothing(conversation: Conversation) -> None:
    """Send compressed members without an end, each of nothing."""
    conversation.say(OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    nothing = gzip.compress(b"") * 1000
    while True:
        conversation.say(nothing)


def garbles_its_compression(conversation: Conversation) -> None:
    body = zlib.compress(b" " * 1000)[:-20] + b"x" * 20
    conversation.say(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


PLAIN = b'{"keys": []}' * 100
BARE = zlib.compress(PLAIN)[2:-4]  # RFC 1951: deflate without the header and the checksum of zlib
WHOLE = {
    "gzip": (b"gzip", gzip.compress(PLAIN)),
    "gzip by its old name": (b"X-GZIP", gzip.compress(PLAIN)),
    "gzip of several members": (b"gzip", gzip.compress(PLAIN[:7]) + gzip.compress(PLAIN[7:])),
    "deflate": (b"deflate", zlib.compress(PLAIN)),
    "bare deflate": (b"deflate", BARE),
    "identity": (b"identity", PLAIN),
}
CUT_OFF = {
    "gzip, half of it": (b"gzip", gzip.compress(PLAIN)[:20]),
    "gzip without its checksum": (b"gzip", gzip.compress(PLAIN)[:-8]),
    "gzip, but for its last byte": (b"gzip", gzip.compress(PLAIN)[:-1]),
    "gzip with half a member more": (b"gzip", gzip.compress(PLAIN) + gzip.compress(PLAIN)[:20]),
    "gzip with a byte more": (b"gzip", gzip.compress(PLAIN) + b"\x1f"),
    "deflate without its checksum": (b"deflate", zlib.compress(PLAIN)[:-4]),
    "bare deflate, half of it": (b"deflate", BARE[: len(BARE) // 2]),
    "a byte": (b"deflate", b"x"),
}
NOT_READ = {
    "brotli": (b"br", PLAIN),
    "zstd": (b"zstd", PLAIN),
    "unknown": (b"pied-piper", PLAIN),
    "gzip twice": (b"gzip, gzip", gzip.compress(gzip.compress(PLAIN))),
    "gzip with a wrong checksum": (b"gzip", gzip.compress(PLAIN)[:-8] + b"12345678"),
    "deflate with more behind it": (b"deflate", zlib.compress(PLAIN) + b"more"),
}


def encoded(name: bytes, body: bytes) -> Behaviour:
    return document(body, b"Content-Encoding: " + name + b"\r\n")


SLOW = {"silence": silence, "headers": drips_headers, "body": drips_body}
BROKEN: dict[str, tuple[Behaviour, CallOutcome]] = {
    "a body that breaks off": (breaks_off, CallOutcome.BROKEN),
    "a chunk that breaks off": (breaks_off_in_a_chunk, CallOutcome.BROKEN),
    "no word": (closes, CallOutcome.UNREACHABLE),
    "no HTTP": (talks_nonsense, CallOutcome.BROKEN),
    "garbled compression": (garbles_its_compression, CallOutcome.UNREADABLE),
    "a redirect": (sends_elsewhere, CallOutcome.REDIRECTED),
    "200 MB": (two_hundred_megabytes, CallOutcome.TOO_LONG),
    "200 MB undeclared": (two_hundred_megabytes_undeclared, CallOutcome.TOO_LONG),
    "a terabyte that never comes": (claims_a_terabyte, CallOutcome.TOO_LONG),
    "a length beyond numbers": (claims_a_number_beyond_numbers, CallOutcome.TOO_LONG),
    "chunks without an end": (endless_chunks, CallOutcome.TOO_LONG),
    "headers without an end": (endless_headers, CallOutcome.TOO_LONG),
    "a decompression bomb": (bomb, CallOutcome.TOO_LONG),
    "compressed nothing without an end": (swells_to_nothing, CallOutcome.TOO_LONG),
}


def test_a_whole_answer_is_given_and_counted() -> None:
    client = Client()
    with stranger(document(b'{"keys": []}')) as served:
        answer = client.outbound.get(CallPurpose.JWKS, served.url)
    assert (answer.status, answer.body) == (200, b'{"keys": []}')
    assert answer.headers["content-type"] == "application/json"
    assert client.observed == [(CallPurpose.JWKS, CallOutcome.ANSWERED)]


def test_an_error_status_is_an_answer_and_counted_as_one() -> None:
    client = Client()
    with stranger(lambda met: met.say(b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n")) as served:
        assert client.outbound.get(CallPurpose.JWKS, served.url).status == 503
    assert client.observed == [(CallPurpose.JWKS, CallOutcome.ERROR_STATUS)]


def test_an_observer_that_raises_replaces_no_answer_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def raises(_purpose: CallPurpose, _outcome: CallOutcome) -> None:
        raise KeyError("metric")

    outbound = Outbound(Peers(LOOPBACK), observe=raises, budgets={CallPurpose.JWKS: GENEROUS})
    with stranger(document()) as served, stranger(sends_elsewhere) as elsewhere:
        assert outbound.get(CallPurpose.JWKS, served.url).status == 200
        with pytest.raises(OutboundFailed) as caught:
            outbound.get(CallPurpose.JWKS, elsewhere.url)
    assert caught.value.outcome is CallOutcome.REDIRECTED
    assert [record.getMessage() for record in caplog.records] == ["calls to others are not counted"]


def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(b'{"keys": []}')
    with stranger(document(body, b"Content-Encoding: gzip\r\n")) as served:
        assert Client().get(served.url) == b'{"keys": []}'


@pytest.mark.parametrize("name", WHOLE)
def test_each_compression_that_is_read(name: str) -> None:
    with stranger(encoded(*WHOLE[name])) as served:
        assert Client().get(served.url) == PLAIN


@pytest.mark.parametrize("name", CUT_OFF)
def test_a_compressed_answer_that_is_not_whole_has_broken_off(name: str) -> None:
    with stranger(encoded(*CUT_OFF[name])) as served:
        assert Client().failure(served.url) is CallOutcome.BROKEN


@pytest.mark.parametrize("name", NOT_READ)
def test_a_compression_that_is_not_read_is_an_error(name: str) -> None:
    with stranger(encoded(*NOT_READ[name])) as served:
        assert Client().failure(served.url) is CallOutcome.UNREADABLE


def test_an_empty_answer_needs_no_compression() -> None:
    with stranger(encoded(b"gzip", b"")) as served:
        assert Client().get(served.url) == b""


@pytest.mark.parametrize("name", SLOW)
def test_whoever_drips_or_is_silent_is_cut_off_by_the_total(name: str) -> None:
    client = Client(BUDGET)
    with stranger(SLOW[name]) as served:
        assert client.failure(served.url) is CallOutcome.TIMEOUT


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_is_not_whole_is_an_error_of_ours(name: str) -> None:
    behave, outcome = BROKEN[name]
    client = Client(GENEROUS)
    with stranger(behave) as served:
        assert client.failure(served.url) is outcome
    assert len(served.conversations) == 1


def test_no_more_is_taken_of_a_long_answer_than_its_limit() -> None:
    with stranger(two_hundred_megabytes_undeclared) as served:
        assert Client(GENEROUS).failure(served.url) is CallOutcome.TOO_LONG
    buffers = 32 << 20  # what two kernels may hold on the way
    assert served.conversations[0].sent < SIZE + buffers


def test_an_answer_of_exactly_the_limit_is_taken() -> None:
    with stranger(document(b" " * SIZE)) as served:
        assert len(Client(GENEROUS).get(served.url)) == SIZE


def test_whoever_does_not_listen_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert Client().failure(f"http://127.0.0.1:{port}/") is CallOutcome.UNREACHABLE


def test_whoever_takes_nothing_of_a_question_is_cut_off_by_the_total() -> None:
    """The question is longer than what two kernels hold, and the stranger never reads."""
    client = Client(BUDGET)
    deaf = Stranger("127.0.0.1")
    with (
        stranger_at_connection(deaf, 0, silence),
        client.outbound.equip(requests.Session(), CallPurpose.JWKS) as session,
        pytest.raises(OutboundFailed) as caught,
    ):
        session.post(deaf.url, data=b" " * (64 << 20))
    assert caught.value.outcome is CallOutcome.TIMEOUT


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.rkb.test/jwks",
        "http://127.0.0.1.evil.test/jwks",
        "http://169.254.169.254/jwks",
        "http://10.0.0.1/jwks",
        "http://127.0.0.1@evil.test/jwks",
        "http://user:password@127.0.0.1/jwks",
        "https://user@idp.rkb.test/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "https:///jwks",
        "https://",
        "https://[::1/jwks",
        "https://idp.test:port/jwks",
        "jwks",
        "",
    ],
)
def test_a_url_that_is_neither_https_nor_loopback_is_never_asked(url: str) -> None:
    def resolve(host: str) -> Sequence[Any]:
        raise AssertionError(host)

    with pytest.raises(OutboundFailed) as caught:
        Client(resolve=resolve).get(url)
    assert caught.value.outcome is CallOutcome.URL_REFUSED


def test_nothing_of_the_environment_is_heeded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login operator password sesame\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with stranger(document()) as served:
        assert Client().get(served.url) == b'{"a": 1}'
    assert b"authorization" not in served.requests[0].lower()


def test_what_a_session_says_of_proxies_and_redirects_does_not_count() -> None:
    client = Client()
    with stranger(sends_elsewhere) as served:
        session = client.outbound.equip(requests.Session(), CallPurpose.JWKS)
        session.proxies = {"http": "http://127.0.0.1:1"}
        with pytest.raises(OutboundFailed) as caught:
            session.get(served.url, allow_redirects=True, timeout=0.000_001)
    assert caught.value.outcome is CallOutcome.REDIRECTED
    assert len(served.requests) == 1


# Slots


def test_a_full_host_is_an_error_of_ours_and_only_for_that_host() -> None:
    client = Client(Budget(TOTAL, SIZE, at_once=1))
    long = Budget(BOUND, SIZE, at_once=1)
    release = threading.Event()

    def waits(conversation: Conversation) -> None:
        release.wait(BOUND)
        document()(conversation)

    with stranger(waits) as slow, stranger(document()) as other:
        first = _in_thread(lambda: client.outbound.equip(requests.Session(), CallPurpose.JWKS, long).get(slow.url))
        assert slow.met.acquire(timeout=BOUND)
        assert client.failure(slow.url) is CallOutcome.BUSY
        with client.outbound.equip(requests.Session(), CallPurpose.JWKS, long) as session:
            assert session.get(other.url).status_code == 200
            release.set()
            assert first() == 200
            assert session.get(slow.url).status_code == 200
        assert len(slow.conversations) == 2, "whoever found no slot called nobody"


def test_a_slot_is_free_again_after_every_failure() -> None:
    client = Client(Budget(BOUND, SIZE, at_once=1))
    with stranger(breaks_off) as served:
        outcomes = {client.failure(served.url) for _ in range(5)}
    assert outcomes == {CallOutcome.BROKEN}


# Totals over several calls


def test_a_total_around_several_calls_ends_them_all() -> None:
    client = Client(GENEROUS)
    with stranger(silence) as served, within(TOTAL):
        assert client.failure(served.url) is CallOutcome.TIMEOUT
        assert client.failure(served.url) is CallOutcome.TIMEOUT
    assert len(served.conversations) == 1, "the second began with nothing left"


def test_an_inner_total_never_outlasts_the_outer() -> None:
    with within(1.0) as outer, within(60.0) as inner:
        assert inner.left <= 1.0
        assert outer.left <= 1.0


# What is said


def test_nothing_that_was_sent_is_repeated(caplog: pytest.LogCaptureFixture) -> None:
    def secret(conversation: Conversation) -> None:
        conversation.say(b"HTTP/1.1 200 SECRET-REASON\r\nContent-Length: 99\r\nSECRET HEADER\r\n\r\nSECRET-BODY")

    with caplog.at_level(logging.DEBUG), stranger(secret) as served, pytest.raises(OutboundFailed) as caught:
        Client().get(served.url + "?PatientID=9990000018")
    said = f"{caught.value.reason} {caught.value.detail} {caught.value!r} {caught.value.__cause__} {caplog.text}"
    assert "SECRET" not in said
    assert "9990000018" not in said


def _in_thread(task: Any) -> Any:
    """Begin a request in a thread; gives a function that waits for its status."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(task().status_code))
    thread.start()

    def result() -> int:
        thread.join(BOUND)
        return found[0]

    return result
