"""The event loop's endpoint: the one question asked all the time, answered without a thread that waits for it.

Flask answers everything; a thread that waits for a group commit starves the others, which is where its long tail comes
from. This ASGI application stands in front of it and takes ``POST /access/v1/evaluation`` when it comes in its plainest
form, a bearer token and a JSON object. It reads and writes HTTP and has no rule of its own:

1. The caller, the shape of the question, the decision and the rendering are the same functions that the view calls.
2. Whatever it does not take, and whatever it finds fault with, goes to Flask as it came, and Flask says what is wrong.
   So does what it could not read without waiting: nothing here opens a write transaction, waits for a connection or
   takes a lock that another process may hold.
3. Questions are decided together with those that wait beside them (:mod:`governance.access.together`), and answered
   once the log has the decision (:mod:`governance.access.batches`).
4. What keeps an answer becomes the problem that the problem map makes of it. Every request is counted and has its line
   in the log, one that ends in an unexpected error too.

Example: ``EventLoopEndpoint(services, others)`` is what an ASGI server calls, ``others`` being Flask behind an adapter.
"""

import json
from time import perf_counter

from governance.access import AccessAnswer, EvaluationBatches, Question, Together
from governance.api import cors
from governance.api.authzen import schemas
from governance.api.authzen.answers import rendered
from governance.api.authzen.requests import access_request
from governance.bootstrap import Services
from governance.errors import GovernanceError
from governance.storage import WouldWait, at_once
from governance.threads import is_fault
from governance.tokens import TokenRefused
from governance.vocabulary import Scope
from governance.web import Caller
from governance.web.asgi import Application, Message, Receive, Reply, Scope_, Send, again, reply_of, send_reply
from governance.web.authentication import allowed, service_caller
from governance.web.body import DEFAULT_MAXIMUM, parsed, validated
from governance.web.observation import Answered, answer_headers, keep, trace_of
from governance.web.problems import problem_of, unexpected
from governance.web.security_headers import content_security_policy, headers_of

ROUTE = "/access/v1/evaluation"
_DECIDING = 0.5  # seconds from question to answer beyond those that the database may take
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))  # as Flask writes it


class _NotTaken(Exception):
    """The request is not for this endpoint after all: Flask will say what is wrong with it."""


class EventLoopEndpoint:
    """An ASGI application (version 3.0).

    Args:
        services: the services of this process.
        others: answers everything else: Flask, behind an adapter.
    """

    def __init__(self, services: Services, others: Application) -> None:
        self._services = services
        self._others = others
        patience = services.infrastructure.settings.database_timeout
        batches = EvaluationBatches(services.uses.access, services.registers.tokens, patience)
        self._together: Together[Question, AccessAnswer] = Together(batches.decide, limit=patience + _DECIDING)
        self._headers = headers_of(
            content_security_policy(None), services.infrastructure.settings.issuer.startswith("https://")
        )

    async def __call__(self, scope: Scope_, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = _plain(scope)
        if headers is None:
            await self._others(scope, again([], receive), send)
            return
        began = perf_counter()
        body, more = await _read(receive)
        own = self._headers | answer_headers(trace_of(headers.get("traceparent")), headers.get("x-request-id"))
        caller: Caller | None = None
        try:
            own |= self._read_from(headers.get("origin"))
            question, caller = self._question(headers, body, more)
            reply = await self._reply(question, caller)
        except _NotTaken:
            await self._others(scope, again([_told(body, more)], receive), send)
            return
        except BaseException as error:
            if not is_fault(error):
                raise
            # whatever it is, a panic too, it has its answer, its count and its line in the log
            reply = reply_of(problem_of(error) if isinstance(error, GovernanceError) else unexpected(error))
        seconds = perf_counter() - began
        keep(self._services.infrastructure.metrics, Answered(ROUTE, "POST", reply.status, seconds, caller))
        await send_reply(send, reply, own)

    def close(self) -> None:
        """Refuse the questions that still wait for their batch, and any other; called on the event loop."""
        self._together.close()

    def _read_from(self, origin: str | None) -> dict[str, str]:
        """Say which origin's page may read the answer; raises _NotTaken when the register has to be read for it."""
        held = False if origin is None else self._services.registers.origins.hold_at_once(origin)
        if held is None:
            raise _NotTaken
        return dict(cors.VARY) | (cors.allowing(origin) if held and origin is not None else {})

    def _question(self, headers: dict[str, str], body: bytes, more: bool) -> tuple[Question, Caller]:
        """Understand a request. Raises _NotTaken when anything is wrong with it or makes it wait (rule 2)."""
        if more:
            raise _NotTaken
        services = self._services
        try:
            with at_once():
                claims = services.registers.tokens.verify_bearer(
                    headers["authorization"][7:], services.infrastructure.settings.issuer
                )
            caller = allowed(service_caller(services, claims), Scope.ACCESS_EVALUATE)
            asked = validated(schemas.EvaluationRequest, parsed(body))
            request = access_request(asked)
        except (GovernanceError, WouldWait):
            raise _NotTaken from None
        if asked.context.subject_token is not None:  # taking it writes, and may fetch keys
            raise _NotTaken
        return Question(request, caller, claims), caller

    async def _reply(self, question: Question, caller: Caller) -> Reply:
        """Give the answer to a question. Raises _NotTaken when its token does not live, or what kept the answer."""
        try:
            answer = await self._together.ask(question)
        except TokenRefused:
            raise _NotTaken from None
        made = rendered(answer, caller, self._services)
        return Reply(200, {"Content-Type": "application/json"}, _ENCODER.encode(made).encode() + b"\n")


def _plain(scope: Scope_) -> dict[str, str] | None:
    """Give the headers of a request that this endpoint takes, None for any other."""
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


def _told(body: bytes, more: bool) -> Message:
    """Give what was read of a body as the message it came in."""
    return {"type": "http.request", "body": body, "more_body": more}
