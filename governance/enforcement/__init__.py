"""Enforcement: the access use case, the exchange, and one adapter for each kind of enforcement point.

Rules of this room:

1. It knows no web framework: doors parse, call one method here and answer.
2. Closed by default: what cannot be decided and recorded is not released.
3. A use case reads the clock once and opens one read snapshot.
4. A trust's own OPA decides with our bundle; what it decided and how far it is behind comes back to us.
5. What a caller is told of a denial says nothing of the patient; the log holds the whole reason.
"""

from governance.enforcement._edge_store import EdgeReport
from governance.enforcement.access import AccessAnswer, AccessService, Asker, asker_of
from governance.enforcement.bundles import Bundles
from governance.enforcement.candidates import CandidateFinder
from governance.enforcement.dicomweb import Target
from governance.enforcement.edges import Edges, EdgeState
from governance.enforcement.exchange import ExchangeDenied, ExchangeService
from governance.enforcement.impact import ImpactAnalysis, ImpactReport, Question
from governance.enforcement.lapse import AgreementLapse
from governance.enforcement.paging import EXAMINED, Collected, Page, collect
from governance.enforcement.point import Admission, Check, Credential, EnforcementPoint, Reach
from governance.enforcement.search import Found, Searched, SearchService

__all__ = [
    "EXAMINED",
    "AccessAnswer",
    "AccessService",
    "Admission",
    "AgreementLapse",
    "Asker",
    "Bundles",
    "CandidateFinder",
    "Check",
    "Collected",
    "Credential",
    "EdgeReport",
    "EdgeState",
    "Edges",
    "EnforcementPoint",
    "ExchangeDenied",
    "ExchangeService",
    "Found",
    "ImpactAnalysis",
    "ImpactReport",
    "Page",
    "Question",
    "Reach",
    "SearchService",
    "Searched",
    "Target",
    "asker_of",
    "collect",
]
