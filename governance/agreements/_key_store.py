"""Reads and writes of party keys and of signatures; rows never leave, values do."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from governance.agreements._tables import AgreementSignature, PartyKeyRow
from governance.agreements.record import Algorithm, PartyKey, Signature
from governance.errors import Conflict
from governance.storage.upsert import announce, chunks


def insert_key(session: Session, key: PartyKey) -> None:
    """Put a key on file; raises Conflict when its id is taken."""
    announce(session, PartyKeyRow, [{"key_id": key.key_id}])
    try:
        session.connection().execute(
            insert(PartyKeyRow).values(
                key_id=key.key_id,
                ods=key.ods,
                name=key.name,
                role=key.role,
                algorithm=key.algorithm.value,
                public_key=key.public_key,
                registered_at=key.registered_at,
            )
        )
    except IntegrityError:
        raise Conflict("key.exists", "This key is already registered.") from None


def keys(session: Session, ods: str | None = None) -> dict[str, PartyKey]:
    """Give the registered keys by id, of one organisation or of all, oldest first."""
    table = PartyKeyRow
    query = select(
        col(table.key_id),
        col(table.ods),
        col(table.name),
        col(table.role),
        col(table.algorithm),
        col(table.public_key),
        col(table.registered_at),
        col(table.revoked_at),
    ).order_by(col(table.registered_at), col(table.key_id))
    if ods is not None:
        query = query.where(col(table.ods) == ods)
    return {
        row.key_id: PartyKey(
            row.key_id,
            row.ods,
            row.name,
            row.role,
            Algorithm(row.algorithm),
            row.public_key,
            row.registered_at,
            row.revoked_at,
        )
        for row in session.connection().execute(query)
    }


def revoke_key(session: Session, key_id: str, at: datetime) -> None:
    """Write when a key was revoked."""
    announce(session, PartyKeyRow, [{"key_id": key_id}])
    session.connection().execute(update(PartyKeyRow).where(col(PartyKeyRow.key_id) == key_id).values(revoked_at=at))


def insert_signature(session: Session, agreement_id: str, version: int, signature: Signature) -> None:
    """Put a signature on file."""
    announce(session, AgreementSignature, [{"agreement_id": agreement_id}])
    session.connection().execute(
        insert(AgreementSignature).values(
            agreement_id=agreement_id,
            version=version,
            ods=signature.ods,
            key_id=signature.key_id,
            name=signature.name,
            role=signature.role,
            algorithm=signature.algorithm.value,
            signature=signature.signature,
            signed_at=signature.signed_at,
        )
    )


def signatures(
    session: Session, wanted: list[tuple[str, int]] | None = None
) -> Mapping[tuple[str, int], tuple[Signature, ...]]:
    """Give signatures by agreement and version, oldest first: of the wanted versions, or of all."""
    table = AgreementSignature
    query = select(
        col(table.agreement_id),
        col(table.version),
        col(table.ods),
        col(table.name),
        col(table.role),
        col(table.key_id),
        col(table.algorithm),
        col(table.signature),
        col(table.signed_at),
    ).order_by(col(table.signed_at), col(table.ods))
    name = tuple_(col(table.agreement_id), col(table.version))
    queries = [query] if wanted is None else [query.where(name.in_(some)) for some in chunks(wanted)]
    found: defaultdict[tuple[str, int], list[Signature]] = defaultdict(list)
    for row in (row for one in queries for row in session.connection().execute(one)):
        found[row.agreement_id, row.version].append(
            Signature(row.ods, row.name, row.role, row.key_id, Algorithm(row.algorithm), row.signature, row.signed_at)
        )
    return {version: tuple(signed) for version, signed in found.items()}
