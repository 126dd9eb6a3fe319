"""The last status of each edge.

Revision: 0002
Before it: 0001
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import governance.storage.columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "edge_status",
        sa.Column("received_at", governance.storage.columns.UtcMicroseconds(), nullable=False),
        sa.Column("current_at", governance.storage.columns.UtcMicroseconds(), nullable=True),
        sa.Column("client_id", sqlmodel.sql.sqltypes.AutoString(length=128), nullable=False),
        sa.Column("instance", sqlmodel.sql.sqltypes.AutoString(length=128), nullable=True),
        sa.Column("version", sqlmodel.sql.sqltypes.AutoString(length=128), nullable=True),
        sa.Column("revision", sqlmodel.sql.sqltypes.AutoString(length=128), nullable=True),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=128), nullable=True),
        sa.Column("message", sqlmodel.sql.sqltypes.AutoString(length=512), nullable=True),
        sa.PrimaryKeyConstraint("client_id"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("edge_status")
