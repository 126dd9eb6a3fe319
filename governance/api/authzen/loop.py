"""The event-loop door: the one question asked all the time, answered without a thread that waits for it.

Flask answers everything; a thread that waits for a group commit starves the others, which is where its long tail comes
from. This ASGI application stands in front of it and takes ``POST /access/v1/evaluation`` when it comes in its plainest
form, a bearer token and a JSON object. It holds no rule of its own:

1. The caller, the shape of the question, the decision and the rendering are the same functions that the view calls.
2. Whatever it does not take, and whatever it finds fault with, goes to Flask as it came, and Flask says what is wrong.
3. Questions that arrive together are decided on one snapshot and recorded in one append, each for its own asker. Those
   that arrive while an append is under way wait for its end, as their own would have to. Then as many as were together
   last are waited for, a moment at most: who was answered together asks again together, and the price of a snapshot and
   of a commit is paid once for all of them. Whoever is alone waits for nobody.
4. It answers after the log has the decision. When the log cannot take it, the answer is the problem map's.
5. Deciding takes place on the loop only when nothing outside this process can hold it up; otherwise in a thread.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sqlmodel import Session

from governance.access import AccessAnswer, Asked
from governance.api.authzen import schemas
from governance.api.authzen.answers import rendered
from governance.api.authzen.requests import access_request
from governance.audit import Receipt
from governance.bootstrap import Services
from governance.decisions import AccessRequest
from governance.errors import GovernanceError
from governance.tokens import AccessClaims, TokenRefused
from governance.vocabulary import Scope
from governance.web import Caller
from governance.web.authentication import allowed, service_caller
from governance.web.body import DEFAULT_MAXIMUM, parsed, validated
from governance.web.observation import Answered, answer_headers, keep, trace_of
from governance.web.problems import problem_of
from governance.web.security_headers import content_security_policy, headers_of

ROUTE = "/access/v1/evaluation"
_TOGETHER = 16  # questions decided at a time
_MOMENT = 0.005  # seconds
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))  # as Flask writes it
Scope_ = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope_, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Reply:
    """What goes out."""

    status: int
    headers: dict[str, str]
    body: bytes


class _NotTaken(Exception):
    """The request is not for this door after all: Flask will say what is wrong with it."""


@dataclass(slots=True)
class _Question:
    """One question, who asks it by which token, and who waits for its answer."""

    request: AccessRequest
    claims: AccessClaims
    caller: Caller
    answer: asyncio.Future[AccessAnswer]


class LoopDoor:
    """An ASGI application (version 3.0).

    Args:
        services: the services of this process.
        others: answers everything else: Flask, behind an adapter.
    """

    def __init__(self, services: Services, others: Application) -> None:
        self._services = services
        self._others = others
        self._pool = ThreadPoolExecutor(1, "decision")
        self._waiting: list[_Question] = []
        self._company = 0  # how many were together last
        self._complete = asyncio.Event()  # as many are together again, or the moment is over
        self._deciding: asyncio.Task[None] | None = None
        self._headers = headers_of(
            content_security_policy(None), services.infrastructure.settings.issuer.startswith("https://")
        )

    async def __call__(self, scope: Scope_, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = _plain(scope)
        if headers is None:
            await self._others(scope, _again(None, True, receive), send)
            return
        began = perf_counter()
        body, more = await _read(receive)
        try:
            question = self._question(headers, body, more)
            answered = await self._answer(question, headers)
        except _NotTaken:
            await self._others(scope, _again(body, more, receive), send)
            return
        seconds = perf_counter() - began
        keep(self._services.infrastructure.metrics, Answered(ROUTE, "POST", answered.status, seconds, question.caller))
        await _send(send, answered)

    def _question(self, headers: dict[str, str], body: bytes, more: bool) -> _Question:
        """Understand a request. Raises _NotTaken when anything is wrong with it."""
        if more:
            raise _NotTaken
        services = self._services
        try:
            claims = services.registers.tokens.verify_bearer(
                headers["authorization"][7:], services.infrastructure.settings.issuer
            )
            caller = allowed(service_caller(services, claims), Scope.ACCESS_EVALUATE)
            asked = access_request(validated(schemas.EvaluationRequest, parsed(body)))
        except GovernanceError:
            raise _NotTaken from None
        return _Question(asked, claims, caller, asyncio.get_running_loop().create_future())

    async def _answer(self, question: _Question, headers: dict[str, str]) -> _Reply:
        """Give the answer to a question, or the problem that kept it. Raises _NotTaken."""
        told = self._headers | answer_headers(trace_of(headers.get("traceparent")), headers.get("x-request-id"))
        try:
            answer = await self._together(question)
        except GovernanceError as error:
            problem = problem_of(error)
            return _Reply(
                problem.status_code,
                {name: value for name, value in problem.headers if name != "Content-Length"} | told,
                problem.get_data(),
            )
        made = rendered(answer, question.request, question.caller, self._services)
        return _Reply(200, {"Content-Type": "application/json"} | told, _ENCODER.encode(made).encode() + b"\n")

    async def _together(self, question: _Question) -> AccessAnswer:
        """Decide a question with those that arrived beside it."""
        self._waiting.append(question)
        if len(self._waiting) >= self._company:
            self._complete.set()
        if self._deciding is None:
            self._deciding = asyncio.create_task(self._decide())
        return await question.answer

    async def _decide(self) -> None:
        """Decide what waits, some at a time, until nothing does."""
        try:
            while self._waiting:
                await self._gather()
                questions, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
                self._company = len(questions)
                await self._decide_some(questions)
        finally:
            self._deciding = None

    async def _gather(self) -> None:
        """Wait a moment until as many are there as were together last (3)."""
        if len(self._waiting) < self._company:
            self._complete.clear()
            late = asyncio.get_running_loop().call_later(_MOMENT, self._complete.set)
            await self._complete.wait()
            late.cancel()

    async def _decide_some(self, questions: list[_Question]) -> None:
        """Decide some questions and give each its answer when the log has them all; raises nothing."""
        try:
            if self._services.uses.access.prompt:
                living, asked = self._ask(questions)
            else:
                living, asked = await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, questions)
            receipts = await asyncio.wrap_future(asked.receipts) if asked else []
        except Exception as error:  # noqa: BLE001 - everybody who waits must hear it
            for question in questions:
                _fail(question, error)
            return
        if asked is not None:
            self._tell(living, asked, receipts)
        for question in questions:
            _fail(question, _NotTaken())  # whoever's token does not live has no answer by now

    def _ask(self, questions: Sequence[_Question]) -> tuple[list[_Question], Asked | None]:
        """Decide the questions whose token lives, on one snapshot, and hand the decisions to the log."""
        access = self._services.uses.access
        with access.snapshot() as session:
            living = [question for question in questions if self._alive(session, question)]
            asked = [(question.request, question.caller) for question in living]
            return living, access.ask(asked, session) if asked else None

    def _tell(self, questions: Sequence[_Question], asked: Asked, receipts: Sequence[Receipt]) -> None:
        """Give each question its answer, now that the log holds it."""
        for place, question in enumerate(questions):
            try:
                answer = self._services.uses.access.answer(asked, place, receipts)
            except Exception as error:  # noqa: BLE001 - each its own
                _fail(question, error)
            else:
                if not question.answer.done():
                    question.answer.set_result(answer)

    def _alive(self, session: Session, question: _Question) -> bool:
        """Say whether the token of a question still lives."""
        try:
            self._services.registers.tokens.check_alive(session, question.claims)
        except TokenRefused:
            return False
        return True


def _fail(question: _Question, error: Exception) -> None:
    if not question.answer.done():
        question.answer.set_exception(error)


def _plain(scope: Scope_) -> dict[str, str] | None:
    """Give the headers of a request that this door takes, None for any other."""
    if scope["type"] != "http" or scope["path"] != ROUTE or scope["method"] != "POST" or scope.get("query_string"):
        return None
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in headers or key in {"dpop", "content-encoding", "expect"}:
            return None
        headers[key] = value.decode("latin-1")
    authorized = headers.get("authorization", "")[:7].lower() == "bearer "
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return headers if authorized and media_type == "application/json" else None


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """Read a body as far as one of an allowed size can go, and say whether there is more of it."""
    body, more = b"", True
    while more and len(body) <= DEFAULT_MAXIMUM:
        message = await receive()
        if message["type"] != "http.request":  # its sender went away
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body, more or len(body) > DEFAULT_MAXIMUM


def _again(body: bytes | None, more: bool, receive: Receive) -> Receive:
    """Give what was read once more, if anything was, then what is still to come; a coroutine, as adapters need one."""
    read = [] if body is None else [{"type": "http.request", "body": body, "more_body": more}]

    async def receive_again() -> MutableMapping[str, Any]:
        return read.pop() if read else await receive()

    return receive_again


async def _send(send: Send, answered: _Reply) -> None:
    sent = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answered.headers.items()]
    sent.append((b"content-length", str(len(answered.body)).encode()))
    await send({"type": "http.response.start", "status": answered.status, "headers": sent})
    await send({"type": "http.response.body", "body": answered.body, "more_body": False})
