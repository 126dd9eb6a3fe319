"""The graph of reasons: of what somebody holds, the one reason that best explains a look. Pure.

1. Exact and young beats wide and old: the strongest reason is given, of equal ones the nearest in time.
2. A reason that says more than the look fits, covers less: another purpose, destination or time is no reason; another
   site is a weak one. One that leaves something out explains by what it has, weakly, never nothing.
3. A wide reason (rota, pool, a project that names nobody) explains a working list. For a patient who is flagged, as one
   in the news is, it is shown and explains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.detection.explanation.limits import AT_LIMIT, BELIEVED, CROWD, LOOSE, REACHES, TEAM, UNBOUNDED, Reach
from governance.detection.explanation.look import SPECIFIC, UNEXPLAINED, WIDE, Explanation, ExplanationKind, Lesson
from governance.detection.knowledge.reasons import EdgeFacts
from governance.vocabulary import RelationshipKind

_DIGITS = 3  # strengths are rounded before they are compared
Fits = Callable[[EdgeFacts], bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a look asks of the graph.

    Args:
        at: when it was.
        study: the study's pseudonym.
        custodians: the trusts that answer for the images, as catalogue and event say; empty when neither says.
        site: where the person sat, as the event says.
        purpose: the purpose of use.
        destination: where the images were sent.
        taken: whether images were taken out (exported, printed).
        flagged: whether the patient is flagged (VIP, incident, dead).
    """

    at: datetime
    study: str | None = None
    custodians: frozenset[str] = frozenset()
    site: str | None = None
    purpose: str | None = None
    destination: str | None = None
    taken: bool = False
    flagged: bool = False


def explanation_of(
    asked: Asked, edges: Iterable[EdgeFacts], lessons: Iterable[Lesson] = (), fits: Fits = lambda _edge: True
) -> Explanation:
    """Give the best reason for a look; :data:`UNEXPLAINED` when there is none.

    Args:
        asked: the look.
        edges: what the person or a team of theirs holds to the patient, the study or a trust that answers for it.
        lessons: what the log taught of the person and the patient or study.
        fits: whether a project with a limit has room for this study, or has counted it before.
    """
    found = [*(_of_edge(asked, edge, fits) for edge in edges), *(_of_lesson(asked, lesson) for lesson in lessons)]
    return max((one for one in found if one is not None), key=_rank, default=UNEXPLAINED)


def _rank(found: Explanation) -> tuple[float, timedelta, str, str]:
    return found.strength, -abs(found.age or timedelta(0)), found.kind.value, found.edge or ""


def _of_edge(asked: Asked, edge: EdgeFacts, fits: Fits) -> Explanation | None:
    kind = ExplanationKind(edge.kind.value)
    reach, age = REACHES[kind], asked.at - edge.begins
    if not _in_time(asked.at, edge, reach):
        return None
    if edge.kind is RelationshipKind.PROJECT and not (_in_project(asked, edge) and fits(edge)):
        return None
    strength = _wide(asked, edge) if edge.wide else _named(edge, reach, age)
    return Explanation(kind, edge.id, edge.source, age, round(strength, _DIGITS), edge.ods, edge.team)


def _in_time(at: datetime, edge: EdgeFacts, reach: Reach) -> bool:
    """Say whether an edge reaches an instant; the margin of a rota is on either side of its shift."""
    if at < edge.begins - reach.leads:
        return False
    if edge.ends is not None:
        late = reach.leads if edge.kind is RelationshipKind.ROTA else timedelta(0)
        if at >= edge.ends + late:
            return False
        return reach.stated or at - edge.begins <= BELIEVED * reach.lasts
    return at - edge.begins <= reach.lasts


def _in_project(asked: Asked, edge: EdgeFacts) -> bool:
    """Say whether a look is within what a project was approved for; what either leaves out excludes nothing."""
    if edge.purpose is not None and asked.purpose is not None and edge.purpose != asked.purpose:
        return False
    return edge.destination is None or asked.destination is None or _same(edge.destination, asked.destination)


def _named(edge: EdgeFacts, reach: Reach, age: timedelta) -> float:
    """Give the strength of an edge that names the patient or the study."""
    aged = 1.0 if edge.ends is not None and reach.stated else _aged(age, reach.lasts)
    return SPECIFIC * aged * (TEAM if edge.team else 1.0)


def _wide(asked: Asked, edge: EdgeFacts) -> float:
    """Give the strength of an edge that names a whole trust."""
    if asked.flagged:
        return CROWD
    bounded = bool(asked.custodians)
    if edge.kind is RelationshipKind.PROJECT:
        if asked.taken and (edge.destination is None or edge.limit is None):
            return LOOSE
        bounded = bounded and None not in {edge.purpose, edge.destination, edge.limit}
    elif edge.kind is RelationshipKind.ROTA:
        if edge.site is not None and asked.site is not None and not _same(edge.site, asked.site):
            return LOOSE
        bounded = bounded and None not in {edge.site, asked.site, edge.ends}
    return WIDE if bounded else WIDE * UNBOUNDED


def _of_lesson(asked: Asked, lesson: Lesson) -> Explanation | None:
    reach, age = REACHES[lesson.kind], asked.at - lesson.at
    if not -reach.leads <= age <= reach.lasts:
        return None
    strength = round(reach.strength * _aged(age, reach.lasts), _DIGITS)
    return Explanation(lesson.kind, None, lesson.source, age, strength)


def _aged(age: timedelta, lasts: timedelta) -> float:
    return 1.0 - (1.0 - AT_LIMIT) * min(max(age, timedelta(0)) / lasts, 1.0)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
