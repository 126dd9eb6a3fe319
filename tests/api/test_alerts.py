"""The alerts' doors: listing, reading, reviewing, following, and who may do which."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from governance.clock import FixedClock
from governance.storage import Database
from governance.vocabulary import Severity
from governance.web import problems
from tests.alert_world import AlertWorld, finding

PATH = "/alerts/v1/alerts"


@pytest.fixture
def world(sqlite_database: Database, clock: FixedClock) -> AlertWorld:
    return AlertWorld(sqlite_database, clock)


@pytest.fixture
def client(world: AlertWorld) -> Iterator[FlaskClient]:
    from tests.api.alerts_door import open_door

    app: Flask = open_door(world)
    problems.install(app)
    with app.test_client() as made:
        yield made


def by(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


def get(client: FlaskClient, path: str = PATH, who: str = "region", **query: object) -> Any:
    return client.get(path, query_string=query, headers=by(who))


def post(client: FlaskClient, path: str, body: object, who: str = "rrk") -> Any:
    return client.post(path, json=body, headers=by(who))


def opened(world: AlertWorld, **changes: Any) -> str:
    return world.raise_all(finding(**changes))[0][0]


def test_an_alert_is_what_the_surface_says(world: AlertWorld, client: FlaskClient) -> None:
    alert = opened(world)
    shown = get(client, f"{PATH}/{alert}").get_json()
    assert shown | {"number": 1} == {
        "id": alert,
        "number": 1,
        "opened_at": "2026-03-03T09:00:00Z",
        "latest_at": "2026-03-03T09:00:00Z",
        "severity": "high",
        "state": "new",
        "assignee": None,
        "verdict": None,
        "reason": None,
        "family": "self_access",
        "rule_ids": ["self_access"],
        "subject": "s-nia",
        "subjects": ["s-nia"],
        "patient": "p-1",
        "trusts": ["RKB", "RRK"],
        "evidence": [
            {
                "signal": "own_record",
                "observed": 1,
                "expected": 0,
                "sample": 0,
                "bits": None,
                "sentence": "This is their own record.",
            }
        ],
        "events": [3],
        "agreement_ids": ["dsa-1"],
        "decision_ids": ["d-1"],
        "token_jtis": ["j-1"],
        "grouped_under": None,
        "history": [],
    }


def test_pages_and_filters(world: AlertWorld, client: FlaskClient) -> None:
    ids = [opened(world, about=f"p-{n}", events=(n,)) for n in range(5)]
    decoy = opened(world, family="decoy", rule_id="decoy_record", severity=Severity.CRITICAL, subject="s-else")
    seen: list[str] = []
    cursor: dict[str, object] = {}
    while True:
        page = get(client, limit=2, **cursor).get_json()
        seen += [each["id"] for each in page["alerts"]]
        if page["cursor"] is None:
            break
        cursor = {"cursor": page["cursor"]}
    assert seen == [decoy, *reversed(ids)]
    for filters, count in (
        ({"rule": "decoy_record"}, 1),
        ({"severity": "critical"}, 1),
        ({"state": "new"}, 6),
        ({"state": "closed"}, 0),
        ({"ods": "RKB"}, 6),
        ({"ods": "RJE"}, 0),
        ({"subject": "s-nia"}, 6),
        ({"rule": "self_access", "severity": "critical"}, 0),
    ):
        assert len(get(client, **filters).get_json()["alerts"]) == count, filters


@pytest.mark.parametrize(
    "query",
    [{"state": "open"}, {"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"patient": "9990000018"}, {"unknown": 1}],
)
def test_a_query_that_cannot_be_right_is_refused(client: FlaskClient, query: dict[str, object]) -> None:
    answer = get(client, **query)
    assert answer.status_code == 400
    assert answer.get_json()["errors"]


def test_a_trust_sees_its_own(world: AlertWorld, client: FlaskClient) -> None:
    alert = opened(world)
    assert len(get(client, who="rrk").get_json()["alerts"]) == 1
    assert get(client, who="rje").get_json()["alerts"] == []
    assert get(client, f"{PATH}/{alert}", "rje").status_code == 404
    assert post(client, f"{PATH}/{alert}/comment", {"comment": "hello"}, "rje").status_code == 404


def test_the_review(world: AlertWorld, client: FlaskClient) -> None:
    alert = opened(world)
    taken = post(client, f"{PATH}/{alert}/assign", {}).get_json()
    assert (taken["state"], taken["assignee"]) == ("investigating", "rrk-siem")
    given = post(client, f"{PATH}/{alert}/assign", {"assignee": "officer-1"}).get_json()
    assert given["assignee"] == world.pseudonymiser.subject("officer-1")
    assert post(client, f"{PATH}/{alert}/comment", {"comment": "asked"}).status_code == 200
    closed = post(client, f"{PATH}/{alert}/close", {"verdict": "unjustified", "reason": "curiosity"})
    assert closed.status_code == 200
    assert (closed.get_json()["state"], closed.get_json()["verdict"]) == ("closed", "unjustified")
    assert [entry["change"] for entry in closed.get_json()["history"]] == [
        "assigned",
        "assigned",
        "commented",
        "closed",
    ]
    again = post(client, f"{PATH}/{alert}/close", {"verdict": "justified", "reason": "no"})
    assert (again.status_code, again.get_json()["reason"]) == (409, "alert.already_closed")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"verdict": "justified"},
        {"reason": "fine"},
        {"verdict": "maybe", "reason": "x"},
        {"verdict": "justified", "reason": ""},
        {"verdict": "justified", "reason": "   "},
    ],
)
def test_closing_needs_a_verdict_and_a_reason(world: AlertWorld, client: FlaskClient, body: dict[str, str]) -> None:
    alert = opened(world)
    answer = post(client, f"{PATH}/{alert}/close", body)
    assert answer.status_code == 400
    assert answer.get_json()["errors"]
    assert get(client, f"{PATH}/{alert}").get_json()["state"] == "new"


def test_ones_own_case_is_refused(world: AlertWorld, client: FlaskClient) -> None:
    alert = opened(world, subject="rrk-siem", subjects=("rrk-siem",))
    answer = post(client, f"{PATH}/{alert}/close", {"verdict": "justified", "reason": "it was me"})
    assert (answer.status_code, answer.get_json()["reason"]) == (403, "alert.own_case")
    assert get(client, who="rrk").get_json()["alerts"] == []


@pytest.mark.parametrize("verb", ["assign", "comment", "close"])
def test_reading_does_not_allow_reviewing(world: AlertWorld, client: FlaskClient, verb: str) -> None:
    alert = opened(world)
    answer = post(client, f"{PATH}/{alert}/{verb}", {}, "reader")
    assert (answer.status_code, answer.get_json()["reason"]) == (403, "scope.missing")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/a-1", "/alerts/v1/stream"])
def test_nobody_gets_nothing(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 401
    assert client.get(path, headers=by("audit-only")).status_code == 403


def messages(text: str) -> list[dict[str, str]]:
    """Read an event stream (WHATWG HTML section 9.2.6)."""
    read = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            read.append(fields)
    return read


def test_the_stream_sends_resumes_keeps_alive_and_ends(world: AlertWorld, client: FlaskClient) -> None:
    first = opened(world)
    answer = client.get("/alerts/v1/stream", headers=by("region") | {"Last-Event-ID": "0"})
    assert answer.content_type == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.get_data(as_text=True)
    assert ": still here" in text
    (sent,) = messages(text)
    assert sent["event"] == "alert"
    assert (json.loads(sent["data"])["change"], json.loads(sent["data"])["alert"]["id"]) == ("opened", first)
    second = opened(world, about="p-2", events=(8,))
    answer = client.get("/alerts/v1/stream", headers=by("region") | {"Last-Event-ID": sent["id"]})
    assert [json.loads(each["data"])["alert"]["id"] for each in messages(answer.get_data(as_text=True))] == [second]
    answer = client.get("/alerts/v1/stream", headers=by("region"))
    assert messages(answer.get_data(as_text=True)) == []


def test_the_stream_is_the_trusts_own(world: AlertWorld, client: FlaskClient) -> None:
    opened(world)
    answer = client.get("/alerts/v1/stream", headers=by("rje") | {"Last-Event-ID": "0"})
    assert messages(answer.get_data(as_text=True)) == []


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "9" * 40, "\u0661"])
def test_a_made_up_position_is_refused(client: FlaskClient, value: str) -> None:
    headers = by("region") | {"Last-Event-ID": value.encode("utf-8").decode("latin-1")}
    assert client.get("/alerts/v1/stream", headers=headers).status_code == 400


def test_every_place_taken_is_said_and_places_come_back(world: AlertWorld, client: FlaskClient) -> None:
    held = [client.get("/alerts/v1/stream", headers=by("region"), buffered=False) for _ in range(2)]
    refused = client.get("/alerts/v1/stream", headers=by("region"))
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    for answer in held:
        answer.close()
    assert client.get("/alerts/v1/stream", headers=by("region")).status_code == 200
