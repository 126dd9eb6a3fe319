"""The client: who may be called, and calls with the budget of their purpose."""

import logging
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeAlias, TypeVar

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from governance.outbound._adapter import Adapter
from governance.outbound._mail import MailServer, deliver
from governance.outbound._resolver import Resolve, Resolver, system_addresses
from governance.outbound._slots import Slots
from governance.outbound._sockets import Call, SecureSocket, under_way
from governance.outbound.budget import BUDGETS, Budget, CallPurpose, Deadline, seconds_left
from governance.outbound.failure import CallOutcome, OutboundFailed
from governance.outbound.peers import Peers, canonical

Observe: TypeAlias = Callable[[CallPurpose, CallOutcome], None]
S = TypeVar("S", bound=requests.Session)
_log = logging.getLogger(__name__)
_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # variables that name a file or folder of trusted authorities


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: its status, its headers (whatever their case) and its body, decompressed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What a server is shown in the TLS handshake: a certificate, with those between it and its authority, and its key.

    Both are files in PEM; a renewed one is taken up by a restart.
    """

    certificate: Path
    key: Path


class Outbound:
    """Calls strangers.

    Args:
        peers: the hosts that may be called at other addresses than public ones.
        observe: is given the purpose and the outcome of each call.
        resolve: gives the addresses of a name.
        authorities: file or folder of the certificate authorities (PEM) that are trusted; without one those that
            the environment names (``REQUESTS_CA_BUNDLE``), else the public ones.
        budgets: the limits of a call for each purpose.
    """

    def __init__(
        self,
        peers: Peers | None = None,
        *,
        observe: Observe = lambda _purpose, _outcome: None,
        resolve: Resolve = system_addresses,
        authorities: Path | None = None,
        budgets: Mapping[CallPurpose, Budget] = BUDGETS,
    ) -> None:
        self._peers = peers or Peers()
        self._observe = observe
        self._observer_failed = False
        self._resolver = Resolver(resolve)
        self._authorities = authorities
        self._budgets = budgets
        self._slots = Slots()
        self._tls: dict[ClientCertificate | None, ssl.SSLContext] = {}
        self._making_tls = Lock()

    def get(
        self,
        purpose: CallPurpose,
        url: str,
        *,
        accept: str = "application/json",
        parameters: Sequence[tuple[str, str]] = (),
        credential: tuple[str, str] | None = None,
    ) -> Answer:
        """Ask for a document.

        Args:
            purpose: what for; its budget holds.
            url: https, or http on a loopback address.
            accept: the media type to ask for.
            parameters: of the query.
            credential: user and password (HTTP Basic).

        Raises:
            OutboundFailed: there is no whole answer within the budget, or none may be asked for.
        """
        with self.equip(requests.Session(), purpose) as session:
            headers = {"Accept": accept, "Accept-Encoding": "identity"}
            try:
                answer = session.get(url, params=list(parameters), headers=headers, auth=credential)
            except (requests.RequestException, ValueError):  # before any call: it is no URL
                raise OutboundFailed(CallOutcome.URL_REFUSED) from None
        return Answer(answer.status_code, answer.headers, answer.content)

    def post(self, purpose: CallPurpose, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a document.

        Args:
            purpose: what for; its budget holds.
            url: https, or http on a loopback address.
            body: what is sent, as it is.
            headers: all that is said of it; a signature over them stays good.

        Raises:
            OutboundFailed: there is no whole answer within the budget, or none may be asked for.
        """
        with self.equip(requests.Session(), purpose) as session:
            try:
                said = {**headers, "Accept-Encoding": "identity"}
                answer = session.send(requests.Request("POST", url, data=body, headers=said).prepare())
            except (requests.RequestException, ValueError):  # before any call: it is no URL
                raise OutboundFailed(CallOutcome.URL_REFUSED) from None
        return Answer(answer.status_code, answer.headers, answer.content)

    def mail(self, server: MailServer, message: EmailMessage) -> None:
        """Hand a message to a mail server, which has it once this returns.

        Raises:
            OutboundFailed: it did not take the message within the budget; ``for_good`` when it never will.
        """
        purpose = CallPurpose.MAIL
        budget, deadline = self._budgets[purpose], Deadline(seconds_left(self._budgets[purpose].seconds))
        try:
            with (
                self._slots.hold(f"{canonical(server.host)}:{server.port}", budget.at_once, deadline),
                under_way(self._call(deadline, budget, None)) as call,
            ):
                deliver(call, server, message, partial(self._context, None))
        except OutboundFailed as failed:
            self._ended(purpose, failed.outcome)
            raise
        self._ended(purpose, CallOutcome.ANSWERED)

    def equip(
        self,
        session: S,
        purpose: CallPurpose,
        budget: Budget | None = None,
        unix: str | None = None,
        certificate: ClientCertificate | None = None,
    ) -> S:
        """Make a library's own session call through this client, and heed nothing of the environment.

        Args:
            session: whatever it had mounted and trusted before is replaced.
            purpose: what its calls are for.
            budget: the limits of a call; those of the purpose unless given.
            unix: path of the Unix socket at which every host of its URLs is called.
            certificate: shown to every server that it calls.
        """
        limits = budget or self._budgets[purpose]
        session.trust_env = False
        session.adapters.clear()
        adapter = Adapter(
            limits,
            lambda deadline: self._call(deadline, limits, unix),
            self._slots,
            partial(self._context, certificate),
            partial(self._ended, purpose),
        )
        for scheme in ("https://", "http://"):
            session.mount(scheme, adapter)
        return session

    def _ended(self, purpose: CallPurpose, outcome: CallOutcome) -> None:
        """Let the observer count a call; whatever happens there, the call's answer stays."""
        try:
            self._observe(purpose, outcome)
        except Exception:  # noqa: BLE001 - a count must not cost an answer
            if not self._observer_failed:  # once is enough
                _log.exception("calls to others are not counted")
            self._observer_failed = True

    def _call(self, deadline: Deadline, budget: Budget, unix: str | None) -> Call:
        return Call(deadline, budget.size, self._peers, self._resolver, unix)

    def _context(self, certificate: ClientCertificate | None) -> ssl.SSLContext:
        """Make a TLS context when the first call needs it: reading the authorities takes a while."""
        with self._making_tls:
            if certificate not in self._tls:
                self._tls[certificate] = _tls_context(self._authorities or _authorities(), certificate)
            return self._tls[certificate]


def _authorities() -> Path:
    named = next((value for name in _AUTHORITIES if (value := os.environ.get(name))), None)
    return Path(named or DEFAULT_CA_BUNDLE_PATH)


def _tls_context(authorities: Path, certificate: ClientCertificate | None) -> ssl.SSLContext:
    try:
        if authorities.is_dir():
            made = ssl.create_default_context(capath=str(authorities))
        else:
            made = ssl.create_default_context(cafile=str(authorities))
        if certificate is not None:
            made.load_cert_chain(certificate.certificate, certificate.key)
    except OSError:  # nothing there, or nothing that can be read
        raise OutboundFailed(CallOutcome.TLS_FAILED) from None
    made.sslsocket_class = SecureSocket
    return made
