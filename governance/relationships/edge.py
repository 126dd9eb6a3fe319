"""An edge: one piece of evidence that somebody has a reason to look."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from governance.vocabulary import Purpose, RelationshipKind

SERVICES = "services"  # in whose names a client id is one
WIDE_KINDS = frozenset({RelationshipKind.POOL, RelationshipKind.PROJECT, RelationshipKind.ROTA})


@dataclass(frozen=True, slots=True)
class Edge:
    """A relationship between a subject and a patient, a study or a whole trust, valid in ``[valid_from, valid_until)``.

    ``subject`` is the keyed pseudonym ``s-…`` of a user, a team or a service. ``patient`` is ``p-…``, ``study`` is
    ``t-…``. An edge that names neither is *wide*: it covers what trust ``ods`` answers for, and only the kinds in
    ``WIDE_KINDS`` may be. ``valid_until`` None is open-ended; of a rota the two are the shift. ``source`` names the
    system that said so. ``named_by`` says in whose names ``subject`` is one (a trust's ODS code, a national issuer,
    ``SERVICES``); None when nobody did: then trust ``ods`` means its own (:class:`Holder`). ``site`` is where a rota's
    work is done. A project is bounded by ``purpose``, by ``destination`` (where its images go) and by ``limit``, the
    studies it may take; what is None bounds nothing.
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
    named_by: str | None = None
    site: str | None = None
    purpose: Purpose | None = None
    destination: str | None = None
    limit: int | None = None

    @property
    def wide(self) -> bool:
        """Say whether it names neither a patient nor a study."""
        return self.patient is None and self.study is None


class Holder(NamedTuple):
    """Who may hold an edge: a user, a team or a service.

    ``name`` is the pseudonym ``s-…`` that edges call them by, ``named_by`` in whose names it is one, ``trust`` the
    trust they are staff or a team of, ``elsewhere`` the trusts in which somebody or something else has the same name.
    """

    name: str
    named_by: str | None = None
    trust: str | None = None
    elsewhere: frozenset[str] = frozenset()

    def holds(self, edge: Edge) -> bool:
        """Say whether an edge of this name is theirs, and not a namesake's.

        One that says in whose names is theirs in those alone. Otherwise the trust of the edge means its own staff or
        team; one that has none of the name means the only one there is, and if there are several, nobody.
        """
        if edge.named_by is not None:
            return edge.named_by == self.named_by
        if self.named_by == SERVICES:
            return True
        if edge.ods in self.elsewhere:
            return edge.ods == self.named_by
        return edge.ods == self.trust or not self.elsewhere


class Between(NamedTuple):
    """What edges are looked for: held by any of some, to a patient, a study, or the trusts answering for it.

    ``patient`` is ``p-…``, ``study`` ``t-…``.
    """

    holders: tuple[Holder, ...]
    patient: str | None
    study: str | None
    custodians: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Give the pseudonyms that edges call the holders by."""
        return frozenset(holder.name for holder in self.holders)


def held(edges: Iterable[Edge], holders: Iterable[Holder]) -> list[Edge]:
    """Give those of some edges that any of the holders holds, in order."""
    by_name: dict[str, list[Holder]] = {}
    for holder in holders:
        by_name.setdefault(holder.name, []).append(holder)
    return [edge for edge in edges if any(holder.holds(edge) for holder in by_name.get(edge.subject, ()))]


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
        return tuple(sorted(held(found, wanted.holders), key=lambda edge: (edge.kind, edge.id)))
