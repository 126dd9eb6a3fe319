"""What a line of a feed makes of what is on file: members that it leaves out stay as they are, nothing is lowered.

A line that names a member as null clears it, if it may be without; of what is not on file it says all that it must. Of
a study the labels and the custodians only grow by a feed: they are taken away by an explicit act (``studies.py``).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from sqlmodel import Session

from governance.catalogue import Study
from governance.errors import Fault
from governance.feeds import LineFault, in_one_line
from governance.registers.writers import Claim, Writer, is_others, refusals
from governance.relationships import WIDE_KINDS, Edge

Row = TypeVar("Row")

STUDY_REQUIRED = {name: name for name in ("patient", "modality", "study_date")}  # of a study that is not on file
STUDY_MEMBERS = STUDY_REQUIRED | {"body_part": "body_part"}
EDGE_REQUIRED = {"kind": "kind", "subject": "subject", "from": "valid_from", "source": "source"}
EDGE_MEMBERS = EDGE_REQUIRED | {"patient": "patient", "study_uid": "study", "until": "valid_until"}
EDGE_MEMBERS |= {name: name for name in ("ods", "site", "purpose", "destination", "limit")}
_TIES = ("household_key", "surname_key", "surname_share", "postcode_key")
STAFF_REQUIRED = {"role": "role"}
STAFF_MEMBERS = STAFF_REQUIRED | {
    name: name
    for name in (
        *_TIES,
        "department",
        "manager",
        "site",
        "team_ids",
        "patient_key",
        "training_valid_to",
        "leaves_on",
        "contact",
    )
}
PATIENT_MEMBERS = {name: name for name in (*_TIES, "flags", "deceased_on")} | {"staff_id": "staff"}


@dataclass(frozen=True, slots=True)
class Line(Generic[Row]):
    """A line that reads well: its number, its row, and the names of the members it has."""

    number: int
    row: Row
    named: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of a line that is no single writer's: faults, or that it waits, or neither: then it is written."""

    faults: tuple[Fault, ...] = ()
    waits: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some lines: those that are refused, and those that are kept and do not count yet, with why."""

    rejected: list[LineFault]
    waiting: list[LineFault]


@dataclass(frozen=True, slots=True)
class Judges(Generic[Row]):
    """Who judges rows, given what is on file.

    ``claims`` says whose a row is; ``rule`` rules on rows that are no single writer's and gives None for others.
    """

    claims: Callable[[Row, Row | None], Iterable[Claim]]
    rule: Callable[[Row, Row | None], Ruling | None] = lambda _row, _filed: None


def by(
    claims: Callable[[Row, Row | None], Iterable[Claim]],
) -> Callable[[Session, Writer, Collection[Row]], Judges[Row]]:
    """Judge rows by their claims alone, which need to know nothing beside them."""
    return lambda _session, _writer, _rows: Judges(claims)


@dataclass(frozen=True)
class Feed(Generic[Row]):
    """One feed: how its rows are found on file, what a line makes of them, whose they are, how they are written.

    Args:
        name: as the log and the metrics say it.
        key: gives what a row is known by.
        filed: finds the rows on file under the keys of some rows.
        merged: gives what a line makes of what is on file, or of nothing.
        judges: judge the rows; made for some rows and those on file, so that what they need to know is read in one go.
        check: gives what is wrong with what a line makes of what is on file.
        upsert: writes rows whole.
        counts: what of the rows is counted in the record, by name.
    """

    name: str
    key: Callable[[Row], Any]
    filed: Callable[[Session, Collection[Row]], Mapping[Any, Row]]
    merged: Callable[[Line[Row], Row | None], Row]
    judges: Callable[[Session, Writer, Collection[Row]], Judges[Row]]
    check: Callable[[Line[Row], Row, Row | None], Sequence[Fault]]
    upsert: Callable[[Session, Sequence[Row]], None]
    counts: Mapping[str, Callable[[Row], bool]] = field(default_factory=dict)

    def counted(self, lines: Sequence[Line[Row]], outcome: Outcome) -> dict[str, int]:
        """Count what the record tells of beside the lines that were taken, as far as there is any of it."""
        refused = {fault.line for fault in outcome.rejected}
        taken = [line.row for line in lines if line.number not in refused]
        found = {name: sum(map(holds, taken)) for name, holds in self.counts.items()}
        return {name: number for name, number in found.items() if number}

    def write(self, session: Session, writer: Writer, lines: Sequence[Line[Row]]) -> Outcome:
        """Write the lines that are the writer's, in their order, and say what became of the others."""
        rows = [line.row for line in lines]
        on_file = dict(self.filed(session, rows))
        judges = self.judges(session, writer, [*rows, *on_file.values()])
        written: dict[Any, Row] = {}
        outcome = Outcome([], [])
        for line in lines:
            key = self.key(line.row)
            before = on_file.get(key)
            row = self.merged(line, before)
            claimed = list(judges.claims(row, before))
            wrong = tuple(self.check(line, row, before))
            ruling = None if wrong else judges.rule(row, before)
            faults = refusals(writer, claimed) if ruling is None else ruling.faults
            if not is_others(writer, claimed):
                faults = wrong + faults
            if faults:
                outcome.rejected.append(LineFault(line.number, in_one_line(faults)))
            elif ruling is not None and ruling.waits is not None:
                outcome.waiting.append(LineFault(line.number, ruling.waits))
                on_file.pop(key, None)
                written.pop(key, None)
            else:
                on_file[key] = written[key] = row
        self.upsert(session, list(written.values()))
        return outcome


def left(members: Mapping[str, str]) -> Callable[[Line[Any], Any], Any]:
    """Make a merge that leaves the members a line does not name as they are on file.

    Args:
        members: the names of the feed that may be absent, with the fields they are kept in.
    """

    def merged(line: Line[Any], filed: Any) -> Any:
        if filed is None:
            return line.row
        kept = {field: getattr(filed, field) for name, field in members.items() if name not in line.named}
        return replace(line.row, **kept)

    return merged


def edge(line: Line[Edge], filed: Edge | None) -> Edge:
    """Merge a relationship: in whose names its subject is one stays as it is on file while the subject does."""
    row: Edge = left(EDGE_MEMBERS)(line, filed)
    if filed is None or row.named_by is not None or "issuer" in line.named or row.subject != filed.subject:
        return row
    return replace(row, named_by=filed.named_by)


def study(line: Line[Study], filed: Study | None) -> Study:
    """Merge a study: custodians and labels are added to those on file."""
    row: Study = left(STUDY_MEMBERS)(line, filed)
    if filed is None:
        return row
    added = tuple(ods for ods in row.custodians if ods not in filed.custodians)
    return replace(row, custodians=filed.custodians + added, labels=filed.labels | row.labels)


def nothing(_line: Line[Any], _row: object, _filed: object) -> Sequence[Fault]:
    """Find nothing wrong."""
    return ()


def whole(required: Iterable[str], what: str) -> Callable[[Line[Any], Any, Any], Sequence[Fault]]:
    """Make a check that a line about what is not on file leaves out nothing of what it must say.

    Args:
        required: the names it must have.
        what: is not on file then, in words.
    """
    names = tuple(required)

    def check(line: Line[Any], _row: object, filed: object) -> Sequence[Fault]:
        missing = [name for name in names if name not in line.named] if filed is None else []
        return [Fault(f"/{name}", f"is required: the {what} is not on file") for name in missing]

    return check


study_whole = whole(("custodians", *STUDY_REQUIRED), "study")
staff_whole = whole(STAFF_REQUIRED, "member of staff")
_edge_whole = whole(EDGE_REQUIRED, "relationship")


def edge_whole(line: Line[Edge], row: Edge, filed: Edge | None) -> Sequence[Fault]:
    """Make sure that a relationship says all it must, with what is on file of it, and ends after it begins."""
    missing = _edge_whole(line, row, filed)
    if missing:
        return missing
    faults = [] if row.ods else [Fault("/ods", "is required of a client that writes for the region")]
    if row.wide and row.kind not in WIDE_KINDS:
        faults.append(Fault("/patient", f"a relationship of this kind names a patient or a study_uid: {row.kind}"))
    if row.valid_until is not None and row.valid_until <= row.valid_from:
        given = "until" in line.named
        faults.append(Fault("/until", "is not after from, on file" if given else "on file is not after from"))
    return faults
