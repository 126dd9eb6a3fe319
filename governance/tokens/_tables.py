"""Tables of this room: sealed signing keys, withdrawn keys, used-up token ids, revoked tokens and agreements."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from governance.storage import utc_column


class SigningKeyRow(SQLModel, table=True):
    """A signing key, its private part sealed under the key-encryption key."""

    __tablename__ = "token_signing_key"

    kid: str = Field(primary_key=True)
    sealed: bytes
    signs_from: datetime = Field(sa_column=utc_column())
    published_until: datetime | None = Field(default=None, sa_column=utc_column(nullable=True))


class WithdrawnKeyRow(SQLModel, table=True):
    """A key, of tokens or of bundles, that counts for nothing any more; it stays here for good."""

    __tablename__ = "token_withdrawn_key"

    kid: str = Field(primary_key=True)
    withdrawn_at: datetime = Field(sa_column=utc_column())


class UsedIdentifierRow(SQLModel, table=True):
    """The digest of a one-time identifier that was presented; kept until it could not be accepted anyway."""

    __tablename__ = "token_used_identifier"

    digest: bytes = Field(primary_key=True)
    expires_at: datetime = Field(sa_column=utc_column(index=True))


class RevokedTokenRow(SQLModel, table=True):
    """A token of ours that is dead before its time."""

    __tablename__ = "token_revoked"

    jti: str = Field(primary_key=True)
    revoked_at: datetime = Field(sa_column=utc_column())
    expires_at: datetime = Field(sa_column=utc_column(index=True))


class RevokedAgreementRow(SQLModel, table=True):
    """An agreement whose tokens issued up to an instant are dead."""

    __tablename__ = "token_revoked_agreement"

    agreement_id: str = Field(primary_key=True)
    revoked_at: datetime = Field(sa_column=utc_column())
