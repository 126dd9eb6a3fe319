"""Check values of the keys that the settings give.

Revision: 0014
Before it: 0013
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision; the first process that starts puts the values in."""
    op.create_table(
        "key_check",
        sa.Column("setting", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("setting"),
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("key_check")
