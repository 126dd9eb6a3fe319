"""What detectors remember: the late stream a value waits for, what is due next, and lists whose entries are rows.

Revision: 0021
Before it: 0017

What detectors remembered before stays; the clocks of sources are learnt from the next event on.
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STATE = "detection_state"


def upgrade() -> None:
    """Bring the schema to this revision."""
    text = sqlmodel.sql.sqltypes.AutoString
    op.add_column(_STATE, sa.Column("stream", text(), nullable=True))
    op.create_index("ix_detection_state_due", _STATE, ["due"])
    op.create_table(
        "detection_entry",
        sa.Column("rule_id", text(length=64), nullable=False),
        sa.Column("key", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "key", "name"),
    )
    op.create_index("ix_detection_entry_at", "detection_entry", ["rule_id", "key", "at"])


def downgrade() -> None:
    """Take the schema back to the revision before; what was kept in lists is forgotten."""
    op.drop_table("detection_entry")
    op.drop_index("ix_detection_state_due", _STATE)
    op.drop_column(_STATE, "stream")
