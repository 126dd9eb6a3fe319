"""What an archive's enforcement point asks, and the answer: this request may go through, or not.

Order of the checks, each with the status it gives:

0. the enforcement point proved itself (the caller of this module checks that);
1. the token is ours, live, not revoked, bound and addressed to this archive: else 401;
2. the request can be judged: else 403;
3. it stays within the one study and the actions of the token: else 403;
4. the access is in the log: else 503, and the archive lets nothing out.

Refusals leave their trail too, with their reason: an attempt on another study is evidence. A repetition of one is
counted and not recorded again, for a viewer whose token ended asks for every image anew; and a refusal stays one while
the log cannot be written.
"""

from dataclasses import dataclass
from enum import Enum, auto

from governance.access.resources import resource_of
from governance.archives.dicomweb import Target, parse
from governance.audit import Facts, Recorder
from governance.audit.event import Authority, JsonValue, Resource, Source, Subject
from governance.catalogue import Catalogue, Study
from governance.errors import Forbidden, GovernanceError, Unauthenticated
from governance.federation import FederationDirectory, Registered, ServiceClient, Standing
from governance.refusals import Refusal, RefusalTrail
from governance.storage import Database
from governance.tokens import AccessClaims, Presentation, TokenRefused, TokenService
from governance.vocabulary import Action, EventKind

ENDPOINT = "enforcement"  # of every refusal here, whichever gateway asked
_WITHIN = {Action.READ: frozenset({Action.READ, Action.SEARCH})}  # whoever may read a study may list what is in it


class OtherTarget(Enum):
    """What is asked for when it is not a study that the request names."""

    OWN_STUDY = auto()  # to list whatever study the token is for
    SHARED = auto()  # something of the archive that holds nothing of any patient


@dataclass(frozen=True, slots=True)
class Credential:
    """The token that came with a request, and how it was presented; no token when there was none to be read."""

    token: str | None
    presentation: Presentation | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What an enforcement point asks: what a request is for, None when that cannot be judged, and its credential."""

    target: Target | OtherTarget | None
    credential: Credential

    @classmethod
    def of_url(cls, method: str, uri: str, credential: Credential) -> "Check":
        """Read the original request from its method and its URL (path and query, percent-encoded as sent)."""
        return cls(parse(method, uri), credential)


@dataclass(frozen=True, slots=True)
class Admission:
    """The request may go through: its decision, the index of the access in the log, and what the token says.

    ``study_uid`` is the study it opens, None for what holds nothing of any patient; ``expires_at`` is in seconds since
    1970: no enforcement point may cache the admission for longer.
    """

    decision_id: str
    index: int
    subject: str
    study_uid: str | None
    expires_at: int


class EnforcementPoint:
    """Answers archives' gateways."""

    def __init__(
        self,
        *,
        tokens: TokenService,
        federation: FederationDirectory,
        catalogue: Catalogue,
        recorder: Recorder,
        refusals: RefusalTrail,
        database: Database,
    ) -> None:
        self._refusals = refusals
        self._tokens = tokens
        self._federation = federation
        self._catalogue = catalogue
        self._recorder = recorder
        self._database = database

    def archive_and_key(self, client_id: str) -> tuple[ServiceClient | None, Standing]:
        """Find the archive that an enforcement point protects, and where the point's key stands, in one snapshot.

        The generation of the standing says which key it is.
        """
        with self._database.reading() as session:
            client = self._federation.client(session, client_id)
            standing = self._federation.standing(session, Registered.ENFORCEMENT_KEY, client_id)
        return client if client is not None and client.archive else None, standing

    def admit(self, archive: ServiceClient, check: Check) -> Admission:
        """Let a request to an archive through, or refuse it.

        Raises:
            Unauthenticated: step 1.
            Forbidden: steps 2 and 3.
            Unavailable: step 4.
        """
        target = check.target if isinstance(check.target, Target) else None
        claims: AccessClaims | None = None
        study: Study | None = None
        try:
            claims = self._verify(archive, check.credential)  # step 1
            target = _target(check, claims)  # step 2
            if check.target is not OtherTarget.SHARED:
                study = self._within(archive, claims, target)  # step 3
        except (Forbidden, Unauthenticated) as refusal:
            self._note(archive, claims, target, refusal)
            raise
        shared: dict[str, JsonValue] = {} if study else {"shared": True}
        index = self._record(archive, claims, target, study, shared)  # step 4
        opened = study.study_uid if study else None
        return Admission(claims.decision_id or "", index, claims.subject, opened, claims.expires_at)

    def identify(self, archive: ServiceClient, credential: Credential) -> AccessClaims:
        """Say whose token it is: step 1 alone, which opens nothing.

        Raises:
            Unauthenticated: step 1; noted as any refusal is.
        """
        try:
            return self._verify(archive, credential)
        except Unauthenticated as refusal:
            self._note(archive, None, None, refusal)
            raise

    def decline(self, archive: ServiceClient, refusal: GovernanceError, kind: EventKind, studies: list[str]) -> None:
        """Note what an enforcement point asked for and never gets, a run for each study it named."""
        source = Source(archive.client_id, archive.ods)
        named: list[str | None] = [*studies] or [None]
        for study in named:
            asked = Resource(study_uid=study, custodian=archive.ods)
            self._refusals.note(Refusal(kind, refusal.reason, ENDPOINT, source=source, resource=asked))

    def _verify(self, archive: ServiceClient, credential: Credential) -> AccessClaims:
        if not credential.token or archive.token_audience is None:
            raise Unauthenticated("credential.missing", "This archive needs an access token.")
        return self._tokens.verify_access(credential.token, archive.token_audience, credential.presentation)

    def _within(self, archive: ServiceClient, claims: AccessClaims, target: Target) -> Study:
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

    def _note(
        self, archive: ServiceClient, claims: AccessClaims | None, target: Target | None, refusal: GovernanceError
    ) -> None:
        facts = _facts_of(claims) if claims is not None else Facts()
        whose = refusal.client_id if isinstance(refusal, TokenRefused) else None
        self._refusals.note(
            Refusal(
                _kind(target),
                refusal.reason,
                ENDPOINT,
                source=Source(archive.client_id, archive.ods),
                subject=facts.get("subject"),
                purpose=facts.get("purpose"),
                authority=facts.get("authority", Authority()),
                resource=Resource(study_uid=target.study_uid if target else None, custodian=archive.ods),
                detail={"client": whose} if whose is not None else {},
            )
        )

    def _record(
        self,
        archive: ServiceClient,
        claims: AccessClaims | None,
        target: Target | None,
        study: Study | None,
        detail: dict[str, JsonValue],
    ) -> int:
        if study is not None:
            resource = resource_of(study, target.series_uid if target else None)
        else:
            resource = Resource(study_uid=target.study_uid if target else None, custodian=archive.ods)
        facts = Facts(source=Source(archive.client_id, archive.ods), resource=resource, detail=detail)
        if claims is not None:
            facts |= _facts_of(claims)
        return self._recorder.record(_kind(target), **facts)


def _kind(target: Target | None) -> EventKind:
    return EventKind.QUERY if target and target.action is Action.SEARCH else EventKind.ACCESS


def _facts_of(claims: AccessClaims) -> Facts:
    """Give what a token says of an access: who, why and under what."""
    return Facts(
        subject=Subject(claims.subject, claims.subject_type, claims.role, claims.ods),
        purpose=claims.study.purpose if claims.study else None,
        authority=Authority(claims.decision_id, claims.jti, claims.agreement.id if claims.agreement else None),
    )


def _target(check: Check, claims: AccessClaims) -> Target:
    """Give what is asked for, in terms of a token that is good; raises Forbidden when it cannot be judged."""
    if check.target is None:
        raise Forbidden("enforcement.unreadable", "Only DICOMweb requests of one study can be let through.")
    if isinstance(check.target, Target):
        return check.target
    if check.target is OtherTarget.OWN_STUDY and claims.study is not None:
        return Target(Action.SEARCH, claims.study.study_uid)
    return Target(Action.READ, None)
