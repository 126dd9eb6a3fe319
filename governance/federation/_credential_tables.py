"""The tables of services' further credentials."""

from sqlmodel import Field, SQLModel


class ClientCertificateRow(SQLModel, table=True):
    """A certificate and the one service it identifies."""

    __tablename__ = "federation_client_certificate"

    thumbprint: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="federation_service_client.client_id", index=True)


class ClientSecretRow(SQLModel, table=True):
    """The hash of a service's secret."""

    __tablename__ = "federation_client_secret"

    client_id: str = Field(primary_key=True, foreign_key="federation_service_client.client_id")
    secret_hash: str
