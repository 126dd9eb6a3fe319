"""Edges by the study they name: who is tied to a study is found without reading every edge.

Revision: 0003
Before it: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAMES_STUDY_ONLY = sa.text("patient IS NULL AND study IS NOT NULL")


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("relationships_edge", schema=None) as batch_op:
        batch_op.create_index(
            "ix_relationships_edge_study",
            ["study"],
            unique=False,
            sqlite_where=_NAMES_STUDY_ONLY,
            postgresql_where=_NAMES_STUDY_ONLY,
        )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("relationships_edge", schema=None) as batch_op:
        batch_op.drop_index("ix_relationships_edge_study")
