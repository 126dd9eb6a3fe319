"""What is kept of history: the time it goes back, and the sealing of what was on file when it began."""

from __future__ import annotations

from sqlmodel import Session

from governance.facts import _store
from governance.facts.history import SECRET
from governance.pseudonyms import Vault
from governance.storage import Database

AT_ONCE = 500  # versions dropped or sealed in one transaction: nobody waits long for it


class FactKeeper:
    """Drops what is too old, and seals what a migration could not: it has no keys.

    Args:
        database: one transaction for every :data:`AT_ONCE` versions.
        vault: seals.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def drop_before(self, index: int) -> int:
        """Drop what nobody can ask about any more once ``index`` is the oldest that can be; gives how many versions.

        The horizon moves first and never back: nobody is answered from what is half dropped.
        """
        with self._database.reading() as session:
            oldest, left = _store.oldest(session), _store.droppable(session, index)
        if index <= oldest and not left:
            return 0
        with self._database.transaction() as session:
            _store.move_horizon(session, index)
        total = 0
        while True:
            with self._database.transaction() as session:
                dropped = _store.drop(session, _store.oldest(session), AT_ONCE)
            total += dropped
            if dropped < AT_ONCE:
                return total

    def seal_the_first(self) -> int:
        """Seal what a migration wrote open; gives how many versions. Harmless to call again."""
        total = 0
        with self._database.reading() as session:
            if not _store.unsealed(session, 1):
                return 0
        while True:
            with self._database.transaction() as session:
                sealed = self._seal_some(session)
            total += sealed
            if sealed < AT_ONCE:
                return total

    def _seal_some(self, session: Session) -> int:
        found = _store.unsealed(session, AT_ONCE)
        items = [(one.owner or "", {SECRET: one.sealed or "{}"}) for one in found]
        envelopes = self._vault.seal_many(session, items) if items else []
        _store.seal(session, list(zip(found, envelopes, strict=True)))
        return len(found)
