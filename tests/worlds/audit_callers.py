"""The audit's endpoints of a running service, and the kinds of caller that come to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask

from governance.audit import Event, NoteVerifier, RecordedEvent
from governance.audit.signer import NoteSigner
from governance.bootstrap import Services
from governance.vocabulary import Scope
from tests.worlds.basics import ISSUER
from tests.worlds.callers import REGION, Callers

ORIGIN = f"{ISSUER.partition('//')[2]}/log"
_ALL = (Scope.AUDIT_READ, Scope.AUDIT_WRITE, Scope.LOG_READ)


class AuditWorld:
    """The service as the audit's callers see it.

    Getting a token is an audit event too: the log has begun before a test does. Places in the log are therefore given
    as the test counts them, from :attr:`start`.

    Args:
        app: the application, with its routes.
        services: what it was made of; the log's writer runs.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        callers = Callers(app, services)
        for ods in ("RRK", "RKB"):
            callers.trust(ods)
        self._headers: Mapping[str, dict[str, str]] = {
            "region": callers.headers("regional-archive", REGION, _ALL),
            "rrk": callers.headers("rrk-archive", "RRK", _ALL),
            "rkb": callers.headers("rkb-archive", "RKB", _ALL),
            "writer": callers.headers("writer", REGION, (Scope.AUDIT_WRITE,)),
            "replica": callers.headers("replica", REGION, (Scope.LOG_REPLICATE,)),
        }
        self.client = callers.http
        self.services = services
        self.log = services.infrastructure.audit
        self.metrics = services.infrastructure.metrics
        self.pseudonymiser = services.infrastructure.pseudonymiser
        self.clock = services.infrastructure.clock
        self.start, _ = self.log.tree_head()

    def by(self, name: str) -> dict[str, str]:
        """Give the header that speaks for a caller: region, rrk, rkb, writer, who may only write, or replica."""
        return self._headers[name]

    def events(self) -> Sequence[RecordedEvent]:
        """Give what was recorded since the test began."""
        return self.log.read(self.start, 1_000)

    def record(self, *events: Event) -> list[int]:
        """Put events into the log and give their indexes."""
        return [receipt.index for receipt in self.log.append(events)]

    def at(self, place: int) -> str:
        """Give the address of an AuditEvent by its place in this test."""
        return f"{ISSUER}/fhir/AuditEvent/{self.start + place}"

    def verifier(self) -> NoteVerifier:
        """Give whoever checks the log's checkpoints."""
        settings = self.services.infrastructure.settings
        return NoteSigner.from_seed(settings.log_origin, settings.log_signing_key.get_secret_value()).verifier()

    def found(self, bundle: dict[str, Any]) -> list[str]:
        """Give the places in this test of the AuditEvents of a searchset; what was there before is left out."""
        places = [int(entry["resource"]["id"]) - self.start for entry in bundle.get("entry", [])]
        return [str(place) for place in places if place >= 0]
