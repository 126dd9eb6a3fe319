"""Every Prometheus metric of the service, in one place.

Rules: counters end ``_total``, times are in seconds, sizes in bytes; a label takes its values from an enumeration, a
trust's ODS code, a registered client id or a configured tenant's name, never from what a caller sent; no patient,
person or study is ever a label. A counter whose labels' values are known is born at 0 (:meth:`Metrics.begin`): a rise
is seen from the first one on. Counting never raises: a count that cannot be kept is dropped, and that is counted.
What the database knows (log size, open alerts, agreements, edges) is read at scrape by :class:`State`, so every process
gives the same number, and is absent while the database does not answer; only what waits in a process, what it is ready
for and what it uses is its own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from governance.telemetry.snapshot import Edge, Snapshot
from governance.threads import harmless, on_drop, tell_drops

_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def known_method(method: str) -> str:
    """Give a method of HTTP as it is, and any other word that somebody sent in its place as ``other``."""
    return method if method in _METHODS else "other"


class State(Collector):
    """Reads a :class:`Snapshot` at each scrape."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """Name no metric ahead of the first scrape: the database may not be there yet."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Give the gauges of this process, and of the database's state when it is known."""
        now = self._snapshot()
        yield _gauge(
            "governance_log_queued_events", "Events that wait in this process for a commit of the log.", now.queued
        )
        ready = GaugeMetricFamily("governance_ready", "Whether a part answers (1) or not (0).", labels=["part"])
        for part, answers in sorted(now.ready.items()):
            ready.add_metric([part], int(answers))
        yield ready
        yield _gauge(
            "governance_state_age_seconds",
            "Seconds since the database last told its gauges; they are absent while it does not.",
            now.age,
        )
        engine = GaugeMetricFamily(
            "governance_engine_trusted",
            "Whether the OPA server was just found to hold its rules and data, and nothing else (1).",
            labels=["holder"],
        )
        for holder, trusted in sorted(now.engine.items()):
            engine.add_metric([holder], int(trusted))
        yield engine
        if now.known:
            yield from _stored(now)


class Metrics:
    """The instruments, on a registry of their own.

    Args:
        shared_folder: where the workers of one server keep their counts, so that any of them gives those of all;
            RuntimeError when the library does not keep them there.
    """

    def __init__(self, shared_folder: str | None = None) -> None:
        if shared_folder and not values.ValueClass._multiprocess:  # noqa: SLF001  no public face
            raise RuntimeError("prometheus-client was imported before PROMETHEUS_MULTIPROC_DIR was set")
        self._shared_folder = shared_folder
        self.registry = CollectorRegistry()
        self._own = CollectorRegistry() if shared_folder else self.registry  # what this process alone knows
        ProcessCollector(registry=self._own)
        PlatformCollector(registry=self._own)
        self._counters: dict[str, Counter] = {}
        counter = self._counter
        seconds = partial(Histogram, buckets=_LATENCY, registry=self.registry)
        self._decisions = counter("governance_decisions", "Access decisions.", ["effect", "purpose", "action"])
        self._reasons = counter("governance_denials", "Denials by reason code.", ["reason"])
        self._decision_time = seconds(
            "governance_decision_duration_seconds", "From request to durable answer.", ["door"]
        )
        self._searches = counter("governance_searches", "Searches of what may be accessed.", ["kind"])
        self._candidates = counter(
            "governance_search_candidates", "Candidates of searches that the policy was asked about.", ["kind"]
        )
        self._tenant_decisions = counter(
            "governance_tenant_decisions", "Decisions made for tenants.", ["tenant", "effect"]
        )
        self._tenant_searches = counter("governance_tenant_searches", "Searches made for tenants.", ["tenant", "kind"])
        self._tokens = counter("governance_tokens", "Token requests.", ["grant", "outcome"])
        self._refused = counter("governance_refusals", "Refusals of callers and of limits.", ["kind", "reason"])
        self._enforced = counter(
            "governance_enforcement_checks", "Checks asked by enforcement points.", ["door", "status"]
        )
        self._rows = counter("governance_list_rows", "Rows of archives' lists.", ["outcome"])
        self._events = counter("governance_audit_events", "Audit events taken in.", ["format", "result"])
        self._commits = counter("governance_audit_commits", "Group commits of the log's writer.", ["result"])
        self._feed_lines = counter("governance_feed_lines", "Lines of context feeds.", ["feed", "outcome"])
        self._http = counter("governance_http_requests", "HTTP requests by route.", ["route", "method", "status"])
        self._http_time = seconds("governance_http_request_duration_seconds", "HTTP request time.", ["route"])
        self._alerts_raised = counter("governance_alerts_raised", "Findings raised.", ["rule", "severity"])
        self._notices_raised = counter("governance_notices_raised", "Findings that are notices.", ["rule"])
        self._suppressed = counter("governance_findings_suppressed", "Findings that a suppression held back.", ["rule"])
        self._job_runs = counter("governance_job_runs", "Background job runs.", ["task", "result"])
        self._differences = counter(
            "governance_engine_differences", "What the OPA server held that was not put there.", ["holder", "what"]
        )
        self._drops = counter(
            "governance_observations_dropped", "Log lines, counts and observations that came to nothing.", ["kind"]
        )
        self._syslog = counter("governance_syslog_connections", "Syslog connections that ended, by why.", ["why"])
        self._cut = counter(
            "governance_syslog_cut_connections", "Syslog connections closed with bytes unread or a frame half read."
        )
        self._bodies = counter("governance_bodies_refused", "Request bodies that were not waited for, by why.", ["why"])
        self._outbound = counter("governance_outbound_calls", "Calls to others.", ["purpose", "outcome"])
        self._build = Gauge(
            "governance_build_info",
            "The version that runs; always 1.",
            ["version"],
            registry=self.registry,
            multiprocess_mode="max",
        )
        self._count_drops()
        self._count_inquiries()

    def _counter(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
        self._counters[name] = made = Counter(name, documentation, labels, registry=self.registry)
        return made

    def _count_drops(self) -> None:
        """Count for every worker what comes to nothing in this one."""
        told = {kind: self._drops.labels(kind) for kind in ("log", "metric", "observer")}
        on_drop(lambda kind, count: told[kind].inc(count))

    def _count_inquiries(self) -> None:
        self._inquiry_messages = self._counter(
            "governance_inquiry_messages", "Attempts at messages of inquiries.", ["channel", "result"]
        )
        self._inquiry_answers = self._counter("governance_inquiry_answers", "Answers to inquiries.", ["answer", "by"])

    @harmless("metric")
    def decided(
        self, *, effect: str, purpose: str, action: str, reasons: Iterable[str], endpoint: str, seconds: float
    ) -> None:
        """Count one decision; reasons are counted for denials only."""
        self._decisions.labels(effect, purpose, action).inc()
        self._decision_time.labels(endpoint).observe(seconds)
        if effect == "deny":
            for reason in reasons:
                self._reasons.labels(reason).inc()

    @harmless("metric")
    def searched(self, *, kind: str, examined: int) -> None:
        """Count one page of a search (of subject, resource or action) and the candidates it asked about."""
        self._searches.labels(kind).inc()
        self._candidates.labels(kind).inc(examined)

    @harmless("metric")
    def tenant_decided(self, *, tenant: str, effect: str) -> None:
        """Count one decision of a tenant by its configured name and effect (permit, deny)."""
        self._tenant_decisions.labels(tenant, effect).inc()

    @harmless("metric")
    def tenant_searched(self, *, tenant: str, kind: str) -> None:
        """Count one page of a tenant's search (of subject, resource or action)."""
        self._tenant_searches.labels(tenant, kind).inc()

    @harmless("metric")
    def token_requested(self, *, grant: str, outcome: str) -> None:
        """Count one token request by grant (exchange, client_credentials) and outcome (issued, refused)."""
        self._tokens.labels(grant, outcome).inc()

    @harmless("metric")
    def refused(self, *, kind: str, reason: str) -> None:
        """Count one refusal by the kind of its event and the reason code; every one, however few are in the log."""
        self._refused.labels(kind, reason).inc()

    @harmless("metric")
    def listed(self, *, shown: int, held_back: int) -> None:
        """Count the rows of one list of an archive: shown to the caller, or held back."""
        self._rows.labels("shown").inc(shown)
        self._rows.labels("held_back").inc(held_back)

    @harmless("metric")
    def enforced(self, *, endpoint: str, status: int) -> None:
        """Count one check of an enforcement point by the status it got."""
        self._enforced.labels(endpoint, str(status)).inc()

    @harmless("metric")
    def events_taken(self, *, format_name: str, result: str, count: int = 1) -> None:
        """Count audit events by wire format and result (accepted, duplicate, rejected, quarantined, refused)."""
        self._events.labels(format_name, result).inc(count)

    @harmless("metric")
    def log_committed(self, *, result: str) -> None:
        """Count one group commit of the log's writer (ok or failed)."""
        self._commits.labels(result).inc()

    @harmless("metric")
    def feed_lines_taken(self, *, feed: str, outcome: str, count: int) -> None:
        """Count lines of a context feed by outcome (accepted, rejected)."""
        self._feed_lines.labels(feed, outcome).inc(count)

    @harmless("metric")
    def http_answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one HTTP answer by its route's pattern, never its path; a method that is none of HTTP's is `other`."""
        self._http.labels(route, known_method(method), str(status)).inc()
        self._http_time.labels(route).observe(seconds)

    @harmless("metric")
    def alert_raised(self, *, rule: str, severity: str) -> None:
        """Count one finding by rule."""
        self._alerts_raised.labels(rule, severity).inc()

    @harmless("metric")
    def notice_raised(self, *, rule: str) -> None:
        """Count one finding that is a notice, by rule."""
        self._notices_raised.labels(rule).inc()

    @harmless("metric")
    def finding_suppressed(self, *, rule: str) -> None:
        """Count one finding that a suppression held back, by rule."""
        self._suppressed.labels(rule).inc()

    @harmless("metric")
    def job_ran(self, *, job: str, result: str) -> None:
        """Count one run of a background job (ok or failed)."""
        self._job_runs.labels(job, result).inc()

    @harmless("metric")
    def engine_differed(self, *, holder: str, what: str) -> None:
        """Count one difference at the OPA server: of the network, a tenant or the server, in rules, data or open."""
        self._differences.labels(holder, what).inc()

    @harmless("metric")
    def syslog_ended(self, *, why: str, cut: bool) -> None:
        """Count one syslog connection that ended (done, idle, slow, displaced, refused, stopping, failed)."""
        self._syslog.labels(why).inc()
        self._cut.inc(cut)

    @harmless("metric")
    def body_refused(self, *, why: str) -> None:
        """Count one request whose body was not waited for (closing, crowded, late, too_long)."""
        self._bodies.labels(why).inc()

    @harmless("metric")
    def called_out(self, purpose: str, outcome: str) -> None:
        """Count one call to somebody else by what it was for (jwks, opa and so on) and how it ended."""
        self._outbound.labels(purpose, outcome).inc()

    @harmless("metric")
    def inquiry_message(self, *, channel: str, result: str) -> None:
        """Count one attempt at a message of an inquiry by what came of it (sent, failed, given_up)."""
        self._inquiry_messages.labels(channel, result).inc()

    @harmless("metric")
    def inquiry_answered(self, *, answer: str, by: str) -> None:
        """Count one answer by its code and by who gave it (person, manager)."""
        self._inquiry_answers.labels(answer, by).inc()

    def begin(self, counter: str, labels: Iterable[tuple[str, ...]]) -> None:
        """Let a counter begin at 0 for each of some values of its labels.

        Args:
            counter: its name, without ``_total``.
            labels: values, in the order of the labels.
        """
        for given in labels:
            self._counters[counter].labels(*given)

    def watch(self, snapshot: Callable[[], Snapshot], version: str) -> None:
        """Read the database's state at each scrape, and name the version that runs."""
        self._build.labels(version).set(1)
        self._own.register(State(snapshot))

    def render(self, accept: str) -> tuple[bytes, str]:
        """Give the exposition and its content type for an Accept header."""
        tell_drops()
        encoder, content_type = choose_encoder(accept)
        if self._shared_folder is None:
            return encoder(self.registry), content_type
        scraped = CollectorRegistry()
        MultiProcessCollector(scraped, self._shared_folder)  # type: ignore[no-untyped-call]
        scraped.register(self._own)
        return encoder(scraped), content_type


def _stored(now: Snapshot) -> Iterable[Metric]:
    """Give the gauges of what the database knows."""
    yield _gauge("governance_log_size_entries", "Entries in the audit log.", now.log_size)
    yield _gauge("governance_checkpoint_size_entries", "Entries under the last signed checkpoint.", now.checkpoint_size)
    yield _gauge("governance_checkpoint_age_seconds", "Seconds since the last signed checkpoint.", now.checkpoint_age)
    yield _gauge("governance_log_checked_entries", "Entries done in the running check of the whole log.", now.checked)
    yield _gauge("governance_log_check_age_seconds", "Seconds since the whole log was found whole.", now.check_age)
    lag = max(0, now.log_size - now.detection_cursor)
    yield _gauge("governance_detection_lag_entries", "Log entries that detection has not read yet.", lag)
    yield _gauge(
        "governance_detection_stalled_seconds",
        "Seconds that detection stood still with entries to read.",
        now.detection_stalled,
    )
    yield _gauge(
        "governance_quarantined_messages", "Audit messages that could not be parsed and are kept.", now.quarantined
    )
    alerts = GaugeMetricFamily("governance_alerts", "Alerts by state and severity.", labels=["state", "severity"])
    for (state, severity), count in sorted(now.alerts.items()):
        alerts.add_metric([state, severity], count)
    yield alerts
    notices = GaugeMetricFamily("governance_notices", "Notices by their review.", labels=["review"])
    for review, count in sorted(now.notices.items()):
        notices.add_metric([review], count)
    yield notices
    agreements = GaugeMetricFamily("governance_agreements", "Agreement versions by status.", labels=["status"])
    for status, count in sorted(now.agreements.items()):
        agreements.add_metric([status], count)
    yield agreements
    yield from _looks(now)
    yield from _edges(now.edges)


def _looks(now: Snapshot) -> Iterable[Metric]:
    """Give how many looks of the last days had a reason: by who looked, and by what gave the reason."""
    looks = GaugeMetricFamily(
        "governance_looks",
        "Looks at images of the last seven days that detection has read, by whether they have a recorded reason.",
        labels=["trust", "role", "explanation"],
    )
    for key, count in sorted(now.looks.items()):
        looks.add_metric(key, count)
    yield looks
    reasons = GaugeMetricFamily(
        "governance_look_reasons",
        "Looks at images of the last seven days by kind of reason and the feed that gave it.",
        labels=["kind", "feed"],
    )
    for reason, count in sorted(now.reasons.items()):
        reasons.add_metric(reason, count)
    yield reasons


def _edges(edges: Mapping[str, Edge]) -> Iterable[Metric]:
    for name, documentation, value in _EDGE_GAUGES:
        family = GaugeMetricFamily(name, documentation, labels=["edge"])
        for client_id, edge in sorted(edges.items()):
            if (found := value(edge)) is not None:
                family.add_metric([client_id], found)
        yield family


_EDGE_GAUGES: tuple[tuple[str, str, Callable[[Edge], float | None]], ...] = (
    ("governance_edge_current", "Whether an edge decides with the newest bundle (1).", lambda edge: int(edge.current)),
    (
        "governance_edge_data_age_seconds",
        "Seconds since an edge last had word from the service.",
        lambda e: e.staleness,
    ),
    ("governance_edge_decisions_lost", "Decisions that an edge dropped before its log.", lambda edge: edge.lost),
    ("governance_edge_failing", "Whether an edge cannot get or use its bundle (1).", lambda edge: int(edge.failing)),
    ("governance_edge_revision_lag_seconds", "Seconds since an edge was last at the newest bundle.", lambda e: e.lag),
    ("governance_edge_status_age_seconds", "Seconds since the last status of an edge.", lambda e: e.age),
)


def _gauge(name: str, documentation: str, value: float | None) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)
