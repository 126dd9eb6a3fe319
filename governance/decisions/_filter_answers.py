"""Reading the filters that engines answer (see ``filters``)."""

from collections.abc import Iterable, Mapping
from typing import Any

from governance.catalogue import (
    NEVER,
    Compare,
    Condition,
    Either,
    Every,
    NotUcast,
    Scalar,
    Unless,
    either,
    every,
    parse_ucast,
)
from governance.decisions.engine import EngineFault
from governance.decisions.filters import StudyFilter
from governance.vocabulary import ReasonCode

_CLAUSE, _REVISION = "study.clause", "study.revision"
_TERMS = frozenset(
    {"body_parts", "consent", "custodians", "labels", "modalities", "prior_kinds", "priors_days", "ties"}
)
_LISTED = (("modality", "modalities"), ("body_part", "body_parts"), ("tie", "ties"))


def read_compiled(raw: object, expected: frozenset[str]) -> StudyFilter:
    """Read the query of OPA's Compile API for the rule ``include``.

    Args:
        raw: the UCAST expression.
        expected: the revisions it may have been made with.

    Raises:
        EngineFault: it is no such expression, or of another revision.
    """
    try:
        condition = parse_ucast(raw)
    except NotUcast as error:
        raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, str(error)) from error
    opened: dict[str, list[Condition]] = {}
    revisions: set[Scalar] = set()
    for part in condition.parts if isinstance(condition, Either) else (condition,):
        if isinstance(part, Compare) and part.field == _REVISION and part.operator == "eq":
            revisions.update(part.values)
        else:
            key, rest = _named(part)
            opened.setdefault(key, []).append(rest)
    if len(revisions) != 1:
        raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the filter does not say its policy data")
    return _filter(revisions.pop(), {key: either(parts) for key, parts in opened.items()}, expected)


def read_openings(raw: object, expected: frozenset[str]) -> StudyFilter:
    """Read the value of ``data.imaging.filter.answer``; raises EngineFault as :func:`read_compiled` does."""
    try:
        revision, openings = raw["revision"], raw["openings"]  # type: ignore[index]
        clauses = {str(key): _opened(terms) for key, terms in openings.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "the engine's value is not a filter") from error
    return _filter(revision, clauses, expected)


def _filter(revision: object, clauses: Mapping[str, Condition], expected: frozenset[str]) -> StudyFilter:
    if revision == "":
        raise EngineFault(ReasonCode.ENGINE_UNDEFINED, "the engine has no policy data")
    if not isinstance(revision, str) or revision not in expected:
        raise EngineFault(ReasonCode.POLICY_STALE, "the filter was made with other policy data")
    return StudyFilter(revision, dict(sorted(clauses.items())))


def _named(part: Condition) -> tuple[str, Condition]:
    """Take a condition apart into the clause it names and what that clause asks."""
    parts = part.parts if isinstance(part, Every) else (part,)
    names = [one for one in parts if isinstance(one, Compare) and one.field == _CLAUSE]
    if len(names) != 1 or names[0].operator != "eq":
        raise EngineFault(ReasonCode.ENGINE_INVALID_ANSWER, "a part of the filter names no clause")
    return str(names[0].values[0]), every(one for one in parts if one is not names[0])


def _opened(terms: Mapping[str, Any]) -> Condition:
    """Say as a condition what a clause asks of a study: the rule ``include``, part by part."""
    if terms.keys() != _TERMS:
        raise ValueError("terms are missing or unknown")
    parts = [
        _among("study.custodian", terms["custodians"]),
        Unless(Compare("study.label", "in", _texts(terms["labels"]))),
        *(_among(f"study.{name}", terms[listed]) for name, listed in _LISTED if terms[listed] is not None),
    ]
    if terms["priors_days"] is not None:
        parts.append(_recent(terms["priors_days"], _texts(terms["prior_kinds"])))
    if terms["consent"] is not False:
        parts.append(Compare("study.opt_out", "eq", (False,)))
    return every(parts)


def _recent(days: object, kinds: tuple[str, ...]) -> Condition:
    ages = ["study.age_days", *(f"study.age_days_before_{kind}" for kind in kinds)] if type(days) is int else []
    return either([_among("study.own_tie", kinds), *(Compare(age, "lte", (days,)) for age in ages)])  # type: ignore[arg-type]


def _among(field: str, values: Iterable[object]) -> Condition:
    listed = _texts(values)
    return Compare(field, "in", listed) if listed else NEVER


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    listed = tuple(values) if isinstance(values, list | tuple) else (None,)
    if not all(isinstance(value, str) for value in listed):
        raise ValueError("a list is not one of names")
    return tuple(str(value) for value in listed)
