"""The context feeds: studies, relationships, staff and patients, upserts of newline-delimited JSON.

1. One bad line never loses its neighbours; the answer names it and every field that is wrong.
2. A line that is not the writer's to write is a bad line. Members that a line leaves out stay as they are on file.
3. What one commit changes and the record of it are one transaction. A long feed is cut into commits of ``COMMIT`` rows,
   so that it never keeps decisions waiting; sending a feed again is harmless, so a broken call is simply repeated.
4. Counts are recorded, and keyed digests of the rows: the log learns that a feed was taken, and what is in the tables
   can be held to it, but not whom it named. Opt-outs are counted and that is all: there is no digest of one.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session

from governance.audit.event import JsonValue
from governance.catalogue import Catalogue, Study, parse_studies
from governance.clock import Clock
from governance.federation import Contacts, FederationDirectory, StaffMember, parse_staff
from governance.feeds import Limits, LineFault, Parsed
from governance.pseudonyms import Pseudonymiser
from governance.registers import claims, lines
from governance.registers.changes import Change, Changes, Made
from governance.registers.lines import Feed, Judges, Line, Outcome
from governance.registers.patient_keys import PatientKeys, learning
from governance.registers.referrals import Referrals
from governance.registers.writers import Writer
from governance.relationships import SERVICES, Edge, PatientContext, Relationships, parse_edges, parse_patients
from governance.storage.upsert import chunks
from governance.telemetry import Metrics
from governance.vocabulary import Scope

LIMITS = Limits(lines=50_000, line_bytes=16_384)
COMMIT = 1_000  # rows in one transaction: their digests fit the entry that tells of them
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a feed: how many lines are stored, and why the others are not.

    ``waiting`` are lines that are stored and do not count yet, with what they wait for.
    """

    accepted: int
    rejected: tuple[LineFault, ...]
    waiting: tuple[LineFault, ...] = ()


class ContextFeeds:
    """Takes feeds.

    Every method raises Forbidden when the rows are not the writer's to write, and InvalidInput when a body has too many
    lines.

    Args:
        changes: makes each commit one transaction with its record.
        catalogue: holds studies.
        federation: holds members of staff.
        contacts: holds their addresses, sealed.
        relationships: holds edges and patients.
        pseudonymiser: keys the identifiers of the lines.
        patient_keys: ties staff to the patients they are.
        clock: read once in each feed.
        metrics: counts lines.
    """

    def __init__(
        self,
        *,
        changes: Changes,
        catalogue: Catalogue,
        federation: FederationDirectory,
        contacts: Contacts,
        relationships: Relationships,
        pseudonymiser: Pseudonymiser,
        patient_keys: PatientKeys,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._changes = changes
        self._catalogue = catalogue
        self._federation = federation
        self._contacts = contacts
        self._relationships = relationships
        self._pseudonymiser = pseudonymiser
        self._patient_keys = patient_keys
        self._clock = clock
        self._metrics = metrics

    def studies(self, writer: Writer, body: bytes) -> Taken:
        """Put studies on file, or add to what is on file of them."""
        told = self._patient_keys.listen()
        feed = Feed[Study](
            name="studies",
            key=lambda study: study.study_uid,
            filed=lambda session, rows: self._catalogue.studies(session, {row.study_uid for row in rows}),
            merged=lines.study,
            judges=lines.by(claims.study),
            check=lines.study_whole,
            upsert=learning(self._catalogue.upsert, self._patient_keys, told, lambda study: study.patient),
        )
        parsed = parse_studies(body, self._pseudonymiser, LIMITS, told.patient)
        return self._take(writer, feed, parsed, self._clock.now())

    def edges(self, writer: Writer, body: bytes) -> Taken:
        """Insert or replace relationships."""
        feed = Feed[Edge](
            name="edges",
            key=lambda edge: edge.id,
            filed=lambda session, rows: self._relationships.edges(session, {row.id for row in rows}),
            merged=lines.edge,
            judges=self._edge_judges,
            check=lines.edge_whole,
            upsert=self._relationships.upsert_edges,
        )
        with self._changes.reading() as session:
            clients, issuers = self._federation.clients(session), self._federation.names_of_issuers(session)
        services = frozenset(self._pseudonymiser.subject(client.client_id) for client in clients)  # theirs in all names
        parsed = parse_edges(body, self._pseudonymiser, LIMITS, issuers)
        says = "" if writer.for_region else writer.ods or ""
        named = (replace(row, ods=row.ods or says) for row in parsed.rows)
        rows = tuple(replace(row, named_by=SERVICES) if row.subject in services else row for row in named)
        return self._take(writer, feed, replace(parsed, rows=rows), self._clock.now())

    def staff(self, writer: Writer, body: bytes) -> Taken:
        """Insert or replace members of staff."""
        feed = Feed[StaffMember](
            name="staff",
            key=_employment,
            filed=lambda session, rows: {
                _employment(member): member
                for called in self._federation.staff_many(session, {row.id for row in rows}).values()
                for member in called
            },
            merged=lines.left(lines.STAFF_MEMBERS),
            judges=lines.by(claims.staff),
            check=lines.staff_whole,
            upsert=self._put_staff,
        )
        with self._changes.reading() as session:
            issuers = self._federation.names_of_issuers(session)
        parsed = parse_staff(body, self._pseudonymiser, LIMITS, issuers)
        return self._take(writer, feed, parsed, self._clock.now())

    def patients(self, writer: Writer, body: bytes) -> Taken:
        """Insert or replace what a trust says of patients: the writer's, or the region's, where a line names none.

        An opt-out that was checked later than now is a fault of its line.
        """
        now, told = self._clock.now(), self._patient_keys.listen()
        feed = Feed[PatientContext](
            name="patients",
            key=lambda patient: (patient.patient, patient.ods),
            filed=lambda session, rows: {
                (said.patient, said.ods): said
                for said in self._relationships.patients_said(session, {row.patient for row in rows})
            },
            merged=lines.left(lines.PATIENT_MEMBERS),
            judges=lines.by(claims.patient),
            check=lines.nothing,
            upsert=learning(
                self._relationships.upsert_patients, self._patient_keys, told, lambda patient: patient.patient
            ),
            counts={"opt_outs": lambda patient: patient.opt_out is not None},
        )
        parsed = parse_patients(body, self._pseudonymiser, now, LIMITS, told.patient)
        says = None if writer.for_region else writer.ods
        rows = tuple(replace(row, ods=row.ods or says) for row in parsed.rows)
        return self._take(writer, feed, replace(parsed, rows=rows), now)

    def _put_staff(self, session: Session, staff: Sequence[StaffMember]) -> None:
        self._federation.upsert_staff(session, self._patient_keys.tied(session, staff))
        self._contacts.keep(session, staff)

    def _edge_judges(self, session: Session, writer: Writer, edges: Collection[Edge]) -> Judges[Edge]:
        """Judge edges by the studies they name as the catalogue has them, and referrals by the word of both ends."""
        known = self._catalogue.studies_by_pseudonym(session, {edge.study for edge in edges if edge.study is not None})

        def study(edge: Edge) -> Study | None:
            return known.get(edge.study or "")

        return Judges(
            lambda edge, filed: claims.edge(edge, filed, study(edge), None if filed is None else study(filed)),
            Referrals(self._relationships, self._federation).rule(session, writer, edges, study),
        )

    def _take(self, writer: Writer, feed: Feed[Row], parsed: Parsed[Row], now: datetime) -> Taken:
        """Store the writer's good rows a commit at a time, each with its record; the first counts the unread lines."""
        read = [Line(*line) for line in zip(parsed.numbers, parsed.rows, parsed.named, strict=True)]
        rejected, unread = list(parsed.faults), len(parsed.faults)
        waiting: list[LineFault] = []
        for some in chunks(read, COMMIT) if read else [()]:
            change = Change(writer, Scope.CONTEXT_WRITE, matter(feed.name), now)
            outcome = self._changes.make(change, _writing(feed, writer, some, unread))
            refused = outcome.rejected
            rejected += refused
            waiting += outcome.waiting
            self._metrics.feed_lines_taken(feed=feed.name, outcome="accepted", count=len(some) - len(refused))
            self._metrics.feed_lines_taken(feed=feed.name, outcome="rejected", count=unread + len(refused))
            unread = 0
        accepted = len(read) + len(parsed.faults) - len(rejected)
        return Taken(accepted, tuple(sorted(rejected, key=lambda one: one.line)), tuple(waiting))


def matter(feed: str) -> str:
    """Give the matter of a feed: what is changed by one process at a time."""
    return f"registers/{feed}"


def _employment(member: StaffMember) -> tuple[str, str, str]:
    """Give what a member of staff is known by: whoever is called the same at another trust is somebody else."""
    return member.id, member.ods, member.issuer


def _writing(
    feed: Feed[Row], writer: Writer, some: Sequence[Line[Row]], unread: int
) -> Callable[[Session], Made[Outcome]]:
    """Say how some lines are written, and what is recorded of it."""

    def write(session: Session) -> Made[Outcome]:
        outcome = feed.write(session, writer, some)
        refused = len(outcome.rejected)
        detail: dict[str, JsonValue] = {
            "feed": feed.name,
            "accepted": len(some) - refused,
            "rejected": unread + refused,
            **feed.counted(some, outcome),
        }
        if outcome.waiting:
            detail["waiting"] = len(outcome.waiting)
        return Made(outcome, detail)

    return write
