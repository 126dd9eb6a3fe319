"""A running service with real parts, and clients of it that get their tokens like everybody else."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from governance.audit import RecordedEvent
from governance.federation import ServiceClient, Trust
from governance.vocabulary import EventKind, Scope, SubjectType
from governance.web import Services
from tests.token_world import ASSERTION_TYPE, KeyPair

NDJSON = "application/x-ndjson"


class ContextWorld:
    """The service, one registered client a set of scopes, and the words to speak to it.

    Args:
        app: the application, with its routes.
        services: what it was made of; the log's writer runs.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        self.services = services
        self._http = app.test_client()
        self._numbers = itertools.count(1)
        self._tokens: dict[frozenset[Scope], str] = {}
        self.key = KeyPair.ec("k1")
        with services.database.transaction() as session:
            for ods, name in (("RRK", "Birmingham"), ("RKB", "Coventry and Warwickshire")):
                services.federation.register_trust(session, Trust(ods, name))

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
        headers = {"Authorization": f"Bearer {self._token(frozenset(scopes))}"} if scopes else {}
        return self._http.open(path, method=method, data=body, headers=headers, content_type=media_type)

    def changes(self) -> list[RecordedEvent]:
        """Give the config events of the log, in order."""
        return [event for event in self.services.audit.read(0, 1_000) if event.kind is EventKind.CONFIG]

    def jwks(self) -> dict[str, Any]:
        """Give a key set that a registration may carry."""
        return {"keys": [self.key.public]}

    def _token(self, scopes: frozenset[Scope]) -> str:
        if scopes not in self._tokens:
            client_id = f"feeds-{len(self._tokens)}"
            held = frozenset(scope.value for scope in scopes)
            client = ServiceClient(client_id, "RRK", "Feeds", SubjectType.SERVICE, self.jwks(), held)
            with self.services.database.transaction() as session:
                self.services.federation.register_client(session, client)
            self._tokens[scopes] = self._credentials(client_id)
        return self._tokens[scopes]

    def _credentials(self, client_id: str) -> str:
        now = int(self.services.clock.now().timestamp())
        issuer = self.services.settings.issuer
        claims = {"iss": client_id, "sub": client_id, "aud": f"{issuer}/oauth/token", "iat": now, "exp": now + 60}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.key.sign(claims | {"jti": f"context-{next(self._numbers)}"}),
        }
        answer = self._http.post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return str(answer.get_json()["access_token"])
