"""The caller of a request as the writer of what it changes: for whom it writes is what its registration says."""

from governance.registers import Writer
from governance.web import current_caller, current_services, subject_of


def current_writer() -> Writer:
    """Give the caller of this request as a writer; only inside a view that names a scope."""
    caller, services = current_caller(), current_services()
    with services.infrastructure.database.reading() as session:
        client = services.registers.federation.client(session, caller.id)
    if client is None:
        return Writer(subject_of(caller), None, caller.scopes)
    return Writer(subject_of(caller), client.ods, caller.scopes, client.writes_for)
