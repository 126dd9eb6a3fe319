"""Reading the history of facts: many names at once, for a span of indexes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from governance.errors import Conflict
from governance.facts import _store
from governance.facts.fact import FactKey, Span, Version
from governance.pseudonyms import DataKeys, Vault
from governance.storage.snapshot import cached

PAGE = 1_000  # rows of one page of what changed
TOO_OLD = "facts.too_old"
SECRET = "secret"  # the field of an envelope


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: versions of some kinds, by the names they are looked up by.

    ``subjects`` find rows that name neither a patient nor a study, ``studies`` those that name no patient: a row about
    a patient is found by the patient.
    """

    kinds: Collection[str]
    subjects: Collection[str] = ()
    patients: Collection[str] = ()
    studies: Collection[str] = ()
    keys: Collection[str] = ()


class Opener:
    """Opens what is sealed in versions, with the data keys of their owners: read in one look-up, kept wrapped.

    Args:
        session: the snapshot; whoever is forgotten in it stays so for the opener.
        vault: holds the keys.
    """

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault
        self._keys: dict[str, DataKeys] = {}

    def prepare(self, versions: Iterable[Version]) -> None:
        """Read the keys of the owners of some versions in one go."""
        owners = {one.owner for one in versions if one.owner is not None and one.sealed is not None}
        fresh = owners - self._keys.keys()
        if fresh:
            self._keys |= dict.fromkeys(fresh, self._vault.data_keys(self._session, fresh))

    def secret(self, version: Version) -> dict[str, Any]:
        """Give what is sealed in a version; nothing once its owner is forgotten."""
        if version.sealed is None or version.owner is None:
            return {}
        keys = self._keys.get(version.owner)
        if keys is None:
            self.prepare([version])
            keys = self._keys[version.owner]
        if keys.forgotten(version.owner):
            return {}
        if version.sealed.startswith("{"):  # of before there was history; sealed at the next opportunity
            return _object(version.sealed)
        fields = keys.unseal(version.owner, version.sealed)
        return {} if fields is None else _object(fields[SECRET])


class History:
    """Reads versions on the caller's snapshot.

    Args:
        vault: holds the data keys of the persons whose ties are sealed.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def read(self, session: Session, wanted: Wanted, span: Span) -> list[Version]:
        """Give the versions that were known at any index of a span, those that say that a row is gone left out.

        A statement for each way of looking up, and for every 2,048 names of it.

        Raises:
            Conflict: ``facts.too_old``: what was known at the first index is no longer kept.
        """
        self.require(session, span.first)
        found: list[Version] = []
        asked = {
            "subject": wanted.subjects,
            "patient": wanted.patients,
            "study": wanted.studies,
            "key": wanted.keys,
        }
        for by, names in asked.items():
            if names:
                found += _store.known(session, by, sorted(wanted.kinds), sorted(set(names)), span)
        return found

    def opener(self, session: Session) -> Opener:
        """Make what opens the secrets of versions that were read on a snapshot."""
        return Opener(session, self._vault)

    def oldest(self, session: Session) -> int:
        """Give the oldest index that can be asked about."""
        return cached(session, ("facts", "oldest"), lambda: _store.oldest(session))

    def require(self, session: Session, index: int) -> None:
        """Make sure that what was known at an index is still kept; raises Conflict (``facts.too_old``)."""
        oldest = self.oldest(session)
        if index < oldest:
            raise Conflict(
                TOO_OLD,
                f"What was known at entry {index} of the log is no longer kept: the oldest that can be asked is"
                f" {oldest} (GOVERNANCE_FACTS_KEPT_DAYS).",
            )

    def versions_since(
        self, session: Session, first: int, last: int, after: FactKey | None = None, limit: int = PAGE
    ) -> list[FactKey]:
        """Give a page of the rows that became known, or ceased to be, at the indexes from ``first`` to ``last``.

        In the order of index, kind and key; of a row that is another's now the names of before come first. The next
        page goes on ``after`` the last of this one; one with fewer than ``limit`` is the last.

        Raises:
            Conflict: ``facts.too_old``, as :meth:`read`.
        """
        self.require(session, first)
        return _store.changed(session, Span(first, last), after, limit)

    def all_versions_since(self, session: Session, first: int, last: int, limit: int = PAGE) -> Iterator[FactKey]:
        """Give what :meth:`versions_since` does, page after page."""
        after: FactKey | None = None
        while True:
            page = self.versions_since(session, first, last, after, limit)
            yield from page
            if len(page) < limit:
                return
            after = page[-1]


def _object(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found
