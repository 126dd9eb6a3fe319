"""The rows of feeds are held to the log: what no entry wrote, or was changed or removed since, is found."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pytest
from sqlalchemy import text
from sqlmodel import Session

from governance.audit import AuditLog, Recorder, Source
from governance.audit.checker import open_reader, read_key, verification
from governance.audit.history import watched
from governance.audit.signer import ed25519_valid
from governance.catalogue import Catalogue, Study
from governance.clock import FixedClock
from governance.pseudonyms import Pseudonymiser
from governance.relationships import Edge, Relationships
from governance.storage import Database
from governance.vocabulary import SYSTEM, EventKind, RelationshipKind
from tests.worlds.basics import NOON
from tests.worlds.log import CheckLog, check_log, kept_note, log, make_event, signer

__all__ = ["CheckLog", "check_log", "kept_note", "log", "make_event", "signer"]
STUDY = Study("1.2.3", "t-1", ("RKB", "RRK"), "p-1", "CT", "HEAD", date(2026, 11, 1), frozenset({"sealed", "vip"}))
EDGE = Edge("e-1", RelationshipKind.ORDER, "s-1", "p-1", None, "RKB", NOON, None, "ris")
Write = Callable[[Session], None]


class Registers:
    """Writes rows of feeds, each commit with its entry."""

    def __init__(self, database: Database, log: AuditLog, clock: FixedClock) -> None:
        numbers = count()
        self.database = database
        self.recorder = Recorder(log, clock, Source(SYSTEM, "QHL"), lambda: f"own-{next(numbers)}")
        self.edges = Relationships(Pseudonymiser(b"k" * 32)).upsert_edges
        self.told: set[str] = set()

    def put(self, write: Write) -> int:
        """Write in one commit; gives the index of its entry."""
        with self.database.transaction() as session, watched(session, self.told) as written:
            write(session)
            index = self.recorder.record_in(session, EventKind.CONFIG, detail=written.detail(session))
        written.committed()
        return index

    def study(self, *studies: Study) -> int:
        """Write studies."""
        return self.put(lambda session: Catalogue().upsert(session, studies))

    def edge(self, *edges: Edge) -> int:
        """Write edges."""
        return self.put(lambda session: self.edges(session, edges))


@pytest.fixture
def registers(database: Database, log: AuditLog, clock: FixedClock) -> Registers:
    return Registers(database, log, clock)


@contextmanager
def intruder(database: Database) -> Iterator[Callable[..., object]]:
    with database.transaction() as session:
        yield lambda statement, **values: session.connection().execute(text(statement), values)


def test_what_feeds_wrote_is_whole_however_often_it_was_replaced(registers: Registers, check_log: CheckLog) -> None:
    registers.study(STUDY, replace(STUDY, study_uid="1.2.4", study="t-2", body_part=None))
    registers.study(STUDY)  # the same again
    registers.study(replace(STUDY, labels=frozenset(), custodians=("RRK",)))
    registers.edge(EDGE, replace(EDGE, id="e-2", valid_until=NOON + timedelta(hours=1)))
    registers.edge(replace(EDGE, subject="s-2"))
    report = check_log()
    assert report.ok, report.lines()


def test_an_entry_says_nothing_of_rows_that_came_out_the_same(registers: Registers, log: AuditLog) -> None:
    registers.study(STUDY)
    again = registers.study(STUDY)
    assert log.entry(again).detail == {}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE catalogue_study SET labels = '[]'",
        "UPDATE catalogue_study SET body_part = NULL",
        "UPDATE catalogue_study SET study_date = '2026-11-02'",
        "UPDATE catalogue_custodian SET ods = 'RXW' WHERE position = 1",
        "DELETE FROM catalogue_custodian WHERE position = 1",
        "DELETE FROM catalogue_custodian",
        "UPDATE relationships_edge SET valid_until = 5",
        "UPDATE relationships_edge SET subject = 's-9'",
        "DELETE FROM relationships_edge",
    ],
)
def test_a_row_that_was_changed_or_removed_is_found_with_the_entry_that_wrote_it(
    registers: Registers, database: Database, check_log: CheckLog, statement: str
) -> None:
    index = registers.put(lambda session: (Catalogue().upsert(session, [STUDY]), registers.edges(session, [EDGE]))[0])
    with intruder(database) as run:
        run(statement)
    report = check_log()
    assert (report.status, report.first_bad_index) == (5, index)
    assert any(f"that entry {index} wrote is gone or was changed." in line for line in report.lines())


def test_a_row_that_no_entry_wrote_is_found(registers: Registers, database: Database, check_log: CheckLog) -> None:
    registers.edge(EDGE)
    with intruder(database) as run:
        run(
            "INSERT INTO relationships_edge SELECT 'e-9', kind, 's-9', patient, study, ods, valid_from, valid_until,"
            " source, named_by FROM relationships_edge"
        )
    report = check_log()
    assert report.status == 5
    assert "The rows of relationships_edge are not those that entries tell of." in report.lines()


def test_a_row_put_back_to_what_it_was_before_is_found(
    registers: Registers, database: Database, check_log: CheckLog
) -> None:
    registers.edge(EDGE)
    index = registers.edge(replace(EDGE, subject="s-2"))
    with intruder(database) as run:
        run("UPDATE relationships_edge SET subject = 's-1'")
    assert check_log().first_bad_index == index


def test_a_changed_row_that_a_feed_replaced_since_is_found(
    registers: Registers, database: Database, check_log: CheckLog
) -> None:
    registers.edge(EDGE)
    with intruder(database) as run:
        run("UPDATE relationships_edge SET subject = 's-9'")
    index = registers.edge(EDGE)
    report = check_log()
    assert report.status == 5
    assert f"Entry {index} replaced a row of relationships_edge that no entry had written." in report.lines()


def test_rows_from_before_are_taken_as_found_once(
    registers: Registers, database: Database, log: AuditLog, clock: FixedClock, check_log: CheckLog
) -> None:
    with database.transaction() as session:
        Catalogue().upsert(session, [STUDY, replace(STUDY, study_uid="1.2.9", study="t-9")])
    first = registers.study(replace(STUDY, labels=frozenset()))
    assert "found" in log.entry(first).detail["rows"]  # type: ignore[operator]
    second = Registers(database, log, clock)  # another process, which knows of no entry yet
    second.recorder.new_id = lambda: "other-1"
    assert "found" not in log.entry(second.study(STUDY)).detail["rows"]  # type: ignore[operator]
    assert check_log().ok
    with intruder(database) as run:
        run("UPDATE catalogue_study SET modality = 'MR' WHERE study_uid = '1.2.9'")
    assert check_log().status == 5


def test_what_is_written_while_the_log_is_checked_is_no_fault(
    registers: Registers, database: Database, log: AuditLog
) -> None:
    registers.study(STUDY)
    registers.recorder.record_all([registers.recorder.event(EventKind.LOGIN) for _ in range(3_000)])
    log.sign_checkpoint()
    reader = open_reader(database.url)
    steps = verification(reader, [read_key(log.verifier_key())], ed25519_valid)
    assert next(steps) == 2_048
    registers.study(replace(STUDY, labels=frozenset()))
    *_, report = steps
    reader.close()
    assert not isinstance(report, int)
    assert report.ok, report.lines()
