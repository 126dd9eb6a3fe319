"""The decision on one access request, and the answer of an engine it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from governance.decisions.emergency import Emergency
from governance.decisions.obligations import Obligation
from governance.vocabulary import ReasonCode

T = TypeVar("T")
_KEYS = frozenset({"permit", "reasons", "obligations", "agreement", "requestable", "revision"})


@dataclass(frozen=True, slots=True)
class AgreementRef:
    """The clause a decision rests on, or came closest to; ``token_seconds`` and ``act_depth`` bound its token."""

    id: str
    version: int
    clause: str
    token_seconds: int
    act_depth: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine says; ``revision`` is that of the policy data it was computed with."""

    permit: bool
    reasons: tuple[ReasonCode, ...]
    obligations: tuple[Obligation, ...]
    agreement: AgreementRef | None
    requestable: bool
    revision: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Permit or deny, and everything a person needs to see why.

    ``reasons`` are sorted codes, never empty. ``agreement`` rests under a permit; in a denial it is the clause that
    came closest, or None when none came into question. ``requestable`` says that a person may break the glass.
    ``emergency`` is there when the glass was broken, and ``review`` says that this use must be reviewed by a person.
    """

    id: str
    permit: bool
    reasons: tuple[ReasonCode, ...]
    obligations: tuple[Obligation, ...]
    agreement: AgreementRef | None
    revision: str
    requestable: bool
    decided_at: datetime
    emergency: Emergency | None = None
    review: bool = False


class InvalidAnswer(ValueError):
    """An engine's answer does not have the shape of one."""


def parse_answer(raw: object) -> Answer:
    """Read the value of ``data.imaging.decision.answer``.

    Raises:
        InvalidAnswer: the value is not exactly an answer, or contradicts itself: a permit without a clause, or with a
            reason to deny; a denial with a reason to permit.
    """
    try:
        answer = _parse(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidAnswer("the engine's value is not an answer") from error
    granting = [reason.permits for reason in answer.reasons]
    if answer.permit and not (granting and all(granting) and answer.agreement and not answer.requestable):
        raise InvalidAnswer("the engine permits without grounds")
    if not answer.permit and (not granting or any(granting)):
        raise InvalidAnswer("the engine denies without grounds")
    return answer


def _parse(raw: object) -> Answer:
    fields = _exactly(raw, _KEYS)
    agreement = fields["agreement"]
    return Answer(
        permit=_of(bool, fields["permit"]),
        reasons=tuple(sorted({ReasonCode(reason) for reason in _of(list, fields["reasons"])})),
        obligations=tuple(_obligation(one) for one in _of(list, fields["obligations"])),
        agreement=None if agreement is None else _agreement(agreement),
        requestable=_of(bool, fields["requestable"]),
        revision=_of(str, fields["revision"]),
    )


def _obligation(raw: object) -> Obligation:
    fields = _exactly(raw, frozenset({"id", "type", "properties"}))
    return Obligation(_of(str, fields["id"]), _of(str, fields["type"]), _of(dict, fields["properties"]))


def _agreement(raw: object) -> AgreementRef:
    fields = _exactly(raw, frozenset({"id", "version", "clause", "token_seconds", "act_depth"}))
    return AgreementRef(
        id=_of(str, fields["id"]),
        version=_of(int, fields["version"]),
        clause=_of(str, fields["clause"]),
        token_seconds=_of(int, fields["token_seconds"]),
        act_depth=_of(int, fields["act_depth"]),
    )


def _exactly(raw: object, keys: frozenset[str]) -> Mapping[str, Any]:
    fields = _of(dict, raw)
    if fields.keys() != keys:
        raise TypeError("keys are missing or unknown")
    return fields


def _of(kind: type[T], value: object) -> T:
    """Give the value back if it is of exactly this type; a boolean is no number."""
    if type(value) is not kind:
        raise TypeError(f"not {kind.__name__}")
    return value
