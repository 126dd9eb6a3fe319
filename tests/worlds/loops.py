"""An event loop of a test's own, whatever else runs one: the browser's driver leaves a running one in its thread."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread of its own, and give what it gives or raise what it raises."""
    with ThreadPoolExecutor(1, "test-loop") as threads:
        return threads.submit(asyncio.run, work).result()


def run_here(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in this thread, as what takes signals must be."""
    other = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return asyncio.run(work)
    finally:
        asyncio._set_running_loop(other)


@dataclass(frozen=True)
class Answer:
    """What came back over ASGI."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


async def over_asgi(endpoint: Callable[..., Any], request: Mapping[str, Any]) -> Answer:
    """Send a request to an ASGI application: path and body (bytes or a JSON value), perhaps method, headers, piece."""
    body = request["body"]
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json", "host": "127.0.0.1", "content-length": str(len(sent))}
    headers |= request.get("headers", {})
    size = request.get("piece", len(sent) or 1)
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)] or [b""]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.get("method", "POST"),
        "scheme": "http",
        "path": request["path"],
        "raw_path": request["path"].encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value is not None],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
    }
    heard: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.sleep(3600)  # the client waits for its answer
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def hear(message: dict[str, Any]) -> None:
        heard.append(message)

    await endpoint(scope, receive, hear)
    told = {name.decode().lower(): value.decode() for name, value in heard[0]["headers"]}
    return Answer(heard[0]["status"], told, b"".join(message.get("body", b"") for message in heard[1:]))
