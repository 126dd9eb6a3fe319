"""A condition over studies, in the words of UCAST: what a filter is, whoever made it.

OPA's Compile API gives a filter as UCAST (https://docs.styra.com/enterprise-opa/reference/rest-api-partial-evaluation,
``application/vnd.opa.ucast.all+json``). The four nodes here are all of it that is taken; anything else is refused.

1. A field may hold several values. A comparison holds when any of them satisfies it; a field without a value satisfies
   none.
2. A value is text, a whole number or a boolean, compared with its own kind only. It is data: it reaches a database as
   a bound parameter and never as text of a statement.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any, TypeAlias

Scalar: TypeAlias = str | int | bool
Row: TypeAlias = Mapping[str, Iterable[Scalar]]

NODES_MAXIMUM = 100_000  # of one condition: more is a policy that has gone wrong
_DEPTH_MAXIMUM = 32
_ORDERED = {"lt": lt, "lte": le, "gt": gt, "gte": ge}
_OPERATORS = frozenset({"eq", "in", *_ORDERED})


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of a field; ``values`` holds one value, or for ``in`` any number."""

    field: str
    operator: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """Holds when every part does; without parts always."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """Holds when any part does; without parts never."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class Unless:
    """Holds when its part does not."""

    part: "Condition"


Condition: TypeAlias = Compare | Every | Either | Unless
ALWAYS, NEVER = Every(), Either()


class NotUcast(ValueError):
    """The value is no condition that is understood here."""


def parse(raw: object) -> Condition:
    """Read a condition from its JSON value; raises NotUcast."""
    left = [NODES_MAXIMUM]
    return _parse(raw, left, _DEPTH_MAXIMUM)


def holds(condition: Condition, row: Row) -> bool:
    """Say whether a condition holds for a row, which gives the values of each field."""
    match condition:
        case Every(parts):
            return all(holds(part, row) for part in parts)
        case Either(parts):
            return any(holds(part, row) for part in parts)
        case Unless(part):
            return not holds(part, row)
        case Compare(field, operator, values):
            return any(_compares(operator, value, values) for value in row.get(field, ()))


def every(parts: Iterable[Condition]) -> Condition:
    """Join conditions that must all hold, leaving out what says nothing."""
    kept = tuple(part for part in parts if part != ALWAYS)
    if NEVER in kept:
        return NEVER
    return kept[0] if len(kept) == 1 else Every(kept)


def either(parts: Iterable[Condition]) -> Condition:
    """Join conditions of which one must hold, each taken once, leaving out what never holds."""
    kept = tuple(dict.fromkeys(part for part in parts if part != NEVER))
    if ALWAYS in kept:
        return ALWAYS
    return kept[0] if len(kept) == 1 else Either(kept)


def _compares(operator: str, value: Scalar, wanted: tuple[Scalar, ...]) -> bool:
    if operator in {"eq", "in"}:
        return any(type(value) is type(one) and eq(value, one) for one in wanted)
    (bound,) = wanted
    return type(value) is int and type(bound) is int and bool(_ORDERED[operator](value, bound))


def _parse(raw: object, left: list[int], depth: int) -> Condition:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise NotUcast("the condition is too large")
    if not isinstance(raw, dict):
        raise NotUcast("a node is not an object")
    match raw:
        case {"type": "field", "field": str(field), "operator": str(operator), "value": value}:
            return Compare(field, operator, _values(operator, value))
        case {"type": "compound", "operator": str(operator), "value": list(value)}:
            return _compound(operator, [_parse(part, left, depth - 1) for part in value])
    raise NotUcast("a node is of no known kind")


def _compound(operator: str, parts: list[Condition]) -> Condition:
    if operator == "not" and len(parts) == 1:
        return Unless(parts[0])
    if operator == "and" and parts:
        return every(parts)
    if operator == "or" and parts:
        return either(parts)
    raise NotUcast("an operator joins what it cannot")


def _values(operator: str, value: Any) -> tuple[Scalar, ...]:
    given = value if operator == "in" and isinstance(value, list) else [value]
    known = operator in _OPERATORS and (operator != "in" or isinstance(value, list))
    if not known or not all(type(one) in {str, int, bool} for one in given):
        raise NotUcast("a comparison is of no known kind")
    if operator in _ORDERED and type(value) is not int:
        raise NotUcast("only whole numbers have an order")
    return tuple(given)
