"""Emergency grants: who may open which study for some minutes, under which clause.

Revision: 0005
Before it: 0004
"""

import sqlalchemy as sa
from alembic import op

from governance.storage.columns import UtcMicroseconds

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "emergency_grant",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("approval_id", sa.String(length=64), nullable=False),
        sa.Column("caller", sa.String(length=128), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=True),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("evaluation_id", sa.String(length=128), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=True),
        sa.Column("ods", sa.String(length=10), nullable=False),
        sa.Column("study", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("agreement_id", sa.String(length=128), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("clause", sa.String(length=64), nullable=False),
        sa.Column("since", UtcMicroseconds(), nullable=False),
        sa.Column("until", UtcMicroseconds(), nullable=False),
        sa.Column("revoked_at", UtcMicroseconds(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("approval_id"),
        sa.UniqueConstraint("evaluation_id"),
        sa.UniqueConstraint("caller", "idempotency_key", name="uq_emergency_grant_key"),
    )
    op.create_index("ix_emergency_grant_subject_study", "emergency_grant", ["subject", "study"])
    op.create_index("ix_emergency_grant_until", "emergency_grant", ["until"])


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("emergency_grant")
