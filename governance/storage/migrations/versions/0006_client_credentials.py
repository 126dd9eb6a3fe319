"""Certificates and hashed secrets of registered services.

Revision: 0006
Before it: 0005
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "federation_client_certificate",
        sa.Column("thumbprint", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("client_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["federation_service_client.client_id"]),
        sa.PrimaryKeyConstraint("thumbprint"),
    )
    op.create_index("ix_federation_client_certificate_client_id", "federation_client_certificate", ["client_id"])
    op.create_table(
        "federation_client_secret",
        sa.Column("client_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("secret_hash", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["federation_service_client.client_id"]),
        sa.PrimaryKeyConstraint("client_id"),
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("federation_client_secret")
    op.drop_table("federation_client_certificate")
