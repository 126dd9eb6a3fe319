"""What a DICOMweb URL asks for (DICOM PS3.18 sections 8, 10.4 WADO-RS, 10.6 QIDO-RS, 10.5 STOW-RS).

Generic enforcement points hand us nothing but a method and a URL, so the URL is read here, strictly: a path that is not
a DICOMweb one of the forms below is refused, never guessed.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from governance.vocabulary import Action, study_uid

PATH_MAXIMUM = 2048  # characters: three UIDs, frames and room for parameters
_STUDIES = re.compile(r"(?:^|/)studies(?:/(?P<rest>.*))?$")
_RENDITIONS = frozenset({"metadata", "rendered", "thumbnail", "bulkdata", "pixeldata"})
_STUDY_KEYS = ("StudyInstanceUID", "0020000D")


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
    if len(uri) > PATH_MAXIMUM:
        return None
    split = urlsplit(uri)
    path = unquote(split.path)
    if "//" in path or "/../" in f"{path}/" or "/./" in f"{path}/" or not path.isascii() or not path.isprintable():
        return None
    found = _STUDIES.search(path.rstrip("/"))
    if found is None:
        return None
    parts = [part for part in (found["rest"] or "").split("/") if part]
    if method in {"GET", "HEAD"}:
        return _read(parts, split.query)
    return None


def _read(parts: list[str], query: str) -> Target | None:
    if not parts:
        return _search(None, query)
    study = _uid(parts[0])
    if study is None:
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


def _search(study: str | None, query: str) -> Target | None:
    """Read a QIDO query of the archive: only one that names one study can be judged by a study's token."""
    given = [value for key in _STUDY_KEYS for value in parse_qs(query, keep_blank_values=True).get(key, [])]
    if len(given) != 1:
        return Target(Action.SEARCH, study)
    named = _uid(given[0])
    return None if named is None else Target(Action.SEARCH, named)


def _uid(text: str) -> str | None:
    try:
        return study_uid(text)
    except ValueError:
        return None
