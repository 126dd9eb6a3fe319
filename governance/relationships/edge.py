"""An edge: one piece of evidence that somebody has a reason to look."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

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


class Between(NamedTuple):
    """What edges are looked for: from a subject or their teams, to a patient, a study, or the trusts answering for it.

    ``subject`` is a user's pseudonym ``s-…`` or plain id, or a service's id; ``patient`` is ``p-…``, ``study`` ``t-…``.
    """

    subject: str
    team_ids: tuple[str, ...]
    patient: str | None
    study: str | None
    custodians: tuple[str, ...] = ()


class Matches:
    """Edges of the same subjects, found by what they lead to: as the database finds them one by one.

    Args:
        edges: from any of the subjects, to anything that is wanted of them.
    """

    def __init__(self, edges: Iterable[Edge]) -> None:
        self._of_patient: dict[str, dict[str, Edge]] = {}
        self._of_study: dict[str, dict[str, Edge]] = {}
        self._wide: dict[str, Edge] = {}
        for edge in edges:
            if edge.patient is not None:
                self._of_patient.setdefault(edge.patient, {})[edge.id] = edge
            elif edge.study is not None:
                self._of_study.setdefault(edge.study, {})[edge.id] = edge
            else:
                self._wide[edge.id] = edge

    def of(self, wanted: Between) -> tuple[Edge, ...]:
        """Give the edges that lead to what is wanted, by kind, then id."""
        found = [
            *self._of_patient.get(wanted.patient or "", {}).values(),
            *self._of_study.get(wanted.study or "", {}).values(),
            *(edge for edge in self._wide.values() if edge.ods in wanted.custodians),
        ]
        return tuple(sorted(found, key=lambda edge: (edge.kind, edge.id)))
