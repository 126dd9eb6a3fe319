"""A little world for the audit's doors: the real log, search, federation and storage behind the real blueprints.

Only the token service is played: it knows a handful of bearer tokens and says whose they are.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

from flask import Flask
from flask.testing import FlaskClient

from governance.api.audit_in import blueprint as audit_in
from governance.api.audit_out import blueprint as audit_out
from governance.api.fhir import blueprint as fhir
from governance.api.log import blueprint as log
from governance.audit import AuditLog, AuditSearch, Event, NoteSigner
from governance.clock import FixedClock
from governance.errors import Unauthenticated
from governance.federation import FederationDirectory, Trust
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.telemetry import Metrics
from governance.vocabulary import Scope
from governance.web import problems

REGION = "QHL"
ORIGIN = "audit.example/log"
ISSUER = "https://governance.example"


@dataclass(frozen=True, slots=True)
class Claims:
    client_id: str
    ods: str
    scopes: frozenset[str]


ALL = frozenset(scope.value for scope in Scope)
TOKENS = {
    "region": Claims("regional-archive", REGION, ALL),
    "rrk": Claims("rrk-archive", "RRK", ALL),
    "rkb": Claims("rkb-archive", "RKB", ALL),
    "writer": Claims("writer", REGION, frozenset({Scope.AUDIT_WRITE.value})),
}


class Tokens:
    def verify_access(self, token: str, audience: str, presentation: object = None) -> Claims:
        assert audience == ISSUER
        if token not in TOKENS:
            raise Unauthenticated("token.unknown", "This token is not known.")
        return TOKENS[token]


@dataclass
class AuditWorld:
    app: Flask
    log: AuditLog
    search: AuditSearch
    signer: NoteSigner
    pseudonymiser: Pseudonymiser
    metrics: Metrics
    clock: FixedClock
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    @staticmethod
    def by(name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {name}"}

    def all_events(self) -> Sequence[object]:
        return self.log.read(0, 1_000)

    def record(self, *events: Event) -> list[int]:
        return [receipt.index for receipt in self.log.append(events)]


@contextmanager
def audit_world(
    database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock
) -> Iterator[AuditWorld]:
    signer = NoteSigner.from_seed(ORIGIN, b"s" * 31 + b"t")
    federation = FederationDirectory(pseudonymiser)
    with database.transaction() as session:
        for ods in ("RRK", "RKB"):
            federation.register_trust(session, Trust(ods, f"Trust {ods}"))
    metrics = Metrics()
    audit = AuditLog(database, pseudonymiser, vault, signer, clock, ORIGIN)
    search = AuditSearch(database)
    app = Flask("audit-world")
    app.extensions["governance"] = SimpleNamespace(
        settings=SimpleNamespace(issuer=ISSUER, organisation=REGION, metrics_token=None),
        clock=clock,
        database=database,
        pseudonymiser=pseudonymiser,
        vault=vault,
        audit=audit,
        audit_search=search,
        federation=federation,
        metrics=metrics,
        tokens=Tokens(),
    )
    problems.install(app)
    for blueprint in (audit_in, audit_out, fhir, log):
        app.register_blueprint(blueprint)
    with audit:
        yield AuditWorld(app, audit, search, signer, pseudonymiser, metrics, clock)
