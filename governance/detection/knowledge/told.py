"""What the registers and the looks explained before tell the reader of the past."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.detection.explanation.explanations import Explanations
from governance.detection.knowledge.context import RegionContext
from governance.detection.reader.past.live import Told
from governance.detection.reader.past.port import Earlier, Known
from governance.facts import History

_EXPLAIN = frozenset({"edge", "staff", "patient", "study"})  # kinds of rows that may explain a look, or its patient


def told_by(history: History, explanations: Explanations, context: Callable[[Session], RegionContext]) -> Told:
    """Give what is told of the past.

    Args:
        history: what became known when.
        explanations: the looks explained before.
        context: opens the facts on a snapshot.
    """

    def known(session: Session, index: int) -> Sequence[Known]:
        rows = history.all_versions_since(session, index, index)
        found = (Known(one.subject, one.patient, one.study) for one in rows if one.kind in _EXPLAIN)
        return list(dict.fromkeys(found))

    def looks_of(
        session: Session, rows: Sequence[Known], since: datetime, before: int, limit: int
    ) -> Sequence[Earlier]:
        about: dict[str, set[str]] = {}
        for row in rows:
            if (name := row.looked_up_by) is not None:
                about.setdefault(name[0], set()).add(name[1])
        looks = explanations.looks_about(session, about, since, before, limit)
        return [Earlier(look.index, look.time, look.explanation) for look in looks]

    def right_after(session: Session, events: Sequence[RecordedEvent], index: int) -> RegionContext:
        made = context(session)
        made.prepare(events, index + 1)
        return made

    return Told(known, looks_of, explanations.of, right_after)
