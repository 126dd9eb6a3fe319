"""The terms in force, whichever process changed them: what every use case that decides opens its snapshot through.

1. The snapshot itself shows how often the terms have changed. When another process changed them, this one takes them up
   before it decides anything on that snapshot.
2. Terms that cannot be taken up open nothing: either the engine already denies everything, or there is no answer (503).
3. Taking up waits for engines and writers, so nothing that may not wait does it (:mod:`governance.storage.patience`).

Example: ``with terms.snapshot() as session: decisions.decide(request, session, now, new_id)``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from sqlmodel import Session

from governance.decisions import EMBEDDED, DecisionService
from governance.errors import Unavailable
from governance.storage import Database, require_patience


class Terms(Protocol):
    """What is in force, and what this process has of it: :class:`governance.agreements.Agreements`."""

    def behind(self, session: Session) -> bool:
        """Say whether a snapshot shows terms that this process has not taken up."""
        ...

    def refresh(self) -> object:
        """Take them up."""
        ...


class CurrentTerms:
    """Opens snapshots to decide on.

    Args:
        database: opens the read snapshots.
        decisions: decides with the terms.
        terms: those in force.
    """

    def __init__(self, database: Database, decisions: DecisionService, terms: Terms) -> None:
        self._database = database
        self._decisions = decisions
        self._terms = terms

    @property
    def decides_without_io(self) -> bool:
        """Say whether deciding waits for nothing outside this process, so that an event loop may do it itself."""
        return self._decisions.engine_name == EMBEDDED and self._database.dialect == "sqlite"

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Open a read snapshot whose terms are those this process decides with, or newer ones that replaced them.

        Raises:
            Unavailable: the terms cannot be taken up now.
            WouldWait: the calling thread may not wait, and there are terms to take up or no snapshot is free.
        """
        with self._database.reading() as session:
            if not self._behind(session):
                yield session
                return
        self._take_up()  # on no snapshot: it wants one of its own
        with self._database.reading() as session:
            yield session

    def revision(self) -> str:
        """Give the revision that decides now, having looked whether the terms changed. Raises Unavailable."""
        with self.snapshot():
            return self._decisions.revision

    def _behind(self, session: Session) -> bool:
        """Say whether a snapshot shows terms to take up; False when everything is denied anyway."""
        return not self._decisions.outdated and self._terms.behind(session)

    def _take_up(self) -> None:
        require_patience()
        try:
            self._terms.refresh()
        except Exception as error:
            if not self._decisions.outdated:
                raise Unavailable("policy.stale", "The terms in force cannot be taken up now.", 1) from error
