"""What a DICOMweb URL asks for (DICOM PS3.18 sections 8, 10.4 WADO-RS, 10.6 QIDO-RS, 10.5 STOW-RS).

Generic enforcement points hand us nothing but a method and a URL, so the URL is read here, strictly: whatever the
archive behind might read otherwise than we do is refused, never guessed. Orthanc, for one, takes ``0020,000d``,
``20,d`` and ``0020000d`` for the study's tag and lets the last of several win, takes ``_method`` in a query for the
HTTP method, and does not end a query at ``#``.

1. The URL is plain ASCII without ``#``, and its decoded path holds only unreserved characters and no dot segment.
2. Only GET and HEAD can be judged.
3. The name of every query parameter is a DICOM keyword, eight hexadecimal digits, or one that PS3.18 defines.
4. A query that names a study names the one of the path; without one in the path, exactly one.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from governance.vocabulary import Action, study_uid

PATH_MAXIMUM = 2048  # characters: three UIDs, frames and room for parameters
_URI = re.compile(r"/(?!/)[!-~]*")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~,:@!$&'()*+=-]+)+/?")
_STUDIES = re.compile(r"/studies(?:/(?P<rest>.*))?$")
_RENDITIONS = frozenset({"metadata", "rendered", "thumbnail", "bulk", "bulkdata", "pixeldata"})  # "bulk" is Orthanc's
_ATTRIBUTE = re.compile(r"[A-Z][A-Za-z0-9]*|[0-9A-Fa-f]{8}")
_PARAMETERS = frozenset(
    {
        "accept",
        "annotation",
        "charset",
        "emptyvaluematching",
        "fuzzymatching",
        "iccprofile",
        "includefield",
        "limit",
        "multiplevaluematching",
        "offset",
        "quality",
        "viewport",
        "window",
    }
)
_STUDY_KEYS = frozenset({"studyinstanceuid", "0020000d"})


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked: the action, and how far down the study tree; UIDs are None above their level."""

    action: Action
    study_uid: str | None
    series_uid: str | None = None
    instance_uid: str | None = None


def parse(method: str, uri: str) -> Target | None:
    """Read a DICOMweb request.

    Args:
        method: the HTTP method of the original request.
        uri: its path and query, percent-encoded as sent.

    Returns:
        The target, or None for anything that is not a DICOMweb request this service can judge.
    """
    if method not in {"GET", "HEAD"} or len(uri) > PATH_MAXIMUM or "#" in uri or not _URI.fullmatch(uri):
        return None
    path, _, query = uri.partition("?")
    path = unquote(path)
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        return None
    found = _STUDIES.search(path.rstrip("/"))
    named = _studies_named(query)
    if found is None or named is None:
        return None
    parts = [part for part in (found["rest"] or "").split("/") if part]
    return _read(parts, named) if parts else _search(named)


def _read(parts: list[str], named: list[str]) -> Target | None:
    study = _uid(parts[0])
    if study is None or any(other != study for other in named):
        return None
    levels: list[str | None] = [None, None]
    rest = parts[1:]
    for level, name in enumerate(("series", "instances")):
        if not rest or rest[0] != name:
            break
        if len(rest) == 1:
            return Target(Action.SEARCH, study, levels[0])
        levels[level] = _uid(rest[1])
        if levels[level] is None:
            return None
        rest = rest[2:]
    if rest == ["instances"]:
        return Target(Action.SEARCH, study, levels[0])
    if rest and rest[0] not in _RENDITIONS and not (rest[0] == "frames" and levels[1] is not None and len(rest) > 1):
        return None
    return Target(Action.READ, study, levels[0], levels[1])


def _search(named: list[str]) -> Target | None:
    """Read a QIDO query of the archive: only one that names one study can be judged by a study's token."""
    if len(named) != 1:
        return Target(Action.SEARCH, None)
    study = _uid(named[0])
    return None if study is None else Target(Action.SEARCH, study)


def _studies_named(query: str) -> list[str] | None:
    """Give the study UIDs that a query names, None for a query with a parameter that is not of rule 3."""
    given = parse_qsl(query, keep_blank_values=True)
    if not all(name in _PARAMETERS or _ATTRIBUTE.fullmatch(name) for name, _ in given):
        return None
    return [value for name, value in given if name.lower() in _STUDY_KEYS]


def _uid(text: str) -> str | None:
    try:
        return study_uid(text)
    except ValueError:
        return None
