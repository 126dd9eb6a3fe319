"""The life of one agreement version, as a pure state machine.

::

    draft --sign (last party)--> signed --activate--> active <--suspend / activate--> suspended
                                   |                    |                                 |
                                   +------ expire ------+------------- expire ------------+--> expired
    draft, signed, active, suspended --terminate or supersede--> terminated

Rules:

1. A version is signed when the signature of every party verifies; until then it can only be signed or withdrawn.
2. It can be activated only while every signature still counts and only on a day within its effective dates.
3. A renewal is a new version. Activating it supersedes every older version in the same step, so two versions of one
   agreement are never active together.
4. ``expired`` and ``terminated`` are final.
5. Signing again (with a new key, before the old one is revoked) changes no status.
6. An illegal step is a Conflict that says what prevents it; nothing happens.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from governance.errors import Conflict
from governance.vocabulary import AgreementStatus as Status


class Transition(StrEnum):
    """The steps of a version's life."""

    ACTIVATE = "activate"
    EXPIRE = "expire"
    LOAD = "load"
    SIGN = "sign"
    SUPERSEDE = "supersede"
    SUSPEND = "suspend"
    TERMINATE = "terminate"


FINAL = frozenset({Status.EXPIRED, Status.TERMINATED})
LAPSED = frozenset({Status.EXPIRED, Status.SUSPENDED, Status.TERMINATED})
_FROM: dict[Transition, frozenset[Status]] = {
    Transition.ACTIVATE: frozenset({Status.SIGNED, Status.SUSPENDED}),
    Transition.EXPIRE: frozenset({Status.ACTIVE, Status.SIGNED, Status.SUSPENDED}),
    Transition.LOAD: frozenset(),
    Transition.SIGN: frozenset(Status) - FINAL,
    Transition.SUPERSEDE: frozenset(Status) - FINAL,
    Transition.SUSPEND: frozenset({Status.ACTIVE}),
    Transition.TERMINATE: frozenset(Status) - FINAL,
}
_TO: dict[Transition, Status] = {
    Transition.EXPIRE: Status.EXPIRED,
    Transition.SUPERSEDE: Status.TERMINATED,
    Transition.SUSPEND: Status.SUSPENDED,
    Transition.TERMINATE: Status.TERMINATED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a step depends on.

    Args:
        status: the state of the version.
        signatories: ODS codes that must sign.
        valid: ODS codes whose signature counts now.
        begins_at: the first instant it may be in force.
        ends_at: the instant at which it is over.
    """

    status: Status
    signatories: frozenset[str]
    valid: frozenset[str]
    begins_at: datetime
    ends_at: datetime


def step(standing: Standing, transition: Transition, now: datetime) -> Status:
    """Give the status after a step.

    For ``sign``, ``standing.valid`` already counts the new signature. A version whose last day has passed may still be
    put on record, so that accesses of its time are held against it: what would activate it gives ``expired``.

    Raises:
        Conflict: ``agreement.illegal_transition``, ``agreement.not_signed``, ``agreement.not_yet_effective``
            or ``agreement.not_over``.
    """
    if standing.status not in _FROM[transition]:
        raise Conflict(
            "agreement.illegal_transition",
            f"An agreement that is {standing.status.value} cannot take the step {transition.value}.",
        )
    if transition is Transition.ACTIVATE:
        _may_activate(standing, now)
        return Status.EXPIRED if now >= standing.ends_at else Status.ACTIVE
    if transition is Transition.EXPIRE and now < standing.ends_at:
        raise Conflict("agreement.not_over", "The agreement's last day has not passed.")
    if transition is Transition.SIGN:
        complete = standing.status is Status.DRAFT and standing.signatories <= standing.valid
        return Status.SIGNED if complete else standing.status
    return _TO[transition]


def _may_activate(standing: Standing, now: datetime) -> None:
    missing = sorted(standing.signatories - standing.valid)
    if missing:
        raise Conflict("agreement.not_signed", f"No valid signature of {', '.join(missing)}.")
    if now < standing.begins_at:
        raise Conflict("agreement.not_yet_effective", "The agreement's first day has not come.")
