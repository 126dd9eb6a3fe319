"""Whose rows: for whom a service writes, and what each trust says of a patient.

Revision: 0008
Before it: 0007

No service that is registered already writes for others until its registration says so. What is on file of patients was
kept as nobody's, and stays as the region's word.
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PATIENT, _MADE = "relationships_patient", "relationships_patient_made"
_INDEXED = ("household_key", "staff")
_FACTS = "household_key, surname_key, surname_share, postcode_key, staff, flags, deceased_on"


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("federation_service_client", schema=None) as batch_op:
        batch_op.add_column(sa.Column("writes_for", sa.JSON(), nullable=False, server_default="[]"))
    _make(sa.Column("ods", sqlmodel.sql.sqltypes.AutoString(), nullable=False))
    op.execute(f"INSERT INTO {_MADE} (patient, ods, {_FACTS}) SELECT patient, '', {_FACTS} FROM {_PATIENT}")
    _put_in_place()


def downgrade() -> None:
    """Take the schema back to the revision before; what single trusts say of patients is given up."""
    _make()
    op.execute(f"INSERT INTO {_MADE} (patient, {_FACTS}) SELECT patient, {_FACTS} FROM {_PATIENT} WHERE ods = ''")
    _put_in_place()
    with op.batch_alter_table("federation_service_client", schema=None) as batch_op:
        batch_op.drop_column("writes_for")


def _make(*keys: "sa.Column[str]") -> None:
    """Make the table of patients anew: neither database changes a primary key as the other does."""
    text = sqlmodel.sql.sqltypes.AutoString
    op.create_table(
        _MADE,
        sa.Column("patient", text(), nullable=False),
        *keys,
        sa.Column("household_key", text(), nullable=True),
        sa.Column("surname_key", text(), nullable=True),
        sa.Column("surname_share", sa.Float(), nullable=True),
        sa.Column("postcode_key", text(), nullable=True),
        sa.Column("staff", text(), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("deceased_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("patient", *(key.name for key in keys)),
    )


def _put_in_place() -> None:
    op.drop_table(_PATIENT)
    op.rename_table(_MADE, _PATIENT)
    for column in _INDEXED:
        op.create_index(f"ix_{_PATIENT}_{column}", _PATIENT, [column])
