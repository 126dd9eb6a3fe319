"""What an archive's enforcement point asks, and the answer: this request may go through, or not.

Order of the checks, each with the status it gives:

0. the enforcement point proved itself (the caller of this module owes that);
1. the token is ours, live, not revoked, bound and addressed to this archive: else 401;
2. the URL is a DICOMweb request that can be judged: else 403;
3. it stays within the one study and the actions of the token: else 403;
4. the access is in the log: else 503, and the archive lets nothing out.

Refusals are recorded too, with their reason: an attempt on another study is evidence.
"""

from collections.abc import Callable
from dataclasses import dataclass

from governance.audit.event import Authority, Event, Resource, Source, Subject
from governance.audit.log import AuditLog
from governance.catalogue import Catalogue, Study
from governance.clock import Clock
from governance.enforcement.dicomweb import Target, parse
from governance.enforcement.exchange import resource_of
from governance.errors import Forbidden, GovernanceError, Unauthenticated
from governance.federation import FederationDirectory, ServiceClient
from governance.storage import Database
from governance.tokens import AccessClaims, Presentation, TokenService
from governance.vocabulary import Action, EventKind, Outcome

_WITHIN = {Action.READ: frozenset({Action.READ, Action.SEARCH})}  # whoever may read a study may list what is in it


@dataclass(frozen=True, slots=True)
class Check:
    """What an enforcement point asks: the original request and the credential that came with it."""

    method: str
    uri: str
    token: str | None
    presentation: Presentation | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """The request may go through: its decision, and the index of the access in the log."""

    decision_id: str
    index: int
    subject: str


class EnforcementPoint:
    """Answers archives' gateways."""

    def __init__(
        self,
        *,
        tokens: TokenService,
        federation: FederationDirectory,
        catalogue: Catalogue,
        audit: AuditLog,
        database: Database,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._tokens = tokens
        self._federation = federation
        self._catalogue = catalogue
        self._audit = audit
        self._database = database
        self._clock = clock
        self._new_id = new_id

    def archive(self, client_id: str) -> ServiceClient | None:
        """Find the archive an enforcement point stands in front of."""
        with self._database.reading() as session:
            client = self._federation.client(session, client_id)
        return client if client is not None and client.archive else None

    def admit(self, archive: ServiceClient, check: Check) -> Admission:
        """Let a request to an archive through, or refuse it.

        Raises:
            Unauthenticated: step 1.
            Forbidden: steps 2 and 3.
            Unavailable: step 4.
        """
        target = parse(check.method, check.uri)
        claims: AccessClaims | None = None
        try:
            claims = self._verify(archive, check)  # step 1
            study = self._within(archive, claims, target)  # steps 2 and 3
        except (Forbidden, Unauthenticated) as refusal:
            self._record(archive, claims, target, None, refusal)
            raise
        index = self._record(archive, claims, target, study, None)  # step 4
        return Admission(claims.decision_id or "", index, claims.subject)

    def _verify(self, archive: ServiceClient, check: Check) -> AccessClaims:
        if not check.token or archive.token_audience is None:
            raise Unauthenticated("credential.missing", "This archive needs an access token.")
        return self._tokens.verify_access(check.token, archive.token_audience, check.presentation)

    def _within(self, archive: ServiceClient, claims: AccessClaims, target: Target | None) -> Study:
        if target is None:
            raise Forbidden("enforcement.unreadable", "Only DICOMweb requests of one study can be let through.")
        granted = claims.study
        if granted is None or target.study_uid != granted.study_uid:
            raise Forbidden("enforcement.other_study", "The token is for another study.")
        if not any(target.action in _WITHIN.get(action, frozenset({action})) for action in granted.actions):
            raise Forbidden("enforcement.other_action", "The token does not allow this action.")
        with self._database.reading() as session:
            study = self._catalogue.study(session, granted.study_uid)
        if study is None or archive.ods not in study.custodians:
            raise Forbidden("enforcement.no_owner", "The study is not this archive's to show.")
        return study

    def _record(
        self,
        archive: ServiceClient,
        claims: AccessClaims | None,
        target: Target | None,
        study: Study | None,
        refusal: GovernanceError | None,
    ) -> int:
        if study is not None:
            resource = resource_of(study, target.series_uid if target else None)
        else:
            resource = Resource(study_uid=target.study_uid if target else None, custodian=archive.ods)
        agreement = claims.agreement if claims else None
        event = Event(
            id=self._new_id(),
            time=self._clock.now(),
            source=Source(archive.client_id, archive.ods),
            kind=EventKind.QUERY if target and target.action is Action.SEARCH else EventKind.ACCESS,
            outcome=Outcome.SUCCESS if refusal is None else Outcome.MINOR,
            subject=Subject(claims.subject, claims.subject_type, claims.role, claims.ods) if claims else None,
            purpose=claims.study.purpose if claims and claims.study else None,
            resource=resource,
            authority=Authority(
                claims.decision_id if claims else None,
                claims.jti if claims else None,
                agreement.id if agreement else None,
            ),
            detail={} if refusal is None else {"refused": refusal.reason},
        )
        return self._audit.append([event])[0].index
