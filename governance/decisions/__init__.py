"""Decisions: whether this subject may do this with this study, for this purpose, now.

Rules of this room:

1. Closed by default: an error, a time-out, an undefined or malformed answer, stale policy or a missing attribute is a
   denial with its own reason code.
2. Agreements are data, Rego is rules. This room runs the rules and holds none.
3. Attributes are gathered once, from one snapshot; one that is missing is null and never left out.
4. Every decision names its reasons, the clause it rests on or came closest to, and the policy revision.
5. An obligation that nobody can honour turns a permit into a denial.
6. Two engines, one port, one suite of decision tables: they never differ.
7. Rules that are not the network's own (a tenant's) have a port of their own, over the same two engines.
"""

from governance.decisions._opa_engine import OpaEngine
from governance.decisions._opa_rules import OpaRules
from governance.decisions._regorus_engine import RegorusEngine
from governance.decisions._regorus_rules import RegorusRules
from governance.decisions.decision import AgreementRef, Answer, Decision
from governance.decisions.emergency import Emergency, ReviewSample, review_sample
from governance.decisions.engine import EMBEDDED, Engine, EngineFault, Health, PolicySource
from governance.decisions.filters import StudyFilter
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
from governance.decisions.pdp import DecisionService
from governance.decisions.pip import PolicyInformationPoint, ReadsToday
from governance.decisions.request import AccessRequest, RequestSubject
from governance.decisions.rules import Rules, RuleSet

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
    "OpaEngine",
    "OpaRules",
    "PolicyInformationPoint",
    "PolicySource",
    "ReadsToday",
    "RegorusEngine",
    "RegorusRules",
    "RequestSubject",
    "ReviewSample",
    "RuleSet",
    "Rules",
    "StudyFilter",
    "honoured",
    "review_sample",
    "wire_type",
]
