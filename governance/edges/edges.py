"""Edges: the trusts' own OPAs that decide with our bundles, and how far each of them is behind.

1. An edge is a registered client that may read bundles; register each OPA as a client of its own.
2. Only the last status of an edge is kept. It is dated by our clock, never at the edge's.
3. An edge that never reported is as visible as one that is behind.
4. How old an edge's data is, is read from the revision of its revocations. How many decisions it lost is read from the
   counters in its status: OPA numbers no entry of its decision log, so a gap cannot be seen in the log itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.clock import Clock
from governance.edges import _store as store
from governance.edges._store import MOST, EdgeReport, StoredReport
from governance.edges.bundle import POLICY_BUNDLE
from governance.edges.revocations import REVOCATION_BUNDLE, as_of
from governance.errors import Fault, InvalidInput
from governance.federation import FederationDirectory
from governance.storage import Database
from governance.vocabulary import Scope

_TEXT = 128  # characters kept of a word
_MESSAGE = 512  # characters kept of a message
_BUFFER = (  # one loss raises both of these
    "counter_decision_logs_dropped_buffer_size_limit_bytes_exceeded",
    "counter_decision_logs_dropped_buffer_size_limit_exceeded",
)
_OTHER = ("counter_decision_logs_dropped_rate_limit_exceeded", "counter_decision_logs_encoding_failure")


@dataclass(frozen=True, slots=True)
class EdgeState:
    """The state of an edge now.

    ``current`` says that it last reported the newest revision. ``lag`` is 0 then; otherwise the seconds since it last
    did, None when it never did. ``age`` is the seconds since its last status, ``staleness`` those since its data was
    last known to hold; ``stale`` says that it denies everything for it. ``lost`` counts decisions that never reached
    its log. ``report`` is None before the first.
    """

    client_id: str
    ods: str
    current: bool
    lag: float | None = None
    age: float | None = None
    received_at: datetime | None = None
    report: EdgeReport | None = None
    staleness: float | None = None
    stale: bool = False
    lost: int = 0
    behind_since: datetime | None = None


class Edges:
    """Takes the edges' statuses and gives their states.

    Args:
        database: where the statuses are.
        federation: knows which clients are edges.
        clock: dates each status.
        revision: gives the revision an edge should be at.
        stale_after: seconds without word from here after which an edge denies everything.
    """

    def __init__(
        self,
        database: Database,
        federation: FederationDirectory,
        clock: Clock,
        revision: Callable[[], str],
        stale_after: int,
    ) -> None:
        self._database = database
        self._federation = federation
        self._clock = clock
        self._revision = revision
        self._stale_after = stale_after

    def report(self, client_id: str, report: EdgeReport) -> None:
        """Keep the status of an edge; it is durable on return."""
        at, current = self._clock.now(), report.revision == self._revision()
        with self._database.transaction() as session:
            store.keep(session, client_id, report, at, current=current)

    def states(self) -> tuple[EdgeState, ...]:
        """Give the state of every edge, by client id."""
        now, newest = self._clock.now(), self._revision()
        with self._database.reading() as session:
            clients = [c for c in self._federation.clients(session) if Scope.BUNDLES_READ.value in c.scopes]
            reports = store.reports(session) if clients else {}
        return tuple(
            self._state(client.client_id, client.ods, reports.get(client.client_id), newest, now) for client in clients
        )

    def _state(self, client_id: str, ods: str, stored: StoredReport | None, newest: str, now: datetime) -> EdgeState:
        if stored is None:
            return EdgeState(client_id, ods, current=False)
        current = stored.report.revision == newest
        since = now if current else stored.current_at
        held = as_of(stored.report.revocations) if stored.report.revocations else None
        staleness = None if held is None else max(0.0, now.timestamp() - held)
        return EdgeState(
            client_id,
            ods,
            current=current,
            lag=_seconds(since, now) if since else None,
            age=_seconds(stored.received_at, now),
            received_at=stored.received_at,
            report=stored.report,
            staleness=staleness,
            stale=staleness is None or staleness > self._stale_after,
            lost=stored.lost,
            behind_since=None if current else stored.current_at or stored.first_at,
        )


def read_status(body: object) -> EdgeReport:
    """Read the body of OPA's Status API; what is not about our bundles and the decision log is passed over.

    Raises:
        InvalidInput: it is not a status.
    """
    if not isinstance(body, dict) or not isinstance(body.get("labels"), dict):
        raise InvalidInput([Fault("/labels", "a status of an OPA has labels")], "The body is not a status.")
    bundles = _object(body, "bundles")
    policy, dead = _object(bundles, POLICY_BUNDLE), _object(bundles, REVOCATION_BUNDLE)
    failing = policy if _word(policy.get("code"), _TEXT) else dead
    return EdgeReport(
        revision=_word(policy.get("active_revision"), _TEXT),
        code=_word(failing.get("code"), _TEXT),
        message=_word(failing.get("message"), _MESSAGE),
        instance=_word(body["labels"].get("id"), _TEXT),
        version=_word(body["labels"].get("version"), _TEXT),
        revocations=_word(dead.get("active_revision"), _TEXT),
        dropped=_dropped(_object(_object(body, "metrics"), "prometheus")),
    )


def _dropped(counters: dict[str, Any]) -> int:
    """Add up the decisions that OPA's own counters say never reached its log."""
    return min(max(map(_count, map(counters.get, _BUFFER))) + sum(map(_count, map(counters.get, _OTHER))), MOST)


def _count(value: object) -> int:
    return min(max(value, 0), MOST) if type(value) is int else 0


def _object(holder: dict[str, Any], name: str) -> dict[str, Any]:
    found = holder.get(name)
    return found if isinstance(found, dict) else {}


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())


def _word(value: object, most: int) -> str | None:
    """Give the beginning of a text without what cannot be printed, None for anything else."""
    if not isinstance(value, str):
        return None
    return "".join(each for each in value if each.isprintable())[:most] or None
