"""Names of organisations by ODS code, read once a request."""

from collections.abc import Mapping

from flask import g

from governance.web.services import current_services


def trust_names() -> Mapping[str, str]:
    """Give the name of every organisation the federation knows."""
    if "trust_names" not in g:
        services = current_services()
        with services.infrastructure.database.reading() as session:
            g.trust_names = {trust.ods: trust.name for trust in services.registers.federation.trusts(session)}
    names: Mapping[str, str] = g.trust_names
    return names
