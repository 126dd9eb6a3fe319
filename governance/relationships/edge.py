"""An edge: one piece of evidence that somebody has a reason to look."""

from dataclasses import dataclass
from datetime import datetime

from governance.vocabulary import RelationshipKind

WIDE_KINDS = frozenset({RelationshipKind.POOL, RelationshipKind.PROJECT, RelationshipKind.ROTA})


@dataclass(frozen=True, slots=True)
class Edge:
    """A relationship between a subject and a patient, a study or a whole trust, valid in ``[valid_from, valid_until)``.

    ``subject`` is the keyed pseudonym ``s-…`` of a user, a team or a service. ``patient`` is ``p-…``, ``study`` is
    ``t-…``. An edge that names neither is *wide*: it covers what trust ``ods`` answers for, and only the kinds in
    ``WIDE_KINDS`` may be. ``valid_until`` None is open-ended. ``source`` names the system that said so.
    """

    id: str
    kind: RelationshipKind
    subject: str
    patient: str | None
    study: str | None
    ods: str
    valid_from: datetime
    valid_until: datetime | None
    source: str

    @property
    def wide(self) -> bool:
        """Say whether it names neither a patient nor a study."""
        return self.patient is None and self.study is None

    def valid_at(self, at: datetime) -> bool:
        """Say whether it holds at an instant; its end is outside."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)
