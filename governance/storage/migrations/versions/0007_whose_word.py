"""Whom a registered service may ask about beside its own trust's people, and what it may attest of them.

Revision: 0007
Before it: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision; a service registered before may ask about its own trust alone."""
    with op.batch_alter_table("federation_service_client", schema=None) as batch_op:
        batch_op.add_column(sa.Column("asks_for", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("attests", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("federation_service_client", schema=None) as batch_op:
        batch_op.drop_column("attests")
        batch_op.drop_column("asks_for")
