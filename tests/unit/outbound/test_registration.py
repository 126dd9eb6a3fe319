"""Whom the settings let the service call at addresses that are not public."""

import pytest

from governance.bootstrap._outbound import make_outbound
from governance.outbound import CallOutcome, CallPurpose, OutboundFailed
from governance.settings import ArchivePlace, Settings
from governance.telemetry import Metrics
from tests.fakes.stranger import document, stranger


def outcome(settings: Settings, url: str, metrics: Metrics | None = None) -> CallOutcome:
    outbound = make_outbound(settings, metrics or Metrics())
    try:
        outbound.get(CallPurpose.JWKS, url)
    except OutboundFailed as failed:
        return failed.outcome
    return CallOutcome.ANSWERED


@pytest.fixture
def production(settings: Settings) -> Settings:
    return settings.replaced(profile="production")


def test_loopback_is_registered_in_the_demo_and_nowhere_else(settings: Settings, production: Settings) -> None:
    with stranger(document()) as served:
        for host in ("127.0.0.1", "localhost"):
            assert outcome(settings, served.url_as(host)) is CallOutcome.ANSWERED
            assert outcome(production, served.url_as(host)) is CallOutcome.ADDRESS_REFUSED


def test_a_peer_of_the_settings_is_registered(production: Settings) -> None:
    with stranger(document()) as served:
        registered = production.replaced(outbound_peers="localhost=127.0.0.0/8, localhost=::1")
        assert outcome(registered, served.url_as("localhost")) is CallOutcome.ANSWERED
        assert outcome(registered, served.url) is CallOutcome.ADDRESS_REFUSED
        elsewhere = production.replaced(outbound_peers="localhost=10.0.0.0/8")
        assert outcome(elsewhere, served.url_as("localhost")) is CallOutcome.ADDRESS_REFUSED


def test_the_archives_and_the_opa_of_the_settings_need_no_second_registration(production: Settings) -> None:
    with stranger(document()) as served:
        archive = production.replaced(
            dicomweb_archives={"archive-rrk": ArchivePlace(f"http://127.0.0.1:{served.port}/dw")}
        )
        opa = production.replaced(opa_url=f"http://localhost:{served.port}")
        assert outcome(archive, served.url) is CallOutcome.ANSWERED
        assert outcome(opa, served.url_as("localhost")) is CallOutcome.ANSWERED
        assert outcome(archive, served.url_as("localhost")) is CallOutcome.ADDRESS_REFUSED
        assert outcome(opa, served.url) is CallOutcome.ADDRESS_REFUSED


def test_calls_are_counted_by_purpose_and_outcome(settings: Settings, production: Settings) -> None:
    metrics = Metrics()
    with stranger(document()) as served:
        outcome(settings, served.url, metrics)
        outcome(production, served.url, metrics)
    counts = {
        sample.labels["outcome"]: sample.value
        for family in metrics.registry.collect()
        if family.name == "governance_outbound_calls"
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert counts == {"answered": 1.0, "address_refused": 1.0}
