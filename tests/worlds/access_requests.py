"""A service that asks for decisions over HTTP and, when it must, for an emergency; its questions and its requests."""

import copy
from datetime import datetime, timedelta
from typing import Any

from werkzeug.test import TestResponse

from governance.feeds import timestamp
from governance.simulation import network, showcase
from tests.worlds.region import RegionWorld

PROBLEM = "urn:openid:authzen:access-request:error:"
REASON = "Unconscious after a fall"
QUESTION: dict[str, Any] = showcase.question(showcase.SEALED_STUDY)


class Caller:
    """A service that asks for decisions and, when it must, for an emergency."""

    def __init__(self, world: RegionWorld, client_id: str = network.EXPLORER) -> None:
        self.world = world
        self.client_id = client_id
        self.sign_in()

    def sign_in(self) -> None:
        """Get a fresh token: those of before run out as the world's clock moves."""
        form = {"grant_type": "client_credentials", "scope": "access.evaluate"}
        answer = self.world.post_form("/oauth/token", form | self.world.parties.proof(self.client_id, self.world.now))
        self.headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

    def evaluate(self, question: dict[str, Any] = QUESTION) -> dict[str, Any]:
        answer = self.world.client.post("/access/v1/evaluation", json=question, headers=self.headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return dict(answer.get_json())

    def send(self, body: Any, key: str | None = None) -> TestResponse:
        extra = {"Idempotency-Key": key} if key is not None else {}
        return self.world.client.post("/access/v1/request", json=body, headers=self.headers | extra)

    def get(self, task_id: str) -> TestResponse:
        return self.world.client.get(f"/access/v1/request/{task_id}", headers=self.headers)

    def revoke(self, task_id: str) -> TestResponse:
        return self.world.client.post(f"/access/v1/request/{task_id}/revoke", headers=self.headers)

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.world.clock.advance(timedelta(**span))
        self.sign_in()


def request_of(denied: dict[str, Any], question: dict[str, Any] = QUESTION, **requested: Any) -> dict[str, Any]:
    """Give the request that answers a denial."""
    context = denied["context"]
    body = copy.deepcopy(question)
    body["context"]["break_glass"] = {"reason": REASON}
    return body | {
        "requested_access": {"emergency": True, **requested},
        "denial": {
            "evaluation_id": context["evaluation_id"],
            "binding_token": context["access_request"]["binding_token"],
            "expires_at": context["access_request"]["expires_at"],
            "reason": context["reason"],
        },
        "client": {"id": "viewer", "name": "Viewer of the emergency department"},
    }


def changed(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Give a body with members at ``a__b`` paths replaced; None takes a member out."""
    made = copy.deepcopy(body)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def granted(caller: Caller, **requested: Any) -> dict[str, Any]:
    answer = caller.send(request_of(caller.evaluate(), **requested))
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return dict(answer.get_json())


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.get_json()["type"].removeprefix(PROBLEM)


def instant(text: str) -> datetime:
    return timestamp(text)
