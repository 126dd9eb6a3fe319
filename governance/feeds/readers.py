"""Readers: one checked value each. They take a JSON value, give the typed one or raise ValueError in plain words.

A message says what would be right and never repeats the value.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TypeVar, cast

from governance import vocabulary

Choice = TypeVar("Choice", bound=StrEnum)

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_DICOM_CODE = re.compile(r"[A-Z0-9][A-Z0-9_ ]{0,15}")
_KEYED_HASH = re.compile(r"[A-Za-z0-9+/=_.:-]{1,128}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DIGITS = re.compile(r"[0-9 ]+")


def text(value: object, most: int = 128) -> str:
    """Read printable text of 1 to ``most`` characters."""
    if not isinstance(value, str) or not 1 <= len(value) <= most or _UNPRINTABLE.search(value):
        raise ValueError(f"must be printable text of 1 to {most} characters")
    return value


def code(value: object) -> str:
    """Read a machine code: a small letter, then small letters, digits, ``_`` and ``-``."""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise ValueError("must be a code of small letters, digits, _ and -")
    return value


def dicom_code(value: object) -> str:
    """Read a DICOM code string (PS3.5 section 6.2, CS) and give it in capitals."""
    given = value.strip().upper() if isinstance(value, str) else ""
    if not _DICOM_CODE.fullmatch(given):
        raise ValueError("must be a DICOM code string: 1 to 16 capital letters, digits, _ and spaces")
    return given


def ods(value: object) -> str:
    """Read an ODS organisation code."""
    return vocabulary.ods_code(text(value))


def study_uid(value: object) -> str:
    """Read a study instance UID (DICOM PS3.5 section 9.1)."""
    return vocabulary.study_uid(text(value))


def patient(value: object) -> str:
    """Read a patient reference: an NHS number with a right check digit, a pseudonym or a source's own reference."""
    given = text(value)
    return vocabulary.nhs_number(given) if _DIGITS.fullmatch(given) else given


def mail_address(value: object) -> str:
    """Read a mail address."""
    return vocabulary.mail_address(text(value, 254))


def keyed_hash(value: object) -> str:
    """Read a keyed hash made at the source trust: base64, base64url or hexadecimal."""
    if not isinstance(value, str) or not _KEYED_HASH.fullmatch(value):
        raise ValueError("must be a keyed hash of 1 to 128 base64 or hexadecimal characters")
    return value


def choice(options: type[Choice]) -> Callable[[object], Choice]:
    """Make a reader of one enumeration's values."""
    listed = ", ".join(options)

    def read(value: object) -> Choice:
        try:
            return options(cast(str, value))
        except ValueError:
            raise ValueError(f"must be one of {listed}") from None

    return read


def flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - readers raise one kind of error
    return value


def count(value: object) -> int:
    """Read a whole number from 1 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number from 1 on")
    return value


def share(value: object) -> float:
    """Read a share of a whole, from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and 0 <= value <= 1):
        raise ValueError("must be a number from 0 to 1")
    return float(value)


def timestamp(value: object) -> datetime:
    """Read an RFC 3339 time with its offset and give it in UTC."""
    if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError("must be an RFC 3339 time with its offset, such as 2026-11-24T12:00:00Z")


def day(value: object) -> date:
    """Read a calendar date."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("must be a date such as 2026-11-24")
