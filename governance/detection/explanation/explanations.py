"""Explanations kept beside the log: written with each batch, read by every page and by whoever takes looks up again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from governance.detection.acts import patient_of, study_of, succeeded
from governance.detection.explanation import _store
from governance.detection.explanation.limits import LESSONS_LAST
from governance.detection.explanation.look import Explanation, ExplanationKind, Look
from governance.vocabulary import Role

MOST = 1_000  # looks that are taken up again at once
COUNTS_KEPT = timedelta(days=400)  # a year to compare with, and a month
LESSONS_KEPT = LESSONS_LAST + timedelta(days=190)  # a lesson explains that long, from as far back as a replay goes
OTHER = "other"
LOG = "log"  # the feed of what rests on the log itself
NONE = "none"  # of what rests on nothing
_READER = "detection"
_ROLES = frozenset(role.value for role in Role)
_SOURCE = 64  # characters of a source's name that are counted by


class Untold(StrEnum):
    """Why an access has no explanation to show."""

    PENDING = "pending"  # detection has not read it yet
    NOT_KEPT = "not_kept"  # it was read by a release that kept none


Told = Explanation | Untold


@dataclass(frozen=True, slots=True)
class StoredLook:
    """A look as it was written, without its event; ``revised_at_index`` says what taught us better, if anything did."""

    index: int
    time: datetime
    subject: str | None
    ods: str | None
    role: str | None
    patient: str | None
    study: str | None
    decision: str | None
    explanation: Explanation
    revised_at_index: int | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many looks had one kind of reason.

    Args:
        ods: the trust of whoever looked, or ``other``.
        role: their role, or ``other``.
        kind: the reason.
        explained: whether it was strong enough.
        feed: the trust whose feed gave it, ``log`` or ``none``.
        source: the system that said so; empty for none.
        looks: how many.
    """

    ods: str
    role: str
    kind: ExplanationKind
    explained: bool
    feed: str
    source: str
    looks: int


class Explanations:
    """Keeps looks and their reasons.

    Every method takes the caller's session first: a read snapshot, or for writes a write transaction.

    Args:
        trusts: gives the ODS codes of the network's trusts; looks of any other are counted together.
    """

    def __init__(self, trusts: Callable[[Session], Collection[str]]) -> None:
        self._trusts = trusts

    def keep(self, session: Session, looks: Sequence[Look]) -> None:
        """Write the looks of a batch that is new, what its events taught, and its counts."""
        explained = [(look, look.explanation) for look in looks if look.explanation is not None]
        rows = [_row(look, found) for look, found in explained]
        _store.put_looks(session, rows)
        _store.put_lessons(session, [look.lesson for look in looks if look.lesson is not None])
        self._use_projects(session, explained)
        self._count(session, rows, [])

    def revise(self, session: Session, looks: Sequence[Look], taught_by: int) -> None:
        """Write other reasons for looks that are kept already; the counts follow.

        Args:
            session: a write transaction.
            looks: with their new explanations; one that is not kept, or has the same reason, is left out.
            taught_by: the index in the log of what taught us better.
        """
        explained = [(look, look.explanation) for look in looks if look.explanation is not None]
        before = _store.looks_at(session, {look.event.index for look, _ in explained})
        changed = [
            (look, found)
            for look, found in explained
            if look.event.index in before and _explanation(before[look.event.index]) != _kept(found)
        ]
        rows = [_row(look, found) | {"revised_at_index": taught_by} for look, found in changed]
        _store.revise(session, rows)
        self._use_projects(session, changed)
        self._count(session, rows, [before[look.event.index] for look, _ in changed])

    def clear(self, session: Session) -> None:
        """Forget everything, because the log is read again from its start."""
        _store.clear(session)

    def purge(self, session: Session, at: datetime) -> None:
        """Drop counts that no page asks for any more at ``at``, and lessons too old beside the newest, in event time.

        Looks stay as long as the log: it has no retention of its own yet.
        """
        _store.forget_counts(session, (at - COUNTS_KEPT).date())
        newest = _store.newest_lesson(session)
        if newest is not None:
            _store.forget_lessons(session, newest - LESSONS_KEPT)

    def of(self, session: Session, indexes: Collection[int]) -> dict[int, Explanation]:
        """Give the explanations of some entries of the log; what is no look, or not kept, is left out."""
        return {index: _explanation(row) for index, row in _store.looks_at(session, set(indexes)).items()}

    def told(self, session: Session, indexes: Collection[int]) -> dict[int, Told]:
        """Give what can be said of the looks among some entries, in one statement for up to 500.

        Args:
            session: a read snapshot.
            indexes: of accesses, exports and prints.
        """
        if not indexes:
            return {}
        position, rows = _store.told(session, set(indexes), _READER)
        missing: dict[int, Told] = {
            index: Untold.NOT_KEPT if index < position else Untold.PENDING for index in indexes if index not in rows
        }
        return missing | {index: _explanation(row) for index, row in rows.items()}

    def looks_of(
        self,
        session: Session,
        *,
        subject: str | None = None,
        patient: str | None = None,
        study: str | None = None,
        since: datetime,
        most: int = MOST,
    ) -> list[StoredLook]:
        """Give the newest looks since an instant of event time, of whoever or whatever is named.

        Raises:
            ValueError: nobody and nothing is named.
        """
        by = {"subject": subject, "patient": patient, "study": study}
        named = {name: value for name, value in by.items() if value is not None}
        if not named:
            raise ValueError("looks are asked for of a subject, a patient or a study")
        return [_stored(row) for row in _store.looks_of(session, named, since, most)]

    def looks_about(
        self, session: Session, about: Mapping[str, Mapping[str, datetime]], before: int, most: int = MOST
    ) -> list[StoredLook]:
        """Give the newest looks of each of some subjects, patients and studies, in the order of the log, each once.

        Args:
            session: the snapshot.
            about: names by ``subject``, ``patient`` and ``study``, each with the event time of its oldest look.
            before: index of the log that they come before.
            most: looks of one name.
        """
        found = {
            row["event_index"]: row
            for column, names in about.items()
            for row in _store.newest_looks(session, column, names, before, most)
        }
        return [_stored(found[index]) for index in sorted(found)]

    def counts(self, session: Session, since: date, ods: str | None = None) -> tuple[Count, ...]:
        """Give the counts since a day (UTC, of event time), for whoever looked from a trust; None for everybody."""
        names = ("ods", "role", "kind", "explained", "feed", "source")
        found = _store.counts(session, since, names, ods)
        return tuple(Count(one[0], one[1], ExplanationKind(one[2]), *one[3:]) for one in found)

    def by_role(self, session: Session, since: date) -> dict[tuple[str, str, str], int]:
        """Give how many looks were explained, unexplained or degraded, by trust, role and which of the three."""
        found: Counter[tuple[str, str, str]] = Counter()
        for ods, role, kind, explained, looks in _store.counts(session, since, ("ods", "role", "kind", "explained")):
            found[ods, role, _state(kind, explained)] += looks
        return dict(found)

    def by_feed(self, session: Session, since: date) -> dict[tuple[str, str], int]:
        """Give how many looks each kind of reason was found for, by kind and the feed that gave it."""
        return {(kind, feed): looks for kind, feed, looks in _store.counts(session, since, ("kind", "feed"))}

    def _use_projects(self, session: Session, looks: Iterable[tuple[Look, Explanation]]) -> None:
        uses = {
            (found.edge, study)
            for look, found in looks
            if found.kind is ExplanationKind.PROJECT
            and found.edge is not None
            and (study := study_of(look.event)) is not None
            and succeeded(look.event)
        }
        if uses:
            _store.use_projects(session, uses)

    def _count(self, session: Session, more: Iterable[Mapping[str, Any]], less: Iterable[Mapping[str, Any]]) -> None:
        """Add looks to the counts of their days, and take away what they were counted as before."""
        trusts = frozenset(self._trusts(session))
        found: Counter[tuple[Any, ...]] = Counter()
        for rows, each in ((more, 1), (less, -1)):
            for row in rows:
                if row["counted"]:
                    found[_counted_as(row, trusts)] += each
        names = ("day", "ods", "role", "kind", "explained", "feed", "source")
        _store.count(
            session, [dict(zip(names, key, strict=True), looks=looks) for key, looks in found.items() if looks]
        )


def _state(kind: str, explained: bool) -> str:
    if kind == ExplanationKind.DEGRADED:
        return kind
    return "explained" if explained else ExplanationKind.UNEXPLAINED.value


def _counted_as(row: Mapping[str, Any], trusts: Collection[str]) -> tuple[Any, ...]:
    """Give the counter of a look: nothing in it is a caller's own word but the name of a source, cut short."""
    found = _explanation(row)
    rests_on_edge = found.edge is not None
    feed = (found.feed if found.feed in trusts else OTHER) if rests_on_edge else (LOG if found.source else NONE)
    return (
        row["time"].astimezone(UTC).date(),
        row["ods"] if row["ods"] in trusts else OTHER,
        row["role"] if row["role"] in _ROLES else OTHER,
        found.kind.value,
        found.explained,
        feed,
        (found.source or "")[:_SOURCE],
    )


def _row(look: Look, found: Explanation) -> dict[str, Any]:
    event, standing = look.event, look.standing
    return {
        "event_index": event.index,
        "time": event.time,
        "subject": event.subject.id if event.subject else None,
        "ods": standing.ods if standing else None,
        "role": standing.role if standing else None,
        "patient": patient_of(event),
        "study": study_of(event),
        "decision": event.authority.decision_id,
        "kind": found.kind.value,
        "edge": found.edge,
        "source": found.source,
        "feed": found.feed,
        "team": found.team,
        "age_seconds": None if found.age is None else found.age // timedelta(seconds=1),
        "strength": found.strength,
        "counted": succeeded(event),
        "revised_at_index": None,
    }


def _kept(found: Explanation) -> Explanation:
    """Give an explanation as it comes back: its age in whole seconds."""
    age = None if found.age is None else timedelta(seconds=found.age // timedelta(seconds=1))
    return Explanation(found.kind, found.edge, found.source, age, found.strength, found.feed, found.team)


def _explanation(row: Mapping[str, Any]) -> Explanation:
    age = row["age_seconds"]
    return Explanation(
        ExplanationKind(row["kind"]),
        row["edge"],
        row["source"],
        None if age is None else timedelta(seconds=age),
        row["strength"],
        row["feed"],
        bool(row["team"]),
    )


def _stored(row: Mapping[str, Any]) -> StoredLook:
    return StoredLook(
        index=row["event_index"],
        time=row["time"],
        subject=row["subject"],
        ods=row["ods"],
        role=row["role"],
        patient=row["patient"],
        study=row["study"],
        decision=row["decision"],
        explanation=_explanation(row),
        revised_at_index=row["revised_at_index"],
    )
