"""What the registers and the looks explained before tell the reader of the past."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from governance.audit.event import RecordedEvent
from governance.catalogue.known import STUDY
from governance.detection.explanation.explanations import Explanations
from governance.detection.explanation.limits import REACHES
from governance.detection.explanation.look import ExplanationKind
from governance.detection.knowledge.context import RegionContext
from governance.detection.reader.past.live import Told
from governance.detection.reader.past.port import Earlier, Known, looked_up
from governance.facts import FactKey, History
from governance.federation.known import STAFF
from governance.relationships.known import EDGE, PATIENT
from governance.storage import from_microseconds

_EXPLAIN = frozenset({EDGE, STAFF, PATIENT, STUDY})  # kinds of rows that may explain a look, or its patient


def told_by(history: History, explanations: Explanations, context: Callable[[Session], RegionContext]) -> Told:
    """Give what is told of the past.

    Args:
        history: what became known when.
        explanations: the looks explained before.
        context: opens the facts on a snapshot.
    """

    def known(session: Session, index: int) -> Sequence[Known]:
        rows = history.all_versions_since(session, index, index)
        return list(dict.fromkeys(_known(one) for one in rows if one.kind in _EXPLAIN))

    def looks_of(
        session: Session, rows: Sequence[Known], since: datetime, before: int, limit: int
    ) -> Sequence[Earlier]:
        about: dict[str, dict[str, datetime]] = {}
        for (by, name), begins in looked_up(rows, since).items():
            about.setdefault(by, {})[name] = begins
        looks = explanations.looks_about(session, about, before, limit)
        return [Earlier(look.index, look.time, look.explanation) for look in looks]

    def right_after(session: Session, events: Sequence[RecordedEvent], index: int) -> RegionContext:
        made = context(session)
        made.prepare(events, index + 1)
        return made

    return Told(known, looks_of, explanations.of, right_after)


def _known(row: FactKey) -> Known:
    """Give whom a row is about: a study's explains looks at it alone, an edge's none before it reaches back to."""
    if row.kind == STUDY:
        return Known(study=row.study)
    if row.kind != EDGE or row.valid_from is None:
        return Known(row.subject, row.patient, row.study)
    kind = ExplanationKind(json.loads(row.value)["kind"])
    return Known(row.subject, row.patient, row.study, from_microseconds(row.valid_from) - REACHES[kind].leads)
