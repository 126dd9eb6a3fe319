"""What the reader asks of the past: the log, the looks explained before, and the registers' rows that became known.

A port: :class:`NoPast` knows nothing, ``live.py`` has the real one. An answer depends on the log alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from governance.audit.event import RecordedEvent
from governance.detection.explanation.look import Explanation
from governance.detection.knowledge.facts import Context

NEWEST = 200  # looks that one row of a register is held against at most: the newest


class Known(NamedTuple):
    """A row of a register that became known: whom it is about, as pseudonyms; None where it names nobody.

    ``since`` is the time of the earliest look it could explain; None where it says nothing of that.
    """

    subject: str | None = None
    patient: str | None = None
    study: str | None = None
    since: datetime | None = None

    @property
    def looked_up_by(self) -> tuple[str, str] | None:
        """Give what the looks that the row could explain are found by: its patient, else its study, else its person."""
        for name, value in (("patient", self.patient), ("study", self.study), ("subject", self.subject)):
            if value is not None:
                return name, value
        return None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A look that was explained before: its index in the log, when it happened, and the reason it was given."""

    index: int
    time: datetime
    explanation: Explanation


def looked_up(rows: Iterable[Known], since: datetime) -> dict[tuple[str, str], datetime]:
    """Give what the looks that some rows could explain are found by, and the time of the earliest, of each name."""
    found: dict[tuple[str, str], datetime] = {}
    for row in rows:
        if (name := row.looked_up_by) is not None:
            begins = max(row.since or since, since)
            found[name] = min(found.get(name, begins), begins)
    return found


class Past(Protocol):
    """Answers on one snapshot."""

    def events(self, indexes: Sequence[int]) -> list[RecordedEvent]:
        """Give the log's events at some indexes, in order."""
        ...

    def named(self, source: str, event_id: str, before: int) -> RecordedEvent | None:
        """Find an event of a source by its id, before an index of the log."""
        ...

    def known(self, index: int) -> Sequence[Known]:
        """Give the rows that became known, or ceased to be, with the entry at an index, always in the same order."""
        ...

    def looks_of(self, rows: Sequence[Known], since: datetime, before: int, limit: int = NEWEST) -> Sequence[Earlier]:
        """Give the looks that some rows could explain before an index, by index: of each row the newest."""
        ...

    def explained(self, indexes: Sequence[int]) -> Mapping[int, Explanation]:
        """Give the explanations that looks were given last."""
        ...

    def context(self, context: Context, events: Sequence[RecordedEvent], index: int) -> Context:
        """Give the facts as they were known right after an index, for some events of before."""
        ...


class NoPast:
    """Knows nothing: for rules that are run by themselves."""

    def events(self, indexes: Sequence[int]) -> list[RecordedEvent]:
        """Give none."""
        return []

    def named(self, source: str, event_id: str, before: int) -> RecordedEvent | None:
        """Find none."""
        return None

    def known(self, index: int) -> Sequence[Known]:
        """Give none."""
        return ()

    def looks_of(self, rows: Sequence[Known], since: datetime, before: int, limit: int = NEWEST) -> Sequence[Earlier]:
        """Give none."""
        return ()

    def explained(self, indexes: Sequence[int]) -> Mapping[int, Explanation]:
        """Give none."""
        return {}

    def context(self, context: Context, events: Sequence[RecordedEvent], index: int) -> Context:
        """Give the facts as they are."""
        return context
