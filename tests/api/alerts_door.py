"""The alerts' blueprint in front of a little world; only the token service is played."""

from dataclasses import dataclass
from types import SimpleNamespace

from flask import Flask

from governance.api.alerts import blueprint
from governance.errors import Unauthenticated
from governance.vocabulary import Scope
from tests.alert_world import AlertWorld

REGION = "QHL"
ISSUER = "https://governance.example"


@dataclass(frozen=True, slots=True)
class Claims:
    client_id: str
    ods: str
    scopes: frozenset[str]


READ = frozenset({Scope.ALERTS_READ.value})
REVIEW = READ | {Scope.ALERTS_REVIEW.value}
TOKENS = {
    "region": Claims("regional-siem", REGION, REVIEW),
    "rrk": Claims("rrk-siem", "RRK", REVIEW),
    "rje": Claims("rje-siem", "RJE", REVIEW),
    "reader": Claims("rrk-reader", "RRK", READ),
    "audit-only": Claims("rrk-archive", "RRK", frozenset({Scope.AUDIT_WRITE.value})),
}


class Tokens:
    def verify_access(self, token: str, audience: str, presentation: object = None) -> Claims:
        assert audience == ISSUER
        if token not in TOKENS:
            raise Unauthenticated("token.unknown", "This token is not known.")
        return TOKENS[token]


def open_door(world: AlertWorld) -> Flask:
    """Put the blueprint in front of a world."""
    app = Flask("alert-world")
    app.extensions["governance"] = SimpleNamespace(
        settings=SimpleNamespace(issuer=ISSUER, organisation=REGION, metrics_token=None),
        clock=world.clock,
        database=world.database,
        pseudonymiser=world.pseudonymiser,
        alerts=world.alerts,
        tokens=Tokens(),
    )
    app.register_blueprint(blueprint)
    return app
