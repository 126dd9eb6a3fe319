"""Lists of an archive, with what may not be shown left out (QIDO-RS, DICOM PS3.18 section 10.6).

1. The token is checked as for any access. It says who asks and why; the list is decided anew, by one filter for all of
   it (``decisions/listing.py``), with the action ``search``.
2. How strongly a person signed in is not in a token. Its clause asked for some strength and was met: that much is
   taken as proven, and no more.
3. A row is shown when its study is in the catalogue, is this archive's to show, and the filter permits it. What the
   archive holds and the catalogue does not know is held back.
4. A page is filled from the archive until it is full, with ``offset`` counted in what may be shown. ``more`` says that
   there may be more, never how many. At ``SCANNED`` rows of the archive the list stops and says so; after ``SECONDS``
   it is given up.
5. One ``query`` event is appended before the answer leaves, with how many rows were shown and held back; no index, no
   answer. If the agreements changed on the way, there is no answer either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.access import ActingSubjects, asker_of
from governance.access.terms import CurrentTerms
from governance.agreements import PolicyData
from governance.archives.point import Credential, EnforcementPoint
from governance.archives.qido import Dataset, DicomwebArchives, Row
from governance.archives.queries import ListQuery, read_query
from governance.audit import Recorder
from governance.audit.event import Authority, Resource, Source, Subject
from governance.catalogue import Catalogue
from governance.clock import Clock
from governance.decisions import AccessRequest, DecisionService, Listing, ProvenSubject
from governance.errors import Forbidden, Unavailable
from governance.federation import ServiceClient
from governance.outbound import within
from governance.telemetry import Metrics
from governance.tokens import AccessClaims, AgreementReference, StudyAuthorization
from governance.vocabulary import Action, EventKind

PAGE = 200  # rows asked of an archive at a time
SCANNED = 10_000  # rows of an archive that one list may look through
SECONDS = 45.0  # for all the pages of one list; the gateway in front waits for 60


@dataclass(frozen=True, slots=True)
class Listed:
    """A list in the log: its rows, whether there may be more, and its index there."""

    rows: tuple[Dataset, ...]
    more: bool
    index: int


@dataclass(frozen=True, slots=True)
class _Collected:
    rows: tuple[Dataset, ...] = ()
    held_back: int = 0
    more: bool = False


class ArchiveLists:
    """Lists what is in archives to those who hold a token.

    Args:
        point: checks tokens, and records what is refused.
        archives: the archives' DICOMweb services.
        decisions: gives the filter.
        acting: says what of the question counts, as for any other.
        policy: gives the policy data that is current.
        catalogue: knows the studies.
        recorder: records every list before it is returned.
        terms: opens the read snapshots.
        clock: read once in each list.
        metrics: counts rows.
    """

    def __init__(
        self,
        *,
        point: EnforcementPoint,
        archives: DicomwebArchives,
        decisions: DecisionService,
        acting: ActingSubjects,
        policy: Callable[[], PolicyData],
        catalogue: Catalogue,
        recorder: Recorder,
        terms: CurrentTerms,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._point = point
        self._archives = archives
        self._decisions = decisions
        self._acting = acting
        self._policy = policy
        self._catalogue = catalogue
        self._recorder = recorder
        self._terms = terms
        self._clock = clock
        self._metrics = metrics

    def find(
        self,
        archive: ServiceClient,
        credential: Credential,
        listed: str,
        above: tuple[str | None, str | None],
        query: str,
    ) -> Listed:
        """Ask an archive for a list and give what may be shown of it.

        Args:
            archive: the archive, whose enforcement point has proved itself.
            credential: the caller's token.
            listed: ``studies``, ``series`` or ``instances``.
            above: the study UID and the series UID of the path.
            query: the query as it was sent.

        Raises:
            Unauthenticated: the token is not good.
            Forbidden: the token is for no study, or the query cannot be read for sure.
            NotFound: the archive's lists are not given here.
            Unavailable: the list could not be decided, had or recorded.
        """
        claims = self._point.identify(archive, credential)
        try:
            asked = read_query(listed, *above, query)
            authority = _authority(claims)
        except Forbidden as refusal:
            self._point.decline(archive, refusal, EventKind.QUERY, [])
            raise
        now = self._clock.now()
        with self._terms.snapshot() as session:
            data = self._policy()
            wanted = self._acting.settle(_request(claims, authority, data), asker_of(archive), session)
            if wanted.refusal is not None:
                raise Forbidden(wanted.refusal.value, "The archive may not ask about this person.")
            listing = self._decisions.listing(wanted, data, session, now)
        with within(SECONDS):
            collected = self._collect(archive, asked, listing)
        if not data.revision == listing.filter.revision == self._terms.revision():
            raise Unavailable("policy.changing", "The agreements are changing at this moment. Ask again.")
        index = self._record(archive, claims, asked, now, collected, data.revision)
        self._metrics.listed(shown=len(collected.rows), held_back=collected.held_back)
        return Listed(collected.rows, collected.more, index)

    def _collect(self, archive: ServiceClient, asked: ListQuery, listing: Listing) -> _Collected:
        if asked.study_uid is not None and not self._shown(archive, listing, [asked.study_uid]):
            return _Collected()
        kept: list[Dataset] = []
        seen: set[str] = set()
        skipped = held_back = position = 0
        while position < SCANNED:
            page = self._archives.rows(archive.client_id, asked.path, asked.parameters, asked.level, PAGE, position)
            if not page:
                return _Collected(tuple(kept), held_back)
            _check(page, asked, seen)
            shown = self._shown(archive, listing, [row.study_uid for row in page])
            for row in page:
                if row.study_uid not in shown:
                    held_back += 1
                elif skipped < asked.offset:
                    skipped += 1
                elif len(kept) == asked.limit:
                    return _Collected(tuple(kept), held_back, more=True)
                else:
                    kept.append(row.dataset)
            position += len(page)
        return _Collected(tuple(kept), held_back, more=True)

    def _shown(self, archive: ServiceClient, listing: Listing, study_uids: Sequence[str]) -> frozenset[str]:
        """Give those of some studies that may be shown (rule 3)."""
        with self._terms.snapshot() as session:
            known = self._catalogue.studies(session, study_uids)
            own = [study for study in known.values() if archive.ods in study.custodians]
            permitted = self._decisions.permitted(listing, own, session)
        return frozenset(study.study_uid for study in own if study.study in permitted)

    def _record(
        self,
        archive: ServiceClient,
        claims: AccessClaims,
        asked: ListQuery,
        now: datetime,
        collected: _Collected,
        revision: str,
    ) -> int:
        return self._recorder.record(
            EventKind.QUERY,
            time=now,
            source=Source(archive.client_id, archive.ods),
            subject=Subject(claims.subject, claims.subject_type, claims.role, claims.ods),
            purpose=claims.study.purpose if claims.study else None,
            resource=Resource(study_uid=asked.study_uid, custodian=archive.ods),
            authority=Authority(claims.decision_id, claims.jti, claims.agreement.id if claims.agreement else None),
            detail={
                "held_back": collected.held_back,
                "listed": asked.listed,
                "more": collected.more,
                "revision": revision,
                "shown": len(collected.rows),
            },
        )


def _authority(claims: AccessClaims) -> tuple[StudyAuthorization, AgreementReference]:
    """Give what a token opens and under which agreement; raises Forbidden when it opens nothing of an archive."""
    if claims.study is None or claims.agreement is None:
        raise Forbidden("enforcement.no_study", "The token opens nothing of an archive.")
    return claims.study, claims.agreement


def _request(
    claims: AccessClaims, authority: tuple[StudyAuthorization, AgreementReference], data: PolicyData
) -> AccessRequest:
    """Turn a token into the question of the filter (rule 2)."""
    study, agreement = authority
    terms = data.document["clauses"].get(f"{agreement.id}/{agreement.clause}")
    if terms is None or str(terms["version"]) != agreement.version:
        terms = {"identity_assurance": None, "managed_device": False}
    proven = ProvenSubject(
        id=claims.subject,
        type=claims.subject_type,
        role=claims.role,
        ods=claims.ods,
        assurance=terms["identity_assurance"],
        managed_device=True if terms["managed_device"] else None,
        named_by=claims.named_by or claims.ods,
    )
    return AccessRequest(proven.asked_about(), Action.SEARCH, study.purpose, token_subject=proven)


def _check(page: Sequence[Row], asked: ListQuery, seen: set[str]) -> None:
    """Refuse a page that is of another study than was asked for, or that repeats: an archive that does not page."""
    own = {row.own_uid for row in page}
    strayed = asked.study_uid is not None and any(row.study_uid != asked.study_uid for row in page)
    if strayed or len(own) != len(page) or not own.isdisjoint(seen):
        raise Unavailable("archive.answer", "The archive's answer cannot be judged, and nothing of it is shown.")
    seen |= own
