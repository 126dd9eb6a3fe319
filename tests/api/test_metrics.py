"""What is kept of requests: no label of a caller's making, no counter born at 1, and who asked in every line."""

from datetime import timedelta
from typing import Any

import pytest
import structlog
from flask import Flask
from structlog.testing import capture_logs

from governance.audit.event import Event, Resource, Source, Subject
from governance.bootstrap import Services
from governance.jobs.ticker import Job, Ticker
from governance.vocabulary import EventKind, Outcome, Scope, SubjectType
from tests.worlds.callers import REGION, Callers

AS_THEY_COME = {"governance_http_requests", "governance_enforcement_checks"}
QUESTION: dict[str, Any] = {
    "subject": {"type": "practitioner", "id": "somebody", "properties": {"role": "nurse", "ods": "RRK"}},
    "action": {"name": "read"},
    "resource": {"type": "study", "id": "1.2.3"},
}
EVENT = {"id": "e-1", "time": "2026-11-24T11:00:00Z", "kind": "access", "outcome": "success"}


@pytest.fixture(autouse=True)
def _every_line_is_written() -> None:
    """Forget the least severe level that a command of another test had chosen."""
    structlog.reset_defaults()


def counts(services: Services) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Give every counter's value by name and labels."""
    return {
        (family.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in services.infrastructure.metrics.registry.collect()
        if family.type == "counter" and family.name.startswith("governance_")
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def test_no_counter_is_born_at_1(app: Flask, services: Services) -> None:
    before = counts(services)
    callers = Callers(app, services)
    scopes = {Scope.ACCESS_EVALUATE, Scope.AUDIT_WRITE, Scope.CONTEXT_WRITE}
    trusted = callers.headers("viewer-rrk", "RRK", scopes)
    post = callers.http.post
    assert post("/access/v1/evaluation", json=QUESTION, headers=trusted).get_json()["decision"] is False
    assert post("/audit/v1/events", json={"events": [EVENT]}, headers=trusted).status_code < 500
    assert post("/context/v1/staff", data="{}\n", headers=trusted).status_code < 500
    assert post("/oauth/token", data={"grant_type": "client_credentials", "client_assertion": "x"}).status_code >= 400
    assert post("/federation/v1/trusts/RRK", json={}, headers=trusted).status_code >= 400
    after = counts(services)
    rose = {key for key, value in after.items() if value > before.get(key, 0.0)}
    assert {"governance_decisions", "governance_denials", "governance_tokens", "governance_refusals"} <= {
        name for name, _ in rose
    }
    assert sorted(key for key in rose if key not in before and key[0] not in AS_THEY_COME) == []


def test_a_job_that_fails_for_the_first_time_is_a_rise(services: Services) -> None:
    Ticker([Job("nightly", 60.0, lambda: False)], services.infrastructure.metrics)
    jobs = {labels: value for (name, labels), value in counts(services).items() if name == "governance_job_runs"}
    assert jobs[(("result", "failed"), ("task", "nightly"))] == 0.0
    assert jobs[(("result", "failed"), ("task", "checkpoint"))] == 0.0


@pytest.mark.parametrize("path", ["/healthz", "/oauth/token", "/nowhere"])
def test_a_method_of_a_caller_s_making_is_one_label_and_no_line_s_word(
    app: Flask, services: Services, path: str
) -> None:
    http = app.test_client()
    with capture_logs() as lines:
        for number in range(5):
            http.open(path, method=f"FOO{number}")
    methods = {dict(labels).get("method") for name, labels in counts(services) if name == "governance_http_requests"}
    assert methods == {"other"}
    assert {line["method"] for line in lines if line["event"] == "request"} <= {"other"}


def test_a_request_line_names_the_client_that_proved_itself(app: Flask, services: Services) -> None:
    callers = Callers(app, services)
    with capture_logs() as lines:
        reader = callers.headers("reader", REGION, {Scope.ALERTS_READ})
        callers.http.get("/alerts/v1/alerts", headers=reader)
        callers.http.post("/access/v1/evaluation", json=QUESTION, headers=reader)
        callers.http.get("/alerts/v1/alerts")
        callers.http.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": "reader"})
    said = [(line["route"], line["status"] < 400, line["client"]) for line in lines if line["event"] == "request"]
    assert said == [
        ("/oauth/token", True, "reader"),
        ("/alerts/v1/alerts", True, "reader"),
        ("/access/v1/evaluation", False, "reader"),  # it proved who it is, and may not
        ("/alerts/v1/alerts", False, None),
        ("/oauth/token", False, None),  # what it only said of itself is not who it is
    ]


def test_looks_are_told_by_trust_and_role_and_no_label_is_of_a_caller_s_making(app: Flask, services: Services) -> None:
    Callers(app, services).trust("RRK")
    now, source = services.infrastructure.clock.now(), Source("archive-rrk", "RRK")
    made_up = Subject("u-2", SubjectType.PRACTITIONER, "a role of tomorrow", "XYZ")
    services.infrastructure.audit.append(
        [
            Event(
                id=f"e-{number}",
                time=now - timedelta(days=days),
                source=source,
                kind=EventKind.ACCESS,
                outcome=Outcome.SUCCESS,
                subject=subject,
                resource=Resource(patient="9990000018", study_uid="1.2.3", custodian="RRK"),
            )
            for number, (subject, days) in enumerate(
                [(Subject("u-1", SubjectType.PRACTITIONER, "nurse", "RRK"), 6), (made_up, 0), (made_up, 7)]
            )
        ]
    )
    services.uses.detection.catch_up()
    text, _ = services.infrastructure.metrics.render("text/plain")
    told = sorted(line for line in text.decode().splitlines() if line.startswith("governance_look"))
    assert told == [
        'governance_look_reasons{feed="none",kind="unexplained"} 2.0',
        'governance_looks{explanation="unexplained",role="nurse",trust="RRK"} 1.0',
        'governance_looks{explanation="unexplained",role="other",trust="other"} 1.0',
    ]
