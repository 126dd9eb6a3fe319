"""Tokens: the identity token of a trust goes in, a short, bound, single-purpose access token of ours comes out.

Rules of this room:

1. Nothing of a token is believed before its signature is verified; the unverified issuer, or client, is looked at for
   one thing only: to choose the one key set that may verify it. A ``kid`` never chooses across issuers or clients.
2. Algorithms are ours to allow, per kind of token; ``none`` and every shared-secret algorithm are not among them. A
   critical header is refused.
3. Every claim of every kind of token belongs to a declared class (claims.py); an unknown one is reported.
4. A token has one audience and must be addressed to whoever is asked to believe it.
5. A client proves itself with a signed assertion that is good once. Secrets and certificates are off until a setting
   turns them on; a secret is kept as a hash only.
6. A token that opens a study names decision, agreement, version and clause, lives 120 seconds at most, and is never
   exchanged again. A DPoP proof sent with the request binds it to a key; from then on it is refused without one.
7. A token dies with its agreement, and with what it rests on: its client, its person, their issuer, its signing key.
8. No error tells which clients, targets or studies exist; no token, subject or study is ever logged.

Example: ``tokens.verify_access(token, archive.token_audience, presentation).study`` says what the token opens.
"""

from governance.tokens.access import (
    AccessClaims,
    AccessGrant,
    AgreementReference,
    MintedToken,
    StudyAuthorization,
    TokenResponse,
)
from governance.tokens.client_methods import ClientMethods
from governance.tokens.dpop import Presentation
from governance.tokens.errors import OAuthError, OAuthErrorCode, TokenFault, TokenRefused
from governance.tokens.exchange_request import ExchangeRequest, TokenType, parse_exchange, scope_of
from governance.tokens.form import Form, parse_form
from governance.tokens.jwks import RemoteKeySets, key_set_fetch
from governance.tokens.keys import KeyRing
from governance.tokens.revocation import Revoked
from governance.tokens.service import TokenService
from governance.tokens.subject_tokens import VerifiedIdentity

__all__ = [
    "AccessClaims",
    "AccessGrant",
    "AgreementReference",
    "ClientMethods",
    "ExchangeRequest",
    "Form",
    "KeyRing",
    "MintedToken",
    "OAuthError",
    "OAuthErrorCode",
    "Presentation",
    "RemoteKeySets",
    "Revoked",
    "StudyAuthorization",
    "TokenFault",
    "TokenRefused",
    "TokenResponse",
    "TokenService",
    "TokenType",
    "VerifiedIdentity",
    "key_set_fetch",
    "parse_exchange",
    "parse_form",
    "scope_of",
]
