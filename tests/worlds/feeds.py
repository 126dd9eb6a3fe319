"""A running service with real parts, and the words to speak to its context feeds and registrations."""

import json
from collections.abc import Sequence
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from governance.audit import RecordedEvent
from governance.bootstrap import Services
from governance.federation import WHOLE_REGION
from governance.vocabulary import EventKind, Scope
from tests.worlds.callers import Callers

NDJSON = "application/x-ndjson"


class ContextWorld:
    """The service, one client a set of scopes that is registered for the region, and the words to speak to it.

    Args:
        app: the application, with its routes.
        services: what it was made of; the log's writer runs.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        self.services = services
        self._callers = Callers(app, services)
        self._headers: dict[frozenset[Scope], dict[str, str]] = {frozenset(): {}}
        self.key = self._callers.key
        for ods, name in (("RRK", "Birmingham"), ("RKB", "Coventry and Warwickshire")):
            self._callers.trust(ods, name)

    def feed(self, path: str, *lines: object, scopes: Sequence[Scope] = (Scope.CONTEXT_WRITE,)) -> TestResponse:
        """Send lines: text goes as it is, anything else as JSON."""
        body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        return self.send("POST", path, body.encode(), scopes, NDJSON)

    def post(self, path: str, body: object, scopes: Sequence[Scope] = (Scope.FEDERATION_WRITE,)) -> TestResponse:
        """Send a JSON body."""
        return self.send("POST", path, json.dumps(body).encode(), scopes, "application/json")

    def get(self, path: str, scopes: Sequence[Scope] = (Scope.FEDERATION_READ,)) -> TestResponse:
        """Read."""
        return self.send("GET", path, None, scopes, None)

    def send(
        self, method: str, path: str, body: bytes | None, scopes: Sequence[Scope], media_type: str | None
    ) -> TestResponse:
        """Send a request with a token for the scopes; without any, with none."""
        headers = self._by(frozenset(scopes))
        return self._callers.http.open(path, method=method, data=body, headers=headers, content_type=media_type)

    def feed_as(self, ods: str, path: str, *rows: object) -> dict[str, Any]:
        """Send lines as a service of a trust that is registered for nobody else, and give the answer."""
        headers = self._callers.headers(f"feeds-{ods.lower()}", ods, (Scope.CONTEXT_WRITE,))
        body = "\n".join(map(json.dumps, rows)).encode()
        answer = self._callers.http.post(path, data=body, content_type=NDJSON, headers=headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return dict(answer.get_json())

    def changes(self) -> list[RecordedEvent]:
        """Give the config events of the log, in order."""
        return [event for event in self.services.infrastructure.audit.read(0, 1_000) if event.kind is EventKind.CONFIG]

    def jwks(self) -> dict[str, Any]:
        """Give a key set that a registration may carry."""
        return self._callers.jwks()

    def _by(self, scopes: frozenset[Scope]) -> dict[str, str]:
        if scopes not in self._headers:
            name = f"feeds-{len(self._headers)}"
            self._headers[scopes] = self._callers.headers(name, "RRK", scopes, writes_for=[WHOLE_REGION])
        return self._headers[scopes]
