"""Edges: the trusts' own OPAs that decide with our bundles, and how far each of them is behind.

1. An edge is a registered client that may read bundles; register each OPA as a client of its own.
2. Only the last status of an edge is kept. It tells what the edge said, at our clock, never at the edge's.
3. An edge that never reported is as visible as one that is behind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from governance.clock import Clock
from governance.decisions.bundle import POLICY_BUNDLE
from governance.enforcement import _edge_store as store
from governance.enforcement._edge_store import EdgeReport
from governance.errors import Fault, InvalidInput
from governance.federation import FederationDirectory
from governance.storage import Database
from governance.vocabulary import Scope

_TEXT = 128  # characters kept of a word
_MESSAGE = 512  # characters kept of a message


@dataclass(frozen=True, slots=True)
class EdgeState:
    """How an edge stands now.

    ``current`` says that it last reported the newest revision. ``lag`` is 0 then; otherwise the seconds since it last
    did, None when it never did. ``age`` is the seconds since its last status. ``report`` is None before the first.
    """

    client_id: str
    ods: str
    current: bool
    lag: float | None = None
    age: float | None = None
    received_at: datetime | None = None
    report: EdgeReport | None = None


class Edges:
    """Takes the edges' statuses and tells how they stand.

    Args:
        database: where the statuses are.
        federation: knows which clients are edges.
        clock: tells when a status came.
        revision: gives the revision an edge should be at.
    """

    def __init__(
        self, database: Database, federation: FederationDirectory, clock: Clock, revision: Callable[[], str]
    ) -> None:
        self._database = database
        self._federation = federation
        self._clock = clock
        self._revision = revision

    def report(self, client_id: str, report: EdgeReport) -> None:
        """Keep the status of an edge; it is durable on return."""
        at, current = self._clock.now(), report.revision == self._revision()
        with self._database.transaction() as session:
            store.keep(session, client_id, report, at, current=current)

    def states(self) -> tuple[EdgeState, ...]:
        """Give every edge as it stands, by client id."""
        now, newest = self._clock.now(), self._revision()
        with self._database.reading() as session:
            clients = [c for c in self._federation.clients(session) if Scope.BUNDLES_READ.value in c.scopes]
            reports = store.kept(session) if clients else {}
        found: list[EdgeState] = []
        for client in clients:
            kept = reports.get(client.client_id)
            if kept is None:
                found.append(EdgeState(client.client_id, client.ods, current=False))
                continue
            current = kept.report.revision == newest
            since = now if current else kept.current_at
            found.append(
                EdgeState(
                    client.client_id,
                    client.ods,
                    current=current,
                    lag=max(0.0, (now - since).total_seconds()) if since else None,
                    age=max(0.0, (now - kept.received_at).total_seconds()),
                    received_at=kept.received_at,
                    report=kept.report,
                )
            )
        return tuple(found)


def read_status(body: object) -> EdgeReport:
    """Read the body of OPA's Status API; what is not about our policy bundle is passed over.

    Raises:
        InvalidInput: it is not a status.
    """
    if not isinstance(body, dict) or not isinstance(body.get("labels"), dict):
        raise InvalidInput([Fault("/labels", "a status of an OPA has labels")], "The body is not a status.")
    bundles = body.get("bundles")
    bundle = bundles.get(POLICY_BUNDLE) if isinstance(bundles, dict) else None
    bundle = bundle if isinstance(bundle, dict) else {}
    return EdgeReport(
        revision=_word(bundle.get("active_revision"), _TEXT),
        code=_word(bundle.get("code"), _TEXT),
        message=_word(bundle.get("message"), _MESSAGE),
        instance=_word(body["labels"].get("id"), _TEXT),
        version=_word(body["labels"].get("version"), _TEXT),
    )


def _word(value: object, most: int) -> str | None:
    """Give the beginning of a text without what cannot be printed, None for anything else."""
    if not isinstance(value, str):
        return None
    return "".join(each for each in value if each.isprintable())[:most] or None
