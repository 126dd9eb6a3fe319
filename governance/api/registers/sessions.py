"""The console's sessions: list those of one's own people and end one (session_desk.py)."""

from datetime import datetime

from flask import Blueprint, Response, jsonify
from pydantic import BaseModel, Field

from governance.api.registers import session_desk
from governance.api.registers._writer import current_writer
from governance.pseudonyms import Pseudonymiser
from governance.vocabulary import Role, Scope
from governance.web import current_services, operation, requires
from governance.web.sessions import StoredSession

blueprint = Blueprint("console_sessions", __name__)


class SessionAnswer(BaseModel):
    """Somebody's session at the console; ``subject`` is a pseudonym."""

    handle: str = Field(description="Names the session; it is not the cookie")
    issuer: str
    subject: str
    ods: str
    roles: list[Role]
    signed_in_at: datetime
    seen_at: datetime
    expires_at: datetime


class SessionList(BaseModel):
    """The sessions of the caller's own people, newest first."""

    sessions: list[SessionAnswer]


class SessionEnd(BaseModel):
    """The handle of the session that ended."""

    ended: str


@blueprint.get("/federation/v1/sessions")
@requires(Scope.FEDERATION_READ)
@operation(summary="List who is signed in to the console", tag="federation", response=SessionList)
def sessions() -> Response:
    """Give the sessions of the people of the trusts that the caller writes for."""
    services = current_services()
    found = session_desk.sessions_of(services, current_writer())
    return jsonify({"sessions": [shown(one, services.infrastructure.pseudonymiser) for one in found]})


@blueprint.post("/federation/v1/sessions/<handle>/end")
@requires(Scope.FEDERATION_WRITE)
@operation(summary="End somebody's session at the console", tag="federation", response=SessionEnd)
def end_session(handle: str) -> Response:
    """End a session at once, in every process."""
    session_desk.end(current_services(), current_writer(), handle)
    return jsonify({"ended": handle})


def shown(stored: StoredSession, pseudonymiser: Pseudonymiser) -> dict[str, object]:
    """Give a session as JSON."""
    person = stored.person
    if person is None:
        return {}
    answer = SessionAnswer(
        handle=stored.handle,
        issuer=person.issuer,
        subject=pseudonymiser.subject(person.subject),
        ods=person.ods,
        roles=sorted(person.roles),
        signed_in_at=person.signed_in_at,
        seen_at=stored.seen_at,
        expires_at=stored.expires_at,
    )
    return answer.model_dump(mode="json")
