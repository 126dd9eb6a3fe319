"""Asking people about their looks, where they are written to, and the random audit.

Revision: 0023
Before it: 0017
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import governance.storage.columns

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString
_INSTANT = governance.storage.columns.UtcMicroseconds


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "federation_contact",
        sa.Column("id", _TEXT(), nullable=False),
        sa.Column("ods", _TEXT(), nullable=False),
        sa.Column("issuer", _TEXT(), nullable=False),
        sa.Column("sealed", _TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("id", "ods", "issuer"),
    )
    op.create_table(
        "inquiry",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reference", _TEXT(length=32), nullable=False),
        sa.Column("open_key", _TEXT(), nullable=True),
        sa.Column("subject", _TEXT(), nullable=False),
        sa.Column("named_by", _TEXT(), nullable=False),
        sa.Column("ods", _TEXT(), nullable=False),
        sa.Column("patient", _TEXT(), nullable=False),
        sa.Column("looks", sa.JSON(), nullable=False),
        sa.Column("first_at", _INSTANT(), nullable=False),
        sa.Column("last_at", _INSTANT(), nullable=False),
        sa.Column("asked", _TEXT(length=16), nullable=False),
        sa.Column("manager", _TEXT(), nullable=True),
        sa.Column("manager_named_by", _TEXT(), nullable=True),
        sa.Column("case_id", _TEXT(length=32), nullable=True),
        sa.Column("why", _TEXT(length=500), nullable=False),
        sa.Column("asked_by", _TEXT(length=128), nullable=True),
        sa.Column("opened_at", _INSTANT(), nullable=False),
        sa.Column("expires_at", _INSTANT(), nullable=False),
        sa.Column("remind_at", _INSTANT(), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("state", _TEXT(length=16), nullable=False),
        sa.Column("answer", _TEXT(length=32), nullable=True),
        sa.Column("answered_by", _TEXT(length=16), nullable=True),
        sa.Column("answered_at", _INSTANT(), nullable=True),
        sa.Column("words_owner", _TEXT(), nullable=True),
        sa.Column("words", _TEXT(), nullable=True),
        sa.Column("ruled_by", _TEXT(length=128), nullable=True),
        sa.Column("ruled_at", _INSTANT(), nullable=True),
        sa.Column("ruling_reason", _TEXT(length=4000), nullable=True),
        sa.Column("known_since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("reference"),
        sa.UniqueConstraint("open_key"),
    )
    for name, columns in (
        ("ix_inquiry_pair", ["subject", "patient"]),
        ("ix_inquiry_manager", ["manager"]),
        ("ix_inquiry_state", ["state", "remind_at"]),
        ("ix_inquiry_case_id", ["case_id"]),
    ):
        op.create_index(name, "inquiry", columns, unique=False)
    op.create_table(
        "inquiry_message",
        sa.Column("id", _TEXT(length=64), nullable=False),
        sa.Column("inquiry_number", sa.Integer(), nullable=False),
        sa.Column("kind", _TEXT(length=16), nullable=False),
        sa.Column("channel", _TEXT(length=16), nullable=False),
        sa.Column("recipient", _TEXT(length=16), nullable=False),
        sa.Column("state", _TEXT(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", _INSTANT(), nullable=False),
        sa.Column("claimed_until", _INSTANT(), nullable=True),
        sa.Column("settled_at", _INSTANT(), nullable=True),
        sa.Column("outcome", _TEXT(length=32), nullable=True),
        sa.ForeignKeyConstraint(["inquiry_number"], ["inquiry.number"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_inquiry_message_inquiry_number", "inquiry_message", ["inquiry_number"], unique=False)
    op.create_index("ix_inquiry_message_due", "inquiry_message", ["state", "due_at"], unique=False)
    _add_sample()


def _add_sample() -> None:
    op.create_table(
        "sample_look",
        sa.Column("event_index", sa.BigInteger(), nullable=False),
        sa.Column("ods", _TEXT(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("subject", _TEXT(), nullable=False),
        sa.Column("patient", _TEXT(), nullable=True),
        sa.Column("study", _TEXT(), nullable=True),
        sa.Column("looked_at", _INSTANT(), nullable=False),
        sa.Column("verdict", _TEXT(length=16), nullable=True),
        sa.Column("reason", _TEXT(length=4000), nullable=True),
        sa.Column("judged_by", _TEXT(length=128), nullable=True),
        sa.Column("judged_at", _INSTANT(), nullable=True),
        sa.PrimaryKeyConstraint("event_index"),
    )
    op.create_index("ix_sample_look_ods", "sample_look", ["ods", "verdict"], unique=False)
    op.create_index("ix_sample_look_subject", "sample_look", ["subject"], unique=False)
    op.create_table(
        "sample_day",
        sa.Column("ods", _TEXT(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("looked", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("ods", "day"),
    )
    op.create_table(
        "sample_rate",
        sa.Column("ods", _TEXT(), nullable=False),
        sa.Column("known_since", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("ods", "known_since"),
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    for name in ("sample_rate", "sample_day", "sample_look"):
        op.drop_table(name)
    op.drop_table("inquiry_message")
    op.drop_table("inquiry")
    op.drop_table("federation_contact")
