"""The alerts' endpoints: listing, reading, reviewing, following, and who may do which."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask

from governance.alerts import Party, Review, StreamTiming
from governance.bootstrap import Services
from governance.vocabulary import AlertKind, Capacity, Severity
from tests.worlds.alert_callers import PATH, STREAM, AlertsApi
from tests.worlds.alerts import BEGAN


@pytest.fixture
def api(app: Flask, services: Services) -> AlertsApi:
    """Speak to the alerts of a running service."""
    return AlertsApi(app, services)


def test_an_alert_is_what_the_surface_says(api: AlertsApi) -> None:
    alert = api.opened()
    shown = api.get(f"{PATH}/{alert}").get_json()
    assert shown | {"number": 1} == {
        "id": alert,
        "number": 1,
        "kind": "alert",
        "opened_at": "2026-03-03T09:00:00Z",
        "latest_at": "2026-03-03T09:00:00Z",
        "severity": "high",
        "state": "new",
        "assignee": None,
        "verdicts": [],
        "waits_for": [{"ods": "RKB", "capacity": "controller"}, {"ods": "RRK", "capacity": "controller"}],
        "verdict": None,
        "reason": None,
        "closed_by": None,
        "review": None,
        "family": "self_access",
        "rule_ids": ["self_access"],
        "subject": "s-nia",
        "subjects": ["s-nia"],
        "subjects_total": 1,
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
        "picture": None,
        "events": [3],
        "events_total": 1,
        "explanations": [
            {"index": 3, "kind": "pending", "edge": None, "source": None, "age_seconds": None, "strength": 0.0}
        ],
        "agreement_ids": ["dsa-1"],
        "decision_ids": ["d-1"],
        "decisions_total": 1,
        "token_jtis": ["j-1"],
        "tokens_total": 1,
        "grouped_under": None,
        "joined_to": None,
        "history": [],
    }


def test_pages_and_filters(api: AlertsApi) -> None:
    ids = [api.opened(about=f"p-{n}", events=(n,)) for n in range(5)]
    decoy = api.opened(family="decoy", rule_id="decoy_record", severity=Severity.CRITICAL, subject="s-else")
    seen: list[str] = []
    cursor: dict[str, object] = {}
    while True:
        page = api.get(limit=2, **cursor).get_json()
        seen += [each["id"] for each in page["alerts"]]
        if page["cursor"] is None:
            break
        cursor = {"cursor": page["cursor"]}
    assert seen == [decoy, *reversed(ids)]
    for filters, count in (
        ({"rule": "decoy_record"}, 1),
        ({"severity": "critical"}, 1),
        ({"state": "new"}, 6),
        ({"kind": "alert"}, 6),
        ({"kind": "notice"}, 0),
        ({"review": "waiting"}, 0),
        ({"awaiting": "RKB"}, 6),
        ({"awaiting": "RJE"}, 0),
        ({"state": "closed"}, 0),
        ({"ods": "RKB"}, 6),
        ({"ods": "RJE"}, 0),
        ({"subject": "s-nia"}, 6),
        ({"rule": "self_access", "severity": "critical"}, 0),
    ):
        assert len(api.get(**filters).get_json()["alerts"]) == count, filters


@pytest.mark.parametrize(
    "query",
    [
        {"state": "open"},
        {"kind": "all"},
        {"review": "done"},
        {"limit": 0},
        {"limit": 201},
        {"cursor": "x"},
        {"patient": "9990000018"},
        {"unknown": 1},
    ],
)
def test_a_query_that_cannot_be_right_is_refused(api: AlertsApi, query: dict[str, object]) -> None:
    answer = api.get(**query)
    assert answer.status_code == 400
    assert answer.get_json()["errors"]


def test_a_trust_sees_its_own(api: AlertsApi) -> None:
    alert = api.opened()
    assert len(api.get(who="rrk").get_json()["alerts"]) == 1
    assert api.get(who="rje").get_json()["alerts"] == []
    assert api.get(f"{PATH}/{alert}", "rje").status_code == 404
    assert api.post(f"{PATH}/{alert}/comment", {"comment": "hello"}, "rje").status_code == 404


def test_the_review(api: AlertsApi) -> None:
    alert = api.opened(trusts=("RRK",))
    taken = api.post(f"{PATH}/{alert}/assign", {}).get_json()
    assert (taken["state"], taken["assignee"]) == ("investigating", "rrk-siem")
    given = api.post(f"{PATH}/{alert}/assign", {"assignee": "officer-1"}).get_json()
    assert given["assignee"] == api.services.infrastructure.pseudonymiser.subject("officer-1")
    assert api.post(f"{PATH}/{alert}/comment", {"comment": "asked"}).status_code == 200
    closed = api.post(f"{PATH}/{alert}/close", {"verdict": "unjustified", "reason": "curiosity"})
    assert closed.status_code == 200
    assert (closed.get_json()["state"], closed.get_json()["verdict"]) == ("closed", "unjustified")
    assert [entry["change"] for entry in closed.get_json()["history"]] == [
        "assigned",
        "assigned",
        "commented",
        "closed",
    ]
    again = api.post(f"{PATH}/{alert}/close", {"verdict": "justified", "reason": "no"})
    assert (again.status_code, again.get_json()["reason"]) == (409, "alert.already_closed")


def test_each_trust_gives_its_own_verdict(api: AlertsApi) -> None:
    """The employer's justified does not silence the controller; a notice of the region's closes for all."""
    parties = (Party("RJE", Capacity.EMPLOYER),)
    alert = api.opened(trusts=("RJE", "RRK"), parties=parties)
    first = api.post(f"{PATH}/{alert}/close", {"verdict": "justified", "reason": "on call"}, "rje").get_json()
    assert (first["state"], first["verdict"]) == ("investigating", None)
    assert [(one["ods"], one["capacity"], one["verdict"]) for one in first["verdicts"]] == [
        ("RJE", "employer", "justified")
    ]
    assert first["waits_for"] == [{"ods": "RRK", "capacity": "controller"}]
    assert [one["change"] for one in first["history"]] == ["judged"]
    again = api.post(f"{PATH}/{alert}/close", {"verdict": "unjustified", "reason": "no"}, "rje")
    assert (again.status_code, again.get_json()["reason"]) == (409, "alert.already_judged")
    wrong = {"verdict": "unjustified", "reason": "no", "capacity": "sponsor"}
    answer = api.post(f"{PATH}/{alert}/close", wrong)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (400, "/capacity")
    last = api.post(f"{PATH}/{alert}/close", wrong | {"capacity": "controller"}).get_json()
    assert (last["state"], last["verdict"], last["closed_by"]) == ("closed", "unjustified", "verdicts")


def test_the_region_closes_for_all(api: AlertsApi) -> None:
    alert = api.opened()
    closed = api.post(f"{PATH}/{alert}/close", {"verdict": "unclear", "reason": "merged trusts"}, "region").get_json()
    assert (closed["state"], closed["verdict"], closed["closed_by"]) == ("closed", "unclear", "region")
    assert (closed["verdicts"], closed["waits_for"]) == ([], [])
    assert closed["history"][0]["actor"] == "regional-siem"


def test_a_notice_is_no_alert(api: AlertsApi) -> None:
    due = BEGAN + timedelta(days=14)
    notice = api.opened(kind=AlertKind.NOTICE, review=Review(drawn=True, due=due), trusts=("RRK",))
    alert = api.opened()
    assert [one["id"] for one in api.get(kind="alert").get_json()["alerts"]] == [alert]
    waiting = api.get(review="waiting").get_json()["alerts"]
    assert [(one["id"], one["kind"]) for one in waiting] == [(notice, "notice")]
    assert waiting[0]["review"] == {"drawn": True, "due": "2026-03-17T09:00:00Z", "done": None, "done_by": None}
    assert waiting[0]["explanations"] is None
    sent = {each["event"] for each in messages(api.stream(after="0").get_data(as_text=True))}
    assert sent == {"alert", "notice"}
    done = api.post(f"{PATH}/{notice}/close", {"verdict": "justified", "reason": "an arrest call"}).get_json()
    assert (done["review"]["done"], done["review"]["done_by"]) == (done["history"][0]["at"], "rrk-siem")
    assert api.get(review="waiting").get_json()["alerts"] == []


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
def test_closing_needs_a_verdict_and_a_reason(api: AlertsApi, body: dict[str, str]) -> None:
    alert = api.opened()
    answer = api.post(f"{PATH}/{alert}/close", body)
    assert answer.status_code == 400
    assert answer.get_json()["errors"]
    assert api.get(f"{PATH}/{alert}").get_json()["state"] == "new"


def test_ones_own_case_is_refused(api: AlertsApi) -> None:
    alert = api.opened(subject="rrk-siem", subjects=("rrk-siem",))
    answer = api.post(f"{PATH}/{alert}/close", {"verdict": "justified", "reason": "it was me"})
    assert (answer.status_code, answer.get_json()["reason"]) == (403, "alert.own_case")
    assert api.get(who="rrk").get_json()["alerts"] == []


@pytest.mark.parametrize("verb", ["assign", "comment", "close"])
def test_reading_does_not_allow_reviewing(api: AlertsApi, verb: str) -> None:
    alert = api.opened()
    answer = api.post(f"{PATH}/{alert}/{verb}", {}, "reader")
    assert (answer.status_code, answer.get_json()["reason"]) == (403, "scope.missing")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/a-1", STREAM])
def test_nobody_gets_nothing(api: AlertsApi, path: str) -> None:
    assert api.client.get(path).status_code == 401
    assert api.client.get(path, headers=api.by("audit-only")).status_code == 403


def messages(text: str) -> list[dict[str, str]]:
    """Read an event stream (WHATWG HTML section 9.2.6)."""
    read = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            read.append(fields)
    return read


def test_the_stream_sends_and_resumes(api: AlertsApi) -> None:
    first = api.opened()
    answer = api.stream(after="0")
    assert answer.content_type == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.get_data(as_text=True)
    assert ": still here" in text
    assert text.endswith(": this is the end; go on after the last id\n\n")
    (sent,) = messages(text)
    assert sent["event"] == "alert"
    assert (json.loads(sent["data"])["change"], json.loads(sent["data"])["alert"]["id"]) == ("opened", first)
    second = api.opened(about="p-2", events=(8,))
    answer = api.stream(after=sent["id"])
    assert [json.loads(each["data"])["alert"]["id"] for each in messages(answer.get_data(as_text=True))] == [second]
    assert messages(api.stream().get_data(as_text=True)) == []


def test_the_stream_is_the_trusts_own(api: AlertsApi) -> None:
    api.opened()
    assert messages(api.stream("rje", after="0").get_data(as_text=True)) == []


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "9" * 40, "\u0661"])
def test_a_made_up_position_is_refused(api: AlertsApi, value: str) -> None:
    assert api.stream(after=value.encode("utf-8").decode("latin-1")).status_code == 400


def test_every_place_taken_is_said_and_places_come_back(api: AlertsApi) -> None:
    places = StreamTiming().maximum
    held = [api.client.get(STREAM, headers=api.by("region"), buffered=False) for _ in range(places)]
    refused = api.client.get(STREAM, headers=api.by("region"))
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    for answer in held:
        answer.close()
    assert api.stream().status_code == 200
