"""Decisions: whether this subject may do this with this study, for this purpose, now.

Rules of this room:

1. Closed by default: an error, a time-out, an undefined or malformed answer, stale policy or a missing attribute is a
   denial with its own reason code.
2. Agreements are data, Rego is rules. This room runs the rules and holds none.
3. Attributes are gathered once, from one snapshot; one that is missing is null and never left out.
4. Every decision names its reasons, the clause it rests on or came closest to, and the policy revision.
5. An obligation that nobody can honour turns a permit into a denial.
6. Two engines, one port, one suite of decision tables: they give the same answers.
7. A policy that is not the network's own (a tenant's) has a port of its own, over the same two engines.

Example: ``decisions.decide(request, session, now, new_id).permit``.
"""

from governance.decisions._regorus_engine import RegorusEngine
from governance.decisions._regorus_tenant import RegorusTenantEngine
from governance.decisions.decision import AgreementRef, Answer, Decision
from governance.decisions.emergency import Emergency, ReviewSample, review_sample
from governance.decisions.engine import EMBEDDED, Engine, EngineFault, Health, PolicySource
from governance.decisions.filters import StudyFilter
from governance.decisions.holders import holders_of, unknown_holder
from governance.decisions.listing import Listing
from governance.decisions.obligations import (
    CUSTOM,
    FULFILLED_HERE,
    WIRE_NAMES,
    Obligation,
    ObligationType,
    honoured,
    wire_type,
)
from governance.decisions.opa.engine import OpaEngine
from governance.decisions.opa.host import OpaHost
from governance.decisions.opa.line import OpaAccess, RulesRefused
from governance.decisions.opa.tenant import OpaTenantEngine
from governance.decisions.pdp import DecisionService
from governance.decisions.pip import PolicyInformationPoint, ReadsToday
from governance.decisions.request import AccessRequest, ProvenSubject, RequestSubject
from governance.decisions.tenant_engine import TenantEngine, TenantPolicy, tenant_bounds

__all__ = [
    "CUSTOM",
    "EMBEDDED",
    "FULFILLED_HERE",
    "WIRE_NAMES",
    "AccessRequest",
    "AgreementRef",
    "Answer",
    "Decision",
    "DecisionService",
    "Emergency",
    "Engine",
    "EngineFault",
    "Health",
    "Listing",
    "Obligation",
    "ObligationType",
    "OpaAccess",
    "OpaEngine",
    "OpaHost",
    "OpaTenantEngine",
    "PolicyInformationPoint",
    "PolicySource",
    "ProvenSubject",
    "ReadsToday",
    "RegorusEngine",
    "RegorusTenantEngine",
    "RequestSubject",
    "ReviewSample",
    "RulesRefused",
    "StudyFilter",
    "TenantEngine",
    "TenantPolicy",
    "holders_of",
    "honoured",
    "review_sample",
    "tenant_bounds",
    "unknown_holder",
    "wire_type",
]
