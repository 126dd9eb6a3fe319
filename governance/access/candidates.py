"""Candidates: who or what a search has to ask the policy about, in a fixed order, found as they are needed.

Each kind of search has one finder. Studies come by the policy's own filter (``decisions/listing.py``), which answers
for each; subjects by reach (``reach.py``) and the ties on file, which leave out only what the policy would refuse. The
order is that of a key, a pseudonym or a code, so that a later page can go on after it.

A reporting pool is membership, not a tie to a patient (``policies/imaging/relationship``), so it finds no candidates.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from governance.access import reach
from governance.agreements import PolicyData
from governance.catalogue import Catalogue, Study
from governance.decisions import AccessRequest, Listing
from governance.federation import FederationDirectory, StaffMember
from governance.pseudonyms import Pseudonymiser
from governance.relationships import Edge, Relationships
from governance.vocabulary import Action, RelationshipKind, SubjectType

_BATCH = 200  # studies or members of staff read at a time


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing to ask the policy about.

    ``key`` is its place in the order of its kind. ``permitted`` is the answer where a filter gave it already.
    """

    key: str
    request: AccessRequest
    permitted: bool | None = None


class CandidateFinder:
    """Finds the candidates of a search on the caller's snapshot."""

    def __init__(
        self,
        *,
        federation: FederationDirectory,
        catalogue: Catalogue,
        relationships: Relationships,
        pseudonymiser: Pseudonymiser,
    ) -> None:
        self._federation = federation
        self._catalogue = catalogue
        self._relationships = relationships
        self._pseudonymiser = pseudonymiser

    def actions(self, asked: AccessRequest, after: str) -> Iterator[Candidate]:
        """Give every action after one, by its code."""
        for action in sorted(Action):
            if action.value > after:
                yield Candidate(action.value, replace(asked, action=action))

    def studies(
        self,
        asked: AccessRequest,
        listing: Listing,
        permitted: Callable[[Sequence[Study]], Collection[str]],
        session: Session,
        after: str,
    ) -> Iterator[Candidate]:
        """Give the studies that a listing's queries find, by pseudonym, each with its answer.

        ``permitted`` gives the pseudonyms of those, of some studies, that the listing permits.
        """
        queries = listing.queries()
        while queries:
            page = self._catalogue.search(session, queries, after, _BATCH)
            shown = permitted(page)
            for study in page:
                request = replace(asked, study_uid=study.study_uid)
                yield Candidate(study.study, request, permitted=study.study in shown)
            if len(page) < _BATCH:
                return
            after = page[-1].study

    def subjects(
        self,
        asked: AccessRequest,
        reaches: Callable[[str], bool],
        data: PolicyData,
        session: Session,
        now: datetime,
        after: str,
    ) -> Iterator[Candidate]:
        """Give those who may come into question for a study: by pseudonym, or services by client id.

        ``asked.subject`` says of what kind, and may narrow it to an organisation or a role; ``reaches`` says whether
        the asker may ask about an organisation's people.
        """
        study = self._catalogue.study(session, asked.study_uid) if asked.study_uid else None
        if study is None:
            return
        reached = reach.requesters(data, study.custodians, asked.purpose)
        if asked.subject.ods is not None:
            reached = {ods: openly for ods, openly in reached.items() if ods == asked.subject.ods}
        reached = {ods: openly for ods, openly in reached.items() if reaches(ods)}
        if not reached:
            return
        tied = self._tied(study, session, now)
        if asked.subject.type is SubjectType.PRACTITIONER:
            yield from self._staff(asked, reached, tied, session, after)
        else:
            yield from self._services(asked, reached, tied, session, after)

    def _staff(
        self, asked: AccessRequest, reached: dict[str, bool], tied: frozenset[str], session: Session, after: str
    ) -> Iterator[Candidate]:
        pseudonym, place = self._pseudonymiser.subject, _place(after)
        while True:
            page = self._federation.staff_of(session, reached, place, _BATCH)
            for member in page:
                if asked.subject.role is not None and member.role != asked.subject.role:
                    continue
                if reached[member.ods] or not tied.isdisjoint({member.id, *map(pseudonym, member.team_ids)}):
                    subject = replace(
                        asked.subject, id=member.id, role=member.role, ods=member.ods, named_by=member.named_by
                    )
                    yield Candidate("|".join(_key(member)), replace(asked, subject=subject))
            if len(page) < _BATCH:
                return
            place = _key(page[-1])

    def _services(
        self, asked: AccessRequest, reached: dict[str, bool], tied: frozenset[str], session: Session, after: str
    ) -> Iterator[Candidate]:
        services = {client.client_id: client for client in self._federation.clients(session)}
        for name in sorted(name for name in services if name > after):
            client = services[name]
            if client.kind is not asked.subject.type or client.ods not in reached:
                continue
            if reached[client.ods] or self._pseudonymiser.subject(name) in tied:
                subject = replace(asked.subject, id=name, ods=client.ods)
                yield Candidate(name, replace(asked, subject=subject))

    def _tied(self, study: Study, session: Session, now: datetime) -> frozenset[str]:
        """Give the users, teams and services (``s-…``) that something ties to a study."""
        ties = self._relationships.edges_to(session, study.patient, study.study, now, study.custodians)
        return frozenset(tie.subject for tie in ties if _ties(tie))


def _key(member: StaffMember) -> tuple[str, str, str]:
    """Give a member's place in the order of staff: people of several trusts may have one pseudonym."""
    return member.id, member.ods, member.issuer


def _place(key: str) -> tuple[str, str, str]:
    """Give the place that a candidate's key names."""
    name, ods, issuer = (*key.split("|", 2), "", "")[:3]
    return name, ods, issuer


def _ties(edge: Edge) -> bool:
    return edge.kind is not RelationshipKind.POOL
