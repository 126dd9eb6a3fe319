"""Facts written at indexes of a log that need not be there, on a real database with a real vault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlmodel import Session

from governance.bootstrap import Services
from governance.facts import Fact, FactKeeper, FactWriter, History, Span, Version, Wanted, collected, note
from governance.pseudonyms import Vault
from governance.storage import Database

NIA, PAT = "s-nia", "p-pat"


@dataclass
class FactWorld:
    """The history of a database."""

    database: Database
    vault: Vault

    @property
    def history(self) -> History:
        """Give what reads it."""
        return History(self.vault)

    @property
    def keeper(self) -> FactKeeper:
        """Give what keeps it."""
        return FactKeeper(self.database, self.vault)

    def write(self, index: int, *facts: Fact) -> int:
        """Write facts as one change that was recorded at an index; gives how many versions that made."""
        with self.database.transaction() as session, collected(session, FactWriter(self.vault)) as changed:
            note(session, facts)
            changed.compare(session)
            return changed.write(session, index)

    def known(self, at: int, kinds: Sequence[str] = ("edge", "staff"), **names: Sequence[str]) -> list[Version]:
        """Give the versions that were known at an index."""
        wanted = names or {"subjects": [NIA], "patients": [PAT]}
        with self.database.reading() as session:
            found = self.history.read(session, Wanted(kinds, **wanted), Span(at, at))
        return sorted(found, key=lambda one: one.key)

    def secrets(self, versions: Sequence[Version]) -> list[dict[str, object]]:
        """Give what is sealed in versions."""
        with self.database.reading() as session:
            opener = self.history.opener(session)
            return [opener.secret(one) for one in versions]


@contextmanager
def changing(services: Services, since: int = -1) -> Iterator[Session]:
    """Change the registers without a record; what is changed is known since an index, or always."""
    made = services.infrastructure
    with made.database.transaction() as session, collected(session, made.facts) as changed:
        yield session
        changed.compare(session)
        changed.write(session, since)


def edge(key: str = "e-1", **changes: object) -> Fact:
    """Make a fact about somebody and a patient."""
    names = {"subject": NIA, "patient": PAT, "ods": "RRK", "valid_from": 5, **changes}
    value = names.pop("value", {"kind": "order"})
    return Fact("edge", key, value, **names)  # type: ignore[arg-type]


def staff(role: str = "nurse", **secret: object) -> Fact:
    """Make a fact about a member of staff, with what is sealed of them."""
    return Fact("staff", f"{NIA} RRK ", {"role": role}, secret, owner=NIA, subject=NIA, ods="RRK")
