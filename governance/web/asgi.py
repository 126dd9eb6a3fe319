"""Words and answers of ASGI (version 3.0), for what answers on the event loop without Flask."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from flask import Response

Scope_ = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope_, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out."""

    status: int
    headers: dict[str, str]
    body: bytes


def reply_of(document: Response) -> Reply:
    """Take a problem document as a reply; its length is the body's."""
    headers = {name: value for name, value in document.headers if name != "Content-Length"}
    return Reply(document.status_code, headers, document.get_data())


async def send_reply(send: Send, reply: Reply, own: dict[str, str]) -> None:
    """Send a reply, and with it the headers that every answer of this service has."""
    headers = reply.headers | own
    sent = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    sent.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": sent})
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})


def again(messages: list[Message], receive: Receive) -> Receive:
    """Give messages that were read once more, then what is still to come; a coroutine, as adapters need one."""
    read = list(reversed(messages))

    async def receive_again() -> Message:
        return read.pop() if read else await receive()

    return receive_again
