"""A client of the public surface: a bearer token by private_key_jwt (RFC 7523), NDJSON batches, patient retries."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import requests

from governance.simulation.credentials import Credentials

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BATCH = 500  # lines in one request
_ATTEMPTS = 8
_TIMEOUT = 30.0  # seconds
_EARLY = 30.0  # seconds before its end that a token is renewed
_BUSY = frozenset({429, 503})


class SurfaceError(Exception):
    """The service refused something the simulator sent."""


class Surface:
    """The service as its clients see it.

    Args:
        base_url: where it answers.
        credentials: those of a registered service.
        scopes: what to ask for; everything the service holds when there is none.
    """

    def __init__(self, base_url: str, credentials: Credentials, scopes: Sequence[str]) -> None:
        self.base = base_url.rstrip("/")
        self._credentials = credentials
        self._scope = " ".join(scopes)
        self._http = requests.Session()
        self._token = ""
        self._until = 0.0

    def assertion(self, lifetime: int = 60) -> str:
        """Make a client assertion for the token endpoint, good for that many seconds and one use."""
        return self._credentials.assertion(f"{self.base}/oauth/token", int(time.time()), lifetime)

    def post_lines(
        self, path: str, rows: Iterable[Mapping[str, Any]], progress: Callable[[int], None] = lambda _count: None
    ) -> int:
        """Send rows as NDJSON in batches; gives how many were accepted.

        Raises:
            SurfaceError: a batch or a line of it was refused.
        """
        accepted = 0
        for batch in _batches(rows):
            body = "\n".join(json.dumps(row) for row in batch).encode()
            answer = self._send("POST", path, body, "application/x-ndjson")
            if answer.get("rejected"):
                raise SurfaceError(f"{path} refused line {answer['rejected'][0]}")
            accepted += int(answer["accepted"])
            progress(len(batch))
        return accepted

    def post_body(self, path: str, body: bytes) -> dict[str, Any]:
        """Send an NDJSON body as it is and give the answer, its rejected lines included."""
        return self._send("POST", path, body, "application/x-ndjson")

    def text(self, path: str) -> str:
        """Read a page of plain text."""
        return self._answer("GET", path, None, "text/plain").text

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send one JSON object and give the answer."""
        return self._send("POST", path, json.dumps(body).encode(), "application/json")

    def get(self, path: str) -> dict[str, Any]:
        """Read one JSON object."""
        return self._send("GET", path, None, "application/json")

    def _send(self, method: str, path: str, body: bytes | None, media_type: str) -> dict[str, Any]:
        found: dict[str, Any] = self._answer(method, path, body, media_type).json()
        return found

    def _answer(self, method: str, path: str, body: bytes | None, media_type: str) -> requests.Response:
        for attempt in range(_ATTEMPTS):
            headers = {"Authorization": f"Bearer {self.bearer()}", "Content-Type": media_type}
            answer = self._http.request(method, self.base + path, data=body, headers=headers, timeout=_TIMEOUT)
            if answer.status_code not in _BUSY:
                break
            time.sleep(float(answer.headers.get("Retry-After", "1")) * (attempt + 1))
        if not answer.ok:
            raise SurfaceError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    def bearer(self) -> str:
        """Give a live bearer token, asking for a new one shortly before the old one ends."""
        if time.monotonic() < self._until:
            return self._token
        form = {
            "grant_type": "client_credentials",
            "scope": self._scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
        }
        answer = self._http.post(f"{self.base}/oauth/token", data=form, timeout=_TIMEOUT)
        if not answer.ok:
            raise SurfaceError(f"no token: {answer.status_code} {answer.text[:300]}")
        body = answer.json()
        self._token = str(body["access_token"])
        self._until = time.monotonic() + max(1.0, float(body["expires_in"]) - _EARLY)
        return self._token


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterable[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
