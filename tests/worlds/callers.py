"""Callers of a running service: registered in its federation, with tokens from its own token endpoint."""

import itertools
from collections.abc import Collection
from typing import Any

from flask import Flask

from governance.bootstrap import Services
from governance.federation import ServiceClient, Trust
from governance.vocabulary import Scope, SubjectType
from tests.worlds.tokens import ASSERTION_TYPE, KeyPair

REGION = "QHL"  # the organisation that runs the service: its clients act for the whole region


class Callers:
    """Registers services and gets their tokens the way everybody does: a signed assertion (RFC 7523), then a bearer.

    Args:
        app: the application, with its routes.
        services: what it was made of; the log's writer runs.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        self.services = services
        self.http = app.test_client()
        self.key = KeyPair.ec("k1")
        self._numbers = itertools.count(1)

    def jwks(self) -> dict[str, Any]:
        """Give the key set that every registration of these callers carries."""
        return {"keys": [self.key.public]}

    def trust(self, ods: str, name: str | None = None) -> None:
        """Register an organisation."""
        with self.services.infrastructure.database.transaction() as session:
            self.services.registers.federation.register_trust(session, Trust(ods, name or f"Trust {ods}"))

    def headers(
        self, client_id: str, ods: str, scopes: Collection[Scope], writes_for: Collection[str] = ()
    ) -> dict[str, str]:
        """Register a service of an organisation with scopes, and give the header that speaks for it.

        ``writes_for`` names the trusts beside its own whose rows it writes.
        """
        held, further = frozenset(scope.value for scope in scopes), frozenset(writes_for)
        client = ServiceClient(client_id, ods, client_id, SubjectType.SERVICE, self.jwks(), held, writes_for=further)
        self.trust(ods)
        with self.services.infrastructure.database.transaction() as session:
            self.services.registers.federation.register_client(session, client)
        return {"Authorization": f"Bearer {self.token(client_id)}"}

    def token(self, client_id: str) -> str:
        """Get a token with all scopes of a registered service from ``/oauth/token``."""
        now = int(self.services.infrastructure.clock.now().timestamp())
        endpoint = self.services.registers.tokens.token_endpoint
        claims = {"iss": client_id, "sub": client_id, "aud": endpoint, "iat": now, "exp": now + 60}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.key.sign(claims | {"jti": f"{client_id}-{next(self._numbers)}"}),
        }
        answer = self.http.post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return str(answer.get_json()["access_token"])
