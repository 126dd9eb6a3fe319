"""Rows of feeds, agreements and alerts are held to the log: what no entry tells of, or was changed since, is found."""

import base64
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pytest
from sqlalchemy import text
from sqlmodel import Session

from governance.agreements import Agreements
from governance.alerts import AlertService, Revision
from governance.audit import AuditLog, Recorder, Source
from governance.audit.checker import open_reader, read_key, verification, verify
from governance.audit.checker._written import digests
from governance.audit.history import _written_store, watched
from governance.audit.signer import NoteSigner, ed25519_valid
from governance.catalogue import Catalogue, Study
from governance.clock import FixedClock
from governance.facts import FactWriter
from governance.pseudonyms import Pseudonymiser, Vault
from governance.relationships import Edge, Relationships
from governance.storage import Database
from governance.vocabulary import SYSTEM, EventKind, RelationshipKind, Severity, Verdict
from tests.worlds.agreements import OFFICE, World, document
from tests.worlds.alerts import OFFICER, REGION, AlertWorld, finding
from tests.worlds.basics import NOON
from tests.worlds.log import CheckLog, check_log, kept_note, log, make_event, signer

__all__ = ["CheckLog", "check_log", "kept_note", "log", "make_event", "signer"]
KEY = Vault(b"e" * 32).rows_key
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
        with self.database.transaction() as session, watched(session, self.told, KEY) as written:
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


def test_a_digest_cannot_be_tried_without_the_key(registers: Registers, log: AuditLog, database: Database) -> None:
    """A row may say that a patient is a VIP: whoever reads the log would try it, if the digest were a plain hash."""
    index = registers.study(STUDY)
    with closing(open_reader(database.url)) as reader:
        (plain,) = digests(reader.rows, "catalogue_study", None)
        (keyed,) = digests(reader.rows, "catalogue_study", KEY)
    wrote = log.entry(index).detail["rows"]["wrote"]["catalogue_study"]  # type: ignore[index,call-overload]
    assert base64.b64decode(str(wrote)) == keyed != plain


def test_rows_of_when_digests_had_no_key_are_taken_as_found_and_held_to_that(
    registers: Registers, database: Database, check_log: CheckLog
) -> None:
    as_before(registers, STUDY)
    assert check_log().ok, "an older log is checked as it was written"
    registers.study(replace(STUDY, study_uid="1.2.4", study="t-2"))
    registers.study(replace(STUDY, modality="MR"))
    assert check_log().ok
    with intruder(database) as run:
        run("UPDATE catalogue_study SET body_part = NULL WHERE study_uid = '1.2.4'")
    assert not check_log().ok


def as_before(registers: Registers, study: Study) -> None:
    """Write a study with an entry as this service made them when digests had no key."""
    with registers.database.transaction() as session:
        Catalogue().upsert(session, [study])
    with closing(open_reader(registers.database.url)) as reader:
        (plain,) = digests(reader.rows, "catalogue_study", None)
    rows = {"rows": {"wrote": {"catalogue_study": base64.b64encode(plain).decode()}}}
    registers.recorder.record(EventKind.CONFIG, detail=rows)


def test_without_the_key_rows_are_not_held_to_entries_and_the_report_says_so(
    registers: Registers, database: Database, signer: NoteSigner
) -> None:
    registers.study(STUDY)
    with intruder(database) as run:
        run("UPDATE catalogue_study SET body_part = NULL")
    with closing(open_reader(database.url)) as reader:
        report = verify(reader, [read_key(signer.verifier_key())], ed25519_valid)
    assert report.ok
    assert any("the key-encryption key" in line for line in report.lines())


def test_a_row_that_no_entry_wrote_is_found(registers: Registers, database: Database, check_log: CheckLog) -> None:
    registers.edge(EDGE)
    with intruder(database) as run:
        run(
            "INSERT INTO relationships_edge SELECT 'e-9', kind, 's-9', patient, study, ods, valid_from, valid_until,"
            ' source, named_by, site, purpose, destination, "limit" FROM relationships_edge'
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


SECOND = {"version": 2, "title": "Images for direct care between two trusts, longer"}


@pytest.fixture
def agreements(database: Database, log: AuditLog, clock: FixedClock) -> World:
    """Give agreements whose changes are recorded in the log that is checked."""
    numbers = count()
    world = World(database, clock, "RRK", "RKB")
    world.recorder = Recorder(log, clock, Source(SYSTEM, "QHL"), lambda: f"agreed-{next(numbers)}")
    writer = FactWriter(Vault(b"e" * 32))
    world.service = Agreements(database, world.recorder, clock, lambda _session: world.known, facts=writer)
    return world


def test_agreements_are_whole_through_all_of_their_life(agreements: World, check_log: CheckLog) -> None:
    agreements.active()
    agreements.service.suspend("two-trusts", 1, OFFICE, "an incident")
    agreements.active(**SECOND)  # the first is superseded
    agreements.service.load([document(id=f"other-{number}") for number in range(3)], OFFICE)
    agreements.service.revoke_key(agreements.key("RRK"), OFFICE)
    report = check_log()
    assert report.ok, report.lines()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE agreement_version SET text = replace(text, 'RKB', 'RXW')",
        "UPDATE agreement_version SET status = 'terminated'",
        "UPDATE agreement_version SET ends_at = ends_at + 1",
        "DELETE FROM agreement_signature",
        "UPDATE agreement_signature SET name = 'Somebody Else' WHERE ods = 'RKB'",
        "DELETE FROM agreement_change",
        "UPDATE agreement_change SET reason = 'none' WHERE transition = 'activate'",
        "UPDATE agreement_party SET role = 'processor' WHERE ods = 'RKB'",
        "UPDATE party_key SET ods = 'RXW' WHERE ods = 'RKB'",
        "UPDATE party_key SET revoked_at = 5 WHERE ods = 'RKB'",
        "DELETE FROM party_key WHERE ods = 'RKB'",
        "INSERT INTO agreement_party (agreement_id, version, ods, role) VALUES ('two-trusts', 1, 'RXW', 'joint')",
    ],
)
def test_an_agreement_or_a_key_that_was_changed_otherwise_is_found(
    agreements: World, database: Database, check_log: CheckLog, statement: str
) -> None:
    agreements.active()
    with intruder(database) as run:
        run(statement)
    report = check_log()
    assert report.status == 5, report.lines()
    assert any(statement.split()[statement.startswith(("DELETE", "INSERT")) + 1] in line for line in report.lines())


def test_agreements_from_before_are_taken_as_found_once(
    agreements: World, database: Database, log: AuditLog, check_log: CheckLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(_written_store, "COVERED", {})
        agreements.active()
    agreements.service.suspend("two-trusts", 1, OFFICE, "an incident")
    assert "found" in log.read(log.tree_head()[0] - 1, 1)[0].detail["rows"]  # type: ignore[operator]
    report = check_log()
    assert report.ok, report.lines()
    with intruder(database) as run:
        run("DELETE FROM agreement_change WHERE transition = 'load'")
    assert check_log().status == 5


@pytest.fixture
def alerts(database: Database, log: AuditLog, clock: FixedClock) -> AlertWorld:
    """Give alerts of which the log that is checked tells."""
    world = AlertWorld(database, clock)
    world.recorder = Recorder(log, clock, Source(SYSTEM, "QHL"), lambda: str(uuid.uuid4()))
    world.alerts = AlertService(
        database=database,
        recorder=world.recorder,
        clock=clock,
        revealer=log,
        search=world.search,
        patient_of=lambda *_: None,
    )
    return world


def some_alerts(world: AlertWorld) -> None:
    """Raise alerts: one is investigated, one closed and continued, one judged by one trust of two, one grows graver.

    One softens, one closes by itself and one opens again; two become one.
    """
    first, second = (world.raise_all(finding(about=f"p-{number}"))[0][0] for number in range(2))
    world.alerts.assign(OFFICER, first, "s-somebody")
    world.alerts.comment(OFFICER, first, "A word.")
    world.alerts.unmask(OFFICER, first, "To see who it is.")
    world.alerts.close(REGION, second, Verdict.JUSTIFIED, "Nothing in it.")
    world.alerts.comment(OFFICER, second, "One more word.")
    world.raise_all(finding(about="p-1", events=(9,)))
    world.raise_all(finding(about="p-2"), finding(about="p-2", severity=Severity.CRITICAL), finding(about="p-2"))
    judged = world.raise_all(finding(about="p-3"))[0][0]
    world.alerts.close(OFFICER, judged, Verdict.UNCLEAR, "Nobody remembers.")
    grave = finding(about="p-4", severity=Severity.CRITICAL, key="grave", events=(5,))
    world.raise_all(grave, finding(about="p-4", key="mild", events=(6,)))
    for key, event in (("grave", 5), ("mild", 6)):
        world.revise(Revision(key, 20 + event, (event,), "It is explained.", at=NOON))
    world.raise_all(finding(about="p-4", key="new", events=(7,)))
    for day in (0, 12, 6):
        at = NOON + timedelta(days=day)
        world.raise_all(finding(about="p-5", occurred_at=at, events=(30 + day,), severity=Severity.LOW))


def test_alerts_are_whole_through_their_review(alerts: AlertWorld, check_log: CheckLog) -> None:
    some_alerts(alerts)
    report = check_log()
    assert report.ok, report.lines()


EMPTIED = "; ".join(
    f"DELETE FROM alert_{name}" for name in ("event", "link", "notice", "history", "finding", "verdict")
)
INTRUDING = """
    INSERT INTO alert (number, id, group_key, ordinal, family, opened_at, latest_at, severity, state, evidence)
    SELECT 99, 'a-other', 'other', 0, family, opened_at, latest_at, severity, state, evidence FROM alert
    WHERE number = 1
"""


@pytest.mark.parametrize(
    "statement",
    [
        EMPTIED,
        f"{EMPTIED}; DELETE FROM alert",
        "UPDATE alert SET state = 'closed' WHERE state = 'new'",
        "UPDATE alert SET state = 'new' WHERE state = 'closed'",
        "UPDATE alert SET severity = 'low' WHERE severity = 'critical'",
        "UPDATE alert SET verdict = 'unclear' WHERE state = 'closed'",
        "UPDATE alert_verdict SET verdict = 'justified' WHERE verdict IS NOT NULL",
        "UPDATE alert_verdict SET verdict = 'justified' WHERE ods = 'RKB'",
        "UPDATE alert_verdict SET verdict = NULL",
        "UPDATE alert SET ending = NULL, state = 'new' WHERE ending = 'joined'",
        "UPDATE alert SET id = 'a-other' WHERE number = 1",
        "DELETE FROM alert_history WHERE change = 'closed'",
        "UPDATE alert_history SET change = 'commented' WHERE change = 'unmasked'",
        "INSERT INTO alert_history (number, alert_number, at, actor, change) SELECT 99, 1, 5, 's-other', 'commented'",
        INTRUDING,
    ],
)
def test_an_alert_that_is_not_what_entries_tell_is_found(
    alerts: AlertWorld, database: Database, check_log: CheckLog, statement: str
) -> None:
    some_alerts(alerts)
    with intruder(database) as run:
        for one in statement.split(";"):
            run(one)
    report = check_log()
    assert report.status == 5, report.lines()
    assert any("alert" in line for line in report.lines())


def test_a_second_head_of_the_log_is_found(registers: Registers, database: Database, check_log: CheckLog) -> None:
    registers.edge(EDGE)
    with intruder(database) as run:
        run("INSERT INTO audit_head (id, size, frontier) SELECT 2, size, frontier FROM audit_head")
    report = check_log()
    assert report.status == 1
    assert "The log has more than one head." in report.lines()


def test_what_is_written_while_the_log_is_checked_is_no_fault(
    registers: Registers, database: Database, log: AuditLog
) -> None:
    registers.study(STUDY)
    registers.recorder.record_all([registers.recorder.event(EventKind.LOGIN) for _ in range(3_000)])
    log.sign_checkpoint()
    reader = open_reader(database.url)
    steps = verification(reader, [read_key(log.verifier_key())], ed25519_valid, rows_key=KEY)
    assert next(steps) == 2_048
    registers.study(replace(STUDY, labels=frozenset()))
    *_, report = steps
    reader.close()
    assert not isinstance(report, int)
    assert report.ok, report.lines()
