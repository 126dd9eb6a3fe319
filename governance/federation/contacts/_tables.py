"""The table of sealed addresses of staff."""

from sqlmodel import Field, SQLModel


class ContactRow(SQLModel, table=True):
    """A sealed address, by pseudonym, trust and issuer as the staff table has them."""

    __tablename__ = "federation_contact"

    id: str = Field(primary_key=True)
    ods: str = Field(primary_key=True)
    issuer: str = Field(default="", primary_key=True)
    sealed: str
