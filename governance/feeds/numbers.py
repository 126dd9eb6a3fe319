"""JSON whose numbers every reader here can hold: 64-bit integers and finite floats; any other is named by its path.

Python reads an integer of 400 digits without complaint, and ``1e400`` as infinity. Neither is a count, a date or a
measure of anything, and each would fail much later, in a comparison, a calendar or a column.

1. A number out of range is found as it is read. Only then is the text read again to find where it stands.
2. The path is a JSON Pointer (RFC 6901) of plain names; a name that could carry anything is ``?``.

Example: ``NumberReader().read('{"exp": 1e400}')`` raises NumberOutOfRange, whose path is ``/exp``.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

INTEGER_MINIMUM, INTEGER_MAXIMUM = -(2**63), 2**63 - 1
MESSAGE = "is not a number that 64 bits hold"
_DIGITS = 20  # characters of the longest integer of 64 bits, its sign included
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class NumberOutOfRange(ValueError):
    """A number that nothing here can hold; ``path`` says where it stands."""

    def __init__(self, path: str = "") -> None:
        super().__init__(f"{path or '/'}: {MESSAGE}")
        self.path = path


BEYOND = 10**400  # stands for a number that is out of range, and is out of range itself


class NumberReader:
    """Reads JSON texts.

    Args:
        unique: whether an object that repeats a member's name is refused; the last one counts otherwise.
    """

    def __init__(self, *, unique: bool = False) -> None:
        options: dict[str, Any] = {"object_pairs_hook": _unique if unique else None, "parse_constant": _no_constant}
        self._decoder = json.JSONDecoder(parse_int=_integer, parse_float=_float, **options)
        self._lenient = json.JSONDecoder(parse_int=_or_beyond(_integer), parse_float=_or_beyond(_float), **options)

    def read(self, text: str) -> Any:
        """Give the value of a JSON text.

        Raises:
            NumberOutOfRange: with its path.
            ValueError: it is not JSON, or repeats a member's name where none may be.
            RecursionError: it is nested too deeply.
        """
        try:
            return self._decoder.decode(text)
        except NumberOutOfRange:
            raise NumberOutOfRange(_path_of(self._lenient.decode(text)) or "") from None

    def read_all(self, text: str) -> Any:
        """Give the value of a JSON text with a number out of range where one was, for a reader of its parts to find.

        Raises:
            ValueError: it is not JSON, or repeats a member's name where none may be.
            RecursionError: it is nested too deeply.
        """
        return self._lenient.decode(text)


def _integer(text: str) -> int:
    value = int(text) if len(text) <= _DIGITS else INTEGER_MAXIMUM + 1
    if not INTEGER_MINIMUM <= value <= INTEGER_MAXIMUM:
        raise NumberOutOfRange
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NumberOutOfRange
    return value


def _or_beyond(read: Callable[[str], object]) -> Callable[[str], object]:
    def read_or_replace(text: str) -> object:
        try:
            return read(text)
        except NumberOutOfRange:
            return BEYOND

    return read_or_replace


def _path_of(value: object) -> str | None:
    """Find the first number that was out of range; None when there is none."""
    if value is BEYOND:
        return ""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        if (path := _path_of(member)) is not None:
            return f"/{name if _NAME.fullmatch(str(name)) else '?'}{path}"
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member name is repeated")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
