"""Enforcement: the access use case, the exchange, and one adapter for each kind of enforcement point.

Rules of this room:

1. It knows no web framework: doors parse, call one method here and answer.
2. Closed by default: what cannot be decided and recorded is not released.
3. A use case reads the clock once and opens one read snapshot.
4. A trust's own OPA decides with our bundle; what it decided and how far it is behind comes back to us.
5. What a caller is told of a denial says nothing of the patient; the log holds the whole reason.
"""

from governance.enforcement._edge_store import EdgeReport
from governance.enforcement.access import AccessAnswer, AccessService, Asked, Asker, asker_of
from governance.enforcement.access_requests import AccessRequests, Wanted
from governance.enforcement.archives import ArchiveAddress, DicomwebArchives
from governance.enforcement.bound_tokens import BoundTokens
from governance.enforcement.bundles import Bundles
from governance.enforcement.candidates import CandidateFinder
from governance.enforcement.denials import (
    AccessRequestError,
    AccessRequestRefused,
    Denials,
    Offer,
    PresentedDenial,
)
from governance.enforcement.dicomweb import Target
from governance.enforcement.edge_alarms import EdgeLimits
from governance.enforcement.edge_intake import EdgeIntake, Taken
from governance.enforcement.edge_watch import EdgeWatch
from governance.enforcement.edges import Edges, EdgeState
from governance.enforcement.exchange import ExchangeDenied, ExchangeService
from governance.enforcement.impact import ImpactAnalysis, ImpactReport, Question
from governance.enforcement.lapse import AgreementLapse
from governance.enforcement.lists import ArchiveLists, Listed
from governance.enforcement.paging import EXAMINED, Collected, Page, collect
from governance.enforcement.point import Admission, Check, Credential, EnforcementPoint, Reach
from governance.enforcement.search import Found, Searched, SearchService
from governance.enforcement.terms import CurrentTerms

__all__ = [
    "EXAMINED",
    "AccessAnswer",
    "AccessRequestError",
    "AccessRequestRefused",
    "AccessRequests",
    "AccessService",
    "Admission",
    "AgreementLapse",
    "ArchiveAddress",
    "ArchiveLists",
    "Asked",
    "Asker",
    "BoundTokens",
    "Bundles",
    "CandidateFinder",
    "Check",
    "Collected",
    "Credential",
    "CurrentTerms",
    "Denials",
    "DicomwebArchives",
    "EdgeIntake",
    "EdgeLimits",
    "EdgeReport",
    "EdgeState",
    "EdgeWatch",
    "Edges",
    "EnforcementPoint",
    "ExchangeDenied",
    "ExchangeService",
    "Found",
    "ImpactAnalysis",
    "ImpactReport",
    "Listed",
    "Offer",
    "Page",
    "PresentedDenial",
    "Question",
    "Reach",
    "SearchService",
    "Searched",
    "Taken",
    "Target",
    "Wanted",
    "asker_of",
    "collect",
]
