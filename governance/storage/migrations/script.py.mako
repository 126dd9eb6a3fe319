"""${message}.

Revision: ${up_revision}
Before it: ${down_revision | comma,n}
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import governance.storage.columns
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Bring the schema to this revision."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Take the schema back to the one before."""
    ${downgrades if downgrades else "pass"}
