"""The search use case: who may, what may they, and which studies (AuthZEN Authorization API 1.0, section 8).

1. The clock is read once; candidates and decisions come from one read snapshot and one revision of the policy.
2. A hit is what an evaluation of the same request by the same asker permits, with its obligations weighed. Nobody is
   found whom the asker may not ask about. Studies are found by one
   filter that the policy itself gives (``decisions/listing.py``): however many there are, the engine is asked once.
   Subjects and actions are evaluated one by one.
3. One event is appended before the answer leaves, with how many were asked about and how many were found; no index, no
   answer. The hits themselves are not named in it: a list of what might be opened opens nothing.
4. A search carries no reason of a person's: breaking the glass and claiming a relationship open one study, each use is
   notified, and nobody gets a list of all they could open.
5. A search that an engine or an attribute failed is unavailable. An empty answer would pass for "nothing".
6. A page asks the policy about ``EXAMINED`` candidates at most. One that stops there says that there may be more, even
   when it found none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from sqlmodel import Session

from governance.access.acting import ActingSubjects
from governance.access.asker import Asker
from governance.access.candidates import Candidate, CandidateFinder
from governance.access.paging import Collected, Page, collect
from governance.access.resources import resource_of
from governance.access.terms import CurrentTerms
from governance.agreements import PolicyData
from governance.audit import Recorder
from governance.audit.event import Resource, Subject
from governance.catalogue import Catalogue
from governance.clock import Clock
from governance.decisions import AccessRequest, DecisionService
from governance.errors import Unavailable
from governance.telemetry import Metrics
from governance.vocabulary import EventKind, ReasonCode

_ATTEMPTS = 3  # searches made for one answer while the policy keeps changing


class Searched(StrEnum):
    """What is searched for."""

    ACTION = "action"
    RESOURCE = "resource"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of a page, each as the request that is permitted.

    ``after`` is where the next page goes on, None at the end. ``index`` is the search's place in the log, ``id`` its
    event's, ``revision`` that of the policy data.
    """

    id: str
    hits: tuple[AccessRequest, ...]
    after: str | None
    index: int
    revision: str


class _PolicyChanged(Exception):
    """A decision was made with another revision than the candidates were found with."""


class SearchService:
    """Searches, records, answers.

    Args:
        decisions: the policy decision point.
        acting: says whom an asker may ask about, and what of the question counts.
        finder: finds the candidates.
        policy: gives the policy data that is current.
        catalogue: names the study a search is about in its record.
        recorder: records every search before it is returned, and makes its id.
        terms: opens the one read snapshot.
        clock: read once in each search.
        metrics: counts searches and the candidates they asked about.
    """

    def __init__(
        self,
        *,
        decisions: DecisionService,
        acting: ActingSubjects,
        finder: CandidateFinder,
        policy: Callable[[], PolicyData],
        catalogue: Catalogue,
        recorder: Recorder,
        terms: CurrentTerms,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._decisions = decisions
        self._acting = acting
        self._finder = finder
        self._policy = policy
        self._catalogue = catalogue
        self._recorder = recorder
        self._terms = terms
        self._clock = clock
        self._metrics = metrics

    def search(self, searched: Searched, asked: AccessRequest | None, asker: Asker, page: Page) -> Found:
        """Find what may be, and record that it was asked.

        Args:
            searched: which member of the request is searched for; what that member holds itself counts for nothing,
                but a searched subject's kind, organisation and role, which narrow the search, and the circumstances
                it is to act in (assurance, device, version).
            asked: the rest of the request; None when it names a kind or code that the network does not know, and then
                there is nothing to find.
            asker: who asks.
            page: which part of the results.

        Raises:
            Unavailable: the search could not be decided or recorded, or the policy keeps changing.
        """
        now, search_id = self._clock.now(), self._recorder.new_id()
        asked = replace(asked, break_glass_reason=None, self_claim_reason=None) if asked else None  # rule 4
        for _ in range(_ATTEMPTS):
            with self._terms.snapshot() as session:
                data, about = self._policy(), self._about(searched, asked, asker, session)
                try:
                    collected = self._collect(searched, about, asker, data, session, now, page)
                except _PolicyChanged:
                    continue
                resource = self._resource(searched, about, session)
            index = self._record(search_id, searched, about, asker, now, resource, collected, data.revision)
            self._metrics.searched(kind=searched.value, examined=collected.examined)
            return Found(search_id, collected.hits, collected.after, index, data.revision)
        raise Unavailable("policy.changing", "The agreements are changing at this moment. Ask again.")

    def _about(
        self, searched: Searched, asked: AccessRequest | None, asker: Asker, session: Session
    ) -> AccessRequest | None:
        """Put what is known of the subject in the place of what was said; a search for subjects is about nobody yet."""
        if asked is None or searched is Searched.SUBJECT:
            return asked
        return self._acting.settle(asked, asker, session)

    def _collect(
        self,
        searched: Searched,
        asked: AccessRequest | None,
        asker: Asker,
        data: PolicyData,
        session: Session,
        now: datetime,
        page: Page,
    ) -> Collected[AccessRequest]:
        """Ask the policy about each candidate until the page is full and one more hit is known to follow."""
        if asked is None or asked.refusal is not None:
            return Collected()
        found = self._candidates(searched, asked, asker, data, session, now, page.after)
        unsettled = asker if searched is Searched.SUBJECT else None
        made = collect(
            ((candidate.key, candidate) for candidate in found),
            lambda candidate: self._permits(candidate, unsettled, session, now, data.revision),
            page,
        )
        return Collected(tuple(candidate.request for candidate in made.hits), made.after, made.examined)

    def _candidates(
        self,
        searched: Searched,
        asked: AccessRequest,
        asker: Asker,
        data: PolicyData,
        session: Session,
        now: datetime,
        after: str,
    ) -> Iterable[Candidate]:
        if searched is Searched.ACTION:
            return self._finder.actions(asked, after)
        if searched is Searched.SUBJECT:
            reaches = partial(self._acting.reaches, asker, session=session)
            return self._finder.subjects(asked, reaches, data, session, now, after)
        listing = self._decisions.listing(asked, data, session, now)
        if listing.filter.revision != data.revision:
            raise _PolicyChanged
        permitted = partial(self._decisions.permitted, listing, session=session)
        return self._finder.studies(asked, listing, permitted, session, after)

    def _permits(
        self, candidate: Candidate, unsettled: Asker | None, session: Session, now: datetime, revision: str
    ) -> bool:
        """Decide on a candidate; who asks is given where its subject is not settled yet.

        Settling twice would take what the first time refused to believe for something that nobody said.
        """
        if candidate.permitted is not None:
            return candidate.permitted
        request = candidate.request
        if unsettled is not None:
            request = self._acting.settle(request, unsettled, session)
        decision = self._decisions.decide(request, session, now, str)  # not recorded on its own, so it needs no id
        if any(reason.undecided for reason in decision.reasons):
            raise Unavailable("search.undecided", "The search could not be decided. It can be tried again.")
        if decision.revision != revision or ReasonCode.POLICY_STALE in decision.reasons:
            raise _PolicyChanged
        return decision.permit

    def _resource(self, searched: Searched, asked: AccessRequest | None, session: Session) -> Resource | None:
        """Name the study that a search of subjects or actions is about."""
        if asked is None or asked.study_uid is None or searched is Searched.RESOURCE:
            return None
        study = self._catalogue.study(session, asked.study_uid)
        return resource_of(study) if study else Resource(study_uid=asked.study_uid)

    def _record(
        self,
        search_id: str,
        searched: Searched,
        asked: AccessRequest | None,
        asker: Asker,
        now: datetime,
        resource: Resource | None,
        collected: Collected[AccessRequest],
        revision: str,
    ) -> int:
        """Record a search: as a query, so that nothing takes it for an access or a decision."""
        about = asked.subject if asked is not None and searched is not Searched.SUBJECT else None
        refusal = {"refused": asked.refusal.value} if asked is not None and asked.refusal is not None else {}
        return self._recorder.record(
            EventKind.QUERY,
            id=search_id,
            time=now,
            subject=Subject(about.id, about.type, about.role, about.ods) if about else None,
            purpose=asked.purpose if asked else None,
            resource=resource,
            detail={
                "action": asked.action.value if asked and searched is not Searched.ACTION else None,
                "asked_by": asker.id,
                "examined": collected.examined,
                "found": len(collected.hits),
                "more": collected.after is not None,
                "revision": revision,
                "search": searched.value,
                "understood": asked is not None,
                **refusal,
            },
        )
