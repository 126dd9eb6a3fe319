"""Reads and writes of sealed addresses of staff."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from sqlalchemy import delete
from sqlmodel import Session, col

from governance.federation.contacts._tables import ContactRow
from governance.storage.upsert import upsert

Place: TypeAlias = tuple[str, str, str]  # pseudonym, trust, issuer


def put(session: Session, sealed: Mapping[Place, str]) -> None:
    """Insert or replace sealed addresses."""
    rows = [dict(zip(("id", "ods", "issuer"), place, strict=True), sealed=text) for place, text in sealed.items()]
    upsert(session, ContactRow, rows)


def remove(session: Session, places: Iterable[Place]) -> None:
    """Take addresses off file."""
    row = ContactRow
    for name, ods, issuer in places:
        session.connection().execute(
            delete(row).where(col(row.id) == name, col(row.ods) == ods, col(row.issuer) == issuer)
        )


def find(session: Session, place: Place) -> str | None:
    """Find a sealed address."""
    row = session.get(ContactRow, place)
    return None if row is None else row.sealed
