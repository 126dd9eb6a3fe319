"""How long a body is waited for: by its rate and its age, by places for each address, and by the room in memory."""

import asyncio
import json
from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from governance.api.authzen.loop import EventLoopEndpoint
from governance.bootstrap import Services
from governance.server._bodies import MAXIMUM, BodyGate, BodyLimits
from governance.web.asgi import Receive, Scope_, Send
from tests.worlds.loops import run

LONG_ENOUGH = 60.0  # seconds for what must happen
Sent = tuple[int, Any]


class Echo(EventLoopEndpoint):
    """Answers with how long the body was, and how long its request says it is."""

    async def __call__(self, scope: Scope_, receive: Receive, send: Send) -> None:
        message = await receive()
        assert not message["more_body"]
        lengths = {name: value.decode() for name, value in scope["headers"]}
        body = json.dumps({"size": len(message["body"]), "said": lengths.get(b"content-length")}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Sender:
    """A client that sends pieces when it is let; without any left it sends nothing more, or goes away."""

    def __init__(self, pieces: Sequence[bytes], *, ends: bool = True, goes: bool = False) -> None:
        self.pieces = list(pieces)
        self.go_on = asyncio.Event()
        self.sent: list[MutableMapping[str, Any]] = []
        self._ends, self._goes = ends, goes

    async def receive(self) -> MutableMapping[str, Any]:
        if self.pieces:
            piece = self.pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.pieces) or not self._ends}
        if self._goes:
            return {"type": "http.disconnect"}
        await self.go_on.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)

    @property
    def answer(self) -> Sent:
        start, body = self.sent
        return start["status"], json.loads(body["body"])


@pytest.fixture
def gate(services: Services) -> BodyGate:
    return made(services, BodyLimits())


def made(services: Services, limits: BodyLimits) -> BodyGate:
    async def nobody(*_: Any) -> None:
        raise AssertionError

    return BodyGate(services, Echo(services, nobody), limits)


async def ask(
    gate: BodyGate, sender: Sender, length: int | None = None, peer: str = "10.0.0.1", forwarded: str | None = None
) -> Sender:
    framing = (b"transfer-encoding", b"chunked") if length is None else (b"content-length", str(length).encode())
    headers = [framing] if forwarded is None else [framing, (b"x-forwarded-for", forwarded.encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "client": (peer, "1")}
    await asyncio.wait_for(gate(scope, sender.receive, sender.send), LONG_ENOUGH)
    return sender


def test_a_body_arrives_whole_and_one_in_chunks_with_its_length(gate: BodyGate) -> None:
    async def main() -> list[Sent]:
        whole = await ask(gate, Sender([b"ab", b"c"]), 3)
        chunked = await ask(gate, Sender([b"ab", b"", b"cde"]))
        empty = await ask(gate, Sender([b""]))
        return [whole.answer, chunked.answer, empty.answer]

    sizes = [{"size": 3, "said": "3"}, {"size": 5, "said": "5"}, {"size": 0, "said": "0"}]
    assert run(main()) == [(200, one) for one in sizes]


def test_who_goes_away_is_not_answered(gate: BodyGate) -> None:
    async def main() -> Sender:
        return await ask(gate, Sender([b"a"], ends=False, goes=True), 3)

    assert run(main()).sent == []


@pytest.mark.parametrize("length", [MAXIMUM + 1, None])
def test_a_body_that_is_too_long_is_refused(gate: BodyGate, length: int | None) -> None:
    async def main() -> Sent:
        piece = b"a" * (MAXIMUM // 2)
        return (await ask(gate, Sender([piece, piece, b"a", b"a"], ends=False), length)).answer

    status, problem = run(main())
    assert (status, problem["reason"]) == (413, "body.too_long")


def test_a_slow_body_is_waited_for_while_it_comes_and_no_longer(services: Services) -> None:
    limits = BodyLimits(quick=0.01, grace=0.05, rate=1)

    async def main() -> tuple[Sent, Sent]:
        gate = made(services, limits)
        late = await ask(gate, Sender([], ends=False), 3)
        enough = Sender([b"a" * 1000], ends=False)  # a thousand seconds' worth
        waiting = asyncio.ensure_future(ask(gate, enough, 1000))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        enough.go_on.set()
        return late.answer, (await waiting).answer

    (status, problem), (well, _) = run(main())
    assert (status, problem["reason"], well) == (408, "body.late", 200)


def test_one_address_has_so_many_slow_bodies_and_others_have_theirs(services: Services) -> None:
    limits = BodyLimits(quick=0.01, each=2, slow=3)

    async def main() -> tuple[Sent, Sent, list[int]]:
        gate = made(services, limits)
        slow = [Sender([], ends=False) for _ in range(3)]
        peers = ["10.0.0.1", "10.0.0.1", "10.0.0.2"]
        waiting = [asyncio.ensure_future(ask(gate, one, 3, peer)) for one, peer in zip(slow, peers, strict=True)]
        await asyncio.sleep(0.1)
        assert not any(one.done() for one in waiting)
        own = await ask(gate, Sender([], ends=False), 3, "10.0.0.1")
        all_of_them = await ask(gate, Sender([], ends=False), 3, "10.0.0.3")
        assert (await ask(gate, Sender([b"abc"]), 3, "10.0.0.1")).answer[0] == 200, "one that comes at once is not slow"
        for one in slow:
            one.go_on.set()
        return own.answer, all_of_them.answer, [(await one).answer[0] for one in waiting]

    own, all_of_them, others = run(main())
    assert [own[0], all_of_them[0], own[1]["reason"], all_of_them[1]["reason"]] == [503, 503, *["body.crowded"] * 2]
    assert others == [200, 200, 200]


def test_who_comes_through_a_trusted_proxy_has_places_by_the_address_it_names(services: Services) -> None:
    base = services.infrastructure
    settings = base.settings.replaced(trusted_proxies=(ip_network("10.0.0.9/32"),))
    behind = replace(services, infrastructure=replace(base, settings=settings))
    limits = BodyLimits(quick=0.01, each=1)

    async def main() -> list[bool]:
        gate = made(behind, limits)
        slow = [Sender([], ends=False) for _ in range(4)]
        claims = [
            ("10.0.0.9", "10.1.0.1"),
            ("10.0.0.9", "10.1.0.2"),
            ("10.0.0.8", "10.1.0.3"),
            ("10.0.0.8", "10.1.0.4"),
        ]
        waiting = [
            asyncio.ensure_future(ask(gate, one, 3, peer, claimed))
            for one, (peer, claimed) in zip(slow, claims, strict=True)
        ]
        while not any(one.done() for one in waiting):
            await asyncio.sleep(0.01)
        refused = [one.done() for one in waiting]
        for one in slow:
            one.go_on.set()
        await asyncio.gather(*waiting)
        return refused

    assert run(main()) == [False, False, False, True], "who is no proxy of ours names nobody"


def test_large_bodies_wait_in_so_much_memory_and_it_is_given_back(services: Services) -> None:
    limits = BodyLimits(waiting=3 * 1024 * 1024)
    large = b"a" * (2 * 1024 * 1024)

    async def main() -> list[int]:
        gate = made(services, limits)
        held = Sender([large], ends=False)
        waiting = asyncio.ensure_future(ask(gate, held))
        await asyncio.sleep(0)
        refused = await ask(gate, Sender([large]))
        small = await ask(gate, Sender([b"a" * 1024]))
        held.go_on.set()
        first = await waiting
        again = await ask(gate, Sender([large]))
        return [one.answer[0] for one in (refused, small, first, again)]

    assert run(main()) == [503, 200, 200, 200]


def test_a_gate_that_stops_waits_for_no_slow_body_and_takes_those_that_come_at_once(services: Services) -> None:
    limits = BodyLimits(quick=0.01)

    async def main() -> list[Sent]:
        gate = made(services, limits)
        before, after = Sender([], ends=False), Sender([], ends=False)
        waiting = asyncio.ensure_future(ask(gate, before, 3))
        await asyncio.sleep(0.1)
        gate.stop_waiting()
        return [
            (await waiting).answer,
            (await ask(gate, after, 3)).answer,
            (await ask(gate, Sender([b"abc"]), 3)).answer,
        ]

    before, after, at_once = run(main())
    assert [before[1]["reason"], after[1]["reason"], at_once[0]] == ["body.closing", "body.closing", 200]
