"""What a QIDO-RS query asks for (DICOM PS3.18 sections 8.3.4 and 10.6), read so that it can be sent on.

1. The path and the names of the parameters are plain, as in ``dicomweb``; a parameter is given once, but for
   ``includefield``, and a study is named once, whether by keyword or by tag.
2. ``limit`` and ``offset`` count what may be shown. They are never sent on as they came.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from governance.archives.qido import INSTANCE, SERIES, STUDY
from governance.errors import Forbidden
from governance.vocabulary import study_uid

ROWS_MAXIMUM = 1_000  # of one answer
_QUERY = re.compile(r"[!-~]{0,2048}")
_NAME = re.compile(r"[A-Z][A-Za-z0-9]*|[0-9A-Fa-f]{8}|fuzzymatching|includefield|limit|offset")
_NUMBER = re.compile(r"[0-9]{1,6}")
_STUDY_NAMES = frozenset({"studyinstanceuid", "0020000d"})
_LEVELS = {"studies": STUDY, "series": SERIES, "instances": INSTANCE}


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A query: what is listed, below which study and series, and how.

    ``parameters`` can be sent on; ``limit`` and ``offset`` count rows that may be shown.
    """

    listed: str
    study_uid: str | None
    series_uid: str | None
    parameters: tuple[tuple[str, str], ...]
    limit: int
    offset: int

    @property
    def level(self) -> str:
        """Give the tag of the UID that distinguishes the rows."""
        return _LEVELS[self.listed]

    @property
    def path(self) -> str:
        """Give the path below the archive's DICOMweb service."""
        above = f"/studies/{self.study_uid}" if self.study_uid else ""
        return f"{above}{f'/series/{self.series_uid}' if self.series_uid else ''}/{self.listed}"


def read_query(listed: str, study: str | None, series: str | None, query: str) -> ListQuery:
    """Read a query.

    Args:
        listed: ``studies``, ``series`` or ``instances``.
        study: the study UID of the path.
        series: the series UID of the path.
        query: the part behind the question mark, percent-encoded as sent.

    Raises:
        Forbidden: the archive might read it otherwise than it is read here.
    """
    given = parse_qsl(query, keep_blank_values=True)
    names = [name.lower() if name.lower() not in _STUDY_NAMES else STUDY for name, _ in given]
    once = [name for name in names if name != "includefield"]
    plain = _QUERY.fullmatch(query) and "#" not in query and ";" not in query
    if not plain or len(set(once)) != len(once) or not all(_NAME.fullmatch(name) for name, _ in given):
        raise _unreadable()
    options = dict(given)
    sent = tuple((name, value) for name, value in given if name not in {"limit", "offset"})
    return ListQuery(
        listed,
        _uid(study),
        _uid(series),
        sent,
        min(_number(options.get("limit", str(ROWS_MAXIMUM))), ROWS_MAXIMUM),
        _number(options.get("offset", "0")),
    )


def _uid(text: str | None) -> str | None:
    try:
        return study_uid(text) if text is not None else None
    except ValueError:
        raise _unreadable() from None


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _unreadable()
    return int(text)


def _unreadable() -> Forbidden:
    return Forbidden("enforcement.unreadable", "Only plain QIDO-RS queries can be let through.")
