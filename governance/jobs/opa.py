"""The watch over the OPA server: it is looked at steadily, also when nobody asks, and differences are recorded.

Each process looks for itself, since each answers with its own knowledge of the server; so one change of the server's
rules may be recorded by several.
"""

from governance.bootstrap import Services
from governance.decisions import OpaHost
from governance.vocabulary import EventKind, Outcome


def watch_opa(opa: OpaHost, services: Services) -> bool:
    """Look once, and record what was found to differ since the last time; there is never more to do at once."""
    opa.look()
    for holder, what in opa.take_differences():
        services.infrastructure.recorder.record(
            EventKind.SECURITY_ALERT, Outcome.MAJOR, detail={"engine": "opa", "holder": holder, "differs": what}
        )
    return False
