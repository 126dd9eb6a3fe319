"""Whose word counts, over HTTP on the demo region: at every endpoint that decides, the same rule."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from governance.commands._demo_home import DemoHome
from governance.server import create_asgi
from governance.simulation import network, showcase
from governance.vocabulary import Action, EventKind
from tests.worlds.access_requests import Caller, request_of
from tests.worlds.loops import over_asgi, run
from tests.worlds.region import ID_TOKEN, RegionWorld, copy_home
from tests.worlds.search_callers import KINDS

ACCESS_TOKEN = ID_TOKEN.replace("id_token", "access_token")
RBK, RKB, RRK = map(network.viewer_id, ("RBK", "RKB", "RRK"))
QUESTION = showcase.question()


@pytest.fixture(scope="module")
def world(region_home: DemoHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegionWorld]:
    made = RegionWorld(copy_home(region_home, tmp_path_factory.mktemp("whose-word") / "home"))
    yield made
    made.close()


def about(subject: str, study: str = showcase.SHARED_STUDY, **properties: Any) -> dict[str, Any]:
    """Ask about somebody, with these properties and no other."""
    made = copy.deepcopy(QUESTION)
    made["subject"] = {"type": "practitioner", "id": subject, "properties": properties}
    made["resource"]["id"] = study
    return made


def view(world: RegionWorld, client_id: str, question: dict[str, Any]) -> dict[str, Any]:
    return Caller(world, client_id).evaluate(question)


def loop(world: RegionWorld, client_id: str, question: dict[str, Any]) -> dict[str, Any]:
    """Ask at the event loop's endpoint."""
    wanted = {"path": "/access/v1/evaluation", "body": question}
    headers = {name.lower(): text for name, text in Caller(world, client_id).headers.items()}
    answer = run(over_asgi(create_asgi(world.services, world.app), wanted | {"headers": headers}))
    assert answer.status == 200, answer.body
    return dict(answer.json())


def batch(world: RegionWorld, client_id: str, question: dict[str, Any]) -> dict[str, Any]:
    body = {"evaluations": [question]}
    answer = world.client.post("/access/v1/evaluations", json=body, headers=Caller(world, client_id).headers)
    (only,) = answer.get_json()["evaluations"]
    return dict(only)


WAYS = (view, loop, batch)
Way = Callable[[RegionWorld, str, dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("client_id", "question", "reason"),
    [
        (RRK, about("radiologist.rrk", ods="RWP", assurance=3), "asker.not_entitled"),
        (RBK, about(showcase.REPORTER, ods="RKB", assurance=3), "asker.not_entitled"),
        (RBK, about("nobody", ods="RKB", assurance=3), "asker.not_entitled"),
        (RBK, about(showcase.REPORTER, assurance=3), "subject.unknown"),
        (RBK, about("nobody", assurance=3), "subject.unknown"),
        (RBK, about(showcase.REPORTER, ods="RBK", assurance=3), "subject.unknown"),
        (RKB, about(showcase.REPORTER, role="clinician", assurance=3), "role.not_covered"),
        (RKB, about("ig.officer.rkb", role="consultant_radiologist", assurance=3), "role.not_covered"),
    ],
)
def test_nobodys_word_opens_what_the_register_does_not(
    world: RegionWorld, way: Way, client_id: str, question: dict[str, Any], reason: str
) -> None:
    before = world.size
    answer = way(world, client_id, question)
    assert answer["decision"] is False
    assert reason in answer["context"]["reasons"]
    assert not answer["context"]["requestable"]
    (event,) = world.events(before, kind=EventKind.DECISION)
    assert reason in event.detail["reasons"]


@pytest.mark.parametrize("way", WAYS)
def test_the_register_says_what_the_question_leaves_out(world: RegionWorld, way: Way) -> None:
    before = world.size
    answer = way(world, RKB, about(showcase.REPORTER, assurance=3))
    assert answer["decision"] is True
    (event,) = world.events(before, kind=EventKind.DECISION)
    assert event.subject is not None
    assert (event.subject.ods, event.subject.role) == ("RKB", "consultant_radiologist")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("members", [{}, {"asks_for": ["RKB"], "attests": ["assurance"]}, {"asks_for": ["*"]}])
def test_assurance_is_believed_of_nobody_who_does_not_attest_it(
    world: RegionWorld, way: Way, members: dict[str, Any]
) -> None:
    with registered(world, RBK, asks_for=members.get("asks_for", ["RKB"]), attests=members.get("attests", [])):
        answer = way(world, RBK, about(showcase.REPORTER, assurance=3))
    assert answer["decision"] is False
    assert answer["context"]["reasons"] == ["assurance.too_low"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", [{}, {"ods": "RKB"}, {"ods": "RBK"}])
def test_a_search_finds_nothing_of_another_trusts_person(world: RegionWorld, kind: str, said: dict[str, str]) -> None:
    before = world.size
    answer = search(world, RBK, kind, about(showcase.REPORTER, assurance=3, **said))
    assert answer["results"] == []
    (event,) = world.events(before, kind=EventKind.QUERY)
    refused = "asker.not_entitled" if said == {"ods": "RKB"} and kind != "subject" else None
    assert event.detail.get("refused") == refused


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_finds_as_much_as_the_register_says(world: RegionWorld, kind: str) -> None:
    assert search(world, RKB, kind, about(showcase.REPORTER, assurance=3))["results"]


def test_nobody_breaks_the_glass_for_another_trusts_person(world: RegionWorld) -> None:
    own, other = Caller(world, RKB), Caller(world, RBK)
    question = about(showcase.REPORTER, showcase.SEALED_STUDY, assurance=3)
    denied = own.evaluate(question)
    assert denied["context"]["requestable"]
    for said in ({}, {"ods": "RKB"}, {"ods": "RBK"}):
        asked = about(showcase.REPORTER, showcase.SEALED_STUDY, assurance=3, **said)
        assert not other.evaluate(asked)["context"]["requestable"]
        assert other.send(request_of(denied, asked)).status_code == 400
    assert own.send(request_of(denied, question)).status_code == 201


@pytest.mark.parametrize("way", WAYS)
def test_a_token_of_the_person_speaks_for_them_in_any_clients_hands(world: RegionWorld, way: Way) -> None:
    question = with_token(about(showcase.REPORTER), world.parties.identity_token(showcase.REPORTER))
    before = world.size
    answer = way(world, RBK, question)
    assert answer["decision"] is True
    assert answer["context"]["agreement"]["clause"] == "4.1"
    (event,) = world.events(before, kind=EventKind.DECISION)
    assert event.subject is not None
    assert (event.subject.ods, event.detail["asked_by"]) == ("RKB", RBK)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"assurance": 1}, "assurance.too_low"),
        ({"role": "clinician"}, "role.not_covered"),
        ({"ods": "RRK"}, "subject.organisation_unknown"),
    ],
)
def test_what_is_said_beside_a_token_only_makes_the_answer_stricter(
    world: RegionWorld, way: Way, said: dict[str, Any], reason: str
) -> None:
    question = with_token(about(showcase.REPORTER, **said), world.parties.identity_token(showcase.REPORTER))
    answer = way(world, RKB, question)
    assert answer["decision"] is False
    assert reason in answer["context"]["reasons"]


def test_an_access_token_of_ours_speaks_at_the_archive_it_is_for_and_at_no_other(world: RegionWorld) -> None:
    token, archive = world.token(showcase.REPORTER, showcase.SHARED_STUDY), network.archive_id("RRK")
    question = with_token(about(showcase.REPORTER), token, ACCESS_TOKEN)
    with registered(world, archive, scopes=["access.evaluate"]), registered(world, RRK, token_audience=None):
        answer = view(world, archive, question)
        assert answer["context"]["reasons"] == ["assurance.too_low"]  # such a token does not say how they signed in
        assert send(world, RBK, question).get_json()["errors"][0]["pointer"] == "/context/subject_token"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": "clinician.rkb"}, "/subject/id"),
        ({"type": "service", "id": "viewer-rkb"}, "/subject/id"),
        ({"token": "x.y.z"}, "/context/subject_token"),
    ],
)
def test_a_token_that_is_not_the_subjects_is_a_fault(world: RegionWorld, change: dict[str, str], pointer: str) -> None:
    token = change.pop("token", None) or world.parties.identity_token(showcase.REPORTER)
    question = with_token(about(showcase.REPORTER), token)
    question["subject"] |= change
    answer = send(world, RKB, question)
    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.get_json()["errors"]] == [pointer]
    answer = batch(world, RKB, question)
    assert answer["decision"] is False
    assert answer["context"]["error"]["errors"][0]["pointer"] == pointer


def test_an_identity_token_is_good_for_the_client_that_used_it_first_alone(world: RegionWorld) -> None:
    token = world.parties.identity_token(showcase.REPORTER)
    question = with_token(about(showcase.REPORTER), token)
    form = world.parties.exchange_form(showcase.REPORTER, showcase.SHARED_STUDY, world.now) | {"subject_token": token}
    assert world.post_form("/oauth/token", form | world.parties.proof(RKB, world.now)).status_code == 200
    assert view(world, RKB, question)["decision"] is True
    assert world.post_form("/oauth/token", form | world.parties.proof(RKB, world.now)).status_code == 200
    refused = send(world, RBK, question)
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (400, "/context/subject_token")


def test_an_attempt_that_reaches_nothing_leaves_the_token_to_its_own_client(world: RegionWorld) -> None:
    token = world.parties.identity_token(showcase.REPORTER)
    form = world.parties.exchange_form(showcase.REPORTER, showcase.SHARED_STUDY, world.now) | {"subject_token": token}
    stranger = world.post_form("/oauth/token", form | world.parties.proof(RRK, world.now))
    assert (stranger.status_code, stranger.get_json()["error"]) == (400, "invalid_target")
    assert world.post_form("/oauth/token", form | world.parties.proof(RKB, world.now)).status_code == 200


def _search_studies(world: RegionWorld, client_id: str, question: dict[str, Any]) -> object:
    return search(world, client_id, "resource", question)


def _search_actions(world: RegionWorld, client_id: str, question: dict[str, Any]) -> object:
    return search(world, client_id, "action", question)


def _ask_for_access(world: RegionWorld, client_id: str, question: dict[str, Any]) -> object:
    """Ask for access against no denial: what comes with the question is taken before that is found out."""
    offer = {"binding_token": "none", "expires_at": "2100-01-01T00:00:00Z"}
    denied = {"context": {"evaluation_id": "none", "reason": "none", "access_request": offer}}
    return Caller(world, client_id).send(request_of(denied, question))


@pytest.mark.parametrize("way", [*WAYS, _search_studies, _search_actions, _ask_for_access])
def test_whoever_picked_up_another_trusts_token_does_not_take_it_by_asking(
    world: RegionWorld, way: Callable[[RegionWorld, str, dict[str, Any]], object]
) -> None:
    """Its own trust's clients, and those registered to ask for it, take it; from then on it is good for nobody else."""
    question = with_token(about(showcase.REPORTER), world.parties.identity_token(showcase.REPORTER))
    way(world, RBK, copy.deepcopy(question))
    way(world, RRK, copy.deepcopy(question))
    assert view(world, RKB, question)["decision"] is True
    assert send(world, RBK, question).status_code == 400
    named = with_token(about(showcase.REPORTER), world.parties.identity_token(showcase.REPORTER))
    with registered(world, RBK, asks_for=["RKB"]):
        way(world, RBK, copy.deepcopy(named))
        assert send(world, RKB, named).status_code == 400


def test_a_search_for_subjects_takes_no_token(world: RegionWorld) -> None:
    question = with_token(about(showcase.REPORTER), world.parties.identity_token(showcase.REPORTER))
    headers = Caller(world, RKB).headers
    answer = world.client.post("/access/v1/search/subject", json=question, headers=headers)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (400, "/context/subject_token")


def test_a_search_of_studies_takes_one(world: RegionWorld) -> None:
    question = with_token(about(showcase.REPORTER), world.parties.identity_token(showcase.REPORTER))
    assert search(world, RBK, "resource", question)["results"]


def test_an_office_is_at_home_where_its_registration_says(world: RegionWorld) -> None:
    explorer = network.EXPLORER
    with registered(world, explorer, audiences=[network.audience("RRK")]):
        assert world.exchange(showcase.REPORTER, showcase.SHARED_STUDY, explorer).status_code == 200
        with registered(world, explorer, audiences=[network.audience("RRK")], asks_for=[]):
            answer = world.exchange(showcase.REPORTER, showcase.SHARED_STUDY, explorer)
            assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_target")


def with_token(question: dict[str, Any], token: str, kind: str = ID_TOKEN) -> dict[str, Any]:
    """Present a token with a question."""
    question["context"] |= {"subject_token": token, "subject_token_type": kind}
    return question


def send(world: RegionWorld, client_id: str, question: dict[str, Any]) -> TestResponse:
    headers = Caller(world, client_id).headers
    return world.client.post("/access/v1/evaluation", json=question, headers=headers)


def search(world: RegionWorld, client_id: str, kind: str, question: dict[str, Any]) -> dict[str, Any]:
    headers = Caller(world, client_id).headers
    answer = world.client.post(f"/access/v1/search/{kind}", json=question, headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return dict(answer.get_json())


@contextmanager
def registered(world: RegionWorld, client_id: str, **members: Any) -> Iterator[None]:
    """Register a service otherwise for a while."""
    federation, database = world.services.registers.federation, world.services.infrastructure.database
    with database.reading() as session:
        before = federation.client(session, client_id)
    assert before is not None
    sets = {name: frozenset(value) for name, value in members.items() if name in {"asks_for", "attests", "scopes"}}
    rest = {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}
    with database.transaction() as session:
        federation.register_client(session, replace(before, **rest | sets))
    try:
        yield
    finally:
        with database.transaction() as session:
            federation.register_client(session, before)


@pytest.mark.parametrize("said", [{"role": "clinician"}, {"role": "nurse", "ods": "RKB"}])
def test_a_search_of_actions_believes_no_more_than_each_evaluation(world: RegionWorld, said: dict[str, str]) -> None:
    caller, question = Caller(world, RKB), about(showcase.REPORTER, assurance=3, **said)
    asked = {name: question[name] for name in ("subject", "resource", "context")}
    answer = world.client.post("/access/v1/search/action", json=asked, headers=caller.headers)
    assert answer.get_json()["results"] == []
    for action in Action:
        assert not caller.evaluate(question | {"action": {"name": action.value}})["decision"], action
