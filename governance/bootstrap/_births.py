"""The counters that begin at 0: those whose labels have values that are known.

Prometheus sees a rise only between two scrapes. A counter that is first seen at 1 never rose, so nobody would be told
of what happened once. HTTP requests and checks of enforcement points are counted as they come: every route, method and
status would be thousands of series.
"""

from itertools import chain, product

from governance.access.search import Searched
from governance.detection import default_rules
from governance.inquiries import AnswerCode, Asked
from governance.outbound import CallOutcome, CallPurpose
from governance.settings import Settings
from governance.telemetry import Metrics
from governance.tenants import Tenants
from governance.tokens.errors import OAuthErrorCode, TokenFault
from governance.vocabulary import Action, EventKind, Purpose, ReasonCode, Severity

_EFFECTS = ("deny", "permit")
_FORMATS = ("dicom", "fhir", "native", "opa")
_KEPT = ("dicom", "opa")  # formats with a quarantine, which may have no room
_FEEDS = ("edges", "patients", "staff", "studies")
_REFUSED = (*TokenFault, *OAuthErrorCode, "enforcement.key", "scope.missing", "target.unknown")


def begin_counters(metrics: Metrics, settings: Settings, tenants: Tenants) -> None:
    """Let counters begin at 0."""
    searches = [(kind,) for kind in Searched]
    holders = ("network", "server", *tenants.names) if settings.opa_url else ()
    for counter, labels in {
        "governance_decisions": product(_EFFECTS, Purpose, Action),
        "governance_denials": product(ReasonCode),
        "governance_searches": searches,
        "governance_search_candidates": searches,
        "governance_tenant_decisions": product(tenants.names, _EFFECTS),
        "governance_tenant_searches": product(tenants.names, Searched),
        "governance_tokens": product(("client_credentials", "exchange"), ("issued", "refused")),
        "governance_refusals": product((EventKind.NODE_AUTH, EventKind.TOKEN), _REFUSED),
        "governance_list_rows": product(("held_back", "shown")),
        "governance_audit_events": chain(
            product(_FORMATS, ("accepted", "duplicate", "quarantined", "rejected")), product(_KEPT, ("refused",))
        ),
        "governance_bodies_refused": product(("closing", "crowded", "late", "too_long")),
        "governance_audit_commits": product(("failed", "ok")),
        "governance_feed_lines": product(_FEEDS, ("accepted", "rejected")),
        "governance_alerts_raised": product((rule.id for rule in default_rules()), Severity),
        "governance_notices_raised": product(rule.id for rule in default_rules()),
        "governance_findings_suppressed": product(rule.id for rule in default_rules()),
        "governance_engine_differences": product(holders, ("data", "open", "rules")),
        "governance_inquiry_messages": product(("mail", "webhook"), ("failed", "given_up", "sent")),
        "governance_inquiry_answers": product(AnswerCode, Asked),
        "governance_outbound_calls": product(CallPurpose, CallOutcome),
    }.items():
        metrics.begin(counter, (tuple(str(value) for value in given) for given in labels))
