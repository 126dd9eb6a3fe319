"""A server in the place of an OPA: takes any policy and data, and gives one fixed answer to every decision."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from governance.decisions import OpaEngine, PolicySource
from tests.worlds.policy import OPEN


@contextmanager
def impostor(status: int, body: bytes) -> Iterator[OpaEngine]:
    """Serve one fixed answer to every decision, and take any policy and data; give an engine loaded with ``OPEN``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200, b'{"result": []}')

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(204 if "/data/" in self.path else 200, b"" if "/data/" in self.path else b"{}")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(status, body)

        def answer(self, code: int, content: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        engine = OpaEngine(f"http://127.0.0.1:{server.server_port}", PolicySource.from_directory(), timeout=5)
        engine.load(OPEN)
        yield engine
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
