"""Tenants served by a real service, and the words to ask them."""

from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from governance.bootstrap import Services
from governance.vocabulary import Scope
from tests.worlds.callers import REGION, Callers

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ROOT / "docs" / "examples" / "tenants" / "meeting_rooms"
CERTIFICATION = ROOT / "tests" / "tenants" / "certification"


class TenantWorld:
    """The service with tenants, and a registered client that may ask them.

    Args:
        app: the application, with its routes.
        services: what it was made of; the log's writer runs.
        client_id: who asks.
    """

    def __init__(self, app: Flask, services: Services, client_id: str = "room-panels") -> None:
        self.app = app
        self.services = services
        self.callers = Callers(app, services)
        self.http = self.callers.http
        self.headers = self.callers.headers(client_id, REGION, [Scope.TENANTS_EVALUATE])

    def ask(self, tenant: str, path: str, body: Any, **headers: str) -> TestResponse:
        """Post JSON below a tenant's base."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(f"/tenants/{tenant}/access/v1/{path}", json=body, headers=sent)

    def decide(self, tenant: str, body: Any) -> bool:
        """Ask one question and give the decision."""
        answer = self.ask(tenant, "evaluation", body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        decision = answer.get_json()["decision"]
        assert isinstance(decision, bool)
        return decision

    def found(self, tenant: str, kind: str, body: Any) -> list[dict[str, Any]]:
        """Search and give the results of the first page."""
        answer = self.ask(tenant, f"search/{kind}", body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        results: list[dict[str, Any]] = answer.get_json()["results"]
        return results


def question(who: str, does: str, what: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """Write a question to the certification fixture; properties are given by member."""
    members: dict[str, dict[str, Any]] = {
        "subject": {"type": "user", "id": who},
        "action": {"name": does},
        "resource": {"type": "record", "id": what},
    }
    for name, given in properties.items():
        members[name]["properties"] = given
    return members
