"""A server in the place of an OPA: holds any policy and data, and gives one fixed answer to every decision."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from governance.decisions import OpaEngine, PolicySource
from tests.peers.opa import engine_at
from tests.worlds.policy import OPEN


class _Held:
    """The policies and the data that were put there."""

    def __init__(self) -> None:
        self.policies: dict[str, str] = {}
        self.data: dict[str, Any] = {}

    def put(self, path: str, sent: bytes) -> None:
        if path.startswith("/v1/policies/"):
            self.policies[path.removeprefix("/v1/policies/")] = sent.decode()
        else:
            self.data[path] = json.loads(sent)

    def read(self, path: str) -> object:
        if path == "/v1/policies":
            return [{"id": name, "raw": text, "ast": {}} for name, text in self.policies.items()]
        return self.data.get(path)

    def query(self, asked: str) -> list[dict[str, Any]]:
        document = self.data["/v1/data/governance"]
        digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        return [{asked.split(" ")[0]: [[digest, document["revision"], 0]]}]


@contextmanager
def impostor(status: int, body: bytes) -> Iterator[OpaEngine]:
    """Serve one fixed answer to every decision, and hold any policy and data; give an engine loaded with ``OPEN``."""
    held = _Held()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.say({"result": held.read(self.path)})

        def do_PUT(self) -> None:
            held.put(self.path, self.sent())
            self.answer(204 if "/data/" in self.path else 200, b"" if "/data/" in self.path else b"{}")

        def do_POST(self) -> None:
            sent = self.sent()
            if self.path == "/v1/query":
                self.say({"result": held.query(json.loads(sent)["query"])})
            else:
                self.answer(status, body)

        def sent(self) -> bytes:
            return self.rfile.read(int(self.headers["Content-Length"]))

        def say(self, value: object) -> None:
            self.answer(200, json.dumps(value).encode())

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
        engine = engine_at(f"http://127.0.0.1:{server.server_port}", PolicySource.from_directory(), 5)
        engine.load(OPEN)
        yield engine
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
