"""Reading and writing session rows; no row leaves this module."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from governance.vocabulary import Role
from governance.web._session_tables import SessionRow


@dataclass(frozen=True, slots=True)
class SignedInPerson:
    """Who a browser session belongs to.

    ``subject`` is the identity provider's id for the person, ``ods`` the organisation of the role they selected.
    """

    issuer: str
    subject: str
    ods: str
    name: str
    roles: frozenset[Role]
    signed_in_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One session as stored: ``handle`` names it to people and to the revocation list, never the cookie."""

    token_hash: str
    handle: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    person: SignedInPerson | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def find(session: Session, token_hash: str, *, lock: bool = False) -> StoredSession | None:
    """Give the session whose cookie hashes to ``token_hash``, expired or not; None when there is none.

    ``lock`` keeps it from being changed or ended until the commit.
    """
    row = session.get(SessionRow, token_hash, with_for_update=lock or None)
    return None if row is None else _stored(row)


def save(session: Session, stored: StoredSession) -> None:
    """Write a session, new or changed."""
    person = stored.person
    session.merge(
        SessionRow(
            token_hash=stored.token_hash,
            handle=stored.handle,
            created_at=stored.created_at,
            seen_at=stored.seen_at,
            expires_at=stored.expires_at,
            issuer=person.issuer if person else None,
            subject=person.subject if person else None,
            person=_person_to_json(person) if person else None,
            data=dict(stored.data),
        )
    )


def remove(session: Session, token_hash: str) -> None:
    """Delete one session; nothing happens when it is gone already."""
    session.execute(delete(SessionRow).where(col(SessionRow.token_hash) == token_hash))


def remove_handle(session: Session, handle: str) -> bool:
    """Delete the session of that handle and say whether there was one."""
    return bool(session.connection().execute(delete(SessionRow).where(col(SessionRow.handle) == handle)).rowcount)


def remove_person(session: Session, issuer: str, subject: str) -> int:
    """Delete every session of one person and give how many there were."""
    theirs = (col(SessionRow.issuer) == issuer, col(SessionRow.subject) == subject)
    return int(session.connection().execute(delete(SessionRow).where(*theirs)).rowcount)


def remove_all(session: Session) -> int:
    """Delete every session and give how many there were."""
    return int(session.connection().execute(delete(SessionRow)).rowcount)


def remove_expired(session: Session, now: datetime) -> None:
    """Delete every session whose absolute end has passed."""
    session.execute(delete(SessionRow).where(col(SessionRow.expires_at) <= now))


def of_person(session: Session, issuer: str, subject: str) -> tuple[StoredSession, ...]:
    """Give every session of one person, newest first."""
    rows = session.exec(
        select(SessionRow)
        .where(SessionRow.issuer == issuer, SessionRow.subject == subject)
        .order_by(col(SessionRow.created_at).desc())
    ).all()
    return tuple(_stored(row) for row in rows)


def of_everybody(session: Session) -> tuple[StoredSession, ...]:
    """Give the session of everybody who is signed in, alive or not, newest first."""
    rows = session.exec(
        select(SessionRow).where(col(SessionRow.issuer).is_not(None)).order_by(col(SessionRow.created_at).desc())
    ).all()
    return tuple(_stored(row) for row in rows)


def _stored(row: SessionRow) -> StoredSession:
    return StoredSession(
        token_hash=row.token_hash,
        handle=row.handle,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        person=_person_from_json(row.person) if row.person else None,
        data=row.data,
    )


def _person_to_json(person: SignedInPerson) -> dict[str, Any]:
    return {
        "issuer": person.issuer,
        "subject": person.subject,
        "ods": person.ods,
        "name": person.name,
        "roles": sorted(person.roles),
        "signed_in_at": person.signed_in_at.isoformat(),
    }


def _person_from_json(value: Mapping[str, Any]) -> SignedInPerson:
    return SignedInPerson(
        issuer=value["issuer"],
        subject=value["subject"],
        ods=value["ods"],
        name=value["name"],
        roles=frozenset(Role(role) for role in value["roles"]),
        signed_in_at=datetime.fromisoformat(value["signed_in_at"]),
    )
