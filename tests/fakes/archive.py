"""A little archive that answers QIDO-RS: real HTTP, rows of one's own, and every way to answer badly."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Dataset = dict[str, Any]


def row(study: str, series: str | None = None, **more: Any) -> Dataset:
    """Give one row of a list as DICOM JSON."""
    made = {"0020000D": {"vr": "UI", "Value": [study]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": "X^Y"}]}}
    return made | ({"0020000E": {"vr": "UI", "Value": [series]}} if series else {}) | more


@dataclass
class ListArchive:
    """What the archive holds, and how it answers.

    ``body`` takes the place of the rows when it is set; ``pages`` False makes it ignore limit and offset. ``asked``
    keeps path and query of every request, ``seen_headers`` its headers. ``before`` runs before each answer.
    """

    rows: list[Dataset] = field(default_factory=list)
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/dicom+json"})
    pages: bool = True
    asked: list[str] = field(default_factory=list)
    seen_headers: list[dict[str, str]] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    url: str = ""

    def answer(self, target: str) -> bytes:
        """Give the body for a request."""
        self.asked.append(target)
        self.before()
        if self.body is not None:
            return self.body
        query = parse_qs(urlsplit(target).query)
        rows = self.rows
        if self.pages:
            start = int(query["offset"][0])
            rows = rows[start : start + int(query["limit"][0])]
        return json.dumps(rows).encode()


@contextmanager
def list_archive() -> Iterator[ListArchive]:
    """Run the archive on a free port of the loopback address."""
    made = ListArchive()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.seen_headers.append(dict(self.headers.items()))
            body = made.answer(self.path)
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("X-Total-Count", str(len(made.rows)))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):  # whoever asked has had enough
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write nothing: paths hold study UIDs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
