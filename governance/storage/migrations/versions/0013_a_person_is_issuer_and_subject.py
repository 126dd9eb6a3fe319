"""A person is (issuer, subject): staff by trust and issuer, teams by trust, and in whose names ties and grants speak.

Revision: 0013
Before it: 0012
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString
_FACTS = (
    "id",
    "ods",
    "role",
    "department",
    "site",
    "team_ids",
    "patient_key",
    "household_key",
    "surname_key",
    "surname_share",
    "postcode_key",
    "training_valid_to",
    "leaves_on",
)


def upgrade() -> None:
    """Bring the schema to this revision; whoever was on the staff of a trust is named by its own issuer."""
    _staff_keyed_by("id", "ods", "issuer", issuer=True)
    op.create_table(
        "federation_team",
        sa.Column("team", _TEXT(), nullable=False),
        sa.Column("ods", _TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("team", "ods"),
    )
    for table in ("relationships_edge", "relationships_referral_word"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("named_by", _TEXT(), nullable=True))
    with op.batch_alter_table("emergency_grant", schema=None) as batch_op:
        batch_op.add_column(sa.Column("named_by", _TEXT(length=2_000), nullable=False, server_default=""))
    op.execute("UPDATE emergency_grant SET named_by = ods")


def downgrade() -> None:
    """Take the schema back to the revision before; of people called the same the one of the last trust stays."""
    with op.batch_alter_table("emergency_grant", schema=None) as batch_op:
        batch_op.drop_column("named_by")
    for table in ("relationships_referral_word", "relationships_edge"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("named_by")
    op.drop_table("federation_team")
    op.execute(
        "DELETE FROM federation_staff WHERE EXISTS (SELECT 1 FROM federation_staff AS other"
        " WHERE other.id = federation_staff.id AND (other.ods, other.issuer) >"
        " (federation_staff.ods, federation_staff.issuer))"
    )
    _staff_keyed_by("id", issuer=False)


def _staff_keyed_by(*key: str, issuer: bool) -> None:
    """Make the table of staff anew with another key; no database changes one in place."""
    op.create_table(
        "federation_staff_anew",
        sa.Column("id", _TEXT(), nullable=False),
        sa.Column("ods", _TEXT(), nullable=False),
        *([sa.Column("issuer", _TEXT(), nullable=False)] if issuer else []),
        sa.Column("role", _TEXT(), nullable=False),
        sa.Column("department", _TEXT(), nullable=True),
        sa.Column("site", _TEXT(), nullable=True),
        sa.Column("team_ids", sa.JSON(), nullable=False),
        sa.Column("patient_key", _TEXT(), nullable=True),
        sa.Column("household_key", _TEXT(), nullable=True),
        sa.Column("surname_key", _TEXT(), nullable=True),
        sa.Column("surname_share", sa.Float(), nullable=True),
        sa.Column("postcode_key", _TEXT(), nullable=True),
        sa.Column("training_valid_to", sa.Date(), nullable=True),
        sa.Column("leaves_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint(*key),
    )
    facts = ", ".join(_FACTS)
    into, of = (f"{facts}, issuer", f"{facts}, ''") if issuer else (facts, facts)
    op.execute(f"INSERT INTO federation_staff_anew ({into}) SELECT {of} FROM federation_staff")
    op.drop_table("federation_staff")
    op.rename_table("federation_staff_anew", "federation_staff")
    op.create_index("ix_federation_staff_ods", "federation_staff", ["ods"])
    op.create_index("ix_federation_staff_patient_key", "federation_staff", ["patient_key"])
