"""Names of organisations by ODS code, read once a request."""

from collections.abc import Mapping

from flask import g
from sqlmodel import Session

from governance.web.services import current_services


def trust_names() -> Mapping[str, str]:
    """Give the name of every organisation the federation knows."""
    if "trust_names" not in g:
        with current_services().infrastructure.database.reading() as session:
            read_trust_names(session)
    names: Mapping[str, str] = g.trust_names
    return names


def read_trust_names(session: Session) -> None:
    """Read the names for this request from the snapshot of its page."""
    g.trust_names = {trust.ods: trust.name for trust in current_services().registers.federation.trusts(session)}
