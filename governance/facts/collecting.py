"""Writing versions: what a transaction changes is noted by the rooms, and written with the index of its record.

1. A room notes each row as it writes it. Whoever records the change opens the collection and closes it: before the
   record what is noted is compared with what is known, after it the versions are written with its index.
2. What makes new data keys waits until after the record. The log makes data keys while it is locked; whoever made one
   before would wait for the log, and the log for them.
3. A person who was forgotten stays forgotten: what is noted of them has no secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlmodel import Session

from governance.facts import _store
from governance.facts.fact import Fact, Version, written
from governance.facts.history import SECRET, Opener
from governance.pseudonyms import DataKeys, Vault

_COLLECTION = "governance.facts"  # in ``session.info`` of a transaction whose changes are known from its record on
_Names = tuple[str | None, str | None, str | None, str | None, int | None, int | None]


class FactWriter:
    """Writes versions.

    Args:
        vault: seals what ties a row to a person.
    """

    def __init__(self, vault: Vault) -> None:
        self.vault = vault


class Collection:
    """What one transaction changed, until it is written."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._noted: dict[tuple[str, str], Fact] = {}
        self._ready: list[Version] = []
        self._to_seal: list[tuple[Version, str]] = []

    def take(self, facts: Iterable[Fact]) -> None:
        """Take facts; of two of one row the last counts."""
        self._noted.update({(fact.kind, fact.key): fact for fact in facts})

    def compare(self, session: Session) -> None:
        """Find which of the facts are news, and seal what can be sealed; call it before the record of the change."""
        noted, self._noted = list(self._noted.values()), {}
        before = _current(session, noted)
        keys = self._vault.data_keys(session, {fact.owner for fact in noted if fact.owner is not None})
        opener = Opener(session, self._vault)
        opener.prepare(before.values())
        news = [
            made for fact in noted if (made := _news(fact, before.get((fact.kind, fact.key)), keys, opener)) is not None
        ]
        self._ready += [version for version, secret in news if secret is None]
        held = [(version, secret) for version, secret in news if secret is not None and keys.has(version.owner)]
        self._ready += _sealed(self._vault, session, held)
        self._to_seal += [(one, secret) for one, secret in news if secret is not None and not keys.has(one.owner)]

    def write(self, session: Session, index: int) -> int:
        """Write the news as known since the record at an index; gives how many versions that were."""
        made = [*self._ready, *_sealed(self._vault, session, self._to_seal)]
        self._ready, self._to_seal = [], []
        if made:
            _store.put(session, made, index)
        return len(made)


@contextmanager
def collected(session: Session, writer: FactWriter) -> Iterator[Collection]:
    """Collect what the rooms note in a write transaction, from here to the end of the block."""
    session.info[_COLLECTION] = made = Collection(writer.vault)
    try:
        yield made
    finally:
        del session.info[_COLLECTION]


def note(session: Session, facts: Iterable[Fact]) -> None:
    """Note facts as their rows are written; without a collection nothing is known of them afterwards."""
    collection: Collection | None = session.info.get(_COLLECTION)
    if collection is not None:
        collection.take(facts)


def _current(session: Session, facts: Sequence[Fact]) -> dict[tuple[str, str], Version]:
    by_kind: dict[str, list[str]] = {}
    for fact in facts:
        by_kind.setdefault(fact.kind, []).append(fact.key)
    return {(one.kind, one.key): one for kind, keys in by_kind.items() for one in _store.current(session, kind, keys)}


def _news(fact: Fact, before: Version | None, keys: DataKeys, opener: Opener) -> tuple[Version, str | None] | None:
    """Give the version that a fact makes and what is to be sealed in it; None when it is known already."""
    if fact.gone:
        if before is None or before.gone:
            return None
        return before._replace(gone=True, value="{}", owner=None, sealed=None), None
    forgotten = fact.owner is not None and keys.forgotten(fact.owner)
    secret = _meaning({} if forgotten else fact.secret)
    value = _meaning(fact.value)
    if before is not None and not before.gone:
        same = _names(fact) == _names(before) and value == _meaning(json.loads(before.value))
        if same and secret == _meaning(opener.secret(before)):
            return None
    made = Version(
        fact.kind, fact.key, -1, None, *_names(fact), False, written(value), fact.owner if secret else None, None
    )
    return made, written(secret) if secret else None


def _names(one: Fact | Version) -> _Names:
    return one.subject, one.patient, one.study, one.ods, one.valid_from, one.valid_until


def _meaning(value: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing: a member that is null or empty."""
    return {name: said for name, said in value.items() if said is not None and said != [] and said != ""}


def _sealed(vault: Vault, session: Session, open_: Sequence[tuple[Version, str]]) -> list[Version]:
    items = [(one.owner or "", {SECRET: secret}) for one, secret in open_]
    envelopes = vault.seal_many(session, items) if items else []
    return [
        one._replace(sealed=envelope, owner=one.owner if envelope else None)
        for (one, _), envelope in zip(open_, envelopes, strict=True)
    ]
