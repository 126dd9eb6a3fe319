"""Where registrations stand: suspended, deleted, and since when what was issued to them counts.

Revision: 0015
Before it: 0014

A restore that made every token of before dead had said so in place of an agreement's name; it moves to the standing of
the network.
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import governance.storage.columns

revision = "0015"
down_revision = "0014"
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
    op.execute(
        "INSERT INTO federation_standing (name, kind, not_before, generation)"
        " SELECT '*', 'network', revoked_at, 0 FROM token_revoked_agreement WHERE agreement_id = '*'"
    )
    op.execute("DELETE FROM token_revoked_agreement WHERE agreement_id = '*'")


def downgrade() -> None:
    """Take the schema back to the revision before; only what a restore ended stays ended."""
    op.execute(
        "INSERT INTO token_revoked_agreement (agreement_id, revoked_at)"
        " SELECT name, not_before FROM federation_standing WHERE kind = 'network'"
    )
    op.drop_table("federation_standing")
