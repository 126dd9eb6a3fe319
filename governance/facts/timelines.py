"""Versions by the names they are looked up by, and which of them were known at an index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from operator import attrgetter

from governance.facts.fact import Version

_Name = tuple[str, str, str]  # kind, column, name


class Timelines:
    """The versions of a span, to be asked as known at any index of it.

    Args:
        versions: in any order; one given twice counts once.
    """

    def __init__(self, versions: Iterable[Version] = ()) -> None:
        self._by_name: defaultdict[_Name, dict[tuple[str, int], Version]] = defaultdict(dict)
        self.add(versions)

    def add(self, versions: Iterable[Version]) -> None:
        """Take versions in."""
        for one in versions:
            place = (one.key, one.known_since)
            column, name = _looked_up_by(one)
            if name is not None:
                self._by_name[one.kind, column, name][place] = one

    def every(self, kind: str) -> list[Version]:
        """Give every version of a kind, known at whatever index."""
        found = (one for name, held in self._by_name.items() if name[0] == kind for one in held.values())
        return sorted(found, key=lambda one: (one.key, one.known_since))

    def of(
        self,
        kind: str,
        at: int,
        *,
        subject: str | None = None,
        patient: str | None = None,
        study: str | None = None,
    ) -> list[Version]:
        """Give the versions of a kind that were known at an index under one name, by key."""
        if patient is not None:
            held = self._by_name.get((kind, "patient", patient))
        elif study is not None:
            held = self._by_name.get((kind, "study", study))
        else:
            held = self._by_name.get((kind, "subject", subject or ""))
        if not held:
            return []
        known = [one for one in held.values() if one.known_at(at)]
        return sorted(known, key=_key) if len(known) > 1 else known


_key = attrgetter("key")


def _looked_up_by(one: Version) -> tuple[str, str | None]:
    """Give the name that a version is found by: the patient's before the study's before the subject's."""
    if one.patient is not None:
        return "patient", one.patient
    return ("subject", one.subject) if one.study is None else ("study", one.study)
