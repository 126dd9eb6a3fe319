"""The policy engine is killed, hung, slow or talks garbage: every answer is a denial that says so, then it is over.

The service runs with a real OPA at the end of a line that can be troubled. No time is asserted but a generous multiple
of the budget: an exchange that had no end would never come back.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from governance.decisions import EngineFault, OpaEngine, PolicySource
from governance.jobs.ticker import Job, Ticker
from governance.outbound import CallOutcome, CallPurpose, Outbound, Peers
from governance.simulation import network, showcase
from tests.fakes.opa_line import Exchange, OpaLine, Trouble
from tests.peers.opa import OpaServer, engine_at, open_host
from tests.worlds.agreements import OFFICE
from tests.worlds.region import DIRECT_CARE, RegionWorld, seed_home

BUDGET = 1.5  # seconds
BOUND = 20 * BUDGET
PATIENCE = 60.0  # seconds within which a thing that must happen has happened
QUESTION: dict[str, Any] = showcase.question()


class Region:
    """The region's service that decides at an OPA, and what it says."""

    def __init__(self, world: RegionWorld, opa: OpaServer, line: OpaLine) -> None:
        self.world, self.opa, self.line = world, opa, line
        form = {"grant_type": "client_credentials", "scope": "access.evaluate"}
        answer = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now))
        self._headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

    def ask(self) -> tuple[bool, list[str]]:
        """Give the decision on the good question, and its reasons."""
        began = time.monotonic()
        answer = self.world.client.post("/access/v1/evaluation", json=QUESTION, headers=self._headers)
        assert time.monotonic() - began < BOUND
        assert answer.status_code == 200, answer.get_data(as_text=True)
        body = answer.get_json()
        return body["decision"], body["context"]["reasons"]

    def permits(self) -> bool:
        return self.ask() == (True, ["agreement.permits"])

    def ready(self) -> bool:
        """Give what ``/readyz`` says of the policy engine."""
        answer = self.world.client.get("/readyz")
        body = answer.get_json()
        engine: bool = body["parts"]["policy_engine"]
        assert (answer.status_code == 200) is all(body["parts"].values())
        return engine

    def denials(self, reason: str) -> float:
        """Give how many denials the metrics count for a reason."""
        registry = self.world.services.infrastructure.metrics.registry
        return registry.get_sample_value("governance_denials_total", {"reason": reason}) or 0.0


def eventually(look: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture(scope="module")
def region(opa: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    server = OpaServer(opa)
    server.start()
    home = seed_home(tmp_path_factory.mktemp("faults") / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    with OpaLine(server.port) as line:
        world = RegionWorld(home, engine=engine_at(line.url, PolicySource.from_directory(), BUDGET))
        world.feed_showcase()
        yield Region(world, server, line)
        world.close()
    server.stop()


@contextmanager
def troubled(region: Region, trouble: Trouble) -> Iterator[None]:
    """Begin and end with a service that permits; in between every question meets the trouble."""
    eventually(region.permits, "the service does not permit before the trouble")
    region.line.trouble(trouble)
    before = region.line.troubled
    try:
        yield
        assert region.line.troubled > before
    finally:
        region.line.trouble(None)
    eventually(region.permits, "the service does not recover")
    assert region.ready()


# Garbage


def fixed(status: int, body: bytes) -> Trouble:
    return lambda exchange: exchange.answer(status, body)


def altered(**changes: Any) -> Trouble:
    """Let OPA answer, and change what it says."""

    def trouble(exchange: Exchange) -> None:
        _, body = exchange.true()
        exchange.say({"result": json.loads(body)["result"] | changes})

    return trouble


def closes_at_once(exchange: Exchange) -> None:
    exchange.close_connection = True


def closes_in_the_middle(exchange: Exchange) -> None:
    _, body = exchange.true()
    exchange.send_response(200)
    exchange.send_header("Content-Length", str(len(body)))
    exchange.end_headers()
    exchange.wfile.write(body[: len(body) // 2])
    exchange.close_connection = True


def sends_elsewhere(exchange: Exchange) -> None:
    exchange.answer(307, b"", location="/v1/data/imaging/decision/answer?elsewhere")


def endless_body(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Connection", "close")
    exchange.end_headers()
    while True:
        exchange.wfile.write(b" " * 65_536)


def promises_too_much(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Content-Length", str(1 << 40))
    exchange.end_headers()
    while True:
        exchange.wfile.write(b" " * 65_536)


GARBAGE: dict[str, tuple[Trouble, str]] = {
    "nothing": (fixed(200, b""), "engine.invalid_answer"),
    "no JSON": (fixed(200, b'{"result": {"permit": tr'), "engine.invalid_answer"),
    "no text": (fixed(200, b"\xff\xfe\x00\x9f" * 16), "engine.invalid_answer"),
    "a list": (fixed(200, b"[]"), "engine.undefined"),
    "a bare permit": (fixed(200, b'{"result": true}'), "engine.invalid_answer"),
    "a permit and no more": (fixed(200, b'{"result": {"permit": true}}'), "engine.invalid_answer"),
    "a permit that says no reason": (altered(reasons=[]), "engine.invalid_answer"),
    "a permit with a reason to deny": (altered(reasons=["agreement.none"]), "engine.invalid_answer"),
    "a permit without a clause": (altered(agreement=None), "engine.invalid_answer"),
    "a word for a truth": (altered(permit="true"), "engine.invalid_answer"),
    "a member nobody knows": (altered(admin=True), "engine.invalid_answer"),
    "another revision": (altered(revision="0" * 64), "policy.stale"),
    "no revision": (altered(revision=""), "policy.stale"),
    "its own failure": (fixed(500, b'{"code": "internal_error", "message": "x"}'), "engine.unavailable"),
    "a refusal": (fixed(401, b'{"code": "unauthorized"}'), "engine.unavailable"),
    "the way elsewhere": (sends_elsewhere, "engine.unavailable"),
    "half an answer": (closes_in_the_middle, "engine.unavailable"),
    "a closed connection": (closes_at_once, "engine.unavailable"),
    "a body without an end": (endless_body, "engine.invalid_answer"),
    "a body of a terabyte": (promises_too_much, "engine.invalid_answer"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_a_denial(region: Region, name: str) -> None:
    trouble, reason = GARBAGE[name]
    with troubled(region, trouble):
        before = region.denials(reason)
        assert region.ask() == (False, [reason])
        assert region.denials(reason) == before + 1


# Slow


def test_each_call_is_counted_by_how_it_ended(region: Region) -> None:
    observed: list[tuple[CallPurpose, CallOutcome]] = []
    outbound = Outbound(Peers(own=[region.line.url]), observe=lambda *seen: observed.append(seen))
    engine = OpaEngine(open_host(region.line.url, BUDGET, outbound), PolicySource.from_directory())
    engine.load(region.world.services.registers.agreements.compiled())
    assert set(observed) == {(CallPurpose.OPA, CallOutcome.ANSWERED)}
    with troubled(region, promises_too_much), pytest.raises(EngineFault):
        engine.evaluate({})
    assert observed[-1] == (CallPurpose.OPA, CallOutcome.TOO_LONG)


def drips_the_head(exchange: Exchange) -> None:
    """Send a byte at a time, each well within the budget."""
    drip(exchange, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 100_000)


def drips_the_body(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Content-Length", "100000")
    exchange.end_headers()
    drip(exchange, b" " * 100_000)


def drip(exchange: Exchange, text: bytes) -> None:
    for byte in text:
        exchange.wfile.write(bytes([byte]))
        exchange.wfile.flush()
        time.sleep(BUDGET / 50)


@pytest.mark.parametrize("trouble", [drips_the_head, drips_the_body])
def test_an_answer_that_drips_is_a_timeout(region: Region, trouble: Trouble) -> None:
    with troubled(region, trouble):
        before = region.denials("engine.timeout")
        assert region.ask() == (False, ["engine.timeout"])
        assert region.denials("engine.timeout") == before + 1


def test_an_answer_that_comes_too_late_is_not_used(region: Region) -> None:
    late, sent = threading.Event(), threading.Event()

    def waits(exchange: Exchange) -> None:
        status, body = exchange.true()
        late.wait(PATIENCE)
        try:
            exchange.answer(status, body)
        finally:
            sent.set()

    with troubled(region, waits):
        assert region.ask() == (False, ["engine.timeout"])
        late.set()
        assert sent.wait(PATIENCE)


def test_every_one_of_many_waiting_is_denied(region: Region) -> None:
    release = threading.Event()
    with troubled(region, lambda _: release.wait(PATIENCE) and None):
        said: list[tuple[bool, list[str]]] = []
        askers = [threading.Thread(target=lambda: said.append(region.ask())) for _ in range(8)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(BOUND)
        release.set()
        assert said == [(False, ["engine.timeout"])] * 8


# Killed and hung


def test_a_killed_opa_is_a_denial_and_is_given_everything_when_it_is_back(region: Region) -> None:
    eventually(region.permits, "the service does not permit")
    assert region.ready()
    before = region.denials("engine.unavailable")
    region.opa.stop()
    try:
        assert region.ask() == (False, ["engine.unavailable"])
        assert not region.ready()
        assert region.denials("engine.unavailable") == before + 1
    finally:
        region.opa.start()  # with nothing in its memory
    eventually(region.permits, "the service does not recover")
    assert region.ready()


def test_readiness_alone_brings_a_restarted_opa_back(region: Region) -> None:
    eventually(region.permits, "the service does not permit")
    region.opa.stop()
    region.opa.start()
    eventually(region.ready, "a service that nobody asks does not get ready")  # a balancer sends it nothing before
    assert region.permits()


def test_a_hung_opa_is_a_denial_until_it_goes_on(region: Region) -> None:
    eventually(region.permits, "the service does not permit")
    before = region.denials("engine.timeout")
    region.opa.hang()
    try:
        assert region.ask() == (False, ["engine.timeout"])
        assert not region.ready()
        assert region.denials("engine.timeout") == before + 1
    finally:
        region.opa.resume()
    eventually(region.permits, "the service does not recover")
    eventually(region.ready, "the service does not get ready")


def test_a_suspension_while_opa_hangs_opens_nothing_when_it_goes_on(region: Region) -> None:
    eventually(region.permits, "the service does not permit")
    agreements = region.world.services.registers.agreements
    policy_job = Ticker(
        [Job("policy", 0.1, lambda: agreements.refresh() is None)],
        region.world.services.infrastructure.metrics,
    )
    region.opa.hang()
    try:
        with pytest.raises(Exception, match="did not take"):
            agreements.suspend(DIRECT_CARE, 1, OFFICE, "under review")
        assert agreements.get(DIRECT_CARE, 1).status.value == "suspended"
        assert region.ask() == (False, ["policy.stale"])
        region.opa.resume()  # it still holds what permits
        assert region.ask() == (False, ["policy.stale"])
        assert not region.ready()
        policy_job.start()
        eventually(region.ready, "the service does not get ready")
        permit, reasons = region.ask()
        assert not permit
        assert reasons != ["policy.stale"]
    finally:
        region.opa.resume()
        policy_job.stop()
        eventually(lambda: reactivated(region), "the agreement does not come into force again")
    eventually(region.permits, "the service does not recover")


def reactivated(region: Region) -> bool:
    agreements = region.world.services.registers.agreements
    agreements.refresh()
    if agreements.get(DIRECT_CARE, 1).status.value == "suspended":
        agreements.activate(DIRECT_CARE, 1, OFFICE, "the review found nothing")
    return True


def test_data_that_somebody_else_put_there_is_replaced(opa: str, region: Region, tmp_path: Path) -> None:
    eventually(region.permits, "the service does not permit")
    other = engine_at(region.opa.url, PolicySource.from_directory(), BUDGET)
    compiled = region.world.services.registers.agreements.compiled()
    other.load(type(compiled)("other", {**compiled.document, "revision": "other"}))
    assert region.ask() == (False, ["policy.stale"])
    assert not region.ready()
    eventually(region.permits, "the service does not put its own data back")
    assert region.ready()
