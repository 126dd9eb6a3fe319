"""What each end of a referral says of it, until both say the same.

Revision: 0009
Before it: 0008
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import governance.storage.columns

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    text, instant = sqlmodel.sql.sqltypes.AutoString, governance.storage.columns.UtcMicroseconds
    op.create_table(
        "relationships_referral_word",
        sa.Column("id", text(), nullable=False),
        sa.Column("said_by", text(), nullable=False),
        sa.Column("subject", text(), nullable=False),
        sa.Column("patient", text(), nullable=True),
        sa.Column("study", text(), nullable=True),
        sa.Column("ods", text(), nullable=False),
        sa.Column("valid_from", instant(), nullable=False),
        sa.Column("valid_until", instant(), nullable=True),
        sa.Column("source", text(), nullable=False),
        sa.PrimaryKeyConstraint("id", "said_by"),
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("relationships_referral_word")
