"""The endpoints of the random audit."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from governance.bootstrap import Services
from governance.detection.sampling import Candidate
from tests.worlds.alert_callers import AlertsApi

PATH = "/alerts/v1/sample"
AT = datetime(2026, 11, 1, 9, tzinfo=UTC)


@pytest.fixture
def api(app: Flask, services: Services) -> AlertsApi:
    """Speak to a service in which a day of two trusts was drawn."""
    made = AlertsApi(app, services)
    looks = [Candidate(n, AT, "s-nia", "RRK" if n % 2 else "RJE", "p-1", "t-1") for n in range(30_000)]
    with services.infrastructure.database.transaction() as session:
        services.uses.sampling.draw_in(session, date(2026, 11, 1), looks)
    return made


def test_a_trust_sees_its_own_and_the_region_all(api: AlertsApi) -> None:
    own = api.get(PATH, "rrk").get_json()
    assert own["drawn"]
    assert {one["ods"] for one in own["drawn"]} == {"RRK"}
    assert [one["ods"] for one in own["summaries"]] == ["RRK"]
    assert {one["ods"] for one in api.get(PATH).get_json()["summaries"]} == {"RRK", "RJE"}
    first = api.get(PATH, "rrk", limit=1).get_json()
    second = api.get(PATH, "rrk", limit=1, cursor=first["cursor"]).get_json()
    assert [first["drawn"][0]["index"], second["drawn"][0]["index"]] == [one["index"] for one in own["drawn"][:2]]


def test_a_verdict_moves_the_miss_rate(api: AlertsApi) -> None:
    index = api.get(PATH, "rrk").get_json()["drawn"][0]["index"]
    before = api.get(PATH, "rrk").get_json()["summaries"][0]
    assert (before["miss_rate"], before["low"], before["high"]) == (None, 0.0, 1.0)
    body = {"verdict": "unjustified", "reason": "A neighbour."}
    assert api.post(f"{PATH}/{index}/verdict", body, "reader").status_code == 403
    assert api.post(f"{PATH}/{index}/verdict", body, "rje").status_code == 404
    assert api.post(f"{PATH}/{index}/verdict", body).get_json()["verdict"] == "unjustified"
    assert api.post(f"{PATH}/{index}/verdict", body).status_code == 409
    after = api.get(PATH, "rrk").get_json()["summaries"][0]
    assert (after["judged"], after["wrong"], after["miss_rate"], after["high"]) == (1, 1, 1.0, 1.0)
    assert 0 < after["low"] < 1
    assert [one["index"] for one in api.get(PATH, "rrk", judged="true").get_json()["drawn"]] == [index]


def test_a_trust_chooses_its_own_rate(api: AlertsApi) -> None:
    assert api.post(f"{PATH}/rate", {"rate": 0.002}).get_json() == {"rate": 0.002, "ods": "RRK"}
    assert api.get(PATH, "rrk").get_json()["summaries"][0]["rate"] == 0.002
    assert api.post(f"{PATH}/rate", {"rate": 0.002, "ods": "RRK"}, "rje").status_code == 403
    for wrong in ({}, {"rate": 0}, {"rate": 0.06}, {"rate": "much"}):
        assert api.post(f"{PATH}/rate", wrong).status_code == 400
