"""Characters that no database keeps are refused at every endpoint alike: 400, and the field is named."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from governance.bootstrap import Services, build
from governance.clock import FixedClock
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import from_environment
from governance.storage import Database
from governance.vocabulary import Scope
from governance.vocabulary.text import unkeepable
from tests.worlds.audit_messages import NATIVE
from tests.worlds.basics import demo_environment
from tests.worlds.callers import REGION, Callers

NUL, HALF = "a\0b", "a\ud800b"
_PARAMETER = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?[^<>]+>")
# Each of these is many things, taken or refused one by one: a bad one costs no neighbour its record.
_MANY = frozenset({"/audit/v1/events", "/fhir", "/opa/v1/logs", "/opa/v1/logs/<path:partition>"})
_FORMS = ("/oauth/", "/fhir/AuditEvent/_search", "/console")


@pytest.fixture
def served(database: Database, clock: FixedClock) -> Iterator[Services]:
    """Build the services on either database."""
    made = build(from_environment(demo_environment(database.url)), clock)
    runtime = Runtime(made)
    runtime.start(jobs=False)
    yield made
    runtime.stop()


@pytest.fixture
def everything(served: Services) -> tuple[Flask, dict[str, str]]:
    """Give the application and the header of a caller who may do everything."""
    app = create_app(served)
    callers = Callers(app, served)
    callers.trust("RRK")
    return app, callers.headers("everything", REGION, tuple(Scope))


def test_every_path_with_a_variable_part(everything: tuple[Flask, dict[str, str]]) -> None:
    app, headers = everything
    asked = 0
    for rule in app.url_map.iter_rules():
        if not any(match[1] in {None, "string", "path"} for match in _PARAMETER.finditer(rule.rule)):
            continue
        path = _PARAMETER.sub(lambda found: "1" if found[1] == "int" else quote(NUL), rule.rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            answer = app.test_client().open(path, method=method, headers=headers)
            assert answer.status_code == 400, (method, rule.rule, answer.get_data(as_text=True))
            asked += 1
    assert asked > 30


def test_every_query(everything: tuple[Flask, dict[str, str]]) -> None:
    app, headers = everything
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and "<" not in rule.rule:
            answer = app.test_client().get(f"{rule.rule}?odd={quote(NUL)}", headers=headers)
            assert answer.status_code == 400, (rule.rule, answer.get_data(as_text=True))
            if not rule.rule.startswith(("/console", "/fhir")):
                assert answer.get_json()["errors"][0]["pointer"] == "/odd"


@pytest.mark.parametrize("text", [NUL, HALF], ids=["nul", "half"])
def test_every_json_body(everything: tuple[Flask, dict[str, str]], text: str) -> None:
    app, headers = everything
    asked = 0
    for rule in app.url_map.iter_rules():
        path = _PARAMETER.sub(lambda found: "1" if found[1] == "int" else "x-1", rule.rule)
        if rule.rule in _MANY or path.startswith(_FORMS):
            continue
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH"}):
            body = {"deep": [{"within": text}]}
            answer = app.test_client().open(path, method=method, json=body, headers=headers)
            assert answer.status_code not in {200, 201, 409, 500}, (method, path)
            if answer.status_code == 400 and answer.get_json().get("reason") == "input.characters":
                assert [fault["pointer"] for fault in answer.get_json()["errors"]] == ["/deep/0/within"]
                asked += 1
    assert asked > 15


def test_a_service_whose_id_holds_a_nul_is_refused_alike_on_both_databases(
    everything: tuple[Flask, dict[str, str]],
) -> None:
    app, headers = everything
    question: dict[str, Any] = {
        "subject": {"type": "service", "id": NUL},
        "action": {"name": "read"},
        "resource": {"type": "study", "id": "1.2.3"},
    }
    answer = app.test_client().post("/access/v1/evaluation", json=question, headers=headers)
    assert answer.status_code == 400
    assert answer.get_json()["errors"] == [
        {"pointer": "/subject/id", "detail": "holds a NUL character or half of a surrogate pair"}
    ]


def test_an_event_among_others_is_refused_alone(everything: tuple[Flask, dict[str, str]]) -> None:
    app, headers = everything
    good: dict[str, Any] = NATIVE | {"source": {"id": "vna-1", "ods": "RRK"}}
    for field in ("id", "source"):
        bad = good | ({"id": NUL} if field == "id" else {"source": {"id": NUL, "ods": "RRK"}})
        answer = app.test_client().post("/audit/v1/events", json=[bad, good | {"id": f"good-{field}"}], headers=headers)
        assert answer.status_code == 200
        assert answer.get_json()["accepted"] + len(answer.get_json()["rejected"]) == 2
        assert [each["line"] for each in answer.get_json()["rejected"]] == [1]


def test_where_texts_stand_that_cannot_be_kept() -> None:
    value = {"a": ["good", "b\0d", {"x": "\udfff", "y\0": "good"}], "b": 1, "c": None, "d": "\U0001f600"}
    assert list(unkeepable(value)) == ["/a/1", "/a/2/x", "/a/2"]
