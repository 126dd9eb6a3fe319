"""TLS on the way to a checked address: the name is verified, and a handshake that drips is cut off."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from governance.outbound import Budget, CallOutcome, CallPurpose, Outbound, OutboundFailed, Peers
from tests.fakes.stranger import (
    Stranger,
    document,
    drips_body,
    drips_headers,
    stranger,
    stranger_at_connection,
    two_hundred_megabytes_undeclared,
)
from tests.worlds.certificates import Certificate

TOTAL = 2.0
BOUND = 10 * TOTAL
BUDGETS = {CallPurpose.JWKS: Budget(60.0, 1 << 20)}
SHORT = {CallPurpose.JWKS: Budget(TOTAL, 1 << 20)}  # for what must end by its time


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Make a certificate for ``localhost``, by an authority of its own."""
    return Certificate.made("localhost", datetime.now(UTC)).write(tmp_path, "server")


@pytest.fixture
def outbound(certificate: tuple[str, str]) -> Outbound:
    """Trust that authority; every name leads to loopback and may."""
    return trusting(certificate, BUDGETS)


@pytest.fixture
def impatient(certificate: tuple[str, str]) -> Outbound:
    """Trust it too, and give up soon."""
    return trusting(certificate, SHORT)


def trusting(certificate: tuple[str, str], budgets: Mapping[CallPurpose, Budget]) -> Outbound:
    peers = Peers([(name, ip_network("127.0.0.0/8")) for name in ("localhost", "idp.example")])
    return Outbound(
        peers, resolve=lambda _: [ip_address("127.0.0.1")], authorities=Path(certificate[0]), budgets=budgets
    )


def outcome(outbound: Outbound, url: str) -> CallOutcome:
    began = time.monotonic()
    with pytest.raises(OutboundFailed) as caught:
        outbound.get(CallPurpose.JWKS, url)
    assert time.monotonic() - began < BOUND
    return caught.value.outcome


def test_the_right_name_is_believed(outbound: Outbound, certificate: tuple[str, str]) -> None:
    with stranger(document(), certificate=certificate) as served:
        assert outbound.get(CallPurpose.JWKS, served.url_as("localhost")).body == b'{"a": 1}'


def test_another_name_at_the_same_address_is_not(outbound: Outbound, certificate: tuple[str, str]) -> None:
    with stranger(document(), certificate=certificate) as served:
        assert outcome(outbound, served.url_as("idp.example")) is CallOutcome.TLS_FAILED
        assert not served.requests


def test_an_unknown_authority_is_not_believed(certificate: tuple[str, str]) -> None:
    outbound = Outbound(Peers([("localhost", ip_network("127.0.0.0/8"))]), budgets=BUDGETS)
    with stranger(document(), certificate=certificate) as served:
        assert outcome(outbound, served.url_as("localhost")) is CallOutcome.TLS_FAILED


def test_the_environment_names_the_authorities(
    certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    peers = Peers([("localhost", ip_network("127.0.0.0/8"))])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate[0])
    with stranger(document(), certificate=certificate) as served:
        answer = Outbound(peers, budgets=BUDGETS).get(CallPurpose.JWKS, served.url_as("localhost"))
        assert answer.status == 200
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
        assert outcome(Outbound(peers, budgets=BUDGETS), served.url_as("localhost")) is CallOutcome.TLS_FAILED


def test_what_is_no_tls_is_refused(outbound: Outbound) -> None:
    plain = Stranger("127.0.0.1", scheme="https")
    with stranger_at_connection(plain, 0, lambda met: met.say(b"HTTP/1.1 200 OK\r\n\r\n")):
        assert outcome(outbound, plain.url_as("localhost")) is CallOutcome.TLS_FAILED


def test_a_handshake_that_drips_is_cut_off_by_the_total(impatient: Outbound) -> None:
    record = b"\x16\x03\x03\x40\x00" + b"\x02" * 0x4000  # the header of a long record, then its bytes one by one
    slow = Stranger("127.0.0.1", scheme="https")
    with stranger_at_connection(slow, 0, lambda met: met.drip(record, 0.2)):
        assert outcome(impatient, slow.url_as("localhost")) is CallOutcome.TIMEOUT


@pytest.mark.parametrize("behave", [drips_headers, drips_body])
def test_an_answer_that_drips_inside_tls_is_cut_off_too(
    impatient: Outbound, certificate: tuple[str, str], behave: object
) -> None:
    with stranger(behave, certificate=certificate) as served:  # type: ignore[arg-type]
        assert outcome(impatient, served.url_as("localhost")) is CallOutcome.TIMEOUT


def test_a_long_answer_inside_tls_ends_at_its_limit(outbound: Outbound, certificate: tuple[str, str]) -> None:
    with stranger(two_hundred_megabytes_undeclared, certificate=certificate) as served:
        assert outcome(outbound, served.url_as("localhost")) is CallOutcome.TOO_LONG
