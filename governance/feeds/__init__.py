"""Newline-delimited JSON feeds: split a body into lines, read each line's fields, collect the faults. Pure, no I/O.

Rules of this room:

1. A line is a JSON object. Line numbers count from 1 and count blank lines, which are otherwise ignored.
2. One bad line never loses its neighbours: it becomes a line fault and the rest are read.
3. Every field is checked, all faults of a line are named together, and no message repeats a value: values identify.
4. A field that is not known is a fault. A misspelt ``until`` would otherwise leave a relationship open for ever.
5. A field given twice, ``NaN``, an unpaired surrogate and a control character are faults: two readers must not differ.
6. A number beyond 64 bits is a fault of its field, here and wherever else JSON is read (``numbers``).
7. Lines and their sizes are bounded; a body of too many lines is refused whole, before any line is taken.

Example: ``parse(body, DEFAULT_LIMITS, frozenset({"study_uid"}), build).faults`` names each bad line by its number.
"""

from governance.feeds.lines import (
    DEFAULT_LIMITS,
    Fields,
    Limits,
    LineFault,
    LineRejectedError,
    Parsed,
    fields_of,
    in_one_line,
    lines_of,
    parse,
    split,
)
from governance.feeds.numbers import NumberOutOfRange, NumberReader
from governance.feeds.readers import (
    choice,
    code,
    count,
    day,
    dicom_code,
    flag,
    keyed_hash,
    mail_address,
    ods,
    patient,
    share,
    study_uid,
    text,
    timestamp,
)

__all__ = [
    "DEFAULT_LIMITS",
    "Fields",
    "Limits",
    "LineFault",
    "LineRejectedError",
    "NumberOutOfRange",
    "NumberReader",
    "Parsed",
    "choice",
    "code",
    "count",
    "day",
    "dicom_code",
    "fields_of",
    "flag",
    "in_one_line",
    "keyed_hash",
    "lines_of",
    "mail_address",
    "ods",
    "parse",
    "patient",
    "share",
    "split",
    "study_uid",
    "text",
    "timestamp",
]
