"""The transport behind every session that calls strangers: one call, whole, within its budget, or an error of ours.

The answer's body is read here, so that nothing of a call is left for later, outside its seconds.
"""

import logging
from collections.abc import Callable
from http.client import HTTPException
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from governance.outbound._decoding import Decoder
from governance.outbound._slots import Slots
from governance.outbound._sockets import POOLS, Call, under_way
from governance.outbound.budget import Budget, Deadline, seconds_left
from governance.outbound.failure import CallOutcome, OutboundFailed
from governance.outbound.peers import host_and_port

_PIECE = 1 << 16
_DIGITS = 15  # of a declared length that is read as a number
_ERRORS = 400
logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # it writes URLs, and headers that it cannot read


class Adapter(HTTPAdapter):
    """Sends once, reads the whole answer, follows nothing.

    Args:
        budget: the limits of a call.
        begin: makes a call that ends at a deadline.
        slots: how many calls each host has under way.
        context: gives the TLS context.
        ended: is given the outcome of each call.
    """

    def __init__(
        self,
        budget: Budget,
        begin: Callable[[Deadline], Call],
        slots: Slots,
        context: Callable[[], SSLContext],
        ended: Callable[[CallOutcome], None],
    ) -> None:
        self._budget = budget
        self._begin = begin
        self._slots = slots
        self._context = context
        self._ended = ended
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        """Make connections of our own kind."""
        super().init_poolmanager(*args, **keywords)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, _verify: Any, _cert: Any = None
    ) -> tuple[Any, Any]:
        """Verify TLS by our context, whatever the session says."""
        parts = urlsplit(str(request.url))
        tls = {"ssl_context": self._context()} if parts.scheme == "https" else {}
        return {"scheme": parts.scheme, "host": parts.hostname, "port": parts.port}, tls

    def cert_verify(self, *_: Any) -> None:
        """Leave the pool as it is: its context verifies."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Make the call; the session's own time-out, proxies and TLS settings do not count.

        Raises:
            OutboundFailed: there is no whole answer within the budget, or none that may be asked for.
        """
        try:
            answer = self._exchange(request)
        except OutboundFailed as failed:
            self._ended(failed.outcome)
            raise
        self._ended(CallOutcome.ERROR_STATUS if answer.status_code >= _ERRORS else CallOutcome.ANSWERED)
        return answer

    def _exchange(self, request: requests.PreparedRequest) -> requests.Response:
        host = host_and_port(str(request.url), self._budget.plain_http)
        deadline = Deadline(seconds_left(self._budget.seconds))
        with self._slots.hold(host, self._budget.at_once, deadline), under_way(self._begin(deadline)) as call:
            try:
                answer = super().send(request, stream=True)
                _read(answer, self._budget.size)
            except requests.exceptions.SSLError:
                raise OutboundFailed(CallOutcome.TLS_FAILED) from None
            except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError):
                raise OutboundFailed(CallOutcome.BROKEN if call.received else CallOutcome.UNREACHABLE) from None
        return answer


def _read(answer: requests.Response, most: int) -> None:
    """Read a body into its response, and free the connection. Raises OutboundFailed: not whole, or not to be taken."""
    try:
        body = _body(answer, most)
    except BaseException:
        answer.raw.close()  # with what it still has to say
        raise
    finally:
        answer.raw.release_conn()
    vars(answer).update(_content=body, _content_consumed=True)  # as the session does that reads it itself


def _body(answer: requests.Response, most: int) -> bytes:
    if answer.is_redirect:
        raise OutboundFailed(CallOutcome.REDIRECTED)
    declared = answer.raw.headers.get("Content-Length", "")
    if declared.isdecimal() and (len(declared) > _DIGITS or int(declared) > most):
        raise OutboundFailed(CallOutcome.TOO_LONG)
    empty = answer.raw.length_remaining == 0  # said so, or by its status: then nothing is compressed
    decoder = Decoder("" if empty else answer.raw.headers.get("Content-Encoding", ""))
    body = bytearray()
    while piece := answer.raw.read(_PIECE, decode_content=False):
        body += decoder.feed(piece, most + 1 - len(body))
        if len(body) > most:
            raise OutboundFailed(CallOutcome.TOO_LONG)
    decoder.end()
    return bytes(body)
