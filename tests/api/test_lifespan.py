"""The life of a server process: at the signal who waits for news is answered, at the end everything is stopped."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from governance.alerts import Viewer
from governance.bootstrap import Services, build
from governance.clock import FixedClock
from governance.errors import Unavailable
from governance.jobs import Runtime
from governance.server import Lifespan, _ending, create_app, create_asgi
from governance.settings import Settings
from tests.worlds.loops import run_here

LONG_ENOUGH = 60.0  # seconds for what must happen
TO_STOP = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def services(settings: Settings, clock: FixedClock) -> Iterator[Services]:
    before = {number: signal.getsignal(number) for number in TO_STOP}
    made = build(settings, clock)
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)
    made.infrastructure.database.dispose()


left: list[int] = []  # the exit codes with which a process of these tests would have been left


def made_of(services: Services) -> tuple[Lifespan, Runtime]:
    runtime = Runtime(services)
    runtime.start(jobs=False)
    return Lifespan(create_asgi(services, create_app(services)), runtime, left.append), runtime


async def limited(work: Coroutine[Any, Any, None]) -> None:
    await asyncio.wait_for(work, LONG_ENOUGH)


async def begun(application: Lifespan) -> tuple["asyncio.Task[None]", "asyncio.Queue[Any]", "asyncio.Queue[Any]"]:
    told: asyncio.Queue[Any] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.ensure_future(application({"type": "lifespan"}, told.get, heard.put))
    await told.put({"type": "lifespan.startup"})
    assert await heard.get() == {"type": "lifespan.startup.complete"}
    return life, told, heard


async def lived(application: Lifespan) -> None:
    """Let a process begin, and end when its server says so."""
    life, told, heard = await begun(application)
    await told.put({"type": "lifespan.shutdown"})
    assert await heard.get() == {"type": "lifespan.shutdown.complete"}
    await life


def test_at_the_signal_who_waits_for_news_is_answered_and_at_the_end_all_is_stopped(services: Services) -> None:
    application, _ = made_of(services)
    heard_elsewhere: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: heard_elsewhere.append(number))  # the server's own
    stream = iter(services.uses.alerts.streams.open(Viewer("soc", None, person=False), None))

    async def main() -> None:
        life, told, heard = await begun(application)
        assert next(stream) is None
        signal.raise_signal(signal.SIGTERM)
        assert await asyncio.to_thread(services.uses.alerts.streams.stopping.wait, LONG_ENOUGH)
        assert heard_elsewhere == [signal.SIGTERM]
        assert services.infrastructure.audit.running, "requests in flight are answered first"
        await told.put({"type": "lifespan.shutdown"})
        assert await heard.get() == {"type": "lifespan.shutdown.complete"}
        await life

    run_here(limited(main()))
    with pytest.raises(StopIteration):
        next(stream)
    assert not services.infrastructure.audit.running


def test_what_takes_from_others_starts_only_once_the_end_is_heard(services: Services) -> None:
    _, runtime = made_of(services)
    before = signal.getsignal(signal.SIGTERM)
    heard_then = list[bool]()

    def begin() -> None:
        heard_then.append(signal.getsignal(signal.SIGTERM) is not before)

    application = Lifespan(create_asgi(services, create_app(services)), runtime, left.append, begin)
    assert not heard_then, "not while it is made"

    run_here(limited(lived(application)))
    assert heard_then == [True]


def test_a_process_that_cannot_begin_says_so_to_its_server(services: Services) -> None:
    _, runtime = made_of(services)

    def begin() -> None:
        raise OSError("the port is taken")

    application = Lifespan(create_asgi(services, create_app(services)), runtime, left.append, begin)
    heard: list[Any] = []

    async def startup() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def hear(message: Any) -> None:
        heard.append(message)

    run_here(limited(application({"type": "lifespan"}, startup, hear)))
    assert [message["type"] for message in heard] == ["lifespan.startup.failed"]
    runtime.stop()


def test_a_process_whose_requests_do_not_end_is_left_all_the_same(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ending, "LIMIT", 3.0)
    monkeypatch.setattr(_ending, "FOR_REQUESTS", 0.1)
    left.clear()
    application, _ = made_of(services)
    signal.signal(signal.SIGTERM, lambda *_: None)

    async def main() -> None:
        await begun(application)
        signal.raise_signal(signal.SIGTERM)
        while not left:
            await asyncio.sleep(0.02)

    run_here(limited(main()))
    assert left == [0]
    assert not services.infrastructure.audit.running, "everything else was stopped in order"


def test_a_beginning_that_fails_keeps_the_rest_from_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, runtime = made_of(services)

    def fail() -> None:
        raise OSError

    monkeypatch.setattr(runtime, "begin_stop", fail)

    run_here(limited(lived(application)))
    assert not services.infrastructure.audit.running


def test_a_process_that_cannot_stop_in_order_ends_all_the_same(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, _ = made_of(services)
    closed = services.infrastructure.audit.close

    def late() -> None:
        closed()
        raise Unavailable("audit.unavailable", "The audit log is still being written.")

    monkeypatch.setattr(services.infrastructure.audit, "close", late)

    run_here(limited(lived(application)))
