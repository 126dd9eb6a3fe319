"""Which of the two databases a session speaks to, for the few statements that each says in its own way."""

from sqlmodel import Session


def on_postgres(session: Session) -> bool:
    """Say whether the session's database is PostgreSQL; else it is SQLite."""
    return session.get_bind().dialect.name == "postgresql"
