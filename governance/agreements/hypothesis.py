"""What if: the policy data as it would be with an agreement changed, without changing anything.

Rules:

1. Pure: supposing writes nothing, signs nothing and publishes nothing.
2. A draft, or a version on file that is supposed active, counts as signed by everybody; it takes the place of every
   other version of its agreement, as activating it would.
3. Only what is in force can be supposed suspended, expired or terminated: anything else would change nothing, and the
   answer would reassure without reason.
4. A past period is asked under given terms as if they had been in force throughout it: what is in force today, and
   what is supposed to be, has its dates stretched over the period. Nothing else of a clause is touched.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from governance.agreements.compilation import Compilable, PolicyData, clause_key
from governance.agreements.lifecycle import Transition
from governance.agreements.model import Agreement
from governance.errors import Conflict
from governance.vocabulary import AgreementStatus

ENDINGS: Mapping[Transition, AgreementStatus] = {
    Transition.EXPIRE: AgreementStatus.EXPIRED,
    Transition.SUSPEND: AgreementStatus.SUSPENDED,
    Transition.TERMINATE: AgreementStatus.TERMINATED,
}
Corner: TypeAlias = tuple[str, str, str]  # requester, custodian, purpose


@dataclass(frozen=True, slots=True)
class InForce:
    """Suppose that this text were in force."""

    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Moved:
    """Suppose that a version on file took a step: activate, suspend, expire or terminate."""

    agreement_id: str
    version: int
    transition: Transition


def apply(candidates: Iterable[Compilable], changes: Sequence[InForce | Moved]) -> list[Compilable]:
    """Give the versions that would be compiled after the changes, one after the other.

    Args:
        candidates: every version on file that was not superseded.
        changes: texts in force and endings; an activation is given as the text it brings into force.

    Raises:
        Conflict: a version that is not in force is supposed to end.
    """
    held = list(candidates)
    for change in changes:
        held = _brought_in(held, change) if isinstance(change, InForce) else _ended(held, change)
    return held


def throughout(
    data: PolicyData, since: datetime, until: datetime, now: datetime, supposed: Collection[str] = ()
) -> PolicyData:
    """Give the same terms as if they had been in force for the whole of ``[since, until)`` (rule 4).

    Args:
        data: compiled policy data; its revision is kept, for the terms are the same.
        since: the first instant of the period that is asked about.
        until: the instant at which the period is over.
        now: what is in force at this instant is stretched.
        supposed: keys of clauses that are stretched whatever their dates.
    """
    first, last, instant = int(since.timestamp()), int(until.timestamp()), now.timestamp()

    def stretched(key: str, clause: Mapping[str, Any]) -> Mapping[str, Any]:
        if key not in supposed and not clause["effective_from"] <= instant < clause["effective_to"]:
            return clause
        return {
            **clause,
            "effective_from": min(clause["effective_from"], first),
            "effective_to": max(clause["effective_to"], last),
        }

    clauses = {key: stretched(key, clause) for key, clause in data.document["clauses"].items()}
    return PolicyData(data.revision, {**data.document, "clauses": clauses})


def clause_keys(changes: Iterable[InForce | Moved]) -> frozenset[str]:
    """Give the keys of the clauses that the changes bring into force."""
    texts = (change.agreement for change in changes if isinstance(change, InForce))
    return frozenset(clause_key(text.id, clause.id) for text in texts for clause in text.clauses)


def differing(one: PolicyData, other: PolicyData) -> frozenset[Corner]:
    """Give every (requester, custodian, purpose) for which the two could permit different things.

    Policy looks clauses up by these three and by nothing else, so elsewhere permits and denials are the same.
    """
    return frozenset(
        corner for corner in _corners(one) | _corners(other) if _clauses_of(one, corner) != _clauses_of(other, corner)
    )


def _brought_in(held: list[Compilable], change: InForce) -> list[Compilable]:
    others = [one for one in held if one.agreement.id != change.agreement.id]
    return [*others, Compilable(change.agreement, AgreementStatus.ACTIVE, fully_signed=True)]


def _ended(held: list[Compilable], change: Moved) -> list[Compilable]:
    def is_it(one: Compilable) -> bool:
        named = (one.agreement.id, one.agreement.version) == (change.agreement_id, change.version)
        return named and one.status is AgreementStatus.ACTIVE and one.fully_signed

    if not any(map(is_it, held)):
        raise Conflict("agreement.not_in_force", "Only a version in force can be supposed to end; this one is not.")
    return [replace(one, status=ENDINGS[change.transition]) if is_it(one) else one for one in held]


def _corners(data: PolicyData) -> set[Corner]:
    return {
        (requester, custodian, purpose)
        for requester, by_custodian in data.document["index"].items()
        for custodian, by_purpose in by_custodian.items()
        for purpose in by_purpose
    }


def _clauses_of(data: PolicyData, corner: Corner) -> list[tuple[str, Mapping[str, Any]]]:
    """Give the clauses under which a request of this corner may be permitted."""
    requester, custodian, purpose = corner
    keys = data.document["index"].get(requester, {}).get(custodian, {}).get(purpose, [])
    return [(key, data.document["clauses"][key]) for key in keys]
