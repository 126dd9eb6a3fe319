"""The context feeds: studies, relationships, staff and patients, upserts of newline-delimited JSON.

1. One bad line never loses its neighbours; the answer names it and every field that is wrong.
2. What one commit changes and the record of it are one transaction. A long feed is cut into commits of ``COMMIT`` rows,
   so that it never keeps decisions waiting; sending a feed again is harmless, so a broken call is simply repeated.
3. Only counts are recorded: the log learns that a feed was taken, not whom it named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session

from governance.audit.event import JsonValue
from governance.catalogue import Catalogue, parse_studies
from governance.clock import Clock
from governance.federation import FederationDirectory, parse_staff
from governance.feeds import Limits, LineFault, Parsed
from governance.pseudonyms import Pseudonymiser
from governance.registers.changes import Change, Changes
from governance.registers.writers import Writer
from governance.relationships import Relationships, parse_edges, parse_patients
from governance.storage.upsert import chunks
from governance.telemetry import Metrics
from governance.vocabulary import Scope

LIMITS = Limits(lines=50_000, line_bytes=16_384)
COMMIT = 2_000  # rows in one transaction: some tens of milliseconds of the write lock
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a feed: how many lines are stored, and why the others are not."""

    accepted: int
    rejected: tuple[LineFault, ...]


class ContextFeeds:
    """Takes feeds.

    Every method raises Forbidden when the rows are not the writer's to write, and InvalidInput when a body has too many
    lines.

    Args:
        changes: makes each commit one transaction with its record.
        catalogue: holds studies.
        federation: holds members of staff.
        relationships: holds edges and patients.
        pseudonymiser: keys the identifiers of the lines.
        clock: read once in each feed.
        metrics: counts lines.
    """

    def __init__(
        self,
        *,
        changes: Changes,
        catalogue: Catalogue,
        federation: FederationDirectory,
        relationships: Relationships,
        pseudonymiser: Pseudonymiser,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._changes = changes
        self._catalogue = catalogue
        self._federation = federation
        self._relationships = relationships
        self._pseudonymiser = pseudonymiser
        self._clock = clock
        self._metrics = metrics

    def studies(self, writer: Writer, body: bytes) -> Taken:
        """Insert or replace studies."""
        parsed = parse_studies(body, self._pseudonymiser, LIMITS)
        return self._take(writer, "studies", parsed, self._catalogue.upsert, self._clock.now())

    def edges(self, writer: Writer, body: bytes) -> Taken:
        """Insert or replace relationships."""
        parsed = parse_edges(body, self._pseudonymiser, LIMITS)
        return self._take(writer, "edges", parsed, self._relationships.upsert_edges, self._clock.now())

    def staff(self, writer: Writer, body: bytes) -> Taken:
        """Insert or replace members of staff."""
        parsed = parse_staff(body, self._pseudonymiser, LIMITS)
        return self._take(writer, "staff", parsed, self._federation.upsert_staff, self._clock.now())

    def patients(self, writer: Writer, body: bytes) -> Taken:
        """Insert or replace patients; an opt-out that was checked later than now is a fault of its line."""
        now = self._clock.now()
        parsed = parse_patients(body, self._pseudonymiser, now, LIMITS)
        return self._take(writer, "patients", parsed, self._relationships.upsert_patients, now)

    def _take(
        self,
        writer: Writer,
        feed: str,
        parsed: Parsed[Row],
        upsert: Callable[[Session, Sequence[Row]], None],
        now: datetime,
    ) -> Taken:
        """Store the good rows a commit at a time, each with its record; the first record counts the faults."""
        rejected = len(parsed.faults)
        for rows in chunks(parsed.rows, COMMIT) if parsed.rows else [()]:
            detail: dict[str, JsonValue] = {"feed": feed, "accepted": len(rows), "rejected": rejected}
            self._changes.make(Change(writer, Scope.CONTEXT_WRITE, now, detail), rows, upsert)
            self._metrics.feed_lines_taken(feed=feed, outcome="accepted", count=len(rows))
            self._metrics.feed_lines_taken(feed=feed, outcome="rejected", count=rejected)
            rejected = 0
        return Taken(len(parsed.rows), parsed.faults)
