"""The endpoints of suppressions: set, approve, look at, end; and who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from governance.bootstrap import Services
from governance.federation import StaffMember
from governance.vocabulary import Scope
from tests.worlds.alert_callers import PATH as ALERTS
from tests.worlds.alert_callers import AlertsApi
from tests.worlds.callers import Callers

PATH = "/alerts/v1/suppressions"


@pytest.fixture
def api(app: Flask, services: Services) -> AlertsApi:
    """Speak to the alerts of a running service; nia works at RRK, in the teaching team."""
    made = AlertsApi(app, services)
    keyed = services.infrastructure.pseudonymiser
    with services.infrastructure.database.transaction() as session:
        nia = StaffMember(id=keyed.subject("nia"), ods="RRK", role="nurse", team_ids=("teaching",))
        services.registers.federation.upsert_staff(session, [nia])
    return made


def body(api: AlertsApi, **changes: Any) -> dict[str, Any]:
    until = api.services.infrastructure.clock.now() + timedelta(days=30)
    facts = {"rule": "mass_export", "subject": "nia", "reason": "A teaching file", "expires_at": until.isoformat()}
    return {name: value for name, value in (facts | changes).items() if value is not None}


def raised(api: AlertsApi, **changes: Any) -> str:
    who = api.services.infrastructure.pseudonymiser.subject("nia")
    facts = {"rule_id": "mass_export", "family": "mass_export", "subject": who, "subjects": (who,), "trusts": ("RRK",)}
    return api.opened(**facts | changes)


def test_one_is_set_looked_at_and_ended(api: AlertsApi) -> None:
    answer = api.post(PATH, body(api))
    assert answer.status_code == 201
    made = answer.get_json()
    keyed = api.services.infrastructure.pseudonymiser
    assert (made["state"], made["ods"], made["owner"]) == ("in_force", "RRK", "rrk-siem")
    assert (made["subject"], made["needs_approval"], made["hits"]) == (keyed.subject("nia"), False, 0)
    assert raised(api) == ""
    whole = api.get(f"{PATH}/{made['id']}", "rrk").get_json()
    assert whole["hits"] == 1
    assert [(one["rule"], one["events"]) for one in whole["withheld"]] == [("mass_export", [3])]
    assert [one["id"] for one in api.get(PATH, "rrk").get_json()["suppressions"]] == [made["id"]]
    ended = api.post(f"{PATH}/{made['id']}/end", {"reason": "the term is over"}).get_json()
    assert (ended["state"], ended["end_reason"], ended["hits"]) == ("ended", "the term is over", 1)
    assert api.post(f"{PATH}/{made['id']}/end", {"reason": "again"}).status_code == 409
    assert api.get(PATH, "rrk").get_json()["suppressions"] == []
    assert [one["state"] for one in api.get(PATH, "rrk", ended="true").get_json()["suppressions"]] == ["ended"]
    assert api.get(f"{ALERTS}/{raised(api)}").get_json()["rule_ids"] == ["mass_export"]


def test_one_for_a_whole_trust_waits_for_somebody_else(api: AlertsApi, app: Flask) -> None:
    second = Callers(app, api.services).headers("rrk-second", "RRK", (Scope.ALERTS_READ, Scope.ALERTS_REVIEW))
    made = api.post(PATH, body(api, subject=None)).get_json()
    assert (made["state"], made["trust"]) == ("waiting", "RRK")
    assert raised(api) != ""
    path = f"{PATH}/{made['id']}/approve"
    assert (api.post(path, None).status_code, api.post(path, None, "rje").status_code) == (403, 404)
    approved = api.client.post(path, headers=second).get_json()
    assert (approved["state"], approved["approved_by"]) == ("in_force", "rrk-second")
    assert raised(api, about="p-2", patient="p-2", events=(20,)) == ""


def test_a_known_relation_and_a_team(api: AlertsApi) -> None:
    patient = "9990000018"
    related = body(api, kind="known_relation", rule=None, patient=patient)
    assert api.post(PATH, related).status_code == 201
    keyed = api.services.infrastructure.pseudonymiser.patient(patient)
    assert raised(api, about=keyed, patient=keyed) == ""
    assert raised(api, about="p-3", patient="p-3", events=(30,)) != ""
    assert api.post(PATH, body(api, subject=None, team="teaching")).status_code == 201
    assert raised(api, about="p-4", patient="p-4", events=(40,)) == ""


def test_a_trusts_own_service_is_called_by_its_id(api: AlertsApi) -> None:
    made = api.post(PATH, body(api, subject="rrk-archive"))
    assert (made.status_code, made.get_json()["subject"]) == (201, "rrk-archive")
    assert raised(api, subject="rrk-archive", subjects=("rrk-archive",)) == ""
    assert api.post(PATH, body(api, subject="rje-siem")).get_json()["reason"] == "suppression.not_yours"


def test_what_is_not_a_trusts_own_is_refused(api: AlertsApi) -> None:
    made = api.post(PATH, body(api)).get_json()["id"]
    assert api.get(f"{PATH}/{made}", "rje").status_code == 404
    assert api.get(PATH, "rje").get_json()["suppressions"] == []
    assert api.post(PATH, body(api), "rje").get_json()["reason"] == "suppression.not_yours"
    assert api.post(PATH, body(api), "reader").get_json()["reason"] == "scope.missing"
    assert [one["id"] for one in api.get(PATH, "region").get_json()["suppressions"]] == [made]
    assert api.post(f"{PATH}/{made}/end", {"reason": "the region's word"}, "region").status_code == 200


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"rule": "self_access"}, "/rule"),
        ({"rule": None}, "/rule"),
        ({"expires_at": "2030-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2026-12-01T00:00:00"}, "/expires_at"),
        ({"reason": ""}, "/reason"),
        ({"kind": "known_relation", "rule": None}, "/patient"),
        ({"forever": True}, "/forever"),
    ],
)
def test_a_body_that_cannot_be_right_names_its_field(api: AlertsApi, changes: dict[str, Any], pointer: str) -> None:
    answer = api.post(PATH, body(api, **changes))
    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.get_json()["errors"]]


def test_pages(api: AlertsApi) -> None:
    made = [api.post(PATH, body(api)).get_json()["id"] for _ in range(3)]
    first = api.get(PATH, "rrk", limit=2).get_json()
    second = api.get(PATH, "rrk", limit=2, cursor=first["cursor"]).get_json()
    assert [one["id"] for one in first["suppressions"] + second["suppressions"]] == sorted(made)
    assert second["cursor"] is None
