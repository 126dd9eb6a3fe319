"""Alerts and notices, verdicts of each trust, findings that can be revised, incidents, suppressions.

Revision: 0020
Before it: 0017

Alerts of before keep their ids and what people concluded: what was closed is closed for all. Each of their trusts is
asked as the controller of the images, and what each rests on is one finding that nothing takes back. Fixed weeks no
longer part the incidents of a group, so the alerts of one group are numbered anew, in the order in which they opened.
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import governance.storage.columns

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
_TEXT = sqlmodel.sql.sqltypes.AutoString
_INSTANT = governance.storage.columns.UtcMicroseconds
_OF_A_WEEK = "group_key LIKE '%|____-__-__'"
_COUNTS = {
    "events_total": "alert_event",
    "events_listed": "alert_event",
    "decisions_total": "decision",
    "tokens_total": "token",
}
_COUNTS |= {"subjects_total": "subject"}


def upgrade() -> None:
    """Bring the schema to this revision."""
    _new_columns()
    _new_tables()
    _suppressions()
    _carry_over()


def downgrade() -> None:
    """Take the schema back to the revision before."""
    for table in ("alert_withheld", "alert_suppression", "alert_verdict", "alert_finding"):
        op.drop_table(table)
    op.drop_column("alert_history", "ods")
    op.drop_column("alert_link", "shown")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alert_kind"))
        for name in ("kind", "ending", "joined_to", "told", "picture", "steps", *_COUNTS, "newest_event"):
            batch_op.drop_column(name)
        batch_op.drop_column("review_drawn")
        batch_op.drop_column("review_due")


def _new_columns() -> None:
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", _TEXT(length=16), nullable=False, server_default="alert"))
        batch_op.add_column(sa.Column("ending", _TEXT(length=16), nullable=True))
        batch_op.add_column(sa.Column("joined_to", _TEXT(length=32), nullable=True))
        batch_op.add_column(sa.Column("told", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("picture", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("steps", sa.Integer(), nullable=False, server_default="0"))
        for name in _COUNTS:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("newest_event", sa.BigInteger(), nullable=False, server_default="-1"))
        batch_op.add_column(sa.Column("review_drawn", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("review_due", _INSTANT(), nullable=True))
        batch_op.create_index(batch_op.f("ix_alert_kind"), ["kind"], unique=False)
    op.add_column("alert_link", sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("alert_history", sa.Column("ods", _TEXT(length=16), nullable=True))


def _new_tables() -> None:
    op.create_table(
        "alert_finding",
        sa.Column("alert_number", sa.Integer(), nullable=False),
        sa.Column("key", _TEXT(), nullable=False),
        sa.Column("rule", _TEXT(length=64), nullable=False),
        sa.Column("severity", _TEXT(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("picture", sa.JSON(), nullable=True),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("gone", sa.JSON(), nullable=False),
        sa.Column("revised_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["alert_number"], ["alert.number"]),
        sa.PrimaryKeyConstraint("alert_number", "key"),
    )
    with op.batch_alter_table("alert_finding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_finding_key"), ["key"], unique=False)
        columns = ["alert_number", "standing", "rank", "weight"]
        batch_op.create_index("ix_alert_finding_weight", columns, unique=False)
    op.create_table(
        "alert_verdict",
        sa.Column("alert_number", sa.Integer(), nullable=False),
        sa.Column("ods", _TEXT(length=16), nullable=False),
        sa.Column("capacity", _TEXT(length=16), nullable=False),
        sa.Column("verdict", _TEXT(length=16), nullable=True),
        sa.Column("reason", _TEXT(length=4000), nullable=True),
        sa.Column("at", _INSTANT(), nullable=True),
        sa.Column("by", _TEXT(length=128), nullable=True),
        sa.ForeignKeyConstraint(["alert_number"], ["alert.number"]),
        sa.PrimaryKeyConstraint("alert_number", "ods", "capacity"),
    )


def _suppressions() -> None:
    op.create_table(
        "alert_suppression",
        sa.Column("id", _TEXT(length=64), nullable=False),
        sa.Column("kind", _TEXT(length=16), nullable=False),
        sa.Column("ods", _TEXT(length=16), nullable=True),
        sa.Column("rule", _TEXT(length=64), nullable=True),
        sa.Column("signal", _TEXT(length=64), nullable=True),
        sa.Column("subject", _TEXT(), nullable=True),
        sa.Column("team", _TEXT(), nullable=True),
        sa.Column("patient", _TEXT(), nullable=True),
        sa.Column("trust", _TEXT(length=16), nullable=True),
        sa.Column("reason", _TEXT(length=2000), nullable=False),
        sa.Column("owner", _TEXT(length=128), nullable=False),
        sa.Column("set_at", _INSTANT(), nullable=False),
        sa.Column("expires_at", _INSTANT(), nullable=False),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("approved_by", _TEXT(length=128), nullable=True),
        sa.Column("approved_at", _INSTANT(), nullable=True),
        sa.Column("ended_by", _TEXT(length=128), nullable=True),
        sa.Column("ended_at", _INSTANT(), nullable=True),
        sa.Column("end_reason", _TEXT(length=2000), nullable=True),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("last_hit_at", _INSTANT(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("alert_suppression", schema=None) as batch_op:
        for name in ("ods", "subject", "patient"):
            batch_op.create_index(batch_op.f(f"ix_alert_suppression_{name}"), [name], unique=False)
    op.create_table(
        "alert_withheld",
        sa.Column("suppression", _TEXT(length=64), nullable=False),
        sa.Column("key", _TEXT(), nullable=False),
        sa.Column("rule", _TEXT(length=64), nullable=False),
        sa.Column("severity", _TEXT(length=16), nullable=False),
        sa.Column("occurred_at", _INSTANT(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("sentence", _TEXT(), nullable=False),
        sa.ForeignKeyConstraint(["suppression"], ["alert_suppression.id"]),
        sa.PrimaryKeyConstraint("suppression", "key"),
    )


def _carry_over() -> None:
    """Bring alerts of before into the new shape."""
    op.execute("UPDATE alert SET ending = 'region' WHERE state = 'closed'")
    op.execute(
        "INSERT INTO alert_verdict (alert_number, ods, capacity) SELECT alert_number, value, 'controller' "
        "FROM alert_link WHERE kind = 'trust'"
    )
    op.execute(
        "INSERT INTO alert_finding (alert_number, key, rule, severity, rank, weight, standing, evidence, events, total,"
        " gone) SELECT number, 'before|' || id, family, severity, CASE severity WHEN 'critical' THEN 3 WHEN 'high'"
        " THEN 2 WHEN 'medium' THEN 1 ELSE 0 END, 0, TRUE, evidence, '[]', 1, '[]' FROM alert"
    )
    for column, kind in _COUNTS.items():
        source = "alert_event e WHERE " if kind == "alert_event" else f"alert_link e WHERE e.kind = '{kind}' AND "
        op.execute(f"UPDATE alert SET {column} = (SELECT count(*) FROM {source}e.alert_number = alert.number)")
    newest = "SELECT coalesce(max(e.event_index), -1) FROM alert_event e WHERE e.alert_number = alert.number"
    op.execute(f"UPDATE alert SET newest_event = ({newest})")
    op.execute(
        f"UPDATE alert SET group_key = substr(group_key, 1, length(group_key) - 11), ordinal = -number WHERE {_OF_A_WEEK}"
    )
    op.execute(
        "UPDATE alert SET ordinal = (SELECT count(*) FROM alert a WHERE a.group_key = alert.group_key AND a.number <"
        " alert.number) WHERE ordinal < 0"
    )
