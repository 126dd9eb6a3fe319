"""What registers said and since when it was known; and the members of edges and staff that detection asks for.

Revision: 0018
Before it: 0017

What is on file now is known since index 0: nothing tells when it came to be. Secrets of persons cannot be sealed here,
where there are no keys: they are written open and sealed by the service's housekeeping.
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString
_EDGES = ("relationships_edge", "relationships_referral_word")
_COLUMNS = "kind, key, known_since, subject, patient, study, ods, valid_from, valid_until, gone, value, owner, sealed"
_STAFF = ("role", "department", "site", "training_valid_to", "leaves_on", "issuer")
_TIES = ("household_key", "surname_key", "surname_share", "postcode_key")
_EDGE = ("kind", "source", "named_by")


def upgrade() -> None:
    """Bring the schema to this revision, and begin the history with what is on file."""
    for table in _EDGES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in ("site", "purpose", "destination"):
                batch_op.add_column(sa.Column(name, _TEXT(), nullable=True))
            batch_op.add_column(sa.Column("limit", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("federation_staff", schema=None) as batch_op:
        batch_op.add_column(sa.Column("manager", _TEXT(), nullable=True))
    op.create_table(
        "fact_version",
        sa.Column("kind", _TEXT(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("known_since", sa.BigInteger(), nullable=False),
        sa.Column("superseded", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("patient", sa.Text(), nullable=True),
        sa.Column("study", sa.Text(), nullable=True),
        sa.Column("ods", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "key", "known_since"),
    )
    op.create_table(
        "relationships_patient_key",
        sa.Column("key", _TEXT(length=66), nullable=False),
        sa.Column("patient", _TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_relationships_patient_key_patient", "relationships_patient_key", ["patient"])
    op.create_table(
        "fact_horizon",
        sa.Column("name", _TEXT(length=16), nullable=False),
        sa.Column("oldest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    for columns, select in _first_versions(op.get_bind().dialect.name):
        op.execute(f"INSERT INTO fact_version ({_COLUMNS}) SELECT {columns} {select}")
    for name, of, where in (
        ("subject", ["subject", "kind"], "patient IS NULL AND study IS NULL"),
        ("patient", ["patient", "kind"], "patient IS NOT NULL"),
        ("study", ["study", "kind"], "study IS NOT NULL"),
        ("known_since", ["known_since"], None),
        ("superseded", ["superseded"], "superseded IS NOT NULL"),
        ("open", ["kind", "key"], "sealed LIKE '{%'"),
    ):
        some = {} if where is None else {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)}
        op.create_index(f"ix_fact_version_{name}", "fact_version", of, **some)


def downgrade() -> None:
    """Take the schema back to the revision before; what was known before is forgotten."""
    op.drop_table("relationships_patient_key")
    op.drop_table("fact_horizon")
    op.drop_table("fact_version")
    with op.batch_alter_table("federation_staff", schema=None) as batch_op:
        batch_op.drop_column("manager")
    for table in _EDGES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in ("limit", "destination", "purpose", "site"):
                batch_op.drop_column(name)


def _first_versions(dialect: str) -> list[tuple[str, str]]:
    """Give, for each kind of row, the columns of its versions and where they are read."""
    sqlite = dialect == "sqlite"
    build, text, none = ("json_object", "", "NULL") if sqlite else ("json_build_object", "::text", "NULL::bigint")
    no = "0" if sqlite else "FALSE"

    def json(*members: str, **expressions: str) -> str:
        named = {name: name for name in members} | expressions
        pairs = ", ".join(f"'{name}', {said}" for name, said in named.items())
        return f"{build}({pairs}){text}"

    def listed(column: str) -> str:
        return f"json({column})" if sqlite else column

    def row(kind: str, key: str, value: str, **names: str) -> str:
        said = {"subject": "NULL", "patient": "NULL", "study": "NULL", "ods": "NULL", "valid_from": none}
        said |= {"valid_until": none} | names
        lookups = ", ".join(said[name] for name in ("subject", "patient", "study", "ods", "valid_from", "valid_until"))
        secret = f"{names.get('owner', 'NULL')}, {names.get('sealed', 'NULL')}"
        return f"'{kind}', {key}, 0, {lookups}, {no}, {value}, {secret}"

    custodians = (
        "(SELECT json_group_array(ods) FROM (SELECT ods FROM catalogue_custodian AS held"
        " WHERE held.study_uid = catalogue_study.study_uid ORDER BY position))"
        if sqlite
        else "(SELECT json_agg(ods ORDER BY position) FROM catalogue_custodian AS held"
        " WHERE held.study_uid = catalogue_study.study_uid)"
    )
    manifest = {name: listed(name) for name in ("modalities", "body_parts", "trusts", "purposes")}
    staff_key, is_staff = "id || ' ' || ods || ' ' || issuer", "CASE WHEN staff IS NULL THEN NULL ELSE 1 END"
    return [
        (
            row(
                "staff",
                staff_key,
                json(*_STAFF),
                subject="id",
                ods="ods",
                owner="id",
                sealed=json("patient_key", *_TIES, team_ids=listed("team_ids")),
            ),
            "FROM federation_staff",
        ),
        (row("team", "team || ' ' || ods", "'{}'", subject="team", ods="ods"), "FROM federation_team"),
        (
            row("service", "client_id", json("ai_version", kind="kind"), subject="client_id", ods="ods"),
            "FROM federation_service_client",
        ),
        (
            row(
                "manifest",
                "service_id || ' ' || version",
                json("version", "daily_volume", "approved_at", "withdrawn_at", **manifest),
                subject="service_id",
            ),
            "FROM federation_ai_manifest",
        ),
        (
            row(
                "standing",
                "kind || ' ' || name",
                json("kind", "suspended_at", "deleted_at"),
                subject=_last_word(sqlite=sqlite),
            ),
            "FROM federation_standing",
        ),
        (
            row(
                "study",
                "study",
                json("patient", "modality", "body_part", "study_date", custodians=custodians, labels=listed("labels")),
                study="study",
            ),
            "FROM catalogue_study",
        ),
        (
            row(
                "edge",
                "id",
                json(*_EDGE),
                **{name: name for name in ("subject", "patient", "study", "ods", "valid_from", "valid_until")},
            ),
            "FROM relationships_edge",
        ),
        (
            row(
                "patient",
                "patient || ' ' || ods",
                json(staff=is_staff),
                patient="patient",
                ods="ods",
                owner="patient",
                sealed=json(*_TIES, "staff", "deceased_on", flags=listed("flags")),
            ),
            "FROM relationships_patient",
        ),
        (
            row(
                "agreement",
                "agreement_id || ' ' || version",
                json("version", "status", "superseded_by", "begins_at", "ends_at", since="status_changed_at"),
                subject="agreement_id",
            ),
            "FROM agreement_version",
        ),
    ]


def _last_word(*, sqlite: bool) -> str:
    """Give the pseudonym at the end of a person's standing, and the whole name of any other."""
    last = "substr(name, -28)" if sqlite else "right(name, 28)"  # s-, and 26 characters
    return f"CASE WHEN kind = 'person' THEN {last} ELSE name END"
