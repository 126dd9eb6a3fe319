"""An access request: who asks to do what with which study, and why."""

from dataclasses import dataclass

from governance.vocabulary import Action, Purpose, SubjectType


@dataclass(frozen=True, slots=True)
class RequestSubject:
    """Who asks.

    ``id`` is a user's identifier or pseudonym ``s-…``, or a service's client id. ``ods`` is the acting organisation and
    ``role`` the role acted in, both of the selected role of the verified identity. ``assurance`` is the NHS CIS2
    authentication assurance level, 1 to 3. ``version`` is the version an AI service says it runs.
    ``managed_device`` None means that nobody vouched for the device.
    """

    id: str
    type: SubjectType
    role: str | None
    ods: str | None
    assurance: int | None = None
    version: str | None = None
    managed_device: bool | None = None


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One access that wants a decision.

    ``patient`` is an NHS number or a pseudonym ``p-…``; where it does not belong to the study, nothing is released.
    ``custodians`` are the trusts whose archive a search without a study asks; they count for nothing else.
    ``supported_obligations`` are the obligation types the enforcement point can honour; None means that it did not say,
    and then the obligations are its own to refuse.
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
