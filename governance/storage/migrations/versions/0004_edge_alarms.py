"""Edges tell how old their data is and what they lost; what is amiss with one is kept until that was told.

Revision: 0004
Before it: 0003
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import governance.storage.columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("edge_status", schema=None) as batch_op:
        batch_op.add_column(sa.Column("first_at", governance.storage.columns.UtcMicroseconds(), nullable=True))
        batch_op.add_column(sa.Column("revocations", sqlmodel.sql.sqltypes.AutoString(length=128), nullable=True))
        batch_op.add_column(sa.Column("dropped", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("lost", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "edge_alarm",
        sa.Column("since", governance.storage.columns.UtcMicroseconds(), nullable=False),
        sa.Column("ended_at", governance.storage.columns.UtcMicroseconds(), nullable=True),
        sa.Column("client_id", sqlmodel.sql.sqltypes.AutoString(length=128), nullable=False),
        sa.Column("signal", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("ods", sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
        sa.Column("measure", sa.Integer(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "signal"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("edge_alarm")
    with op.batch_alter_table("edge_status", schema=None) as batch_op:
        for name in ("lost", "dropped", "revocations", "first_at"):
            batch_op.drop_column(name)
