"""Callers of the agreements API: services of several trusts with real tokens."""

import json
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from governance.bootstrap import Services
from governance.vocabulary import Scope
from tests.worlds.callers import Callers

BASE = "/agreements/v1"
BOTH = (Scope.AGREEMENTS_READ, Scope.AGREEMENTS_WRITE)


class AgreementsApi:
    """The running application, and a client of each trust that is asked for.

    Args:
        app: the application.
        services: what it was made of.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        self.services = services
        self._callers = Callers(app, services)
        self.http = self._callers.http
        for ods in ("RKB", "RNA", "RRK"):
            self._callers.trust(ods)
        self._known: dict[tuple[str, tuple[Scope, ...]], dict[str, str]] = {}

    def get(self, path: str, ods: str = "RRK", scopes: tuple[Scope, ...] = BOTH) -> TestResponse:
        """Read as a service of a trust."""
        return self.http.get(f"{BASE}{path}", headers=self._headers(ods, scopes))

    def post(self, path: str, body: Any, ods: str = "RRK", scopes: tuple[Scope, ...] = BOTH) -> TestResponse:
        """Send a JSON body as a service of a trust; text goes as it is."""
        data = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Type": "application/json", **self._headers(ods, scopes)}
        return self.http.post(f"{BASE}{path}", data=data, headers=headers)

    def fetch(self, path: str, ods: str = "RRK", **headers: str) -> TestResponse:
        """Read as a service of a trust with headers of one's own."""
        return self.http.get(f"{BASE}{path}", headers=self._headers(ods, BOTH) | headers)

    def send(self, path: str, body: bytes | str, media_type: str, ods: str = "RRK") -> TestResponse:
        """Send a body of any type as a service of a trust."""
        return self.http.post(
            f"{BASE}{path}", data=body, headers={**self._headers(ods, BOTH), "Content-Type": media_type}
        )

    def _headers(self, ods: str, scopes: tuple[Scope, ...]) -> dict[str, str]:
        if (ods, scopes) not in self._known:
            name = f"office-{ods.lower()}-{len(self._known)}"
            self._known[ods, scopes] = self._callers.headers(name, ods, scopes)
        return self._known[ods, scopes]
