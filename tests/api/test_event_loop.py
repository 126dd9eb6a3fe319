"""The event loop's endpoint: for the plainest question the view's answer, for everything else Flask's, as it came."""

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NoReturn

import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from governance.access import Asked
from governance.access.together import MOST_WAITING
from governance.agreements import Actor
from governance.api.authzen import loop
from governance.bootstrap import build
from governance.decisions import PolicySource, RegorusEngine
from governance.jobs import Runtime
from governance.server import create_asgi
from governance.settings import from_environment
from governance.simulation import network, showcase
from governance.telemetry import get_logger
from governance.threads import VitalThreads
from governance.tokens.keys import REFRESH
from governance.vocabulary import EventKind
from governance.web import observation, problems
from tests.peers.writer import OtherWriter
from tests.worlds.loops import Answer, over_asgi, run
from tests.worlds.region import DIRECT_CARE, RegionWorld, seed_home

PATH = "/access/v1/evaluation"
READERS = 30  # connections that readers have
PROMPT = 10.0  # seconds: on a busy machine too, less than anything waits for a lock or a connection
LONG_ENOUGH = 60.0  # seconds for what must happen
GOOD: dict[str, Any] = showcase.question()


class Apart(RegorusEngine):
    """The embedded engine under another name: it must not be taken for one that waits for nothing."""

    name = "apart"


@pytest.fixture(scope="module", params=[RegorusEngine, Apart])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegionWorld]:
    home = seed_home(tmp_path_factory.mktemp("loop") / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    made = RegionWorld(home, engine=request.param(PolicySource.from_directory()))
    made.feed_showcase()
    yield made
    made.close()


def bearer(world: RegionWorld, scope: str = "access.evaluate") -> str:
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now))
    return f"Bearer {answer.get_json()['access_token']}"


@pytest.fixture(scope="module")
def authorization(world: RegionWorld) -> str:
    return bearer(world)


def send(world: RegionWorld, *requests: Mapping[str, Any]) -> list[Answer]:
    """Send requests at once to one endpoint and give their answers in order.

    A request is what differs from a good one: method, path, body (bytes or a JSON value), headers, pieces.
    """

    return run(_all(world, requests))


async def _all(world: RegionWorld, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
    endpoint = create_asgi(world.services, world.app)
    return await asyncio.gather(*(_one(endpoint, request) for request in requests))


async def _one(endpoint: Callable[..., Any], request: Mapping[str, Any]) -> Answer:
    return await over_asgi(endpoint, {"path": PATH, "body": GOOD} | dict(request))


def likeness(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Take out what no two answers share."""
    made = copy.deepcopy(dict(answer))
    for name in ("id", "evaluation_id", "log_index"):
        made["context"].pop(name)
    return made


def test_the_answer_and_its_headers_are_those_of_the_view(world: RegionWorld, authorization: str) -> None:
    sent = {"authorization": authorization, "x-request-id": "r-1"}
    (seen,) = send(world, {"headers": sent})
    view = world.client.post(PATH, json=GOOD, headers={"Authorization": authorization, "X-Request-ID": "r-1"})
    assert (seen.status, view.status_code) == (200, 200)
    assert likeness(seen.json()) == likeness(view.get_json())
    assert seen.json()["decision"] is True
    volatile = {"content-length", "traceparent", "date", "server"}
    of_view = {name.lower(): value for name, value in view.headers.items()}
    assert {n: v for n, v in seen.headers.items() if n not in volatile} == {
        n: v for n, v in of_view.items() if n not in volatile
    }
    assert seen.headers["x-request-id"] == "r-1"
    assert int(seen.headers["content-length"]) == len(seen.body)


def test_the_decision_is_in_the_log_before_it_is_told(world: RegionWorld, authorization: str) -> None:
    (seen,) = send(world, {"headers": {"authorization": authorization}})
    recorded = world.services.infrastructure.audit.entry(seen.json()["context"]["log_index"])
    assert (recorded.kind, recorded.id) == (EventKind.DECISION, seen.json()["context"]["id"])
    assert recorded.detail["asked_by"] == network.EXPLORER


def test_questions_that_come_together_are_each_answered_for_themselves(world: RegionWorld, authorization: str) -> None:
    denied = copy.deepcopy(GOOD)
    denied["subject"]["properties"]["role"] = "pacs_admin"
    bodies = [GOOD if number % 3 else denied for number in range(40)]
    answers = send(world, *({"headers": {"authorization": authorization}, "body": body} for body in bodies))
    assert [answer.json()["decision"] for answer in answers] == [body is GOOD for body in bodies]
    assert len({answer.json()["context"]["log_index"] for answer in answers}) == 40


def test_those_who_come_while_others_are_recorded_are_recorded_together(
    world: RegionWorld, authorization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[Asked] = []
    under_way: list[int] = []
    ask = world.services.uses.access.ask

    def watched(questions: Any, session: Any) -> Asked:
        under_way.append(sum(not group.receipts.done() for group in groups))
        groups.append(ask(questions, session))
        return groups[-1]

    monkeypatch.setattr(world.services.uses.access, "ask", watched)
    answers = send(world, *({"headers": {"authorization": authorization}} for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
    sizes = [len(group.decided) for group in groups]
    assert (sum(sizes), max(sizes)) == (50, 16)
    assert len(sizes) < 10
    assert set(under_way) == {0}, "none begins while another is recorded"


def test_a_body_in_pieces_is_one_body(world: RegionWorld, authorization: str) -> None:
    (seen,) = send(world, {"headers": {"authorization": authorization}, "piece": 17})
    assert seen.json()["decision"] is True


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param({"method": "GET"}, 405, id="GET"),
        pytest.param({"method": "PUT"}, 405, id="PUT"),
        pytest.param({"body": b"{"}, 400, id="broken JSON"),
        pytest.param({"body": b"[]"}, 400, id="an array"),
        pytest.param({"body": b""}, 400, id="nothing"),
        pytest.param({"body": b"\xff\xfe"}, 400, id="not UTF-8"),
        pytest.param({"body": {"action": {"name": "read"}}}, 400, id="members missing"),
        pytest.param({"body": b'{"x": "' + b"a" * (1 << 20) + b'"}'}, 413, id="too long"),
        pytest.param({"body": b'{"x": "' + b"a" * (1 << 21) + b'"}', "piece": 70_000}, 413, id="too long, in pieces"),
        pytest.param({"headers": {"content-type": "text/plain"}}, 415, id="another media type"),
        pytest.param({"headers": {"authorization": None}}, 401, id="nobody"),
        pytest.param({"headers": {"authorization": "Bearer x.y.z"}}, 401, id="no token of ours"),
        pytest.param({"headers": {"authorization": "Basic eDp5"}}, 401, id="another scheme"),
        pytest.param({"path": "/access/v1/evaluations", "body": GOOD}, 200, id="another endpoint"),
        pytest.param({"headers": {"content-type": "application/json; charset=utf-8"}}, 200, id="charset"),
    ],
)
def test_what_it_does_not_take_is_answered_as_flask_answers_it(
    world: RegionWorld, authorization: str, request_: dict[str, Any], status: int
) -> None:
    headers = {"authorization": authorization} | request_.get("headers", {})
    (seen,) = send(world, request_ | {"headers": headers})
    assert seen.status == status
    if status >= 400 and status != 405:
        assert seen.json()["status"] == status


def test_a_token_without_the_scope_opens_nothing(world: RegionWorld) -> None:
    (seen,) = send(world, {"headers": {"authorization": bearer(world, "agreements.read")}})
    assert seen.status == 403


def test_a_revoked_token_opens_nothing_more(world: RegionWorld) -> None:
    token = bearer(world)
    sent = {"headers": {"authorization": token}}
    assert send(world, sent)[0].status == 200
    form = {"token": token.removeprefix("Bearer "), **world.parties.proof(network.EXPLORER, world.now)}
    assert world.post_form("/oauth/revoke", form).status_code == 200
    good = {"headers": {"authorization": bearer(world)}}
    assert [answer.status for answer in send(world, sent, good, sent)] == [401, 200, 401]


def test_a_log_that_takes_nothing_is_503(world: RegionWorld, authorization: str) -> None:
    world.services.infrastructure.audit.close()
    try:
        (seen,) = send(world, {"headers": {"authorization": authorization}})
    finally:
        world.services.infrastructure.audit.start()
    assert (seen.status, seen.headers["retry-after"]) == (503, "1")
    assert seen.headers["content-type"] == "application/problem+json"
    assert seen.json()["reason"] == "audit.unavailable"


def test_what_another_process_suspends_is_closed_at_the_next_question(world: RegionWorld, authorization: str) -> None:
    sent = {"headers": {"authorization": authorization}}
    other = build(from_environment(world.home.environment()), world.clock)
    runtime = Runtime(other)
    runtime.start(jobs=False)
    office = Actor("the-office", "service", None)
    try:
        before = send(world, sent)[0].json()
        other.registers.agreements.suspend(DIRECT_CARE, 1, office, "To see whether everybody hears.")
        after = send(world, sent)[0].json()
        other.registers.agreements.activate(DIRECT_CARE, 1, office, "They did.")
        again = send(world, sent)[0].json()
    finally:
        runtime.stop()
    assert [one["decision"] for one in (before, after, again)] == [True, False, True]
    assert after["context"]["policy_revision"] != before["context"]["policy_revision"]
    assert again["context"]["policy_revision"] == before["context"]["policy_revision"]


def counted(world: RegionWorld, status: int) -> float:
    registry = world.services.infrastructure.metrics.registry
    labels = {"route": PATH, "method": "POST", "status": str(status)}
    return registry.get_sample_value("governance_http_requests_total", labels) or 0.0


@pytest.mark.parametrize("broken", ["reading", "deciding", "answering", "rendering"])
def test_an_unexpected_error_leaves_a_problem_a_line_in_the_log_and_a_count(
    world: RegionWorld, authorization: str, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("the patient's name")

    owner, name = {
        "reading": (loop, "access_request"),
        "deciding": (world.services.uses.access, "ask"),
        "answering": (world.services.uses.access, "answer"),
        "rendering": (loop, "rendered"),
    }[broken]
    for module in (problems, observation):
        monkeypatch.setattr(module, "_log", get_logger(module.__name__))  # one that is not bound yet
    sent = {
        "headers": {
            "authorization": authorization,
            "x-request-id": "r-2",
            "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        }
    }
    before = counted(world, 500)
    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr(owner, name, fail)
        (seen,) = send(world, sent)
    assert (seen.status, seen.headers["content-type"]) == (500, "application/problem+json")
    assert (seen.json()["status"], seen.json()["reason"]) == (500, "internal")
    assert "patient" not in seen.body.decode()
    assert seen.headers["x-request-id"] == "r-2"
    assert seen.headers["traceparent"].startswith("00-" + "a" * 32)
    assert seen.headers["x-content-type-options"] == "nosniff"
    assert counted(world, 500) == before + 1
    (unexpected,) = [line for line in lines if line["event"] == "unexpected error"]
    assert (unexpected["log_level"], unexpected["error_type"]) == ("error", "KeyError")
    (wide,) = [line for line in lines if line["event"] == "request"]
    assert (wide["route"], wide["status"]) == (PATH, 500)
    assert [answer.status for answer in send(world, sent, sent)] == [200, 200], "it goes on"


class Panic(BaseException):
    """As libraries written in Rust raise it: no ``Exception``."""


@pytest.mark.parametrize("where", ["on the loop", "in a view"])
def test_a_panic_is_an_error_like_any_other(
    world: RegionWorld, authorization: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise Panic

    asked: dict[str, Any] = {"headers": {"authorization": authorization}}
    if where == "in a view":
        asked = {"method": "GET", "path": "/healthz"}
    with monkeypatch.context() as patch:
        patch.setattr(loop, "access_request", fail)
        patch.setattr(VitalThreads, "dead", property(fail))
        (seen,) = send(world, asked)
    assert (seen.status, seen.headers["content-type"]) == (500, "application/problem+json")
    assert seen.json()["reason"] == "internal"
    assert send(world, asked)[0].status == 200, "it goes on"


def test_an_answer_that_fails_does_not_spoil_a_neighbours(
    world: RegionWorld, authorization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = world.services.uses.access.answer

    def second_fails(asked: Asked, place: int, receipts: Any) -> Any:
        if place == 1:
            raise KeyError(place)
        return answer(asked, place, receipts)

    monkeypatch.setattr(world.services.uses.access, "answer", second_fails)
    answers = send(world, *({"headers": {"authorization": authorization}} for _ in range(4)))
    assert [one.status for one in answers] == [200, 500, 200, 200]


def test_more_questions_than_may_wait_are_told_to_ask_again(world: RegionWorld, authorization: str) -> None:
    answers = send(world, *({"headers": {"authorization": authorization}} for _ in range(MOST_WAITING + 3)))
    refused = [one for one in answers if one.status == 503]
    assert len(refused) == 3
    assert {one.status for one in answers} == {200, 503}
    for one in refused:
        assert (one.headers["retry-after"], one.json()["reason"]) == ("1", "access.overloaded")


class Elsewhere:
    """A stretch of the event loop in which a question waits, and what else it answers meanwhile."""

    def __init__(self, world: RegionWorld, authorization: str) -> None:
        self._endpoint = create_asgi(world.services, world.app)
        self._sent = {"headers": {"authorization": authorization}}
        self.waiting: asyncio.Task[Answer] = asyncio.ensure_future(_one(self._endpoint, self._sent))

    async def goes_on(self) -> None:
        """Make sure that others are answered, one after the other, while the question waits."""
        for _ in range(20):
            health = await asyncio.wait_for(_one(self._endpoint, {"method": "GET", "path": "/healthz"}), PROMPT)
            assert health.status == 200
        assert not self.waiting.done()

    async def answered(self) -> Answer:
        return await asyncio.wait_for(self.waiting, LONG_ENOUGH)


def test_the_loop_goes_on_while_another_process_writes_and_the_terms_changed(
    world: RegionWorld, authorization: str
) -> None:
    other = build(from_environment(world.home.environment()), world.clock)
    runtime = Runtime(other)
    runtime.start(jobs=False)
    office = Actor("the-office", "service", None)
    why = "To see what waits for it."
    before = send(world, {"headers": {"authorization": authorization}})[0].json()

    async def ask() -> Answer:
        writer = OtherWriter(world.services.infrastructure.database)
        with writer:  # what takes up the terms has tokens to revoke, and waits for it
            elsewhere = Elsewhere(world, authorization)
            await elsewhere.goes_on()
            writer.let_go()
            return await elsewhere.answered()

    try:
        other.registers.agreements.suspend(DIRECT_CARE, 1, office, why)
        after = run(ask()).json()
        other.registers.agreements.activate(DIRECT_CARE, 1, office, why)
    finally:
        runtime.stop()
    assert (before["decision"], after["decision"]) == (True, False)
    assert after["context"]["policy_revision"] != before["context"]["policy_revision"]


def test_the_loop_goes_on_while_every_connection_is_in_use(world: RegionWorld, authorization: str) -> None:
    prompt = world.services.uses.access.decides_without_io
    assert send(world, {"headers": {"authorization": authorization}})[0].status == 200, "the terms are taken up"

    async def ask() -> Answer:
        with ExitStack() as readers:
            for _ in range(READERS):
                readers.enter_context(world.services.infrastructure.database.reading())
            if prompt:  # it has a connection of its own
                (seen,) = await asyncio.wait_for(_all(world, [{"headers": {"authorization": authorization}}]), PROMPT)
                return seen
            elsewhere = Elsewhere(world, authorization)
            await elsewhere.goes_on()
            readers.close()
            return await elsewhere.answered()

    assert run(ask()).json()["decision"] is True


def test_nothing_on_the_loop_takes_a_connection_that_it_could_wait_for(world: RegionWorld, authorization: str) -> None:
    """Neither for a question, nor for the signing keys, which are read anew every half minute."""
    database = world.services.infrastructure.database
    taken: list[int] = []

    def note(*_: object) -> None:
        taken.append(threading.get_ident())

    sent = [{"headers": {"authorization": bearer(world)}} for _ in range(3)]
    pools = [engine.pool for engine in database.engines if engine.pool.timeout() > 0]  # type: ignore[attr-defined]
    world.clock.advance(REFRESH)
    for pool in pools:
        event.listen(pool, "checkout", note)
    try:
        answers = send(world, *sent)
    finally:
        for pool in pools:
            event.remove(pool, "checkout", note)
    assert {answer.status for answer in answers} == {200}
    assert taken, "the log's writer takes one, elsewhere"
    assert threading.get_ident() not in taken
