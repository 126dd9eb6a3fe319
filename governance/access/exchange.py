"""Token exchange (RFC 8693): a trust's identity token in, a bound access token for one archive out, if policy says so.

The order is the promise (record the intent, act, record the outcome):

1. the client has proved who it is; its subject token is verified (``tokens``);
2. the client must be a service of the organisation the person acts for, or registered to ask about its people: nobody's
   identity is of use in another trust's hands. The target must be an archive this client may ask for and a custodian
   of the study. Otherwise ``invalid_target``, whatever the reason, so that an answer never tells which studies or
   archives exist. Whoever answers keeps the attempt in the trail of refusals. From then on the identity token is this
   client's: no other may use it;
3. policy decides, and the decision is durable in the log: the intent;
4. the token is minted. If the policy changed since it decided, it decides again: a suspension kills the tokens minted
   before it, and this keeps one from being minted after it on a decision taken before it;
5. its id, never the token, is durable in the log: the outcome. A token that could not be recorded is not handed out.
"""

from dataclasses import replace

from governance.access.access import AccessAnswer, AccessService
from governance.access.asker import asker_of
from governance.access.resources import resource_of
from governance.audit import Recorder
from governance.audit.event import Authority, Resource, Subject
from governance.catalogue import Catalogue, Study
from governance.decisions import AccessRequest, AgreementRef, ProvenSubject
from governance.errors import Unavailable
from governance.federation import FederationDirectory, ServiceClient
from governance.pseudonyms import Pseudonymiser
from governance.refusals import Budget
from governance.storage import Database
from governance.telemetry import Metrics
from governance.tokens import (
    AccessGrant,
    AgreementReference,
    ExchangeRequest,
    MintedToken,
    OAuthError,
    OAuthErrorCode,
    StudyAuthorization,
    TokenResponse,
    TokenService,
    TokenType,
    VerifiedIdentity,
)
from governance.vocabulary import EventKind, Purpose, SubjectType

_GRANT = "exchange"
_ATTEMPTS = 3  # decisions taken for one exchange while the policy keeps changing


class ExchangeDenied(OAuthError):
    """Policy said no. ``answer`` carries what may be returned to the caller and where the denial is in the log."""

    def __init__(self, answer: AccessAnswer) -> None:
        super().__init__(OAuthErrorCode.ACCESS_DENIED, "No agreement lets this access happen as asked.", status=403)
        self.answer = answer


class TargetRefused(OAuthError):
    """The target is none for this client, whatever the reason; it says to the log alone who wanted what."""

    def __init__(self, subject: Subject, purpose: Purpose, resource: Resource) -> None:
        super().__init__(
            OAuthErrorCode.INVALID_TARGET, "There is no such target for this client.", cause="target.unknown"
        )
        self.subject = subject
        self.purpose = purpose
        self.resource = resource


class ExchangeService:
    """Exchanges identity tokens for access tokens."""

    def __init__(
        self,
        *,
        access: AccessService,
        tokens: TokenService,
        federation: FederationDirectory,
        catalogue: Catalogue,
        pseudonymiser: Pseudonymiser,
        recorder: Recorder,
        database: Database,
        metrics: Metrics,
        persons: Budget,
    ) -> None:
        self._access = access
        self._tokens = tokens
        self._federation = federation
        self._catalogue = catalogue
        self._pseudonymiser = pseudonymiser
        self._recorder = recorder
        self._database = database
        self._metrics = metrics
        self._persons = persons

    def exchange(self, request: ExchangeRequest, client: ServiceClient) -> TokenResponse:
        """Exchange a token for an authenticated client.

        Raises:
            OAuthError: the token, the target or the request is refused.
            ExchangeDenied: policy denied the access.
            TooManyRequests: this person, or service acting for itself, has exchanged as often as anybody may.
            Unavailable: the decision or the token could not be recorded, or the policy keeps changing; no token leaves.
        """
        try:
            response = self._exchange(request, client)
        except OAuthError:
            self._metrics.token_requested(grant=_GRANT, outcome="refused")
            raise
        self._metrics.token_requested(grant=_GRANT, outcome="issued")
        return response

    def _exchange(self, request: ExchangeRequest, client: ServiceClient) -> TokenResponse:
        identity = self._tokens.verify_subject_token(request.subject_token, request.subject_token_type, client)
        self._persons.spend((identity.issuer, identity.subject))
        study = self._target(request, client, identity)
        self._tokens.use_identity(identity, client.client_id)
        for _ in range(_ATTEMPTS):
            answer = self._access.evaluate(access_request(request, identity), asker_of(client), endpoint="exchange")
            agreement = answer.decision.agreement
            if not answer.decision.permit or agreement is None:
                raise ExchangeDenied(answer)
            grant = self._grant(request, client, identity, answer, agreement)
            minted = self._tokens.mint(grant)
            if answer.decision.revision == self._access.current_revision():
                self._record(minted, grant, study, identity, client)
                return self._tokens.response(minted, grant, TokenType.ACCESS_TOKEN)
        raise Unavailable("policy.changing", "The agreements are changing at this moment. Ask again.")

    def _target(self, request: ExchangeRequest, client: ServiceClient, identity: VerifiedIdentity) -> Study:
        """Step 2: find the study behind the target, or refuse with the same answer whatever the reason."""
        with self._database.reading() as session:
            archive = self._federation.archive(session, request.target)
            study = self._catalogue.study(session, request.study_uid)
        at_home = client.may_ask_about(identity.ods)
        allowed = archive is not None and request.target in client.audiences and at_home
        if study is None or archive is None or not allowed or archive.ods not in study.custodians:
            asked = resource_of(study) if study else Resource(study_uid=request.study_uid)
            raise TargetRefused(_subject(identity), request.purpose, asked)
        return study

    def _grant(
        self,
        request: ExchangeRequest,
        client: ServiceClient,
        identity: VerifiedIdentity,
        answer: AccessAnswer,
        agreement: AgreementRef,
    ) -> AccessGrant:
        person = identity.type is SubjectType.PRACTITIONER
        return AccessGrant(
            subject=self._pseudonymiser.subject(identity.subject) if person else identity.subject,
            subject_type=identity.type,
            subject_issuer=identity.issuer if person else None,
            client_id=client.client_id,
            audience=request.target,
            scopes=frozenset({request.scope}),
            seconds=agreement.token_seconds,
            ods=identity.ods,
            role=identity.role,
            actor=client.client_id if agreement.act_depth > 0 or person else None,
            study=StudyAuthorization(request.study_uid, (request.action,), request.purpose),
            agreement=AgreementReference(agreement.id, str(agreement.version), agreement.clause),
            decision_id=answer.decision.id,
            confirmation=request.confirmation,
            named_by=identity.named_by if identity.named_by != identity.ods else None,
        )

    def _record(
        self, minted: MintedToken, grant: AccessGrant, study: Study, identity: VerifiedIdentity, client: ServiceClient
    ) -> None:
        """Step 5: keep the token's id."""
        agreement = grant.agreement
        self._recorder.record(
            EventKind.TOKEN,
            id=f"token-{minted.jti}",
            subject=_subject(identity),
            purpose=grant.study.purpose if grant.study else None,
            resource=resource_of(study),
            authority=Authority(grant.decision_id, minted.jti, agreement.id if agreement else None),
            detail={
                "act": "issue",
                "audience": grant.audience,
                "client": client.client_id,
                "grant": _GRANT,
                "seconds": minted.expires_in,
            },
        )


def access_request(request: ExchangeRequest, identity: VerifiedIdentity) -> AccessRequest:
    """Turn an exchange into the question policy answers."""
    proven = ProvenSubject(
        identity.subject, identity.type, identity.role, identity.ods, identity.assurance, named_by=identity.named_by
    )
    return AccessRequest(
        subject=replace(proven.asked_about(), version=identity.version),
        action=request.action,
        purpose=request.purpose,
        study_uid=request.study_uid,
        break_glass_reason=request.break_glass_reason,
        self_claim_reason=request.self_claim_reason,
        token_subject=proven,
    )


def _subject(identity: VerifiedIdentity) -> Subject:
    return Subject(identity.subject, identity.type, identity.role.value, identity.ods)
