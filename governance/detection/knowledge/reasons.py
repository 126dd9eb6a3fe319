"""What the explanation of a look is made of: who looked, and the edges they hold. Plain facts, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from governance.vocabulary import RelationshipKind


@dataclass(frozen=True, slots=True)
class Standing:
    """Who acted, as the register knows them.

    Args:
        role: their role; the event's claim where the register does not know them.
        ods: their trust; likewise.
        named_by: in whose names their pseudonym is one (a trust, a national issuer); None when nobody knows.
        teams: the pseudonyms of their teams.
        known: whether the register knows them.
    """

    role: str | None
    ods: str | None
    named_by: str | None = None
    teams: tuple[str, ...] = ()
    known: bool = False


@dataclass(frozen=True, slots=True)
class EdgeFacts:
    """A relationship that somebody holds, in what it says of a look.

    ``begins`` and ``ends`` bound it (a rota's shift); what is None nobody said. ``team`` says that a team of theirs
    holds it. ``limit`` is how many distinct studies a project may see.
    """

    id: str
    kind: RelationshipKind
    patient: str | None
    study: str | None
    ods: str
    begins: datetime
    ends: datetime | None
    source: str
    team: bool = False
    site: str | None = None
    purpose: str | None = None
    destination: str | None = None
    limit: int | None = None

    @property
    def wide(self) -> bool:
        """Say whether it names neither a patient nor a study, but all that a trust answers for."""
        return self.patient is None and self.study is None
