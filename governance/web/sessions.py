"""Browser sessions: an opaque cookie, everything else on the server.

1. The cookie of somebody who signed in is 256 random bits and means nothing. The table holds its SHA-256, so a stolen
   table opens no session.
2. A session ends after ``idle`` without a request, after ``absolute`` whatever happens, at sign-out, and when revoked;
   each is one deleted row. It also ends with the person's account, or with the issuer that vouched for them: one that
   began before either was suspended never opens anything again.
3. The cookie changes when somebody signs in or out: an identifier planted before sign-in is worthless after it.
4. Over https the cookie is ``__Host-``: Secure, whole host, no domain. Always HttpOnly and SameSite=Lax (the identity
   provider sends the browser back with a top-level GET).
5. Only the paths under ``prefix`` have a session. A request of a service never reads or sets a cookie.
6. A visitor who is not signed in has no row, or anybody could fill the table by looking at pages. What their short
   session carries (the sign-in attempt, form tokens, a message) is in the cookie itself, signed and with its end in it.
   It opens nothing, and whoever holds it is no more than the browser that began the attempt.
7. A session that cannot be read or written is no empty one: the request is answered 503 (:func:`require_session`).
"""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response
from flask import session as flask_session
from flask.sessions import SessionInterface, SessionMixin
from itsdangerous import BadData, URLSafeSerializer
from sqlmodel import Session
from werkzeug.datastructures import CallbackDict

from governance.clock import Clock
from governance.errors import Unavailable
from governance.storage import Database
from governance.web import _session_store as store
from governance.web._session_store import SignedInPerson, StoredSession

__all__ = [
    "BrowserSession",
    "ServerSideSessions",
    "SessionPolicy",
    "SignedInPerson",
    "StoredSession",
    "current_session",
    "end_all",
    "end_session",
    "living_sessions",
    "new_token",
]

ATTEMPT_SECONDS = 900.0  # how long a visitor's cookie, and with it a sign-in attempt, is good
_VISIT_MARK = "."  # between what a signed cookie says and its signature; the other kind has none
_VISIT_MAXIMUM = 3_500  # characters of a visitor's cookie; browsers keep 4,096 bytes of one (RFC 6265 section 6.1)
_FAILED = 500  # the first status of an answer whose request changes no session
Admits = Callable[[Session, SignedInPerson], bool]
_SEEN_STEP = timedelta(
    minutes=1
)  # how coarsely the last use is recorded, so that reading a page is not a write each time


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long sessions live, where the cookie is sent, and whether the service is reached over https."""

    secure: bool
    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=10)
    anonymous: timedelta = timedelta(seconds=ATTEMPT_SECONDS)
    prefix: str = "/console"

    @property
    def cookie_name(self) -> str:
        """Give the cookie's name: ``__Host-`` binds it to this host over https (RFC 6265bis section 4.1.3.2)."""
        return "__Host-governance" if self.secure else "governance"

    def alive(self, stored: StoredSession, now: datetime) -> bool:
        """Say whether a session has run out neither by its end nor by idleness."""
        return now < stored.expires_at and now - stored.seen_at < self.idle


def living_sessions(session: Session, now: datetime, policy: SessionPolicy) -> tuple[StoredSession, ...]:
    """Give the session of everybody who is signed in and whose session has not run out, newest first."""
    return tuple(stored for stored in store.of_everybody(session) if policy.alive(stored, now))


def end_session(session: Session, handle: str) -> bool:
    """End a session in the caller's transaction, at once for every process; False when there is none."""
    return store.remove_handle(session, handle)


def end_all(session: Session) -> int:
    """End every browser session there is, in the caller's transaction; gives how many."""
    return store.remove_all(session)


def new_token() -> str:
    """Give 256 random bits for a cookie or a handle, URL-safe."""
    return secrets.token_urlsafe(32)


class BrowserSession(CallbackDict[str, Any], SessionMixin):
    """What a view sees as ``flask.session``: a dictionary kept on the server, and the person signed in, if any."""

    def __init__(
        self, stored: StoredSession | None, token: str | None, kept: bool = True, fault: Unavailable | None = None
    ) -> None:
        super().__init__(dict(stored.data) if stored else None, _note_change)
        self.stored = stored
        self.kept = kept
        self.fault = fault  # what kept it from being read
        self.token = token
        self.person: SignedInPerson | None = stored.person if stored else None
        self.modified = False
        self.rotate = False
        self.new = stored is None

    def sign_in(self, person: SignedInPerson) -> None:
        """Make the session this person's, with nothing left of what came before and a new cookie."""
        self.clear()
        self.person = person
        self.rotate = self.modified = True

    def sign_out(self) -> None:
        """Forget the person and everything kept; the row is deleted with the response."""
        self.clear()
        self.person = None
        self.rotate = self.modified = True


def _note_change(session: "CallbackDict[str, Any]") -> None:
    if isinstance(session, BrowserSession):
        session.modified = True


def current_session() -> BrowserSession:
    """Give this request's session; raises TypeError where the application keeps another kind."""
    current = flask_session._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - werkzeug's way to unwrap
    if not isinstance(current, BrowserSession):
        raise TypeError("this request has no server-side session")
    return current


class ServerSideSessions(SessionInterface):
    """Flask's session, kept in the database.

    Args:
        database: where the session table is.
        clock: the one clock.
        policy: lifetimes and cookie.
        make_token: gives fresh cookies and handles.
        admits: says whether a person who signed in when they did may still be here; everybody without it.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        policy: SessionPolicy,
        make_token: Callable[[], str] = new_token,
        admits: Admits = lambda _session, _person: True,
    ) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy
        self._make_token = make_token
        self._admits = admits

    def open_session(self, app: Flask, request: Request) -> BrowserSession:
        """Give the session of the request's cookie, or an empty one when it names none that is still alive."""
        if not self._covers(request.path):
            return BrowserSession(None, None, kept=False)
        token = request.cookies.get(self._policy.cookie_name)
        if not token:
            return BrowserSession(None, None)
        if _VISIT_MARK in token:
            return self._visit(app, token)
        try:
            with self._database.reading() as session:
                stored = store.find(session, _digest(token))
                admitted = stored is not None and stored.person is not None and self._admits(session, stored.person)
        except Unavailable as fault:  # Flask opens sessions before anything that handles errors
            return BrowserSession(None, None, kept=False, fault=fault)
        if stored is None or not admitted or not self._alive(stored):
            return BrowserSession(None, None)
        return BrowserSession(stored, token)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed and set or clear the cookie; reading a page only moves the last use, once a minute."""
        if not isinstance(session, BrowserSession) or not session.kept or response.status_code >= _FAILED:
            return
        try:
            self._save(app, session, response)
        except Unavailable as fault:  # Flask saves sessions behind everything that handles errors
            _become(response, app.make_response(app.handle_user_exception(fault)))

    def _save(self, app: Flask, session: BrowserSession, response: Response) -> None:
        now = self._clock.now()
        if session.rotate:
            self._drop(session)
        if session.modified and session.person:
            self._write(session, now, response)
        elif session.modified or session.rotate:
            self._write_visit(app, session, now, response)
        elif session.stored is not None and now - session.stored.seen_at >= _SEEN_STEP:
            with suppress(Unavailable), self._database.transaction() as opened:  # not seen: it only ends earlier
                if store.find(opened, session.stored.token_hash, lock=True) is not None:
                    store.save(opened, replace(session.stored, seen_at=now))

    def revoke(self, handle: str) -> bool:
        """End the session of that handle at once; False when there is none."""
        with self._database.transaction() as session:
            return store.remove_handle(session, handle)

    def revoke_person(self, issuer: str, subject: str) -> int:
        """End every session of a person and give how many there were."""
        with self._database.transaction() as session:
            return store.remove_person(session, issuer, subject)

    def of_person(self, issuer: str, subject: str) -> tuple[StoredSession, ...]:
        """List the sessions of a person that are still alive, newest first."""
        with self._database.reading() as session:
            found = store.of_person(session, issuer, subject)
        return tuple(stored for stored in found if self._alive(stored))

    def purge(self) -> None:
        """Delete the rows whose time is over; expired rows open nothing, this only keeps the table small."""
        with self._database.transaction() as session:
            store.remove_expired(session, self._clock.now())

    def _covers(self, path: str) -> bool:
        return path == self._policy.prefix or path.startswith(self._policy.prefix + "/")

    def _alive(self, stored: StoredSession) -> bool:
        return self._policy.alive(stored, self._clock.now())

    def _visit(self, app: Flask, token: str) -> BrowserSession:
        """Read the session of a visitor out of their cookie; an empty one when it is not ours or over (rule 6)."""
        made = BrowserSession(None, None)
        try:
            until, data = _signer(app).loads(token)
            alive = self._clock.now().timestamp() < float(until)
        except (BadData, TypeError, ValueError):
            return made
        if alive and isinstance(data, dict):
            made.update(data)
            made.modified = False
        return made

    def _write_visit(self, app: Flask, session: BrowserSession, now: datetime, response: Response) -> None:
        """Put what a visitor's session holds into their cookie, or take the cookie away when it holds nothing."""
        until = now + self._policy.anonymous
        value = _signer(app).dumps([until.timestamp(), dict(session)]) if session else ""
        if len(value) > _VISIT_MAXIMUM:
            value = ""
        self._set_cookie(response, value, int(self._policy.anonymous.total_seconds()) if value else 0)

    def _drop(self, session: BrowserSession) -> None:
        """Delete the row of the old cookie, so that it opens nothing any more."""
        if session.stored is not None:
            with self._database.transaction() as opened:
                store.remove(opened, session.stored.token_hash)
        session.stored = session.token = None

    def _write(self, session: BrowserSession, now: datetime, response: Response) -> None:
        lifetime = self._policy.absolute
        token = session.token or self._make_token()
        stored = session.stored or StoredSession(_digest(token), self._make_token(), now, now, now + lifetime)
        with self._database.transaction() as opened:
            gone = session.stored is not None and store.find(opened, stored.token_hash, lock=True) is None
            if gone:  # revoked or signed out elsewhere while this request ran: it must not come back
                return
            if session.stored is None:
                store.remove_expired(opened, now)
            store.save(opened, replace(stored, seen_at=now, person=session.person, data=dict(session)))
        if session.stored is None:
            self._set_cookie(response, token, int(lifetime.total_seconds()))

    def _set_cookie(self, response: Response, value: str, max_age: int) -> None:
        response.set_cookie(
            self._policy.cookie_name,
            value,
            max_age=max_age,
            path="/",
            secure=self._policy.secure,
            httponly=True,
            samesite="Lax",
        )
        response.vary.add("Cookie")


def _signer(app: Flask) -> URLSafeSerializer:
    return URLSafeSerializer(
        app.secret_key or "", salt="governance.visit", signer_kwargs={"digest_method": hashlib.sha256}
    )


def require_session() -> None:
    """Go on only if this request's session could be read, before anything is decided by it. Raises Unavailable."""
    current = flask_session._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - werkzeug's way to unwrap
    if isinstance(current, BrowserSession) and current.fault is not None:
        raise current.fault


def _become(response: Response, other: Response) -> None:
    """Answer with another response instead: nothing of what was made before goes out."""
    response.status_code = other.status_code
    response.set_data(other.get_data())
    response.headers = other.headers


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
