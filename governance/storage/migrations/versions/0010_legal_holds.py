"""Legal holds.

Revision: 0010
Before it: 0009
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from governance.storage.columns import UtcMicroseconds

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    text = sqlmodel.sql.sqltypes.AutoString
    op.create_table(
        "legal_hold",
        sa.Column("id", text(), nullable=False),
        sa.Column("person", text(), nullable=True),
        sa.Column("case", text(), nullable=True),
        sa.Column("reason", text(), nullable=False),
        sa.Column("ods", text(), nullable=True),
        sa.Column("set_by", text(), nullable=False),
        sa.Column("set_at", UtcMicroseconds(), nullable=False),
        sa.Column("ended_by", text(), nullable=True),
        sa.Column("ended_at", UtcMicroseconds(), nullable=True),
        sa.Column("end_reason", text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("case", "ods", "person"):
        op.create_index(f"ix_legal_hold_{column}", "legal_hold", [column])


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("legal_hold")
