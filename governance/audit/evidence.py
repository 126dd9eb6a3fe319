"""Whether a log was written with given keys: what its own entries say, where nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session

from governance.audit import _store
from governance.audit.encoding import parse
from governance.pseudonyms import Pseudonymiser, Vault

_LOOKED_AT = 1_000  # newest entries; services' own acts have nothing sealed in them


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether each key can be the one a log was written with; so can any key as long as nothing is sealed."""

    key_encryption_key: bool = True
    pseudonym_key: bool = True


def evidence(session: Session, pseudonymiser: Pseudonymiser, vault: Vault) -> Evidence:
    """Open one thing that is sealed in the log, and name it anew: both keys show whether they fit."""
    for owner, envelope in _sealed(session):
        try:
            fields = vault.unseal(session, owner, envelope)
        except ValueError:
            return Evidence(key_encryption_key=False)
        for field, keyed in (("patient", pseudonymiser.patient), ("subject", pseudonymiser.subject)):
            if fields and field in fields and owner.startswith(field[0]):
                return Evidence(pseudonym_key=keyed(fields[field]) == owner)
    return Evidence()


def _sealed(session: Session) -> Iterator[tuple[str, str]]:
    for entry in _store.find(session, {}, _LOOKED_AT, newest_first=True):
        for part in parse(entry).sealed:
            yield part.owner, part.envelope
