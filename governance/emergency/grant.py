"""A grant of minutes, what it is good for, and the submission it was given for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.vocabulary import Action, Purpose

KEPT = timedelta(hours=24)  # a task can be looked up, and its key is kept, for this long after its grant ends


@dataclass(frozen=True, slots=True)
class Scope:
    """What a grant is good for: ``subject`` (a pseudonym ``s-…``) acting in a role for an organisation, and no more.

    ``study`` is a pseudonym ``t-…``. ``named_by`` says in whose names ``subject`` is one.
    """

    subject: str
    role: str | None
    ods: str
    study: str
    action: Action
    purpose: Purpose
    named_by: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What distinguishes one submission from another.

    ``caller`` is who sent it, ``key`` their idempotency key if they gave one, ``digest`` the SHA-256 of the body in
    hexadecimal, ``evaluation_id`` the denied evaluation it answers.
    """

    caller: str
    key: str | None
    digest: str
    evaluation_id: str


@dataclass(frozen=True, slots=True)
class Grant:
    """An approved task and its grant. ``id`` names the task, ``approval_id`` the grant; neither can be guessed.

    ``agreement_id``, ``agreement_version`` and ``clause`` are what it was given under. ``until`` is when it ends, moved
    forward when it is revoked at ``revoked_at``.
    """

    id: str
    approval_id: str
    caller: str
    evaluation_id: str
    scope: Scope
    agreement_id: str
    agreement_version: int
    clause: str
    since: datetime
    until: datetime
    revoked_at: datetime | None = None

    @property
    def clause_key(self) -> str:
        """Give the clause's name in the policy data."""
        return f"{self.agreement_id}/{self.clause}"

    @property
    def kept_until(self) -> datetime:
        """Give when the task can no longer be looked up."""
        return self.until + KEPT
