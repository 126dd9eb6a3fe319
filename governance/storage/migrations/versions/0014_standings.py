"""Where registrations stand: suspended, deleted, and since when what was issued to them counts.

Revision: 0014
Before it: 0013
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import governance.storage.columns

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    text, instant = sqlmodel.sql.sqltypes.AutoString, governance.storage.columns.UtcMicroseconds
    op.create_table(
        "federation_standing",
        sa.Column("name", text(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("suspended_at", instant(), nullable=True),
        sa.Column("deleted_at", instant(), nullable=True),
        sa.Column("not_before", instant(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "kind"),
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("federation_standing")
