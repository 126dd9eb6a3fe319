"""The token service: the one object through which other rooms use this one.

Each method reads the clock once. What needs a write transaction opens its own, for as short as it can; nothing is
fetched from an identity provider while one is open.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from governance.audit import Recorder
from governance.clock import Clock
from governance.federation import FederationDirectory, IdentityProvider, Registered, ServiceClient
from governance.storage import Database
from governance.tokens import (
    _records,
    _store,
    client_authentication,
    dpop,
    introspection,
    metadata,
    revocation,
    single_use,
    subject_tokens,
)
from governance.tokens.access import API_SECONDS, AccessClaims, AccessGrant, MintedToken, TokenResponse
from governance.tokens.client_authentication import VerifiedAssertion
from governance.tokens.client_methods import PRIVATE_KEY_JWT
from governance.tokens.dpop import Presentation, Proof
from governance.tokens.errors import OAuthError, OAuthErrorCode, TokenFault, TokenRefused, token_of
from governance.tokens.exchange_request import TokenType
from governance.tokens.form import Form
from governance.tokens.issuance import Issuer
from governance.tokens.jwks import RemoteKeySets
from governance.tokens.keys import KeyRing
from governance.tokens.revocation import Revoked
from governance.tokens.subject_tokens import SubjectTokenVerifier, VerifiedIdentity
from governance.tokens.verification import AccessVerifier
from governance.vocabulary import EventKind, Role, SubjectType

SIGN_IN_AGE = 43_200  # seconds: a long shift


class TokenService:
    """Authenticates clients, verifies subjects, mints, verifies, describes and revokes tokens.

    Args:
        issuer: our issuer URL, without a closing slash; also the audience of tokens for this service's own API.
        database: where keys, used identifiers and revocations are.
        federation: the register of providers and clients.
        recorder: records what is issued and revoked, and makes the ids of tokens.
        keys: our signing keys.
        clock: the one clock.
        key_sets: the identity providers' key sets.
        client_methods: how clients may authenticate, for the metadata.
        sign_in_age: seconds since somebody signed in after which their identity tokens no longer count.
    """

    def __init__(
        self,
        *,
        issuer: str,
        database: Database,
        federation: FederationDirectory,
        recorder: Recorder,
        keys: KeyRing,
        clock: Clock,
        key_sets: RemoteKeySets,
        client_methods: Sequence[str] = (PRIVATE_KEY_JWT,),
        sign_in_age: int = SIGN_IN_AGE,
    ) -> None:
        self.issuer = issuer
        self.token_endpoint = issuer + metadata.TOKEN_PATH
        self._database = database
        self._federation = federation
        self._recorder = recorder
        self._keys = keys
        self._clock = clock
        self._client_methods = tuple(client_methods)
        self._minter = Issuer(issuer, keys, recorder.new_id)
        self._verifier = AccessVerifier(issuer, keys)
        self._subjects = SubjectTokenVerifier(self._provider, key_sets, self._admits_person, sign_in_age)

    def authenticate_client(self, form: Form) -> ServiceClient:
        """Find out which registered client sent a form, by its signed assertion (client_authentication.py).

        Raises:
            OAuthError: invalid_client.
        """
        now = self._clock.now()
        assertion = client_authentication.read_assertion(form)
        client = self._client(assertion.client_id)
        verified = client_authentication.verify_assertion(
            assertion, client, {self.issuer, self.token_endpoint}, int(now.timestamp())
        )
        if client is None:
            raise client_authentication.refused("The client assertion was not accepted.", TokenFault.CLIENT)
        with self._database.reading() as session:
            standing = self._federation.standing(session, Registered.CLIENT, client.client_id)
        client_authentication.require_admitted(standing, verified)
        self._use_assertion(client, verified)
        return client

    def authenticate_bearer(self, token: str) -> ServiceClient:
        """Find out which registered client sent a bearer token for this service's own API; raises TokenRefused."""
        named = self.verify_access(token, self.issuer).client_id
        with token_of(named):
            if (client := self._client(named)) is None:
                raise TokenRefused(TokenFault.CLIENT, "The token's client is not registered any more.")
        return client

    def prove_possession(self, proofs: Sequence[str], method: str, url: str) -> str | None:
        """Verify the DPoP proof of a token request and give its key's thumbprint; None when none was sent.

        Raises:
            OAuthError: invalid_dpop_proof (RFC 9449 section 5).
        """
        if not proofs:
            return None
        try:
            proof = dpop.verify_proof(proofs, method, url, int(self._clock.now().timestamp()))
            self._use_proof(proof)
        except TokenRefused as error:
            raise OAuthError(OAuthErrorCode.INVALID_DPOP_PROOF, error.detail, cause=error.fault.value) from None
        return proof.thumbprint

    def verify_subject_token(
        self, token: str, token_type: TokenType = TokenType.ID_TOKEN, client: ServiceClient | None = None
    ) -> VerifiedIdentity:
        """Verify the subject token of an exchange.

        Args:
            token: an identity token of a trust, or the client's own access token for this service.
            token_type: which of the two it is said to be.
            client: the authenticated client; needed for an access token, which must be its own.

        Raises:
            OAuthError: invalid_request (RFC 8693 section 2.2.2), with the fault as its cause.
            Unavailable: the identity provider's keys cannot be had now.
        """
        try:
            if token_type is TokenType.ID_TOKEN:
                return self._subjects.verify(token, self._clock.now())
            return self._own_identity(token, client)
        except TokenRefused as error:
            raise OAuthError(OAuthErrorCode.INVALID_REQUEST, error.detail, cause=error.fault.value) from None

    def use_identity(self, identity: VerifiedIdentity, client_id: str, *, binds: bool = True) -> None:
        """Bind an identity's token to the client that uses it, or only see that it is no other's (single_use.py).

        Raises:
            OAuthError: invalid_request: another client used it before.
        """
        if identity.token is None:
            return
        try:
            with self._database.reading() as session:
                known = single_use.bound(session, identity.token, client_id)
            if binds and not known:
                with self._database.transaction() as session:
                    single_use.bind(session, identity.token, client_id)
        except TokenRefused as error:
            raise OAuthError(OAuthErrorCode.INVALID_REQUEST, error.detail, cause=error.fault.value) from None

    def verify_presented(self, token: str, token_type: TokenType, client_id: str) -> VerifiedIdentity:
        """Verify a token that a client presents with a question, to say whom the question is about.

        An identity token becomes the client's where the client may ask about the person without it (single_use.py).

        Args:
            token: an identity token of a trust, or an access token of ours that was issued to this client or is
                addressed to it.
            token_type: which of the two it is said to be.
            client_id: who asks.

        Raises:
            OAuthError: invalid_request, with the fault as its cause.
            Unavailable: the identity provider's keys cannot be had now.
        """
        if token_type is TokenType.ID_TOKEN:
            identity, client = self.verify_subject_token(token, token_type), self._client(client_id)
            self.use_identity(identity, client_id, binds=client is not None and client.may_ask_about(identity.ods))
            return identity
        try:
            claims = self._live(token, None, self._clock.now())
            return subject_tokens.identity_of(claims, self.issuer, self._client(client_id))
        except TokenRefused as error:
            raise OAuthError(OAuthErrorCode.INVALID_REQUEST, error.detail, cause=error.fault.value) from None

    def client_credentials(self, form: Form, client: ServiceClient, confirmation: str | None = None) -> TokenResponse:
        """Issue a token for this service's own API to an authenticated client (RFC 6749 section 4.4), audited.

        Args:
            form: ``scope`` (all the client's scopes when absent), ``audience`` or ``resource`` (only this service).
            client: who authenticated.
            confirmation: thumbprint of a key the token is to be bound to.

        Raises:
            OAuthError: invalid_scope, invalid_target.
            Unavailable: the issue could not be recorded; no token leaves.
        """
        now = self._clock.now()
        if any(form.one(name) not in (None, self.issuer) for name in ("audience", "resource")):
            raise OAuthError(OAuthErrorCode.INVALID_TARGET, "A token for another service comes from an exchange.")
        scopes = frozenset((form.one("scope") or " ".join(client.scopes)).split())
        if not scopes or not scopes <= client.scopes:
            raise OAuthError(OAuthErrorCode.INVALID_SCOPE, "The client does not hold every scope it asks for.")
        grant = AccessGrant(
            subject=client.client_id,
            subject_type=client.kind,
            client_id=client.client_id,
            audience=self.issuer,
            scopes=scopes,
            seconds=API_SECONDS,
            ods=client.ods,
            confirmation=confirmation,
        )
        minted = self._minter.mint(grant, now)
        self._recorder.record(EventKind.TOKEN, **_records.issued(now, client, minted.jti, scopes))
        return self.response(minted, grant)

    def use_once(self, use: str, owner: str, identifier: str, seconds: float) -> bool:
        """Use up an identifier that is good for so many seconds from now; False when it was used before."""
        try:
            with self._database.transaction() as session:
                single_use.use_once(session, use, owner, identifier, self._clock.now().timestamp() + seconds)
        except TokenRefused:
            return False
        return True

    def mint(self, grant: AccessGrant) -> MintedToken:
        """Sign an access token; the caller has recorded the intent and records the outcome."""
        return self._minter.mint(grant, self._clock.now())

    def response(self, minted: MintedToken, grant: AccessGrant, issued_token_type: str | None = None) -> TokenResponse:
        """Make the token endpoint's answer; token_type is DPoP when the token is bound (RFC 9449 section 5)."""
        return TokenResponse(
            access_token=minted.token,
            token_type="DPoP" if grant.confirmation else "Bearer",
            expires_in=minted.expires_in,
            scope=" ".join(sorted(grant.scopes)),
            issued_token_type=issued_token_type,
        )

    def verify_access(self, token: str, audience: str, presentation: Presentation | None = None) -> AccessClaims:
        """Verify an access token of ours as it was presented (verification.py, revocation.py, dpop.py).

        Args:
            token: the compact token.
            audience: whom it must be addressed to.
            presentation: how it came, with its DPoP proof; None for a plain bearer token.

        Raises:
            TokenRefused: which check failed; a bound token without its proof is refused.
        """
        now = self._clock.now()
        claims = self._live(token, audience, now)
        with token_of(claims.client_id):
            self._check_binding(token, claims, presentation, int(now.timestamp()))
        return claims

    def verify_bearer(self, token: str, audience: str) -> AccessClaims:
        """Verify a plain bearer token in all but revocation, which the caller checks (:meth:`check_alive`).

        For a caller that has a snapshot of its own to look into, once for many tokens. Raises TokenRefused.
        """
        now = self._clock.now()
        claims = self._verifier.verify(token, audience, now)
        self._check_binding(token, claims, None, int(now.timestamp()))
        return claims

    def check_alive(self, session: Session, claims: AccessClaims) -> None:
        """Refuse a token that is dead before its time (verification.py, step 5); raises TokenRefused."""
        revocation.check(session, claims, self._federation)

    def introspect(self, token: str, client: ServiceClient) -> dict[str, object]:
        """Describe a token to a client that may learn about it (RFC 7662); anything else is inactive."""
        try:
            claims = self._live(token, None, self._clock.now())
        except TokenRefused:
            return dict(introspection.INACTIVE)
        if not introspection.may_learn(claims, client):
            return dict(introspection.INACTIVE)
        return introspection.describe(claims)

    def revoke(self, token: str, client: ServiceClient) -> bool:
        """Revoke a token of this client, audited in the same transaction (RFC 7009).

        Gives whether a live token died; the answer to the client is the same either way.
        """
        now = self._clock.now()
        try:
            claims = self._verifier.verify(token, None, now)
        except TokenRefused:
            return False
        if claims.client_id != client.client_id:
            return False
        with self._database.transaction() as session:
            if not revocation.revoke_token(session, claims.jti, claims.expires_at, now):
                return False
            self._recorder.record_in(session, EventKind.TOKEN, **_records.revoked(now, client, claims))
        return True

    def revoke_agreement(self, session: Session, agreement_id: str, now: datetime) -> None:
        """Kill every token issued under an agreement so far, in the transaction that suspends or ends it."""
        revocation.revoke_agreement(session, agreement_id, now)

    def revoked(self) -> Revoked:
        """Give all that is dead before its time, for whoever verifies tokens without asking us."""
        with self._database.reading() as session:
            return revocation.revoked(session, self._clock.now(), self._federation)

    def jwks(self) -> dict[str, Any]:
        """Give our public key set (RFC 7517)."""
        return self._keys.jwks(self._clock.now())

    def metadata(self) -> dict[str, object]:
        """Give the authorization server metadata (RFC 8414)."""
        return metadata.server_metadata(self.issuer, self._client_methods)

    def sign_metadata(self, claims: Mapping[str, object]) -> str:
        """Sign metadata of this service as a JWT with ``iss`` and ``iat`` (AuthZEN Authorization API 1.0, section 9.1).

        Args:
            claims: the metadata values; ``iss`` and ``iat`` are ours to say.
        """
        return self._minter.sign_metadata(claims, self._clock.now())

    def rotate_keys(self) -> str:
        """Start a rotation of the signing key and give the next key's id (keys.py)."""
        return self._keys.rotate(self._clock.now())

    def refresh_keys(self) -> None:
        """Take up signing keys that another process added or withdrew."""
        self._keys.refresh(self._clock.now())

    def forget_expired(self, now: datetime) -> int:
        """Drop used identifiers and revocations that can no longer matter; gives how many rows went.

        ``now`` is of the clock that all processes share: what one forgets too early, another would accept again.
        """
        with self._database.transaction() as session:
            return _store.forget_expired(session, now)

    def _live(self, token: str, audience: str | None, now: datetime) -> AccessClaims:
        """Verify an access token of ours and that nobody revoked it; raises TokenRefused."""
        claims = self._verifier.verify(token, audience, now)
        with self._database.reading() as session, token_of(claims.client_id):
            self.check_alive(session, claims)
        return claims

    def _own_identity(self, token: str, client: ServiceClient | None) -> VerifiedIdentity:
        """A service acts for itself with its own plain API token; one that came from an exchange is never exchanged."""
        claims = self.verify_access(token, self.issuer)
        if client is None or claims.client_id != client.client_id or claims.subject != client.client_id:
            raise TokenRefused(TokenFault.CLIENT, "The subject token is not the client's own.")
        if claims.actor is not None or claims.study is not None:
            raise TokenRefused(TokenFault.DELEGATED, "A token that came from an exchange is not exchanged again.")
        role = Role.AI_SERVICE if client.kind is SubjectType.AI_SERVICE else Role.SERVICE
        return VerifiedIdentity(
            client.client_id, client.kind, self.issuer, client.ods, role, None, client.name, client.ai_version
        )

    def _check_binding(self, token: str, claims: AccessClaims, presentation: Presentation | None, now: int) -> None:
        scheme = "bearer" if presentation is None else presentation.scheme.lower()
        if claims.confirmation is None:
            if scheme != "bearer":
                raise TokenRefused(TokenFault.BINDING, "The token is not bound to a key: send it as Bearer.")
            return
        if presentation is None or scheme != "dpop":
            raise TokenRefused(TokenFault.BINDING, "The token is bound to a key: send it as DPoP with a proof.")
        proof = dpop.verify_proof(presentation.proofs, presentation.method, presentation.url, now, token)
        dpop.require_binding(claims.confirmation, proof)
        self._use_proof(proof)

    def _use_assertion(self, client: ServiceClient, verified: VerifiedAssertion) -> None:
        try:
            with self._database.transaction() as session:
                single_use.use_once(session, "client_assertion", client.client_id, verified.jti, verified.expires_at)
        except TokenRefused as error:
            raise client_authentication.refused(error.detail, error.fault) from None

    def _use_proof(self, proof: Proof) -> None:
        with self._database.transaction() as session:
            single_use.use_once(session, "dpop_proof", proof.thumbprint, proof.jti, proof.expires_at)

    def _client(self, client_id: str) -> ServiceClient | None:
        with self._database.reading() as session:
            return self._federation.client(session, client_id)

    def _provider(self, issuer: str) -> IdentityProvider | None:
        with self._database.reading() as session:
            return self._federation.identity_provider(session, issuer)

    def _admits_person(self, issuer: str, subject: str, issued: datetime) -> bool:
        with self._database.reading() as session:
            return self._federation.admits_person(session, issuer, subject, issued)
