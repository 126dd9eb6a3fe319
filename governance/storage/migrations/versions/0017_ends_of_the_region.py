"""Whose an end is: what the region put out of force is the region's to bring back.

Revision: 0017
Before it: 0016

Who ended what was on file before is in the log alone, so all of it counts as the region's: a trust that wants back what
it ended itself asks the network's office.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column(
        "federation_standing", sa.Column("by_region", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute(
        "UPDATE federation_standing SET by_region = TRUE WHERE suspended_at IS NOT NULL OR deleted_at IS NOT NULL"
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_column("federation_standing", "by_region")
