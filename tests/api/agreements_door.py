"""Callers of the agreements API: services of several trusts with real tokens."""

import itertools
import json
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from governance.federation import ServiceClient, Trust
from governance.vocabulary import Scope, SubjectType
from governance.web import Services
from tests.token_world import ASSERTION_TYPE, KeyPair

BASE = "/agreements/v1"
BOTH = (Scope.AGREEMENTS_READ, Scope.AGREEMENTS_WRITE)


class AgreementsDoor:
    """The running application, and a client of each trust that is asked for.

    Args:
        app: the application.
        services: what it was made of.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        self.services = services
        self.http = app.test_client()
        self._key = KeyPair.ec("k1")
        self._numbers = itertools.count(1)
        self._tokens: dict[tuple[str, tuple[Scope, ...]], str] = {}

    def get(self, path: str, ods: str = "RRK", scopes: tuple[Scope, ...] = BOTH) -> TestResponse:
        """Read as a service of a trust."""
        return self.http.get(f"{BASE}{path}", headers=self._headers(ods, scopes))

    def post(self, path: str, body: Any, ods: str = "RRK", scopes: tuple[Scope, ...] = BOTH) -> TestResponse:
        """Send a JSON body as a service of a trust; text goes as it is."""
        data = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Type": "application/json", **self._headers(ods, scopes)}
        return self.http.post(f"{BASE}{path}", data=data, headers=headers)

    def _headers(self, ods: str, scopes: tuple[Scope, ...]) -> dict[str, str]:
        if (ods, scopes) not in self._tokens:
            self._tokens[ods, scopes] = self._token(ods, scopes)
        return {"Authorization": f"Bearer {self._tokens[ods, scopes]}"}

    def _token(self, ods: str, scopes: tuple[Scope, ...]) -> str:
        name = f"office-{ods.lower()}-{next(self._numbers)}"
        held = frozenset(scope.value for scope in scopes)
        client = ServiceClient(name, ods, "Office", SubjectType.SERVICE, {"keys": [self._key.public]}, held)
        with self.services.database.transaction() as session:
            self.services.federation.register_trust(session, Trust(ods, ods))
            self.services.federation.register_client(session, client)
        now = int(self.services.clock.now().timestamp())
        endpoint = f"{self.services.settings.issuer}/oauth/token"
        claims = {"iss": name, "sub": name, "aud": endpoint, "iat": now, "exp": now + 60, "jti": f"{name}-assertion"}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._key.sign(claims),
        }
        answer = self.http.post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return str(answer.get_json()["access_token"])
