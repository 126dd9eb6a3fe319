"""Reads and writes of this room's tables."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, update
from sqlmodel import Session, col, select

from governance.storage.prepared import Prepared
from governance.storage.upsert import insert_new
from governance.tokens._tables import (
    RevokedAgreementRow,
    RevokedTokenRow,
    SigningKeyRow,
    UsedIdentifierRow,
    WithdrawnKeyRow,
)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A signing key as it is stored."""

    kid: str
    sealed: bytes
    signs_from: datetime
    published_until: datetime | None


def published_keys(session: Session, now: datetime) -> list[SealedKey]:
    """Give the keys that are still published and not withdrawn, the one that signs last at the end."""
    rows = session.exec(
        select(SigningKeyRow)
        .where(col(SigningKeyRow.published_until).is_(None) | (col(SigningKeyRow.published_until) > now))
        .where(col(SigningKeyRow.kid).not_in(select(col(WithdrawnKeyRow.kid))))
        .order_by(col(SigningKeyRow.signs_from))
    )
    return [SealedKey(row.kid, row.sealed, row.signs_from, row.published_until) for row in rows]


def add_key(session: Session, key: SealedKey) -> None:
    """Store a new signing key."""
    session.connection().execute(
        insert(SigningKeyRow).values(
            kid=key.kid, sealed=key.sealed, signs_from=key.signs_from, published_until=key.published_until
        )
    )


def retire_keys(session: Session, kids: list[str], until: datetime) -> None:
    """Set the instant after which these keys are no longer published."""
    session.connection().execute(
        update(SigningKeyRow).where(col(SigningKeyRow.kid).in_(kids)).values(published_until=until)
    )


def withdraw_key(session: Session, kid: str, at: datetime) -> None:
    """Put a key on the list of those that count no more; one that is there stays as it is."""
    insert_new(session, WithdrawnKeyRow, {"kid": kid, "withdrawn_at": at})


def withdrawn_keys(session: Session, since: datetime | None = None) -> frozenset[str]:
    """Give the ids of the keys that were withdrawn, ever or since an instant."""
    statement = select(col(WithdrawnKeyRow.kid))
    if since is not None:
        statement = statement.where(col(WithdrawnKeyRow.withdrawn_at) >= since)
    return frozenset(row[0] for row in session.connection().execute(statement))


def signing_key_known(session: Session, kid: str) -> bool:
    """Say whether there ever was such a signing key."""
    return session.get(SigningKeyRow, kid) is not None


def use_once(session: Session, digest: bytes, expires_at: datetime) -> bool:
    """Put a digest on file; False when it was there already."""
    return insert_new(session, UsedIdentifierRow, {"digest": digest, "expires_at": expires_at})


def used(session: Session, digests: Collection[bytes]) -> frozenset[bytes]:
    """Give those of some digests that are on file."""
    digest = col(UsedIdentifierRow.digest)
    return frozenset(session.connection().execute(select(digest).where(digest.in_(digests))).scalars())


def forget_expired(session: Session, now: datetime) -> int:
    """Drop digests and revocations that can no longer matter; gives how many rows went."""
    used = session.connection().execute(delete(UsedIdentifierRow).where(col(UsedIdentifierRow.expires_at) < now))
    dead = session.connection().execute(delete(RevokedTokenRow).where(col(RevokedTokenRow.expires_at) < now))
    return int(used.rowcount) + int(dead.rowcount)


def revoke_token(session: Session, jti: str, revoked_at: datetime, expires_at: datetime) -> bool:
    """Put a token id on the revocation list; False when it was there already."""
    values = {"jti": jti, "revoked_at": revoked_at, "expires_at": expires_at}
    return insert_new(session, RevokedTokenRow, values)


def revoke_agreement(session: Session, agreement_id: str, revoked_at: datetime) -> None:
    """Kill every token of the agreement issued up to the instant."""
    values = {"agreement_id": agreement_id, "revoked_at": revoked_at}
    if not insert_new(session, RevokedAgreementRow, values):
        session.connection().execute(
            update(RevokedAgreementRow)
            .where(col(RevokedAgreementRow.agreement_id) == agreement_id)
            .values(revoked_at=revoked_at)
        )


def revoked(session: Session) -> tuple[dict[str, datetime], frozenset[str]]:
    """Give the revoked tokens with when they are forgotten, and the agreements whose tokens were ever revoked."""
    tokens = session.connection().execute(select(col(RevokedTokenRow.jti), col(RevokedTokenRow.expires_at)))
    agreements = session.connection().execute(select(col(RevokedAgreementRow.agreement_id)))
    return {row[0]: row[1] for row in tokens}, frozenset(row[0] for row in agreements)


def revocations(session: Session, jti: str, agreement_id: str | None, kid: str = "") -> tuple[bool, datetime | None]:
    """Say whether a token or its key is on a list, and until when tokens of the agreement are dead, None for none."""
    (row,) = _REVOCATIONS.rows(session, jti=jti, agreement_id=agreement_id, kid=kid)
    return row["revoked"] is not None or row["withdrawn"] is not None, row["until"]


# Asked for each presented token, so it is one statement and made once.
_REVOCATIONS = Prepared(
    select(
        select(col(RevokedTokenRow.jti))
        .where(col(RevokedTokenRow.jti) == bindparam("jti"))
        .scalar_subquery()
        .label("revoked"),
        select(col(RevokedAgreementRow.revoked_at))
        .where(col(RevokedAgreementRow.agreement_id) == bindparam("agreement_id"))
        .scalar_subquery()
        .label("until"),
        select(col(WithdrawnKeyRow.kid))
        .where(col(WithdrawnKeyRow.kid) == bindparam("kid"))
        .scalar_subquery()
        .label("withdrawn"),
    )
)
