"""Where calls may lead: the address that is connected to is judged, at that moment, and no other is used."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from ipaddress import ip_address, ip_network

import pytest

from governance.outbound import (
    LOOPBACK,
    Budget,
    CallOutcome,
    CallPurpose,
    Deadline,
    Outbound,
    OutboundFailed,
    Peers,
)
from governance.outbound._resolver import Resolver
from governance.outbound.peers import IPAddress, host_and_port, is_loopback_host, is_public
from tests.fakes.stranger import document, stranger

TOTAL = 2.0
BOUND = 10 * TOTAL
BUDGETS = {CallPurpose.OPA: Budget(60.0, 1 << 20, plain_http=True)}
SHORT = {CallPurpose.OPA: Budget(TOTAL, 1 << 20, plain_http=True)}  # for what must end by its time
PUBLIC = ["8.8.8.8", "81.2.69.142", "2a00:1450:4009::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]
REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2001:0:a00:1::1",
    "2002:a00:1::1",
    "2002:7f00:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


class Names:
    """A resolver of the test's own: each look-up of a name gives the next of its answers, the last one for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[IPAddress]:
        self.asked.append(host)
        left = self._answers[host]
        return [ip_address(text) for text in (left.pop(0) if len(left) > 1 else left[0])]


def call(outbound: Outbound, url: str) -> bytes:
    return outbound.get(CallPurpose.OPA, url).body


def outcome(outbound: Outbound, url: str) -> CallOutcome:
    began = time.monotonic()
    with pytest.raises(OutboundFailed) as caught:
        call(outbound, url)
    assert time.monotonic() - began < BOUND
    return caught.value.outcome


# The rule


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert is_public(ip_address(address))
    assert Peers().allows("idp.example", ip_address(address))


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not Peers().allows("idp.example", ip_address(address))


def test_a_registered_peer_may_be_in_its_networks_and_nowhere_else() -> None:
    peers = Peers([("IdP.Example.", ip_network("10.20.0.0/16")), ("idp.example", ip_network("fd00::/8"))])
    for good in ("10.20.0.1", "::ffff:10.20.255.1", "fd00::1"):
        assert peers.allows("idp.example", ip_address(good))
    for bad in ("10.21.0.1", "127.0.0.1", "169.254.169.254", "8.8.8.8", "fe80::1"):
        assert not peers.allows("idp.example", ip_address(bad))
    assert not peers.allows("other.example", ip_address("10.20.0.1"))
    assert not peers.allows("sub.idp.example", ip_address("10.20.0.1"))


def test_a_service_of_the_operators_own_may_be_inside_or_public_but_not_link_local() -> None:
    peers = Peers(own=["https://pacs.example/dicom-web", "http://10.1.2.3:8181", "http://[::1]:8181"])
    for good in ("10.9.9.9", "127.0.0.1", "192.168.1.1", "fd00::1", "8.8.8.8"):
        assert peers.allows("pacs.example", ip_address(good))
    for bad in ("169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1"):
        assert not peers.allows("pacs.example", ip_address(bad))
    assert peers.allows("10.1.2.3", ip_address("10.1.2.3"))
    assert not peers.allows("10.1.2.3", ip_address("10.1.2.4"))
    assert peers.allows("::1", ip_address("::1"))


def test_a_service_of_ones_own_that_is_registered_is_held_to_its_network() -> None:
    peers = Peers([("pacs.example", ip_network("10.0.0.0/24"))], own=["https://pacs.example"])
    assert peers.allows("pacs.example", ip_address("10.0.0.9"))
    assert not peers.allows("pacs.example", ip_address("10.0.1.9"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://idp.example/jwks", "idp.example:443"),
        ("https://idp.example:443/", "idp.example:443"),
        ("https://IdP.Example.:443/", "idp.example:443"),
        ("https://idp.example./", "idp.example:443"),
        ("https://idp.example:/", "idp.example:443"),
        ("https://idp.example:8443/", "idp.example:8443"),
        ("http://localhost/", "localhost:80"),
        ("http://127.0.0.1:0/", "127.0.0.1:0"),
        ("https://[2A00:0:0::1]/", "2a00::1:443"),
    ],
)
def test_a_host_is_one_however_it_is_spelled(url: str, expected: str) -> None:
    assert host_and_port(url) == expected


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_by_its_name(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", [None, "", "127.0.0.1.evil.test", "10.0.0.1", "localhost.evil.test", "0.0.0.0", "::2"])
def test_not_this_machine(host: str | None) -> None:
    assert not is_loopback_host(host)


# The connection


def test_a_name_that_resolves_to_10_0_0_1_is_refused_and_nobody_is_called() -> None:
    names = Names(idp_example=[["10.0.0.1"]])
    assert outcome(Outbound(resolve=names, budgets=BUDGETS), "https://idp.example/jwks") is CallOutcome.ADDRESS_REFUSED
    assert names.asked == ["idp.example"]


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "127.0.0.1", "0.0.0.0"])
def test_an_address_in_the_url_is_judged_alike(host: str) -> None:
    assert outcome(Outbound(budgets=BUDGETS), f"http://{host}:9/") is CallOutcome.ADDRESS_REFUSED


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "127.1", "localhost"])
def test_another_way_to_write_an_address_is_judged_by_where_it_leads(host: str) -> None:
    with stranger(document()) as served:
        assert outcome(Outbound(budgets=BUDGETS), served.url_as(host)) is CallOutcome.ADDRESS_REFUSED
        assert not served.conversations


def test_a_registered_peer_is_called_in_its_network_and_refused_outside_it() -> None:
    names = Names(idp_example=[["127.0.0.2"], ["127.0.0.3"]])
    outbound = Outbound(Peers([("idp.example", ip_network("127.0.0.2/32"))]), resolve=names, budgets=BUDGETS)
    with stranger(document(), "127.0.0.2") as inside, stranger(document(), "127.0.0.3", inside.port) as outside:
        assert call(outbound, inside.url_as("idp.example")) == b'{"a": 1}'
        assert outcome(outbound, inside.url_as("idp.example")) is CallOutcome.ADDRESS_REFUSED
        assert (len(inside.conversations), len(outside.conversations)) == (1, 0)


def test_a_name_that_changes_its_mind_is_called_where_it_was_judged() -> None:
    """DNS rebinding: the look-up that is judged is the look-up that is connected to; there is no second one."""
    names = Names(idp_example=[["127.0.0.2"], ["127.0.0.3"]])
    outbound = Outbound(Peers([("idp.example", ip_network("127.0.0.2/32"))]), resolve=names, budgets=BUDGETS)
    with stranger(document(), "127.0.0.2") as judged, stranger(document(), "127.0.0.3", judged.port) as rebound:
        assert call(outbound, judged.url_as("idp.example")) == b'{"a": 1}'
        assert (len(judged.conversations), len(rebound.conversations)) == (1, 0)
    assert names.asked == ["idp.example"]
    assert b"Host: idp.example:" in judged.requests[0]


def test_of_several_addresses_only_those_that_may_be_called_are() -> None:
    names = Names(idp_example=[["10.0.0.1", "127.0.0.3", "127.0.0.2"]])
    outbound = Outbound(Peers([("idp.example", ip_network("127.0.0.2/32"))]), resolve=names, budgets=BUDGETS)
    with stranger(document(), "127.0.0.2") as good, stranger(document(), "127.0.0.3", good.port) as bad:
        assert call(outbound, good.url_as("idp.example")) == b'{"a": 1}'
        assert not bad.conversations


def test_an_address_where_nobody_listens_gives_way_to_the_next() -> None:
    names = Names(idp_example=[["127.0.0.3", "127.0.0.2"]])
    outbound = Outbound(Peers([("idp.example", ip_network("127.0.0.0/8"))]), resolve=names, budgets=BUDGETS)
    with stranger(document(), "127.0.0.2") as served:
        assert call(outbound, served.url_as("idp.example")) == b'{"a": 1}'


def test_loopback_is_called_over_ipv6_too() -> None:
    with stranger(document(), "::1") as served:
        assert call(Outbound(Peers(LOOPBACK), budgets=BUDGETS), served.url) == b'{"a": 1}'


def test_a_name_that_nobody_knows_is_unreachable() -> None:
    def unknown(host: str) -> Sequence[IPAddress]:
        raise OSError(host)

    assert outcome(Outbound(resolve=unknown, budgets=BUDGETS), "https://idp.example/") is CallOutcome.UNREACHABLE


def test_a_name_that_cannot_be_one_is_unreachable() -> None:
    assert outcome(Outbound(budgets=BUDGETS), f"http://{'a' * 64}.example/") is CallOutcome.UNREACHABLE


def test_a_resolver_that_hangs_is_cut_off_by_the_total() -> None:
    release = threading.Event()

    def hangs(host: str) -> Sequence[IPAddress]:
        release.wait(BOUND)
        return [ip_address("127.0.0.1")]

    assert outcome(Outbound(resolve=hangs, budgets=SHORT), "https://idp.example/") is CallOutcome.TIMEOUT
    release.set()


def test_look_ups_that_hang_do_not_pile_up() -> None:
    release = threading.Event()
    under_way: list[str] = []

    def hangs(host: str) -> Sequence[IPAddress]:
        under_way.append(host)
        release.wait(BOUND)
        return ()

    budgets = {CallPurpose.OPA: Budget(TOTAL, 1 << 20, at_once=100)}
    outbound = Outbound(resolve=hangs, budgets=budgets)
    found: list[CallOutcome] = []
    with ExitStack() as stack:
        stack.callback(release.set)
        callers = [
            threading.Thread(
                target=lambda url: found.append(outcome(outbound, url)), args=(f"https://idp{n}.example/",)
            )
            for n in range(40)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(BOUND)
    assert sorted(found) == [CallOutcome.BUSY] * 8 + [CallOutcome.TIMEOUT] * 32
    assert len(under_way) == 32


def test_a_name_that_hangs_holds_one_place_and_starves_no_other() -> None:
    release, begun = threading.Event(), threading.Event()
    under_way: list[str] = []

    def resolve(host: str) -> Sequence[IPAddress]:
        under_way.append(host)
        if host == "hangs.example":
            begun.set()
            release.wait(BOUND)
        return [ip_address("127.0.0.1")]

    resolver = Resolver(resolve)
    found: list[CallOutcome] = []

    def asks() -> None:
        with pytest.raises(OutboundFailed) as caught:
            resolver.addresses("hangs.example", Deadline(TOTAL))
        found.append(caught.value.outcome)

    callers = [threading.Thread(target=asks) for _ in range(40)]
    with ExitStack() as stack:
        stack.callback(release.set)
        for caller in callers:
            caller.start()
        assert begun.wait(BOUND)
        assert resolver.addresses("other.example", Deadline(BOUND)) == [ip_address("127.0.0.1")]
        for caller in callers:
            caller.join(BOUND)
    assert found == [CallOutcome.TIMEOUT] * 40
    assert sorted(under_way) == ["hangs.example", "other.example"]


def test_whoever_joins_a_look_up_gets_its_answer() -> None:
    release, begun = threading.Event(), threading.Event()

    def resolve(_host: str) -> Sequence[IPAddress]:
        begun.set()
        release.wait(BOUND)
        return [ip_address("8.8.8.8")]

    resolver = Resolver(resolve)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(resolver.addresses, "idp.example", Deadline(BOUND)) for _ in range(3)]
        assert begun.wait(BOUND)
        release.set()
        assert [each.result(BOUND) for each in asked] == [[ip_address("8.8.8.8")]] * 3


def test_a_machine_without_threads_is_busy_and_no_place_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver = Resolver(Names(idp_example=[["8.8.8.8"]]))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuses)
        for _ in range(40):
            with pytest.raises(OutboundFailed) as caught:
                resolver.addresses("idp.example", Deadline(0.0))
            assert caught.value.outcome is CallOutcome.BUSY
    assert resolver.addresses("idp.example", Deadline(BOUND)) == [ip_address("8.8.8.8")]
