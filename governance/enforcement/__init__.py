"""Enforcement: the access use case, the exchange, and one adapter for each kind of enforcement point.

Rules of this room:

1. It knows no web framework: doors parse, call one method here and answer.
2. Closed by default: what cannot be decided and recorded is not released.
3. A use case reads the clock once and opens one read snapshot.
4. What a caller is told of a denial says nothing of the patient; the log holds the whole reason.
"""

from governance.enforcement.access import AccessAnswer, AccessService, asker_of
from governance.enforcement.dicomweb import Target
from governance.enforcement.exchange import ExchangeDenied, ExchangeService
from governance.enforcement.lapse import AgreementLapse
from governance.enforcement.point import Admission, Check, Credential, EnforcementPoint, Reach

__all__ = [
    "AccessAnswer",
    "AccessService",
    "Admission",
    "AgreementLapse",
    "Check",
    "Credential",
    "EnforcementPoint",
    "ExchangeDenied",
    "ExchangeService",
    "Reach",
    "Target",
    "asker_of",
]
