"""Reads and writes of services' further credentials; no row leaves this module."""

from sqlmodel import Session, col, delete, select

from governance.federation._credential_tables import ClientCertificateRow, ClientSecretRow
from governance.federation.credentials import ClientCredentials


def replace(session: Session, credentials: ClientCredentials) -> None:
    """Put the credentials of a service in the place of those it had."""
    name = credentials.client_id
    session.execute(delete(ClientCertificateRow).where(col(ClientCertificateRow.client_id) == name))
    session.execute(delete(ClientSecretRow).where(col(ClientSecretRow.client_id) == name))
    session.add_all(ClientCertificateRow(thumbprint=one, client_id=name) for one in credentials.certificates)
    if credentials.secret_hash is not None:
        session.add(ClientSecretRow(client_id=name, secret_hash=credentials.secret_hash))
    session.flush()


def credentials_of(session: Session, client_id: str) -> ClientCredentials:
    """Give the credentials of a service; empty when it has none."""
    rows = session.exec(select(ClientCertificateRow).where(ClientCertificateRow.client_id == client_id)).all()
    secret = session.get(ClientSecretRow, client_id)
    return ClientCredentials(
        client_id, tuple(sorted(row.thumbprint for row in rows)), secret.secret_hash if secret else None
    )


def holder(session: Session, thumbprint: str) -> str | None:
    """Give the client id of the service that a certificate identifies."""
    row = session.get(ClientCertificateRow, thumbprint)
    return row.client_id if row else None
