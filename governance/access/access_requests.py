"""The access-request use case: a denied emergency, a stated reason, a grant of minutes (AuthZEN access-request draft).

1. A request is held to the denial it answers: same caller, subject, action, study and purpose, not too late, once. Its
   subject is taken as for an evaluation (:mod:`governance.access.acting`).
2. Policy says whether the reason would open the study now. If not, there is nothing to approve.
3. The grant lasts the minutes of the clause that would open, or until the instant asked for if that is sooner.
4. Grant and record are one commit. A refusal is recorded too; a repetition changes nothing and is not.
5. The grant opens nothing: the next evaluation does, if policy still says so.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from governance.access.access import AccessAnswer, emergency_detail
from governance.access.acting import ActingSubjects
from governance.access.asker import Asker
from governance.access.denials import AccessRequestError, AccessRequestRefused, Denials, Offer, PresentedDenial
from governance.access.resources import resource_of
from governance.access.terms import CurrentTerms
from governance.audit import Recorder
from governance.audit.event import Authority, BreakGlass, Event, JsonValue, Resource, Subject
from governance.catalogue import Catalogue
from governance.clock import Clock
from governance.decisions import AccessRequest, AgreementRef, Decision, DecisionService, Emergency, ReviewSample
from governance.emergency import EmergencyGrants, Grant, Repeated, Scope, Submission
from governance.errors import Fault, InvalidInput
from governance.pseudonyms import Pseudonymiser
from governance.vocabulary import EventKind, Outcome, SubjectType


@dataclass(frozen=True, slots=True)
class Wanted:
    """A submission, understood.

    ``reason`` is what the person states; ``until`` bounds the grant; ``key`` is the idempotency key and ``digest`` the
    SHA-256 of the body, in hexadecimal.
    """

    asked: AccessRequest
    denial: PresentedDenial
    reason: str
    until: datetime | None
    key: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class _Opening:
    """What policy would do for the stated reason."""

    decision: Decision
    clause: AgreementRef
    emergency: Emergency
    resource: Resource


class AccessRequests:
    """Takes access requests and answers for their tasks.

    Args:
        denials: binds a request to its denial.
        grants: keeps what was granted.
        decisions: says whether the reason would open the study.
        acting: says whom an asker may ask about, and what of the question counts.
        sample: says which grants a person must review.
        catalogue: names the study in the record.
        pseudonymiser: turns identifiers into the pseudonyms a grant is kept under.
        recorder: records what comes of each submission, and makes ids nobody can guess.
        terms: opens the read snapshot of the decision.
        clock: read once in each use case.
    """

    def __init__(
        self,
        *,
        denials: Denials,
        grants: EmergencyGrants,
        decisions: DecisionService,
        acting: ActingSubjects,
        sample: ReviewSample,
        catalogue: Catalogue,
        pseudonymiser: Pseudonymiser,
        recorder: Recorder,
        terms: CurrentTerms,
        clock: Clock,
    ) -> None:
        self._denials = denials
        self._grants = grants
        self._decisions = decisions
        self._acting = acting
        self._sample = sample
        self._catalogue = catalogue
        self._pseudonymiser = pseudonymiser
        self._recorder = recorder
        self._terms = terms
        self._clock = clock

    def offer(self, answer: AccessAnswer, asker: Asker) -> Offer | None:
        """Give what a denial carries so that it can be answered; None when breaking the glass would not cure it."""
        return self._denials.offer(answer.decision, answer.asked, asker)

    def submit(self, wanted: Wanted, asker: Asker) -> Grant:
        """Grant an emergency, or give the grant that this very submission got before.

        Raises:
            AccessRequestRefused: the denial does not bind, is too old or was answered, the key was used with another
                body, or policy would not open the study for the reason.
            InvalidInput: the grant would end before it began.
            Unavailable: the refusal could not be recorded.
        """
        now = self._clock.now()
        if wanted.until is not None and wanted.until <= now:
            fault = Fault("/requested_access/requested_until", "must be later than now")
            raise InvalidInput([fault], "The emergency would be over before it began.")
        with self._terms.snapshot() as session:
            wanted = replace(wanted, asked=self._acting.settle(wanted.asked, asker, session))
        try:
            return self._submit(wanted, asker, now)
        except AccessRequestRefused as refusal:
            self._recorder.record(
                EventKind.BREAK_GLASS,
                Outcome.MINOR,
                time=now,
                subject=_subject(wanted),
                purpose=wanted.asked.purpose,
                resource=Resource(study_uid=wanted.asked.study_uid),
                detail={"act": "refuse", "asked_by": asker.id, "refused": refusal.reason},
            )
            raise

    def _submit(self, wanted: Wanted, asker: Asker, now: datetime) -> Grant:
        submission = Submission(asker.id, wanted.key, wanted.digest, wanted.denial.evaluation_id or "")
        try:
            earlier = self._grants.earlier(submission)
            if earlier is not None:
                return earlier
            evaluation_id = self._denials.evaluation(wanted.denial, wanted.asked, asker, now)
            opening = self._decide(wanted, now)
            grant = self._grant(wanted, asker, evaluation_id, opening, now)
            event = self._granted(wanted, grant, opening)
            return self._grants.give(grant, replace(submission, evaluation_id=evaluation_id), event)
        except Repeated as repeated:
            raise _repeated(repeated) from None

    def task(self, task_id: str, asker: Asker) -> Grant:
        """Give the grant of a task of this caller.

        Raises:
            AccessRequestRefused: there is none, or it is another's, or it is too long ago.
        """
        grant = self._grants.task(asker.id, task_id)
        if grant is None:
            raise AccessRequestRefused(AccessRequestError.UNKNOWN_TASK, "This caller has no such task.")
        if self._clock.now() >= grant.kept_until:
            raise AccessRequestRefused(AccessRequestError.TASK_EXPIRED, "The task ended too long ago.")
        return grant

    def revoke(self, task_id: str, asker: Asker) -> Grant:
        """End a grant before its time.

        Raises:
            AccessRequestRefused: there is no such task of this caller, or its grant no longer runs.
        """
        grant, now = self.task(task_id, asker), self._clock.now()
        scope = grant.scope
        with self._terms.snapshot() as session:
            study = self._catalogue.study_by_pseudonym(session, scope.study)
        event = self._recorder.event(
            EventKind.BREAK_GLASS,
            time=now,
            subject=Subject(scope.subject, SubjectType.PRACTITIONER, scope.role, scope.ods),
            purpose=scope.purpose,
            resource=resource_of(study) if study else Resource(study_uid=scope.study),
            authority=Authority(grant.evaluation_id, None, grant.agreement_id),
            detail={"act": "revoke", "approval": grant.approval_id, "asked_by": asker.id},
        )
        ended = self._grants.revoke(grant, now, event)
        if ended is None:
            raise AccessRequestRefused(AccessRequestError.INVALID_TASK_STATE, "The grant has ended already.")
        return ended

    def _decide(self, wanted: Wanted, now: datetime) -> _Opening:
        """Ask policy whether the reason would open the study now; raises AccessRequestRefused."""
        asked = replace(wanted.asked, break_glass_reason=wanted.reason, supported_obligations=None)
        with self._terms.snapshot() as session:
            decision = self._decisions.decide(asked, session, now, self._recorder.new_id)
            study = self._catalogue.study(session, asked.study_uid) if asked.study_uid else None
        clause, emergency = decision.agreement, decision.emergency
        if not decision.permit or clause is None or emergency is None or study is None:
            raise AccessRequestRefused(
                AccessRequestError.NOT_REQUESTABLE, "An emergency would not open this now. Evaluate again to see why."
            )
        return _Opening(decision, clause, emergency, resource_of(study))

    def _grant(self, wanted: Wanted, asker: Asker, evaluation_id: str, opening: _Opening, now: datetime) -> Grant:
        subject, clause = wanted.asked.subject, opening.clause
        longest = now + timedelta(minutes=opening.emergency.minutes)
        return Grant(
            id=self._recorder.new_id(),
            approval_id=self._recorder.new_id(),
            caller=asker.id,
            evaluation_id=evaluation_id,
            scope=Scope(
                subject=self._pseudonymiser.subject(subject.id),
                role=subject.role,
                ods=subject.ods or "",
                study=self._pseudonymiser.study(wanted.asked.study_uid or ""),
                action=wanted.asked.action,
                purpose=wanted.asked.purpose,
                named_by=subject.named_by or subject.ods or "",
            ),
            agreement_id=clause.id,
            agreement_version=clause.version,
            clause=clause.clause,
            since=now,
            until=longest if wanted.until is None else min(longest, wanted.until),
        )

    def _granted(self, wanted: Wanted, grant: Grant, opening: _Opening) -> Event:
        sampled = replace(opening.decision, review=self._sample(grant.approval_id, opening.emergency.share))
        detail: dict[str, JsonValue] = {
            "act": "grant",
            "action": grant.scope.action.value,
            "agreement_version": grant.agreement_version,
            "approval": grant.approval_id,
            "asked_by": grant.caller,
            "clause": grant.clause,
            "emergency": emergency_detail(sampled),
            "revision": opening.decision.revision,
            "seconds": int((grant.until - grant.since).total_seconds()),
        }
        return self._recorder.event(
            EventKind.BREAK_GLASS,
            time=grant.since,
            subject=_subject(wanted),
            purpose=wanted.asked.purpose,
            resource=opening.resource,
            authority=Authority(grant.evaluation_id, None, grant.agreement_id),
            break_glass=BreakGlass(wanted.reason),
            detail=detail,
        )


def _subject(wanted: Wanted) -> Subject:
    subject = wanted.asked.subject
    return Subject(subject.id, subject.type, subject.role, subject.ods)


def _repeated(repeated: Repeated) -> AccessRequestRefused:
    if repeated.key:
        return AccessRequestRefused(
            AccessRequestError.DUPLICATE_REQUEST, "This Idempotency-Key was used before with another body."
        )
    return AccessRequestRefused(
        AccessRequestError.INVALID_DENIAL_BINDING, "This denial was answered before. Evaluate again."
    )
