"""The interop scenarios that the AuthZEN working group published, as tenants: whole answers, equal as JSON values.

What is expected is written down from the scenarios' pages, not computed from the rules: who may do what, as a table.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.bootstrap import build
from governance.clock import FixedClock
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import from_environment
from tests.peers.opa import OpaServer
from tests.worlds.basics import NOON, demo_environment
from tests.worlds.tenants import TenantWorld

SCENARIOS = Path(__file__).resolve().parents[1] / "tenants"
NAMES = ("todo", "gateway", "search", "idp")
SUBJECTS = {
    name: f"CiRmZD{mark}2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs"
    for name, mark in (("rick", "A"), ("morty", "E"), ("summer", "I"), ("beth", "M"), ("jerry", "Q"))
}
EMAILS = {
    "rick": "rick@the-citadel.com",
    "morty": "morty@the-citadel.com",
    "summer": "summer@the-smiths.com",
    "beth": "beth@the-smiths.com",
    "jerry": "jerry@the-smiths.com",
}
TODO = "7240d0db-8ff0-41ec-98b2-34a096273b9"
# Who may read users, read todos, create, update Rick's, update their own, delete Rick's, delete their own.
TODOS = {"rick": "yyyyyyy", "morty": "yyynyny", "summer": "yyynyny", "beth": "yynnnnn", "jerry": "yynnnnn"}
# GET users, GET todos, POST todos, PUT a todo, DELETE a todo.
ROUTES = {"rick": "yyyyy", "morty": "yyyyy", "summer": "yyyyy", "beth": "yynnn", "jerry": "yynnn"}
USERS = {name[0]: name for name in ("alice", "bob", "carol", "dan", "erin", "felix")}
ACTIONS = ("view", "edit", "delete")
RECORDS = {  # who may view, edit and delete each, by the first letter of their names
    "101": ("abcd", "a", "a"),
    "102": ("abcd", "b", "b"),
    "103": ("abcd", "c", "c"),
    "104": ("adf", "d", "d"),
    "105": ("abcde", "e", "e"),
    "106": ("adf", "f", "f"),
    "107": ("ad", "a", "a"),
    "108": ("abcd", "b", "b"),
    "109": ("acdf", "c", "c"),
    "110": ("ad", "ad", "d"),
    "111": ("adef", "e", "e"),
    "112": ("abcdf", "f", "f"),
    "113": ("ad", "a", "a"),
    "114": ("abdf", "b", "b"),
    "115": ("acde", "cd", "c"),
    "116": ("abcd", "d", "d"),
    "117": ("abcde", "e", "e"),
    "118": ("adf", "f", "f"),
    "119": ("abcd", "a", "a"),
    "120": ("abdf", "b", "b"),
}


@pytest.fixture(scope="module", params=["embedded", pytest.param("opa", marks=pytest.mark.peer)])
def world(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TenantWorld]:
    path = Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("scenarios") / "service.sqlite"))
    settings = from_environment(demo_environment(f"sqlite:///{path}"))
    settings = settings.replaced(tenants=tuple(str(SCENARIOS / name) for name in NAMES))
    if request.param == "opa":
        server: OpaServer = request.getfixturevalue("opa_server")
        settings = settings.replaced(opa_url=server.url, engine_timeout=10.0)
    services = build(settings, FixedClock(NOON))
    runtime = Runtime(services)
    runtime.start(jobs=False)
    yield TenantWorld(create_app(services), services)
    runtime.stop()


def answer(world: TenantWorld, tenant: str, path: str, body: Any) -> Any:
    found = world.ask(tenant, path, body)
    assert found.status_code == 200, found.get_data(as_text=True)
    return found.get_json()


def todo_of(name: str) -> dict[str, Any]:
    """Give one of the scenario's todos, which says whose it is."""
    number = 1 + ["morty", "rick", "summer", "beth", "jerry"].index(name)
    return {"type": "todo", "id": f"{TODO}{number}", "properties": {"ownerID": EMAILS[name]}}


def todo_questions(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    any_todo = {"type": "todo", "id": "todo-1"}
    for verdict, (action, resource) in zip(
        TODOS[name],
        [
            ("can_read_user", {"type": "user", "id": EMAILS["beth"]}),
            ("can_read_todos", any_todo),
            ("can_create_todo", any_todo),
            ("can_update_todo", todo_of("rick")),
            ("can_update_todo", todo_of(name)),
            ("can_delete_todo", todo_of("rick")),
            ("can_delete_todo", todo_of(name)),
        ],
        strict=True,
    ):
        subject = {"type": "user", "id": SUBJECTS[name]}
        yield verdict, {"subject": subject, "action": {"name": action}, "resource": resource}


@pytest.mark.parametrize("name", TODOS)
def test_todo(world: TenantWorld, name: str) -> None:
    for verdict, body in todo_questions(name):
        assert answer(world, "todo", "evaluation", body) == {"decision": verdict == "y"}, body


@pytest.mark.parametrize(
    ("name", "other", "decisions"),
    [("rick", "jerry", [True, True]), ("morty", "morty", [False, True]), ("jerry", "jerry", [False, False])],
)
def test_todos_together(world: TenantWorld, name: str, other: str, decisions: list[bool]) -> None:
    body = {
        "subject": {"type": "user", "id": SUBJECTS[name]},
        "action": {"name": "can_update_todo"},
        "evaluations": [{"resource": todo_of("rick")}, {"resource": todo_of(other)}],
    }
    assert answer(world, "todo", "evaluations", body) == {"evaluations": [{"decision": one} for one in decisions]}


@pytest.mark.parametrize("name", ROUTES)
def test_gateway(world: TenantWorld, name: str) -> None:
    routes = ["GET /users/{userId}", "GET /todos", "POST /todos", "PUT /todos/{todoId}", "DELETE /todos/{todoId}"]
    for verdict, route in zip(ROUTES[name], routes, strict=True):
        method, path = route.split()
        body = {
            "subject": {"type": "identity", "id": SUBJECTS[name]},
            "action": {"name": method},
            "resource": {"type": "route", "id": path},
        }
        assert answer(world, "gateway", "evaluation", body) == {"decision": verdict == "y"}, body


def users(letters: str) -> list[dict[str, str]]:
    return [{"type": "user", "id": USERS[letter]} for letter in letters]


def test_search_of_subjects(world: TenantWorld) -> None:
    for record, allowed in RECORDS.items():
        for action, letters in zip(ACTIONS, allowed, strict=True):
            body = {
                "subject": {"type": "user"},
                "action": {"name": action},
                "resource": {"type": "record", "id": record},
            }
            assert answer(world, "search", "search/subject", body) == {"results": users(letters)}, body


def test_search_of_resources(world: TenantWorld) -> None:
    for letter, user in USERS.items():
        for place, action in enumerate(ACTIONS):
            body = {
                "subject": {"type": "user", "id": user},
                "action": {"name": action},
                "resource": {"type": "record"},
            }
            found = [{"type": "record", "id": record} for record, who in RECORDS.items() if letter in who[place]]
            assert answer(world, "search", "search/resource", body) == {"results": found}, body


def test_search_of_actions(world: TenantWorld) -> None:
    for letter, user in USERS.items():
        for record, who in RECORDS.items():
            body = {"subject": {"type": "user", "id": user}, "resource": {"type": "record", "id": record}}
            found = [{"name": action} for place, action in enumerate(ACTIONS) if letter in who[place]]
            assert answer(world, "search", "search/action", body) == {"results": found}, body


def test_what_is_found_is_permitted_when_it_is_sent_back(world: TenantWorld) -> None:
    body = {"action": {"name": "view"}, "resource": {"type": "record", "id": "115"}}
    for hit in answer(world, "search", "search/subject", body | {"subject": {"type": "user"}})["results"]:
        assert answer(world, "search", "evaluation", body | {"subject": hit}) == {"decision": True}


def test_identity_provider(world: TenantWorld) -> None:
    for letter, user in USERS.items():
        body = {
            "subject": {"type": "user", "id": user},
            "action": {"name": "delete"},
            "resource": {"type": "record"},
        }
        found = [{"type": "record", "id": record} for record, who in RECORDS.items() if letter in who[2]]
        assert answer(world, "idp", "search/resource", body) == {"results": found}, body
    nobody = {"subject": {"type": "user", "id": "zoe"}, "action": {"name": "delete"}, "resource": {"type": "record"}}
    assert answer(world, "idp", "search/resource", nobody) == {"results": []}


def test_a_page_that_is_asked_for_says_how_to_go_on(world: TenantWorld) -> None:
    body = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "edit"},
        "resource": {"type": "record"},
        "page": {"limit": 3},
    }
    first = answer(world, "search", "search/resource", body)
    assert [one["id"] for one in first["results"]] == ["101", "107", "110"]
    rest = answer(world, "search", "search/resource", body | {"page": {"token": first["page"]["next_token"]}})
    assert [one["id"] for one in rest["results"]] == ["113", "119"]
    assert rest["page"] == {"next_token": "", "count": 2}
    assert rest.keys() == {"page", "results"}
