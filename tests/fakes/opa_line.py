"""The line between the service and a real OPA: passes everything on, or troubles the questions in one chosen way."""

import json
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Trouble = Callable[["Exchange"], None]
DECISION = "/v1/data/imaging/decision/answer"


class Exchange(BaseHTTPRequestHandler):
    """One request on the line. A trouble answers in its own way; :meth:`true` is what OPA would have said."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def true(self) -> tuple[int, bytes]:
        """Ask OPA and give its status and body."""
        line = HTTPConnection("127.0.0.1", self.server.opa_port, timeout=30)
        try:
            line.request(self.command, self.path, self.sent, {"Content-Type": "application/json"})
            answer = line.getresponse()
            self.location = answer.getheader("Location")
            return answer.status, answer.read()
        finally:
            line.close()

    def answer(self, status: int, body: bytes, location: str | None = None) -> None:
        """Answer properly."""
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say(self, body: Any) -> None:
        """Answer 200 with JSON."""
        self.answer(200, json.dumps(body).encode())

    def _exchange(self) -> None:
        self.sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        trouble = self.server.trouble
        try:
            if trouble is not None and self.path.split("?")[0] == DECISION:
                self.server.troubled += 1
                trouble(self)
            else:
                status, body = self.true()
                self.answer(status, body, self.location)
        except OSError:  # either side is gone
            self.close_connection = True

    do_DELETE = do_GET = do_POST = do_PUT = _exchange  # noqa: N815 - the names are the base class's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    opa_port: int
    trouble: Trouble | None = None
    troubled = 0


class OpaLine:
    """A line to an OPA's port; a context manager."""

    def __init__(self, opa_port: int) -> None:
        self._server = _Server(("127.0.0.1", 0), Exchange)
        self._server.opa_port = opa_port
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def troubled(self) -> int:
        """Give how many questions met a trouble."""
        return self._server.troubled

    def trouble(self, trouble: Trouble | None) -> None:
        """Trouble every question from now on; None passes them on again."""
        self._server.trouble = trouble

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
