"""The alerts' endpoints of a running service, and the callers that come to them."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from governance.bootstrap import Services
from governance.vocabulary import Scope
from tests.worlds.alerts import finding
from tests.worlds.callers import REGION, Callers

PATH = "/alerts/v1/alerts"
STREAM = "/alerts/v1/stream"
READ = (Scope.ALERTS_READ,)
REVIEW = (Scope.ALERTS_READ, Scope.ALERTS_REVIEW)


class AlertsApi:
    """The running application as readers and reviewers of alerts see it.

    Args:
        app: the application.
        services: what it was made of.
    """

    def __init__(self, app: Flask, services: Services) -> None:
        callers = Callers(app, services)
        self._headers = {
            "region": callers.headers("regional-siem", REGION, REVIEW),
            "rrk": callers.headers("rrk-siem", "RRK", REVIEW),
            "rje": callers.headers("rje-siem", "RJE", REVIEW),
            "reader": callers.headers("rrk-reader", "RRK", READ),
            "audit-only": callers.headers("rrk-archive", "RRK", (Scope.AUDIT_WRITE,)),
        }
        self.services = services
        self.client = callers.http

    def by(self, name: str) -> dict[str, str]:
        """Give the header that speaks for a caller."""
        return self._headers[name]

    def get(self, path: str = PATH, who: str = "region", **query: object) -> TestResponse:
        """Read as a caller."""
        return self.client.get(path, query_string=query, headers=self.by(who))

    def post(self, path: str, body: object, who: str = "rrk") -> TestResponse:
        """Send a JSON body as a caller."""
        return self.client.post(path, json=body, headers=self.by(who))

    def opened(self, **changes: Any) -> str:
        """Raise a finding, as detection does, and give the id of its alert."""
        with self.services.infrastructure.database.transaction() as session:
            (raised,) = self.services.uses.alerts.raise_findings(session, [finding(**changes)])
        return raised.alert

    def stream(self, who: str = "region", after: str | None = None) -> TestResponse:
        """Follow the changes as far as they go: the service is stopping, so a stream tells what there is and ends."""
        self.services.uses.alerts.streams.stop()
        headers = self.by(who) | ({} if after is None else {"Last-Event-ID": after})
        return self.client.get(STREAM, headers=headers)
