"""Web origins of registered services' pages.

Revision: 0011
Before it: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column("federation_service_client", sa.Column("origins", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_column("federation_service_client", "origins")
