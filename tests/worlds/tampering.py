"""Whoever has write access to the database and no key, tampering at random with a copy of a real log.

Each tampering is a function of an intruder. It gives the first bad entry, which the checker must name, or the range it
lies in; None where there is none, because what was altered stands beside the entries.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random

from governance.agreements import Agreements
from governance.alerts import AlertService
from governance.audit import AuditLog, NoteSigner, Recorder, Source, merkle
from governance.audit.checker import Report, open_reader, read_key, verify
from governance.audit.history import KeptNote, watched
from governance.audit.signer import ed25519_valid
from governance.catalogue import Catalogue, Study
from governance.clock import FixedClock
from governance.facts import FactWriter
from governance.pseudonyms import Pseudonymiser, Vault
from governance.relationships import Edge, Relationships
from governance.storage import Database
from governance.vocabulary import SYSTEM, EventKind, RelationshipKind, Verdict
from tests.worlds import agreements as agreed
from tests.worlds.alerts import REGION, AlertWorld, finding
from tests.worlds.basics import NOON
from tests.worlds.log import ORIGIN, MakeEvent, erase

SIZE, GROUP = 312, 24
_SIGNER = NoteSigner.from_seed(ORIGIN, b"s" * 32)
_STRANGER = NoteSigner.from_seed(ORIGIN, b"x" * 32)
_VAULT = Vault(b"e" * 32)
Bad = int | None
Tampering = Callable[["Intruder"], Bad]


@dataclass(frozen=True, slots=True)
class World:
    """A whole log in a SQLite file, its kept checkpoint, and older copies of the file."""

    path: Path
    kept: str
    older: tuple[Path, ...]


def build(folder: Path, template: Path, make_event: MakeEvent) -> World:
    """Make a log as a service does: signed every few entries, each hour's signing entered, one person erased."""
    path, clock, numbers = folder / "log.sqlite", FixedClock(NOON), count()
    shutil.copy(template, path)
    database, kept = Database(f"sqlite:///{path}"), KeptNote(folder / "kept")
    older = []
    pseudonymiser = Pseudonymiser(b"k" * 32)
    with AuditLog(database, pseudonymiser, _VAULT, _SIGNER, clock, ORIGIN, kept=kept) as log:
        recorder = Recorder(log, clock, Source(SYSTEM, "QHL"), lambda: f"own-{next(numbers)}")
        for start in range(0, SIZE, GROUP):
            log.append([make_event(number) for number in range(start, start + GROUP)])
            clock.advance(timedelta(minutes=7))
            log.sign_checkpoint()
            held = log.newest_signing()
            assert held is not None
            if start % (GROUP * 4) == 0:
                detail = {"signing": held.record.number, "size": held.record.size, "root": held.record.root.hex()}
                recorder.record(EventKind.RECORDING, detail=detail)
            if start in (GROUP, GROUP * 2):
                _feed(database, recorder, start // GROUP)
            if start == GROUP * 3:
                _agree(database, recorder, clock)
                _alarm(database, recorder, clock)
            if start == GROUP * 6:
                with database.transaction() as session:
                    erase(session, _VAULT, recorder, clock, pseudonymiser.patient("9990000009"))
            if start % (GROUP * 4) == GROUP * 3:
                older.append(_copy(database, path, folder / f"older-{start}.sqlite"))
        log.sign_checkpoint()
    _copy(database, path, folder / "whole.sqlite")
    database.dispose()
    return World(folder / "whole.sqlite", kept.read() or "", tuple(older))


def _feed(database: Database, recorder: Recorder, version: int) -> None:
    """Take a feed of studies and one of edges, as the registers do; the second time some rows change."""
    owners = ("RKB", "RRK")
    studies = [
        Study(f"1.2.{n}", f"t-{n}", owners[: 1 + n % 2], f"p-{n}", "CT", None, NOON.date(), frozenset({"sealed"}))
        for n in range(version, 12)
    ]
    edges = [
        Edge(f"e-{n}", RelationshipKind.ORDER, f"s-{n}", f"p-{n * version}", None, "RKB", NOON, None, "ris")
        for n in range(8)
    ]
    for rows, write in ((studies, Catalogue().upsert), (edges, Relationships(Pseudonymiser(b"k" * 32)).upsert_edges)):
        with database.transaction() as session, watched(session, set(), _VAULT.rows_key) as written:
            write(session, rows)  # type: ignore[operator]
            recorder.record_in(session, EventKind.CONFIG, detail=written.detail(session))


def _agree(database: Database, recorder: Recorder, clock: FixedClock) -> None:
    """Bring an agreement into force, as its parties do, and put another on file."""
    agreements = agreed.World(database, clock, "RRK", "RKB")
    agreements.recorder = recorder
    writer = FactWriter(_VAULT)
    agreements.service = Agreements(database, recorder, clock, lambda _session: agreements.known, facts=writer)
    agreements.active()
    agreements.service.load([agreed.document(id="another")], agreed.OFFICE)


def _alarm(database: Database, recorder: Recorder, clock: FixedClock) -> None:
    """Raise two alerts; one is closed, the other waits for somebody."""
    world = AlertWorld(database, clock)
    alerts = AlertService(
        database=database,
        recorder=recorder,
        clock=clock,
        revealer=world.log,
        search=world.search,
        patient_of=lambda *_: None,
    )
    with database.transaction() as session:
        raised = alerts.raise_findings(session, [finding(about=f"p-{number}") for number in range(2)])
    alerts.close(REGION, raised[0].alert, Verdict.JUSTIFIED, "Nothing in it.")


def check(world: World, path: Path) -> Report:
    """Check a copy as the operator does: with the service's key, its vault and the checkpoint it kept."""
    reader = open_reader(f"sqlite:///{path}")
    try:
        keys = [read_key(_SIGNER.verifier_key())]
        return verify(
            reader, keys, ed25519_valid, expected_checkpoints=[world.kept], opens=_VAULT.opens, rows_key=_VAULT.rows_key
        )
    finally:
        reader.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One tampering and what the checker said of it."""

    number: int
    name: str
    first: Bad
    report: Report

    @property
    def found(self) -> bool:
        """Say whether it was found, and its first bad entry named where there is one."""
        low, high = self.report.first_bad_index, self.report.last_bad_index
        if self.report.ok:
            return False
        return self.first is None or (low is not None and high is not None and low <= self.first <= high)


def run(world: World, folder: Path, seed: int, tamperings: int) -> Iterator[Outcome]:
    """Tamper with as many copies, each at random and at most once, and check each."""
    names = sorted(TAMPERINGS)
    for number in range(tamperings):
        random, name = Random(f"{seed}/{number}"), names[number % len(names)]
        path = folder / "tampered.sqlite"
        shutil.copy(world.path, path)
        intruder = Intruder(sqlite3.connect(path, isolation_level=None), random, world)
        intruder.connection.execute("BEGIN")
        first = TAMPERINGS[name](intruder)
        if intruder.connection.in_transaction:
            intruder.connection.execute("COMMIT")
        intruder.connection.close()
        yield Outcome(number, name, first, check(world, path))


class Intruder:
    """Write access to the database of a log, and nothing else."""

    def __init__(self, connection: sqlite3.Connection, random: Random, world: World) -> None:
        self.connection = connection
        self.random = random
        self.world = world
        connection.execute("PRAGMA synchronous=OFF")
        self.size = int(self.one("SELECT count(*) FROM audit_entry"))

    def one(self, statement: str, *values: object) -> object:
        """Give one value."""
        return self.connection.execute(statement, values).fetchone()[0]

    def do(self, statement: str, *values: object) -> None:
        """Run a statement that must change something."""
        assert self.connection.execute(statement, values).rowcount > 0, statement

    def index(self) -> int:
        """Choose an entry."""
        return self.random.randrange(self.size)

    def key_of(self, table: str, key: str) -> object:
        """Choose a row of a table."""
        keys = [row[0] for row in self.connection.execute(f"SELECT {key} FROM {table} ORDER BY 1")]
        return self.random.choice(keys)

    def entry(self, index: int) -> bytes:
        """Give the bytes of an entry."""
        return bytes(self.one('SELECT entry FROM audit_entry WHERE "index" = ?', index))  # type: ignore[arg-type]

    def put(self, index: int, entry: bytes) -> None:
        """Replace an entry and its leaf."""
        leaf = merkle.leaf_hash(entry)
        self.do('UPDATE audit_entry SET entry = ?, leaf_hash = ? WHERE "index" = ?', entry, leaf, index)

    def forge(self, index: int) -> None:
        """Replace an entry by another believable one, columns and leaf alike."""
        document = json.loads(self.entry(index))
        document["destination"] = f"FORGED-{self.random.random()}"
        self.put(index, _canonical(document))

    def rederive(self) -> None:
        """Make tiles and head follow from the entries again."""
        rows = self.connection.execute('SELECT leaf_hash FROM audit_entry ORDER BY "index"').fetchall()
        leaves = [bytes(row[0]) for row in rows]
        self.connection.execute("DELETE FROM audit_tile")
        for number in range(len(leaves) // 256):
            tile = leaves[number * 256 : number * 256 + 256]
            values = (number, merkle.root(tile), b"".join(tile))
            self.do("INSERT INTO audit_tile (level, number, root, hashes) VALUES (0, ?, ?, ?)", *values)
        edge = merkle.CompactRange()
        for leaf in leaves:
            edge.append(leaf)
        self.do("UPDATE audit_head SET size = ?, frontier = ?", edge.size, b"".join(edge.frontier))

    def forget_signings(self, above: int) -> None:
        """Delete what was signed above a size."""
        self.connection.execute("DELETE FROM audit_checkpoint WHERE size > ?", (above,))
        self.connection.execute("DELETE FROM audit_signing WHERE size > ?", (above,))

    def spoilt(self, value: bytes) -> bytes:
        """Change one bit."""
        at = self.random.randrange(len(value))
        return value[:at] + bytes([value[at] ^ (1 << self.random.randrange(8))]) + value[at + 1 :]

    def spoil(self, table: str, key: str, column: str) -> None:
        """Change one bit of a column of bytes in a row chosen at random."""
        row = self.key_of(table, key)
        value = bytes(self.one(f"SELECT {column} FROM {table} WHERE {key} = ?", row))  # type: ignore[arg-type]
        self.do(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", self.spoilt(value), row)


def _a_byte_of_an_entry(by: Intruder) -> Bad:
    index = by.index()
    by.do('UPDATE audit_entry SET entry = ? WHERE "index" = ?', by.spoilt(by.entry(index)), index)
    return index


def _an_entry_with_its_hash(by: Intruder) -> Bad:
    by.forge(index := by.index())
    return index


def _an_entry_with_all_that_derives_from_it(by: Intruder) -> Bad:
    by.forge(index := by.index())
    by.rederive()
    return index


def _an_entry_and_what_was_signed_since(by: Intruder) -> Bad:
    by.forge(index := by.index())
    by.rederive()
    by.forget_signings(index)
    return index


def _an_entry_and_all_that_was_signed(by: Intruder) -> Bad:
    by.forge(index := by.index())
    by.rederive()
    by.forget_signings(-1)
    return index


def _an_entry_removed(by: Intruder) -> Bad:
    by.do('DELETE FROM audit_entry WHERE "index" = ?', index := by.index())
    return index


def _a_run_of_entries_removed(by: Intruder) -> Bad:
    index = by.random.randrange(by.size - 20)
    by.do('DELETE FROM audit_entry WHERE "index" BETWEEN ? AND ?', index, index + by.random.randrange(1, 20))
    return index


def _entries_removed_and_the_rest_moved_up(by: Intruder) -> Bad:
    index = by.random.randrange(by.size - 1)
    by.do('DELETE FROM audit_entry WHERE "index" = ?', index)
    for moved in range(index + 1, by.size):
        document = json.loads(by.entry(moved))
        document["index"] = moved - 1
        by.put(moved, _canonical(document))
        by.do('UPDATE audit_entry SET "index" = ? WHERE "index" = ?', moved - 1, moved)
    by.rederive()
    return index


def _two_rows_exchanged(by: Intruder) -> Bad:
    first, second = sorted(by.random.sample(range(by.size), 2))
    for old, new in ((first, -1), (second, first), (-1, second)):
        by.do('UPDATE audit_entry SET "index" = ? WHERE "index" = ?', new, old)
    return first


def _two_entries_exchanged_with_all_that_derives_from_them(by: Intruder) -> Bad:
    first, second = sorted(by.random.sample(range(by.size), 2))
    _two = {first: second, second: first}
    for old, new in ((first, -1), (second, first), (-1, second)):
        by.do('UPDATE audit_entry SET "index" = ? WHERE "index" = ?', new, old)
    for index in _two:
        document = json.loads(by.entry(index))
        document["index"] = index
        by.put(index, _canonical(document))
    by.rederive()
    return first


def _the_tail_cut_off(by: Intruder) -> Bad:
    by.do('DELETE FROM audit_entry WHERE "index" >= ?', index := by.index())
    return index


def _the_tail_cut_off_with_all_that_derives_from_it(by: Intruder) -> Bad:
    by.do('DELETE FROM audit_entry WHERE "index" >= ?', index := by.index())
    by.rederive()
    by.forget_signings(index)
    return index


def _the_tail_cut_off_and_grown_again(by: Intruder) -> Bad:
    index = by.index()
    for place in range(index, by.size):
        by.forge(place)
    by.rederive()
    by.forget_signings(index)
    return index


def _the_whole_database_put_back(by: Intruder) -> Bad:
    by.connection.execute("COMMIT")
    path = by.random.choice(by.world.older)
    with sqlite3.connect(path) as older:
        older.backup(by.connection)
    older.close()
    return int(by.one("SELECT count(*) FROM audit_entry"))  # type: ignore[call-overload, no-any-return]


def _a_search_column(by: Intruder) -> Bad:
    columns = ("patient", "subject", "study", "custodian", "kind", "outcome", "decision_id", "event_id", "source_ods")
    index = by.index()
    by.do(f'UPDATE audit_entry SET {by.random.choice(columns)} = ? WHERE "index" = ?', "x", index)
    return index


def _a_time_column(by: Intruder) -> Bad:
    column, index = by.random.choice(("occurred_at", "recorded_at")), by.index()
    by.do(f'UPDATE audit_entry SET {column} = {column} + 1 WHERE "index" = ?', index)
    return index


def _a_leaf(by: Intruder) -> Bad:
    index = by.index()
    leaf = bytes(by.one('SELECT leaf_hash FROM audit_entry WHERE "index" = ?', index))  # type: ignore[arg-type]
    by.do('UPDATE audit_entry SET leaf_hash = ? WHERE "index" = ?', by.spoilt(leaf), index)
    return index


def _a_tile(by: Intruder) -> Bad:
    by.spoil("audit_tile", "number", by.random.choice(("hashes", "root")))
    return None


def _a_tile_removed(by: Intruder) -> Bad:
    by.do("DELETE FROM audit_tile WHERE number = ?", by.key_of("audit_tile", "number"))
    return None


def _a_tile_too_many(by: Intruder) -> Bad:
    by.do("INSERT INTO audit_tile SELECT level, number + 7, root, hashes FROM audit_tile WHERE number = 0")
    return None


def _the_head(by: Intruder) -> Bad:
    if by.random.random() < 0.5:
        by.do("UPDATE audit_head SET size = size + ?", by.random.choice((-9, -1, 1, 9)))
    else:
        by.spoil("audit_head", "id", "frontier")
    return None


def _a_checkpoint(by: Intruder) -> Bad:
    size = by.key_of("audit_checkpoint", "size")
    note = str(by.one("SELECT note FROM audit_checkpoint WHERE size = ?", size))
    changes: list[tuple[str, object]] = [
        ("signed_at", by.random.randrange(10**15)),
        ("note", by.spoilt(note.encode()).decode(errors="replace")),
        ("note", note + note.rpartition("\n\n")[2]),
        ("note", _STRANGER.sign(note.rpartition("\n\n")[0] + "\n")),
        ("root", bytes(32)),
        ("size", 10_000 + by.random.randrange(99)),
    ]
    column, value = by.random.choice(changes)
    by.do(f"UPDATE audit_checkpoint SET {column} = ? WHERE size = ?", value, size)
    return None


def _a_checkpoint_removed(by: Intruder) -> Bad:
    by.do("DELETE FROM audit_checkpoint WHERE size = ?", by.key_of("audit_checkpoint", "size"))
    return None


def _a_checkpoint_too_many(by: Intruder) -> Bad:
    size, root = by.size + by.random.randrange(1, 9), by.random.randbytes(32)
    text = f"{ORIGIN}\n{size}\n{'A' * 43}=\n"
    statement = "INSERT INTO audit_checkpoint (size, root, note, signed_at) VALUES (?, ?, ?, 1)"
    by.do(statement, size, root, _STRANGER.sign(text))
    return None


def _a_signing(by: Intruder) -> Bad:
    column = by.random.choice(("root", "note_hash", "previous", "signature", "size", "signed_at", "origin", "number"))
    if column in {"size", "signed_at"}:
        number = by.key_of("audit_signing", "number")
        by.do(f"UPDATE audit_signing SET {column} = {column} + 7 WHERE number = ?", number)
    elif column == "origin":
        by.do("UPDATE audit_signing SET origin = 'x' WHERE number = ?", by.key_of("audit_signing", "number"))
    elif column == "number":
        by.do("UPDATE audit_signing SET number = 900 WHERE number = ?", by.key_of("audit_signing", "number"))
    else:
        by.spoil("audit_signing", "number", column)
    return None


def _a_signing_removed(by: Intruder) -> Bad:
    by.do("DELETE FROM audit_signing WHERE number = ?", by.key_of("audit_signing", "number"))
    return None


def _signings_removed_with_their_checkpoints(by: Intruder) -> Bad:
    sizes = sorted(row[0] for row in by.connection.execute("SELECT size FROM audit_signing"))
    first = by.random.randrange(len(sizes))
    for size in sizes[first : first + by.random.randrange(1, 5)]:
        by.do("DELETE FROM audit_signing WHERE size = ?", size)
        by.do("DELETE FROM audit_checkpoint WHERE size = ?", size)
    return None


def _the_newest_signings_removed(by: Intruder) -> Bad:
    sizes = sorted(row[0] for row in by.connection.execute("SELECT size FROM audit_signing"))
    by.forget_signings(by.random.choice(sizes[:-1]))
    return None


def _two_signings_exchanged(by: Intruder) -> Bad:
    last = int(by.one("SELECT max(number) FROM audit_signing"))  # type: ignore[call-overload]
    first, second = by.random.sample(range(last + 1), 2)
    for old, new in ((first, -1), (second, first), (-1, second)):
        by.do("UPDATE audit_signing SET number = ? WHERE number = ?", new, old)
    return None


def _a_key_of_the_vault(by: Intruder) -> Bad:
    owner = by.random.choice(_live_owners(by))
    acts: list[tuple[str, tuple[object, ...]]] = [
        ("DELETE FROM owner_key WHERE owner = ?", (owner,)),
        ("UPDATE owner_key SET wrapped = NULL WHERE owner = ?", (owner,)),
        ("UPDATE owner_key SET wrapped = NULL, destroyed_at = 5 WHERE owner = ?", (owner,)),
        ("UPDATE owner_key SET destroyed_at = 5 WHERE owner = ?", (owner,)),
        ("UPDATE owner_key SET wrapped = ? WHERE owner = ?", (by.random.randbytes(60), owner)),
        ("UPDATE owner_key SET owner = 'p-aaaaaaaaaaaaaaaaaaaaaaaaaa' WHERE owner = ?", (owner,)),
    ]
    statement, values = by.random.choice(acts)
    by.do(statement, *values)
    return _first_sealed_for(by, owner)


def _two_keys_of_the_vault_exchanged(by: Intruder) -> Bad:
    first, second = by.random.sample(_live_owners(by), 2)
    keys = [by.one("SELECT wrapped FROM owner_key WHERE owner = ?", owner) for owner in (first, second)]
    for owner, key in ((first, keys[1]), (second, keys[0])):
        by.do("UPDATE owner_key SET wrapped = ? WHERE owner = ?", key, owner)
    return min(_first_sealed_for(by, first), _first_sealed_for(by, second))


def _a_destroyed_key(by: Intruder) -> Bad:
    owner = str(by.one("SELECT owner FROM owner_key WHERE wrapped IS NULL"))
    other = by.one("SELECT wrapped FROM owner_key WHERE wrapped IS NOT NULL")
    acts: list[tuple[str, tuple[object, ...]]] = [
        ("UPDATE owner_key SET destroyed_at = destroyed_at + 1 WHERE owner = ?", (owner,)),
        ("UPDATE owner_key SET destroyed_at = NULL WHERE owner = ?", (owner,)),
        ("UPDATE owner_key SET wrapped = ? WHERE owner = ?", (other, owner)),
        ("DELETE FROM owner_key WHERE owner = ?", (owner,)),
    ]
    statement, values = by.random.choice(acts)
    by.do(statement, *values)
    return _first_sealed_for(by, owner)


def _a_row_of_a_feed(by: Intruder) -> Bad:
    study, edge = by.key_of("catalogue_study", "study_uid"), by.key_of("relationships_edge", "id")
    acts: list[tuple[str, tuple[object, ...]]] = [
        ("UPDATE catalogue_study SET labels = '[]' WHERE study_uid = ?", (study,)),
        ("UPDATE catalogue_study SET patient = 'p-other' WHERE study_uid = ?", (study,)),
        ("UPDATE catalogue_study SET body_part = 'HEAD' WHERE study_uid = ?", (study,)),
        ("UPDATE catalogue_custodian SET ods = 'RXW' WHERE study_uid = ? AND position = 0", (study,)),
        ("DELETE FROM catalogue_custodian WHERE study_uid = ?", (study,)),
        ("INSERT INTO catalogue_custodian (study_uid, ods, position) VALUES (?, 'RXW', 5)", (study,)),
        ("DELETE FROM catalogue_study WHERE study_uid = ?", (study,)),
        ("UPDATE relationships_edge SET subject = 's-other' WHERE id = ?", (edge,)),
        ("UPDATE relationships_edge SET valid_until = 5 WHERE id = ?", (edge,)),
        ("UPDATE relationships_edge SET valid_from = valid_from + 1 WHERE id = ?", (edge,)),
        ("DELETE FROM relationships_edge WHERE id = ?", (edge,)),
        ("UPDATE relationships_edge SET id = 'e-other' WHERE id = ?", (edge,)),
        ("UPDATE relationships_edge SET patient = 'p-' || substr(id, 3) WHERE id = ? OR id = 'e-7'", (edge,)),
    ]
    statement, values = by.random.choice(acts)
    by.do(statement, *values)
    return None


def _a_row_of_a_feed_too_many(by: Intruder) -> Bad:
    by.do(
        "INSERT INTO relationships_edge (id, kind, subject, patient, study, ods, valid_from, valid_until, source)"
        " SELECT id || '-x', kind, 's-intruder', patient, study, ods, valid_from, valid_until, source"
        " FROM relationships_edge LIMIT 1"
    )
    return None


def _the_tables_of_feeds_emptied(by: Intruder) -> Bad:
    by.do(f"DELETE FROM {by.random.choice(('catalogue_study', 'relationships_edge', 'catalogue_custodian'))}")
    return None


def _a_second_head(by: Intruder) -> Bad:
    by.do("INSERT INTO audit_head (id, size, frontier) SELECT id + 1, size, frontier FROM audit_head")
    return None


def _an_alert(by: Intruder) -> Bad:
    acts = [
        "DELETE FROM alert WHERE state = 'new'",
        "DELETE FROM alert",
        "UPDATE alert SET state = 'closed', verdict = 'justified' WHERE state = 'new'",
        "UPDATE alert SET state = 'new' WHERE state = 'closed'",
        "UPDATE alert SET severity = 'low'",
        "UPDATE alert SET verdict = 'unclear' WHERE state = 'closed'",
        "DELETE FROM alert_history",
        "UPDATE alert_history SET alert_number = 2",
    ]
    by.do(by.random.choice(acts))
    return None


def _a_row_of_an_agreement(by: Intruder) -> Bad:
    acts = [
        "UPDATE agreement_version SET text = replace(text, 'RKB', 'RXW') WHERE agreement_id = 'two-trusts'",
        "UPDATE agreement_version SET status = 'active' WHERE agreement_id = 'another'",
        "UPDATE agreement_version SET superseded_by = 9 WHERE agreement_id = 'two-trusts'",
        "UPDATE agreement_signature SET signed_at = signed_at + 1",
        "UPDATE agreement_party SET ods = 'RXW' WHERE ods = 'RKB'",
        "UPDATE agreement_change SET transition = 'suspend' WHERE transition = 'activate'",
        "UPDATE party_key SET ods = 'RXW' WHERE ods = 'RKB'",
        "DELETE FROM agreement_signature WHERE ods = 'RKB'",
        "DELETE FROM agreement_change WHERE agreement_id = 'another'",
        "DELETE FROM agreement_version WHERE agreement_id = 'another'",
        "DELETE FROM party_key",
    ]
    by.do(by.random.choice(acts))
    return None


def _live_owners(by: Intruder) -> list[str]:
    return [row[0] for row in by.connection.execute("SELECT owner FROM owner_key WHERE wrapped IS NOT NULL ORDER BY 1")]


def _first_sealed_for(by: Intruder, owner: str) -> int:
    statement = """SELECT min("index") FROM audit_entry WHERE instr(entry, ?) > 0"""
    return int(by.one(statement, f'"owner":"{owner}"'.encode()))  # type: ignore[call-overload, no-any-return]


def _copy(database: Database, path: Path, to: Path) -> Path:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(path, to)
    with sqlite3.connect(to) as copied:
        copied.execute("PRAGMA journal_mode=DELETE")
    copied.close()
    return to


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


TAMPERINGS: dict[str, Tampering] = {
    name.removeprefix("_").replace("_", " "): made
    for name, made in dict(globals()).items()
    if name.startswith(("_a_", "_an_", "_entries_", "_two_", "_the_", "_signings_"))
}
