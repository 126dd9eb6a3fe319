"""A server that behaves as a test says, byte by byte: what the outbound client must survive."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PIECE = 1 << 16


@dataclass
class Conversation:
    """One connection, seen from the stranger's side."""

    connection: socket.socket
    over: threading.Event
    request: bytes = b""
    sent: int = 0

    def hear(self) -> bytes:
        """Read a request with its body; empty when the other side is gone."""
        heard = b""
        while not _whole(heard):
            piece = self.connection.recv(PIECE)
            if not piece:
                return b""
            heard += piece
        self.request = heard
        return heard

    def say(self, text: bytes) -> None:
        """Send bytes, and count them."""
        self.connection.sendall(text)
        self.sent += len(text)

    def drip(self, text: bytes, every: float = 1.0) -> None:
        """Send a byte each so many seconds, until the test is over or the other side is gone."""
        for byte in text:
            self.say(bytes([byte]))
            if self.over.wait(every):
                return

    def flood(self, size: int, byte: bytes = b" ") -> None:
        """Send so many bytes, as fast as they are taken."""
        piece = byte * PIECE
        for _ in range(size // PIECE):
            self.say(piece)


Behaviour = Callable[[Conversation], None]


@dataclass
class Stranger:
    """A server on a port of its own; ``conversations`` is what it has had so far."""

    host: str
    port: int = 0
    scheme: str = "http"
    conversations: list[Conversation] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    met: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        """Give a URL of it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/document"

    def url_as(self, name: str) -> str:
        """Give a URL by another name."""
        return f"{self.scheme}://{name}:{self.port}/document"

    @property
    def requests(self) -> list[bytes]:
        """Give the requests it heard."""
        return [each.request for each in self.conversations if each.request]


@contextmanager
def stranger(
    behave: Behaviour, host: str = "127.0.0.1", port: int = 0, certificate: tuple[str, str] | None = None
) -> Iterator[Stranger]:
    """Run a server that hears each request and then behaves.

    Args:
        behave: what it does once it has heard a request.
        host: a loopback address to listen on.
        port: to listen on; a free one unless given.
        certificate: paths of the certificate and the key with which it speaks TLS.
    """
    made = Stranger(host, scheme="https" if certificate else "http")
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    with stranger_at_connection(made, port, lambda conversation: _converse(conversation, behave, context)):
        yield made


@contextmanager
def stranger_at_connection(made: Stranger, port: int, meet: Behaviour) -> Iterator[None]:
    """Run a server that behaves from the moment somebody connects."""
    family = socket.AF_INET6 if ":" in made.host else socket.AF_INET
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server((made.host, port), family=family, backlog=64))
        made.port = server.getsockname()[1]
        thread = threading.Thread(target=_accept, args=(server, made, meet), daemon=True)
        thread.start()
        try:
            yield
        finally:
            made.over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for conversation in made.conversations:
                with suppress(OSError):
                    conversation.connection.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket, made: Stranger, meet: Behaviour) -> None:
    with suppress(OSError):
        while True:
            conversation = Conversation(server.accept()[0], made.over)
            made.conversations.append(conversation)
            made.met.release()
            threading.Thread(target=_meet, args=(conversation, meet), daemon=True).start()


def _meet(conversation: Conversation, meet: Behaviour) -> None:
    with suppress(OSError):
        meet(conversation)
    with suppress(OSError):
        conversation.connection.close()


def _converse(conversation: Conversation, behave: Behaviour, context: ssl.SSLContext | None) -> None:
    if context:
        conversation.connection = context.wrap_socket(conversation.connection, server_side=True)
    if conversation.hear():
        behave(conversation)


def _whole(heard: bytes) -> bool:
    head, end, body = heard.partition(b"\r\n\r\n")
    declared = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and len(body) >= (int(declared[1]) if declared else 0)


def document(body: bytes = b'{"a": 1}', headers: bytes = b"") -> Behaviour:
    """Behave: answer 200 with a document, and close."""

    def behave(conversation: Conversation) -> None:
        length = b"Content-Length: %d\r\n" % len(body)
        conversation.say(OK + headers + length + b"Connection: close\r\n\r\n" + body)

    return behave


def silence(conversation: Conversation) -> None:
    """Behave: say nothing until the test is over."""
    conversation.over.wait()


def drips_headers(conversation: Conversation) -> None:
    """Behave: a byte a second from the first line on."""
    conversation.drip(OK + b"X-Slow: " + b"a" * 10_000)


def drips_body(conversation: Conversation) -> None:
    """Behave: headers at once, then a byte a second."""
    conversation.say(OK + b"Content-Length: 10000\r\n\r\n")
    conversation.drip(b" " * 10_000)


def breaks_off(conversation: Conversation) -> None:
    """Behave: half of what was declared, then the end."""
    conversation.say(OK + b'Content-Length: 1000\r\n\r\n{"keys": [')


def breaks_off_in_a_chunk(conversation: Conversation) -> None:
    """Behave: a chunk that ends before its length."""
    conversation.say(OK + b"Transfer-Encoding: chunked\r\n\r\n100\r\nabc")


def two_hundred_megabytes(conversation: Conversation) -> None:
    """Behave: 200 MB, declared."""
    conversation.say(OK + b"Content-Length: 200000000\r\n\r\n")
    conversation.flood(200_000_000)


def two_hundred_megabytes_undeclared(conversation: Conversation) -> None:
    """Behave: 200 MB until the connection closes."""
    conversation.say(OK + b"Connection: close\r\n\r\n")
    conversation.flood(200_000_000)


def endless_chunks(conversation: Conversation) -> None:
    """Behave: chunks without an end."""
    conversation.say(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        conversation.say(b"1000\r\n" + b" " * 0x1000 + b"\r\n")


def endless_headers(conversation: Conversation) -> None:
    """Behave: interim answers without an end, each well within every limit of a header."""
    while True:
        conversation.say(b"HTTP/1.1 100 Continue\r\nX: " + b"a" * 1000 + b"\r\n\r\n")


def sends_elsewhere(conversation: Conversation) -> None:
    """Behave: a redirect to the same place."""
    port = conversation.connection.getsockname()[1]
    conversation.say(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/other\r\nContent-Length: 0\r\n\r\n" % port)
