"""The alerts' doors: listing, reading, reviewing, following, and who may do which."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from governance.alerts import StreamTiming
from governance.bootstrap import Services
from governance.vocabulary import Severity
from tests.worlds.alert_callers import PATH, STREAM, AlertsDoor


@pytest.fixture
def door(app: Flask, services: Services) -> AlertsDoor:
    """Speak to the alerts of a running service."""
    return AlertsDoor(app, services)


def test_an_alert_is_what_the_surface_says(door: AlertsDoor) -> None:
    alert = door.opened()
    shown = door.get(f"{PATH}/{alert}").get_json()
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


def test_pages_and_filters(door: AlertsDoor) -> None:
    ids = [door.opened(about=f"p-{n}", events=(n,)) for n in range(5)]
    decoy = door.opened(family="decoy", rule_id="decoy_record", severity=Severity.CRITICAL, subject="s-else")
    seen: list[str] = []
    cursor: dict[str, object] = {}
    while True:
        page = door.get(limit=2, **cursor).get_json()
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
        assert len(door.get(**filters).get_json()["alerts"]) == count, filters


@pytest.mark.parametrize(
    "query",
    [{"state": "open"}, {"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"patient": "9990000018"}, {"unknown": 1}],
)
def test_a_query_that_cannot_be_right_is_refused(door: AlertsDoor, query: dict[str, object]) -> None:
    answer = door.get(**query)
    assert answer.status_code == 400
    assert answer.get_json()["errors"]


def test_a_trust_sees_its_own(door: AlertsDoor) -> None:
    alert = door.opened()
    assert len(door.get(who="rrk").get_json()["alerts"]) == 1
    assert door.get(who="rje").get_json()["alerts"] == []
    assert door.get(f"{PATH}/{alert}", "rje").status_code == 404
    assert door.post(f"{PATH}/{alert}/comment", {"comment": "hello"}, "rje").status_code == 404


def test_the_review(door: AlertsDoor) -> None:
    alert = door.opened()
    taken = door.post(f"{PATH}/{alert}/assign", {}).get_json()
    assert (taken["state"], taken["assignee"]) == ("investigating", "rrk-siem")
    given = door.post(f"{PATH}/{alert}/assign", {"assignee": "officer-1"}).get_json()
    assert given["assignee"] == door.services.infrastructure.pseudonymiser.subject("officer-1")
    assert door.post(f"{PATH}/{alert}/comment", {"comment": "asked"}).status_code == 200
    closed = door.post(f"{PATH}/{alert}/close", {"verdict": "unjustified", "reason": "curiosity"})
    assert closed.status_code == 200
    assert (closed.get_json()["state"], closed.get_json()["verdict"]) == ("closed", "unjustified")
    assert [entry["change"] for entry in closed.get_json()["history"]] == [
        "assigned",
        "assigned",
        "commented",
        "closed",
    ]
    again = door.post(f"{PATH}/{alert}/close", {"verdict": "justified", "reason": "no"})
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
def test_closing_needs_a_verdict_and_a_reason(door: AlertsDoor, body: dict[str, str]) -> None:
    alert = door.opened()
    answer = door.post(f"{PATH}/{alert}/close", body)
    assert answer.status_code == 400
    assert answer.get_json()["errors"]
    assert door.get(f"{PATH}/{alert}").get_json()["state"] == "new"


def test_ones_own_case_is_refused(door: AlertsDoor) -> None:
    alert = door.opened(subject="rrk-siem", subjects=("rrk-siem",))
    answer = door.post(f"{PATH}/{alert}/close", {"verdict": "justified", "reason": "it was me"})
    assert (answer.status_code, answer.get_json()["reason"]) == (403, "alert.own_case")
    assert door.get(who="rrk").get_json()["alerts"] == []


@pytest.mark.parametrize("verb", ["assign", "comment", "close"])
def test_reading_does_not_allow_reviewing(door: AlertsDoor, verb: str) -> None:
    alert = door.opened()
    answer = door.post(f"{PATH}/{alert}/{verb}", {}, "reader")
    assert (answer.status_code, answer.get_json()["reason"]) == (403, "scope.missing")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/a-1", STREAM])
def test_nobody_gets_nothing(door: AlertsDoor, path: str) -> None:
    assert door.client.get(path).status_code == 401
    assert door.client.get(path, headers=door.by("audit-only")).status_code == 403


def messages(text: str) -> list[dict[str, str]]:
    """Read an event stream (WHATWG HTML section 9.2.6)."""
    read = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            read.append(fields)
    return read


def test_the_stream_sends_and_resumes(door: AlertsDoor) -> None:
    first = door.opened()
    answer = door.stream(after="0")
    assert answer.content_type == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.get_data(as_text=True)
    assert ": still here" in text
    (sent,) = messages(text)
    assert sent["event"] == "alert"
    assert (json.loads(sent["data"])["change"], json.loads(sent["data"])["alert"]["id"]) == ("opened", first)
    second = door.opened(about="p-2", events=(8,))
    answer = door.stream(after=sent["id"])
    assert [json.loads(each["data"])["alert"]["id"] for each in messages(answer.get_data(as_text=True))] == [second]
    assert messages(door.stream().get_data(as_text=True)) == []


def test_the_stream_is_the_trusts_own(door: AlertsDoor) -> None:
    door.opened()
    assert messages(door.stream("rje", after="0").get_data(as_text=True)) == []


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "9" * 40, "\u0661"])
def test_a_made_up_position_is_refused(door: AlertsDoor, value: str) -> None:
    assert door.stream(after=value.encode("utf-8").decode("latin-1")).status_code == 400


def test_every_place_taken_is_said_and_places_come_back(door: AlertsDoor) -> None:
    places = StreamTiming().maximum
    held = [door.client.get(STREAM, headers=door.by("region"), buffered=False) for _ in range(places)]
    refused = door.client.get(STREAM, headers=door.by("region"))
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    for answer in held:
        answer.close()
    assert door.stream().status_code == 200
