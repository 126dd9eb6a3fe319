"""Requestable denials: what a denial that breaking the glass would cure is offered, and the proof of it brought back.

The AuthZEN access-request draft calls this the denial binding. Ours binds the caller, the whole subject, the action,
the study, the purpose, the clause and the decision, until an instant. It is carried by a token, or found again in the
log by the decision's id. Neither says anything of the patient to its bearer, and neither opens anything.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from governance.access.asker import Asker
from governance.access.bound_tokens import BoundTokens
from governance.audit import AuditSearch, Query, RecordedEvent
from governance.decisions import AccessRequest, Decision, RequestSubject
from governance.errors import GovernanceError
from governance.pseudonyms import Pseudonymiser
from governance.vocabulary import SYSTEM, EventKind, SubjectType

LIFETIME = timedelta(minutes=10)  # within which a denial can be answered by a request
_LABEL = b"imaging-governance/denial\x01"
_OF_SUBJECT = tuple(one.name for one in fields(RequestSubject))


class AccessRequestError(StrEnum):
    """Why an access request is refused: the problem types of the draft."""

    DUPLICATE_REQUEST = "duplicate_request"
    EXPIRED_DENIAL = "expired_denial"
    INVALID_DENIAL_BINDING = "invalid_denial_binding"
    INVALID_TASK_STATE = "invalid_task_state"
    NOT_REQUESTABLE = "not_requestable"
    TASK_EXPIRED = "task_expired"
    UNKNOWN_TASK = "unknown_task"


class AccessRequestRefused(GovernanceError):
    """An access request, or an act on its task, is refused."""

    def __init__(self, error: AccessRequestError, detail: str) -> None:
        super().__init__(f"access_request.{error.value}", detail)
        self.error = error


@dataclass(frozen=True, slots=True)
class Offer:
    """What a requestable denial carries."""

    expires_at: datetime
    binding_token: str


@dataclass(frozen=True, slots=True)
class PresentedDenial:
    """The denial a request says it answers; at least one of id and token is needed."""

    expires_at: datetime
    evaluation_id: str | None = None
    binding_token: str | None = None


class Denials:
    """Makes offers, and holds requests to them.

    Args:
        key_encryption_key: the service's own key; the tokens' key is derived from it under a label of its own.
        search: finds the record of a denial named by its id alone.
        pseudonymiser: compares a request with that record.
    """

    def __init__(self, key_encryption_key: bytes, search: AuditSearch, pseudonymiser: Pseudonymiser) -> None:
        self._key = key_encryption_key
        self._search = search
        self._pseudonymiser = pseudonymiser

    def offer(self, decision: Decision, asked: AccessRequest, asker: Asker) -> Offer | None:
        """Give what a denial carries so that it can be answered; None when breaking the glass would not cure it."""
        clause = decision.agreement
        if decision.permit or not decision.requestable or clause is None:
            return None
        expires_at = _end(decision.decided_at)
        body = [decision.id, int(expires_at.timestamp()), clause.id, clause.version, clause.clause]
        return Offer(expires_at, self._tokens(asked, asker).make(body))

    def evaluation(self, presented: PresentedDenial, asked: AccessRequest, asker: Asker, now: datetime) -> str:
        """Give the id of the denial that a request answers.

        Raises:
            AccessRequestRefused: the denial is none of ours for this request and caller, or too old.
        """
        if presented.binding_token is not None:
            evaluation_id, expires_at = self._from_token(presented.binding_token, asked, asker)
        elif presented.evaluation_id is not None:
            evaluation_id, expires_at = self._from_log(presented.evaluation_id, asked, asker)
        else:
            raise _unbound()
        if presented.evaluation_id not in {None, evaluation_id} or presented.expires_at != expires_at:
            raise _unbound()
        if now >= expires_at:
            raise AccessRequestRefused(AccessRequestError.EXPIRED_DENIAL, "The denial is too old. Evaluate again.")
        return evaluation_id

    def _from_token(self, token: str, asked: AccessRequest, asker: Asker) -> tuple[str, datetime]:
        body = self._tokens(asked, asker).read(token)
        if body is None:
            raise _unbound()
        return str(body[0]), datetime.fromtimestamp(body[1], UTC)

    def _from_log(self, evaluation_id: str, asked: AccessRequest, asker: Asker) -> tuple[str, datetime]:
        query = Query(source_id=SYSTEM, event_id=evaluation_id, kind=EventKind.DECISION)
        found = self._search.find(query, 1)
        if not found or not self._is_of(found[0], asked, asker):
            raise _unbound()
        return evaluation_id, _end(found[0].time)

    def _is_of(self, event: RecordedEvent, asked: AccessRequest, asker: Asker) -> bool:
        """Compare a request with the record of a denial, member by member; what was not recorded is not compared."""
        subject, resource, detail = event.subject, event.resource, event.detail
        if subject is None or resource is None or asked.study_uid is None:
            return False
        who = asked.subject
        person = who.type is SubjectType.PRACTITIONER
        return (
            detail.get("permit") is False
            and detail.get("requestable") is True
            and detail.get("asked_by") == asker.id
            and detail.get("action") == asked.action.value
            and event.purpose is asked.purpose
            and resource.study == self._pseudonymiser.study(asked.study_uid)
            and subject.id == (self._pseudonymiser.subject(who.id) if person else who.id)
            and (subject.type, subject.role, subject.ods) == (who.type, who.role, who.ods)
        )

    def _tokens(self, asked: AccessRequest, asker: Asker) -> BoundTokens:
        subject = asked.subject
        matter = {
            "asker": asker.id,
            "subject": {name: getattr(subject, name) for name in _OF_SUBJECT},
            "action": asked.action.value,
            "study": asked.study_uid,
            "purpose": asked.purpose.value,
        }
        return BoundTokens(self._key, _LABEL, matter)


def _end(decided_at: datetime) -> datetime:
    """Give when a denial can no longer be answered, in whole seconds as it is written on the wire."""
    return (decided_at + LIFETIME).replace(microsecond=0)


def _unbound() -> AccessRequestRefused:
    return AccessRequestRefused(
        AccessRequestError.INVALID_DENIAL_BINDING,
        "The request cannot be bound to a denial that this caller was given for this subject, action and resource.",
    )
