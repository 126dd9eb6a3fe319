"""Each look is kept with the reason that was found for it, beside the log, and counted by day.

Revision: 0019
Before it: 0017

What detection had read before has no row: it is shown as not kept, until the log is read again from its start
(``python app.py detection rewind``).
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import governance.storage.columns

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "look",
        sa.Column("time", governance.storage.columns.UtcMicroseconds(), nullable=False),
        sa.Column("event_index", sa.BigInteger(), nullable=False),
        sa.Column("subject", _TEXT(), nullable=True),
        sa.Column("ods", _TEXT(), nullable=True),
        sa.Column("role", _TEXT(), nullable=True),
        sa.Column("patient", _TEXT(), nullable=True),
        sa.Column("study", _TEXT(), nullable=True),
        sa.Column("decision", _TEXT(), nullable=True),
        sa.Column("kind", _TEXT(length=16), nullable=False),
        sa.Column("edge", _TEXT(), nullable=True),
        sa.Column("source", _TEXT(), nullable=True),
        sa.Column("feed", _TEXT(), nullable=True),
        sa.Column("team", sa.Boolean(), nullable=False),
        sa.Column("age_seconds", sa.BigInteger(), nullable=True),
        sa.Column("strength", sa.Float(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("revised_at_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("event_index"),
    )
    for name in ("patient", "study", "subject"):
        op.create_index(f"ix_look_{name}", "look", [name, "time"])
    op.create_table(
        "look_lesson",
        sa.Column("at", governance.storage.columns.UtcMicroseconds(), nullable=False),
        sa.Column("event_index", sa.BigInteger(), nullable=False),
        sa.Column("kind", _TEXT(length=16), nullable=False),
        sa.Column("subject", _TEXT(), nullable=False),
        sa.Column("named_by", _TEXT(), nullable=True),
        sa.Column("about", _TEXT(), nullable=False),
        sa.Column("source", _TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("event_index"),
    )
    op.create_index("ix_look_lesson_about", "look_lesson", ["about", "subject"])
    op.create_index("ix_look_lesson_at", "look_lesson", ["at"])
    op.create_table(
        "look_project",
        sa.Column("edge", _TEXT(), nullable=False),
        sa.Column("studies", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edge"),
    )
    op.create_table(
        "look_project_study",
        sa.Column("edge", _TEXT(), nullable=False),
        sa.Column("study", _TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("edge", "study"),
    )
    op.create_table(
        "look_count",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("ods", _TEXT(), nullable=False),
        sa.Column("role", _TEXT(length=32), nullable=False),
        sa.Column("kind", _TEXT(length=16), nullable=False),
        sa.Column("explained", sa.Boolean(), nullable=False),
        sa.Column("feed", _TEXT(), nullable=False),
        sa.Column("source", _TEXT(), nullable=False),
        sa.Column("looks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "ods", "role", "kind", "explained", "feed", "source"),
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    for name in ("look_count", "look_project_study", "look_project", "look_lesson", "look"):
        op.drop_table(name)
