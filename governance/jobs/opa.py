"""The watch over the OPA server: it is looked at steadily, also when nobody asks, and differences are recorded.

Each process looks for itself, since each answers with its own knowledge of the server; so one change of the server's
rules may be recorded by several. What cannot be recorded now is recorded later.
"""

from governance.bootstrap import Services
from governance.decisions import OpaHost
from governance.vocabulary import EventKind, Outcome


def watch_opa(opa: OpaHost, services: Services) -> bool:
    """Look once, and record what was found to differ; there is never more to do at once. Raises Unavailable."""

    def record(holder: str, what: str) -> None:
        detail = {"engine": "opa", "holder": holder, "differs": what}
        services.infrastructure.recorder.record(EventKind.SECURITY_ALERT, Outcome.MAJOR, detail=detail)

    opa.look()
    opa.hand_over(record)
    return False
