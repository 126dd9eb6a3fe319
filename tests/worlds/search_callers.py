"""Searches over HTTP at a running service: who asks, what for, and the pages of the answer."""

import copy
from typing import Any

from werkzeug.test import TestResponse

from governance.simulation import showcase
from tests.worlds.region import SHORT_PURPOSE, RegionWorld

KINDS = ("subject", "resource", "action")
READER = {
    "type": "practitioner",
    "id": showcase.REPORTER,
    "properties": {"role": "consultant_radiologist", "ods": "RKB", "assurance": 3},
}
QUESTION: dict[str, Any] = {
    "subject": READER,
    "action": {"name": "read"},
    "resource": {"type": "study", "id": showcase.SHARED_STUDY},
    "context": {"purpose": "TREAT"},
}
OPEN = {showcase.SHARED_STUDY, showcase.UNRELATED_STUDY, showcase.OWN_STUDY, showcase.DECOY_STUDY}  # none is sealed


def bearer(world: RegionWorld, client_id: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "scope": "access.evaluate"}
    answer = world.post_form("/oauth/token", form | world.parties.proof(client_id, world.now))
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def changed(**changes: Any) -> dict[str, Any]:
    """Give the question with members at ``a__b`` paths replaced; None takes a member out."""
    made = copy.deepcopy(QUESTION)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = made
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def ask(world: RegionWorld, headers: dict[str, str], kind: str, body: Any) -> TestResponse:
    return world.client.post(f"/access/v1/search/{kind}", json=body, headers=headers)


def found(world: RegionWorld, headers: dict[str, str], kind: str, body: Any) -> list[dict[str, Any]]:
    answer = ask(world, headers, kind, body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    results: list[dict[str, Any]] = answer.get_json()["results"]
    return results


def widely(**changes: Any) -> dict[str, Any]:
    """Ask for a purpose that needs no relationship: every study that is not sealed is a hit."""
    return changed(context__purpose=SHORT_PURPOSE, resource__id=None) | changes


def pages(world: RegionWorld, headers: dict[str, str], kind: str, body: Any, limit: int) -> list[list[dict[str, Any]]]:
    """Walk a search to its end."""
    made, page = [], {"limit": limit}
    while True:
        answer = ask(world, headers, kind, body | {"page": page}).get_json()
        made.append(answer["results"])
        assert answer["page"]["count"] == len(answer["results"])
        if not answer["page"]["next_token"]:
            return made
        page = {"limit": limit, "token": answer["page"]["next_token"]}
