"""What the service's role of a PostgreSQL database may do to the log: add to it and read it, nothing else.

1. The tables belong to an owner, who migrates and grants under a URL of its own. The service's role inserts and selects
   entries, tiles, checkpoints and signings, and updates the two columns of the head.
2. A role that owns the tables, or is a superuser, may rewrite the log whatever it was granted. So may whoever can write
   the file of a SQLite database: it has no roles.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session

from governance.storage.dialect import on_postgres

_ADDED_TO = ("audit_entry", "audit_tile", "audit_checkpoint", "audit_signing")
_OWNS = "SELECT 1 FROM pg_class WHERE relname = 'audit_entry' AND pg_has_role(current_user, relowner, 'MEMBER')"
_SUPERUSER = "SELECT 1 FROM pg_roles WHERE rolname = current_user AND rolsuper"


def grant(session: Session, role: str) -> None:
    """Give a role what the service needs, as the owner of every table; the schema must be the newest.

    What the role may do to the log's tables is taken away first, so that a wider grant of before does not stay.
    """
    name = _quoted(role)
    log = ", ".join((*_ADDED_TO, "audit_head", "alembic_version"))
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"REVOKE ALL ON {log} FROM {name}, PUBLIC",
        f"GRANT SELECT, INSERT ON {', '.join((*_ADDED_TO, 'audit_head'))} TO {name}",
        f"GRANT UPDATE (size, frontier) ON audit_head TO {name}",
        f"GRANT SELECT ON alembic_version TO {name}",
    ):
        session.connection().execute(text(statement))


def may_rewrite(session: Session) -> bool:
    """Say whether whoever is connected may rewrite the log: by its rights, by owning it, or as a superuser."""
    if not on_postgres(session):
        return True
    rights = " OR ".join(
        f"has_table_privilege(current_user, '{table}', 'UPDATE, DELETE, TRUNCATE')" for table in _ADDED_TO
    )
    statement = f"SELECT {rights} OR EXISTS ({_OWNS}) OR EXISTS ({_SUPERUSER})"
    return bool(session.connection().execute(text(statement)).scalar_one())


def _quoted(role: str) -> str:
    """Write a role's name as SQL does; PostgreSQL takes no parameter there."""
    if "\x00" in role or not role:
        raise ValueError("a role has a name")
    return '"{}"'.format(role.replace('"', '""')).replace(":", "\\:")
