"""Access: who may do what with which study, why, now: one question, a search, a page of questions, an exchange.

Rules of this room:

1. It knows no web framework: an endpoint parses, calls one method here and answers.
2. Closed by default: what cannot be decided and recorded is not released.
3. A use case reads the clock once and opens one read snapshot (:mod:`governance.access.terms`).
4. Whom a client may ask about, and whose word counts for what is said of them, is one rule
   (:mod:`governance.access.acting`), which every question passes.
5. A denial that is returned to a caller says nothing of the patient; the log holds the whole reason.

Example: ``access.evaluate(request, asker_of(client)).decision.permit``.
"""

from governance.access.access import AccessAnswer, AccessService, Asked
from governance.access.access_requests import AccessRequests, Wanted
from governance.access.acting import ActingSubjects
from governance.access.asker import Asker, asker_of
from governance.access.batches import EvaluationBatches, Question
from governance.access.bound_tokens import BoundTokens
from governance.access.candidates import CandidateFinder
from governance.access.denials import AccessRequestError, AccessRequestRefused, Denials, Offer, PresentedDenial
from governance.access.exchange import ExchangeDenied, ExchangeService, TargetRefused
from governance.access.lapse import AgreementLapse
from governance.access.paging import EXAMINED, Collected, Page, collect
from governance.access.search import Found, Searched, SearchService
from governance.access.terms import CurrentTerms
from governance.access.together import Together

__all__ = [
    "EXAMINED",
    "AccessAnswer",
    "AccessRequestError",
    "AccessRequestRefused",
    "AccessRequests",
    "AccessService",
    "ActingSubjects",
    "AgreementLapse",
    "Asked",
    "Asker",
    "BoundTokens",
    "CandidateFinder",
    "Collected",
    "CurrentTerms",
    "Denials",
    "EvaluationBatches",
    "ExchangeDenied",
    "ExchangeService",
    "Found",
    "Offer",
    "Page",
    "PresentedDenial",
    "Question",
    "SearchService",
    "Searched",
    "TargetRefused",
    "Together",
    "Wanted",
    "asker_of",
    "collect",
]
