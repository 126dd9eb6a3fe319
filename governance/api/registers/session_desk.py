"""Who is signed in to the console, and ending one session: for a trust's office its own people, for the operator all.

1. Whose a session is, is the trust of the account that signed in. Another trust's session is answered as none.
2. A person is a pseudonym; the handle names a session, and is not its cookie.
3. An end is one event, with what ended. It holds at the next page that browser asks any process for.
4. Everything of one person, an issuer or an account is ended by its standing (:mod:`governance.registers.endings`).
"""

from sqlmodel import Session

from governance.bootstrap import Services
from governance.errors import NotFound
from governance.registers import Change, Changes, Made, Writer
from governance.vocabulary import Scope
from governance.web.sessions import SessionPolicy, StoredSession, end_session, living_sessions

_MATTER = "sessions"


def sessions_of(services: Services, writer: Writer) -> tuple[StoredSession, ...]:
    """Give the sessions of the people of the trusts that a writer writes for, newest first."""
    with services.infrastructure.database.reading() as session:
        return _theirs(services, session, writer)


def end(services: Services, writer: Writer, handle: str) -> None:
    """End a session.

    Raises:
        NotFound: there is no such session of a person of theirs.
        Forbidden: the register is not open to the writer.
    """
    infrastructure = services.infrastructure

    def write(session: Session) -> Made[None]:
        found = next(iter(_theirs(services, session, writer, handle)), None)
        if found is None or found.person is None or not end_session(session, handle):
            raise NotFound("session.unknown", "There is no such session.")
        told = {
            "ended": "session",
            "handle": handle,
            "issuer": found.person.issuer,
            "subject": infrastructure.pseudonymiser.subject(found.person.subject),
            "ods": found.person.ods,
        }
        alive = {"began": found.person.signed_in_at.isoformat()}
        return Made(None, {**told, "before": alive, "after": None})

    change = Change(writer, Scope.FEDERATION_WRITE, _MATTER, infrastructure.clock.now())
    Changes(infrastructure.database, infrastructure.recorder, infrastructure.facts).make(change, write)


def _theirs(
    services: Services, session: Session, writer: Writer, handle: str | None = None
) -> tuple[StoredSession, ...]:
    policy = SessionPolicy(secure=services.infrastructure.settings.issuer.startswith("https://"))
    found = living_sessions(session, services.infrastructure.clock.now(), policy)
    federation = services.registers.federation
    return tuple(
        one
        for one in found
        if one.person is not None
        and handle in {None, one.handle}
        and writer.for_one_of({one.person.ods})
        and federation.admits_person(session, one.person.issuer, one.person.subject, one.person.signed_in_at)
    )
