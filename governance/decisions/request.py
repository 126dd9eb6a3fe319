"""An access request: who asks to do what with which study, and why."""

from dataclasses import dataclass

from governance.vocabulary import Action, Purpose, ReasonCode, SubjectType


@dataclass(frozen=True, slots=True)
class RequestSubject:
    """Who asks.

    ``id`` is a user's identifier or pseudonym ``s-…``, or a service's client id. ``ods`` is the acting organisation and
    ``role`` the role acted in, both of the selected role of the verified identity. ``assurance`` is the NHS CIS2
    authentication assurance level, 1 to 3. ``version`` is the version an AI service says it runs.
    ``managed_device`` None means that nobody vouched for the device. ``proven`` says that a verified token names the
    person, the organisation and the role. ``named_by`` says in whose names ``id`` is one: a trust's, by ODS code, or a
    national issuer's; None stands for those of the organisation.
    """

    id: str
    type: SubjectType
    role: str | None
    ods: str | None
    assurance: int | None = None
    version: str | None = None
    managed_device: bool | None = None
    proven: bool = False
    named_by: str | None = None


@dataclass(frozen=True, slots=True)
class ProvenSubject:
    """Who a verified token says acts: for which organisation, in which role, signed in how strongly.

    ``id`` is as the token names them, plainly or by pseudonym; ``assurance`` and ``managed_device`` are None where the
    token does not say.
    """

    id: str
    type: SubjectType
    role: str | None
    ods: str | None
    assurance: int | None = None
    managed_device: bool | None = None
    named_by: str | None = None

    def asked_about(self) -> RequestSubject:
        """Give the subject of a question that says nothing beside the token."""
        return RequestSubject(self.id, self.type, self.role, self.ods, named_by=self.named_by)


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One access that wants a decision.

    ``patient`` is an NHS number or a pseudonym ``p-…``; where it does not belong to the study, nothing is released.
    ``custodians`` are the trusts whose archive a search without a study asks; they count for nothing else.
    ``supported_obligations`` are the obligation types the enforcement point can honour; None means that it did not say,
    and then the obligations are its own to refuse. ``token_subject`` is whom the token presented with the request is
    about. ``refusal`` is why the request is denied without asking the policy; None when it is asked.
    """

    subject: RequestSubject
    action: Action
    purpose: Purpose
    study_uid: str | None = None
    patient: str | None = None
    break_glass_reason: str | None = None
    self_claim_reason: str | None = None
    supported_obligations: frozenset[str] | None = None
    custodians: tuple[str, ...] = ()
    token_subject: ProvenSubject | None = None
    refusal: ReasonCode | None = None
