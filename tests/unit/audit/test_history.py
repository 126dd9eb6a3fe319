"""The chain of signings: what was signed cannot be taken back, neither at rest nor from under a running service."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from governance.audit import AuditLog, NoteSigner, merkle
from governance.audit import checkpoint as notes
from governance.audit.checker import open_reader
from governance.audit.history import KeptNote, SigningRecord
from governance.audit.history.record import DOMAIN
from governance.clock import FixedClock
from governance.errors import Conflict, Unavailable
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from tests.worlds.log import ORIGIN, CheckLog, MakeEvent

Sql = Callable[..., list[Any]]
OpenLog = Callable[[KeptNote | None], AuditLog]


@pytest.fixture
def sql(database: Database) -> Sql:
    """Run one statement against the store as an intruder would."""

    def run(statement: str, **values: object) -> list[Any]:
        with database.transaction() as session:
            result = session.connection().execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    return run


@pytest.fixture
def open_log(
    database: Database, pseudonymiser: Pseudonymiser, vault: Vault, signer: NoteSigner, clock: FixedClock
) -> OpenLog:
    """Open the log of the test as another process does."""
    return lambda kept: AuditLog(database, pseudonymiser, vault, signer, clock, ORIGIN, kept=kept)


@pytest.fixture(autouse=True)
def filled(log: AuditLog, make_event: MakeEvent) -> None:
    """Hold 40 entries, signed at 0, 10, 20, 30 and 40."""
    for start in range(0, 40, 10):
        log.append([make_event(number) for number in range(start, start + 10)])
        log.sign_checkpoint()


def rewrite(sql: Sql, index: int) -> None:
    """Replace an entry and everything that derives from it: leaf, head and, above 255 entries, the tiles."""
    document = json.loads(bytes(sql('SELECT entry FROM audit_entry WHERE "index" = :i', i=index)[0][0]))
    document["destination"] = "FORGED"
    entry = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    leaf = merkle.leaf_hash(entry)
    sql('UPDATE audit_entry SET entry = :e, leaf_hash = :l WHERE "index" = :i', e=entry, l=leaf, i=index)
    edge = merkle.CompactRange()
    for row in sql('SELECT leaf_hash FROM audit_entry ORDER BY "index"'):
        edge.append(bytes(row[0]))
    sql("UPDATE audit_head SET frontier = :f", f=b"".join(edge.frontier))


def forget_signings(sql: Sql, above: int = -1) -> None:
    sql("DELETE FROM audit_checkpoint WHERE size > :s", s=above)
    sql("DELETE FROM audit_signing WHERE size > :s", s=above)


@contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(Conflict) as found:
        yield
    assert found.value.reason == reason


class TestTheChain:
    def test_begins_with_size_nought_before_the_first_entry_and_has_a_record_a_checkpoint(
        self, sql: Sql, log: AuditLog
    ) -> None:
        rows = sql("SELECT number, size FROM audit_signing ORDER BY number")
        assert [tuple(row) for row in rows] == [(0, 0), (1, 10), (2, 20), (3, 30), (4, 40)]
        held = log.newest_signing()
        assert held is not None
        assert (held.record.size, held.record.root, held.note) == (*log.tree_head(), log.latest_checkpoint())

    def test_a_checkpoint_stays_at_its_three_lines(self, log: AuditLog) -> None:
        assert notes.parse(log.latest_checkpoint()).text.count("\n") == 3

    def test_a_record_is_signed_under_a_domain_of_its_own(self, log: AuditLog, signer: NoteSigner) -> None:
        held = log.newest_signing()
        assert held is not None
        assert held.record.message().startswith(DOMAIN)
        assert signer.record_holds(held.record.message(), held.signature)
        body = notes.parse(held.note).text
        line = notes.NoteSignature(signer.name, signer.key_id, held.signature)
        with pytest.raises(ValueError, match="no valid signature"):
            signer.verifier().verify(notes.assemble(body, [line]))
        with pytest.raises(ValueError, match="control characters"):
            notes.parse(notes.assemble(held.record.message().decode(), [line]))
        with pytest.raises(ValueError, match="domain"):
            signer.sign_record(body.encode())

    def test_each_record_names_the_one_before(self, sql: Sql, check_log: CheckLog) -> None:
        rows = sql("SELECT previous FROM audit_signing ORDER BY number")
        assert bytes(rows[0][0]) == bytes(32)
        assert len({bytes(row[0]) for row in rows}) == 5
        assert check_log().ok

    def test_two_processes_take_turns(
        self, open_log: OpenLog, kept_note: KeptNote, log: AuditLog, make_event: MakeEvent, check_log: CheckLog
    ) -> None:
        other = open_log(kept_note)
        for number in range(40, 50):
            log.append([make_event(number)])
            (log if number % 2 else other).sign_checkpoint()
        report = check_log(log.latest_checkpoint())
        assert report.ok
        assert report.signed_size == 50

    def test_the_newest_note_is_kept_outside_the_database_for_its_owner_alone(
        self, log: AuditLog, kept_note: KeptNote
    ) -> None:
        assert kept_note.read() == log.latest_checkpoint()
        assert kept_note.path.stat().st_mode & 0o777 == 0o600
        assert [found.name for found in kept_note.path.parent.iterdir() if "newest" in found.name] == [
            kept_note.path.name
        ]


class TestRefusingToSign:
    """The service signs nothing that does not extend what it last signed, whatever it still knows that from."""

    def forge(self, sql: Sql) -> None:
        """Do what went unseen: change an entry and its hashes, and delete every checkpoint."""
        rewrite(sql, 25)
        forget_signings(sql)

    def test_its_memory_suffices(
        self, sql: Sql, log: AuditLog, kept_note: KeptNote, make_event: MakeEvent, check_log: CheckLog
    ) -> None:
        self.forge(sql)
        kept_note.path.unlink()
        with refused("audit.signings_cut"):
            log.sign_checkpoint()
        log.append([make_event(40)])
        with refused("audit.signings_cut"):
            log.sign_checkpoint()
        assert sql("SELECT count(*) FROM audit_checkpoint")[0][0] == 0
        assert check_log().status == 3

    def test_the_file_suffices_after_a_restart(self, sql: Sql, open_log: OpenLog, kept_note: KeptNote) -> None:
        self.forge(sql)
        restarted = open_log(kept_note)
        restarted.start()
        with refused("audit.signings_cut"):
            restarted.sign_checkpoint()
        restarted.close()
        assert sql("SELECT count(*) FROM audit_signing")[0][0] == 0

    def test_the_table_suffices(self, sql: Sql, open_log: OpenLog) -> None:
        rewrite(sql, 25)
        with refused("audit.rolled_back"):
            open_log(None).sign_checkpoint()

    def test_entries_without_any_checkpoint_are_never_signed(self, sql: Sql, open_log: OpenLog) -> None:
        self.forge(sql)
        with refused("audit.signings_cut"):
            open_log(None).sign_checkpoint()

    @pytest.mark.parametrize("known_by", ["memory", "file"])
    def test_a_chain_whose_end_was_cut_off(
        self, sql: Sql, log: AuditLog, open_log: OpenLog, kept_note: KeptNote, known_by: str
    ) -> None:
        forget_signings(sql, above=30)
        if known_by == "memory":
            kept_note.path.unlink()
        with refused("audit.signings_cut"):
            (log if known_by == "memory" else open_log(kept_note)).sign_checkpoint()

    def test_a_log_that_is_shorter_than_what_was_signed(self, sql: Sql, log: AuditLog) -> None:
        edge = merkle.CompactRange()
        for row in sql('SELECT leaf_hash FROM audit_entry WHERE "index" < 30 ORDER BY "index"'):
            edge.append(bytes(row[0]))
        sql('DELETE FROM audit_entry WHERE "index" >= 30')
        sql("UPDATE audit_head SET size = 30, frontier = :f", f=b"".join(edge.frontier))
        with refused("audit.rolled_back"):
            log.sign_checkpoint()
        forget_signings(sql, above=30)
        with refused("audit.signings_cut"):
            log.sign_checkpoint()

    def test_never_two_roots_for_one_size(self, sql: Sql, log: AuditLog) -> None:
        rewrite(sql, 35)
        forget_signings(sql, above=30)
        with refused("audit.signings_cut"):
            log.sign_checkpoint()
        assert sql("SELECT max(size) FROM audit_signing")[0][0] == 30

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("size", 41),
            ("root", b"\x00" * 32),
            ("previous", b"\x00" * 32),
            ("signature", b"\x00" * 64),
            ("origin", "x"),
        ],
    )
    def test_an_altered_record(self, sql: Sql, log: AuditLog, column: str, value: object) -> None:
        sql(f"UPDATE audit_signing SET {column} = :v WHERE number = 4", v=value)
        with refused("audit.signings_cut"):
            log.sign_checkpoint()

    def test_a_file_that_cannot_be_read_or_written(
        self, open_log: OpenLog, tmp_path: Path, make_event: MakeEvent, log: AuditLog
    ) -> None:
        log.append([make_event(40)])
        folder = tmp_path / "a-folder"
        folder.mkdir()
        for path in (folder, tmp_path / "missing" / "file"):
            with pytest.raises(Unavailable):
                open_log(KeptNote(path)).sign_checkpoint()

    def test_a_file_of_another_log(self, open_log: OpenLog, kept_note: KeptNote) -> None:
        kept_note.write(NoteSigner.from_seed(ORIGIN, b"x" * 32).sign(f"{ORIGIN}\n0\n{'A' * 43}=\n"))
        with refused("audit.signings_cut"):
            open_log(kept_note).sign_checkpoint()

    def test_a_log_from_before_the_chain_is_taken_up_once(
        self, sql: Sql, open_log: OpenLog, make_event: MakeEvent, log: AuditLog, check_log: CheckLog
    ) -> None:
        sql("DELETE FROM audit_signing")
        upgraded = open_log(None)
        upgraded.sign_checkpoint()
        log.append([make_event(40)])
        upgraded.sign_checkpoint()
        assert [tuple(row) for row in sql("SELECT number, size FROM audit_signing ORDER BY number")] == [
            (0, 40),
            (1, 41),
        ]
        report = check_log()
        assert report.ok
        assert "The chain of signings begins at size 40: the log is older than it." in report.lines()

    def test_a_rewritten_log_from_before_the_chain_is_not(self, sql: Sql, open_log: OpenLog) -> None:
        sql("DELETE FROM audit_signing")
        rewrite(sql, 25)
        with refused("audit.rolled_back"):
            open_log(None).sign_checkpoint()


class TestChecking:
    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("DELETE FROM audit_signing", "The log has no signing: the chain of signings is gone."),
            ("DELETE FROM audit_checkpoint", "The log has no checkpoint."),
            ("DELETE FROM audit_signing WHERE number = 0", "Signing 0 is missing."),
            ("DELETE FROM audit_signing WHERE number < 2", "Signings 0 to 1 are missing."),
            ("DELETE FROM audit_signing WHERE number = 2", "Signing 2 is missing."),
            ("DELETE FROM audit_signing WHERE number IN (2, 3)", "Signings 2 to 3 are missing."),
            ("DELETE FROM audit_signing WHERE number = 4", "The checkpoint stored for size 40 has no signing."),
            ("DELETE FROM audit_checkpoint WHERE size = 20", "The checkpoint of signing 2, of size 20, is missing."),
            ("UPDATE audit_signing SET signature = :z WHERE number = 2", "Signing 2 of size 20 is not signed by a"),
            ("UPDATE audit_signing SET signature = :z WHERE number = 4", "Signing 4 of size 40 is not signed by a"),
            ("UPDATE audit_signing SET signed_at = 5 WHERE number = 3", "Signing 3 of size 30 is not signed by a"),
            ("UPDATE audit_signing SET origin = 'x' WHERE number = 3", "Signing 3 of size 30 is not signed by a"),
            ("UPDATE audit_signing SET size = 19 WHERE number = 2", "Signing 2 of size 19 is not signed by a"),
            (
                "UPDATE audit_checkpoint SET signed_at = 5 WHERE size = 20",
                "size 20 is not the one that was",
            ),
        ],
    )
    def test_a_gap_has_an_exit_status_of_its_own(
        self, sql: Sql, check_log: CheckLog, statement: str, words: str
    ) -> None:
        sql(statement, **({"z": b"\x00" * 64} if ":z" in statement else {}))
        report = check_log()
        assert any(words in line for line in report.lines()), report.lines()
        assert report.status == 3

    def test_a_chain_cut_off_with_its_checkpoints_is_shown_by_what_was_kept_outside(
        self, sql: Sql, check_log: CheckLog, kept_note: KeptNote
    ) -> None:
        forget_signings(sql, above=30)
        assert check_log().ok
        report = check_log(kept_note.read() or "")
        assert report.lines()[-2] == "The kept note of size 40 has no signing."
        assert report.status == 3

    @pytest.mark.parametrize(("index", "first", "last"), [(0, 0, 9), (17, 10, 19), (39, 30, 39)])
    def test_an_entry_changed_with_all_that_derives_from_it_is_bounded_by_the_signings(
        self, sql: Sql, check_log: CheckLog, index: int, first: int, last: int
    ) -> None:
        rewrite(sql, index)
        report = check_log()
        assert (report.first_bad_index, report.last_bad_index, report.status) == (first, last, 4)

    def test_the_record_reads_the_same_on_either_side(self, sql: Sql, log: AuditLog) -> None:
        from governance.audit.checker._signings import Record

        columns = "number, origin, size, root, note_hash, previous, signed_at, signature"
        row = sql(f"SELECT {columns} FROM audit_signing ORDER BY number DESC LIMIT 1")[0]
        read = Record(*row)
        held = log.newest_signing()
        assert held is not None
        assert isinstance(held.record, SigningRecord)
        assert (read.message, read.digest) == (held.record.message(), held.digest)


class TestTheVault:
    @pytest.fixture
    def owner(self, pseudonymiser: Pseudonymiser) -> str:
        return pseudonymiser.patient("9990000003")

    def test_a_key_that_is_gone_without_a_record(self, sql: Sql, check_log: CheckLog, owner: str) -> None:
        for statement in (
            "UPDATE owner_key SET wrapped = NULL WHERE owner = :o",
            "DELETE FROM owner_key WHERE owner = :o",
        ):
            sql(statement, o=owner)
            report = check_log()
            assert (report.first_bad_index, report.status) == (3, 5)
            assert any(f"key of {owner}, which entry 3 needs, is gone" in line for line in report.lines())

    def test_another_owners_key(self, sql: Sql, check_log: CheckLog, owner: str) -> None:
        another = "SELECT wrapped FROM owner_key WHERE owner <> :o ORDER BY owner LIMIT 1"
        sql(f"UPDATE owner_key SET wrapped = ({another}) WHERE owner = :o", o=owner)
        report = check_log()
        assert (report.first_bad_index, report.status) == (3, 5)
        assert f"The vault's key of {owner} does not open what entry 3 holds under it." in report.lines()

    def test_a_key_made_anew_after_it_was_deleted_opens_none_of_the_old(
        self, sql: Sql, check_log: CheckLog, owner: str, log: AuditLog, make_event: MakeEvent
    ) -> None:
        sql("DELETE FROM owner_key WHERE owner = :o", o=owner)
        log.append([make_event(47)])  # of the same patient
        assert check_log().first_bad_index == 3


@pytest.mark.parametrize("query", ["", "?timeout=20"])
def test_a_path_with_percent_escapes_is_where_the_database_opens_it(tmp_path: Path, query: str) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    path = folder / "x.sqlite"
    url = f"sqlite:///{tmp_path}/a%20b/x.sqlite{query}"
    database = Database(url)
    with database.transaction() as session:
        session.connection().execute(text("CREATE TABLE audit_entry (id INTEGER)"))
    database.dispose()
    reader = open_reader(url)
    assert reader.count() == 0
    reader.close()
    kept = KeptNote.of(None, url)
    assert path.is_file()
    assert kept is not None
    assert kept.path == folder / "x.sqlite-checkpoint"


def test_a_copy_of_the_database_from_before_is_shown_by_the_file(
    sqlite_database: Database, tmp_path: Path, pseudonymiser: Pseudonymiser, vault: Vault, signer: NoteSigner,
    clock: FixedClock, make_event: MakeEvent,
) -> None:  # fmt: skip
    path, kept = Path(sqlite_database.url.removeprefix("sqlite:///")), KeptNote(tmp_path / "kept")
    with AuditLog(sqlite_database, pseudonymiser, vault, signer, clock, ORIGIN, kept=kept) as log:
        log.append([make_event(100)])
        log.sign_checkpoint()
        with sqlite_database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(path, tmp_path / "copy")
        log.append([make_event(101)])
        log.sign_checkpoint()
    sqlite_database.dispose()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy", path)
    with refused("audit.signings_cut"):
        AuditLog(sqlite_database, pseudonymiser, vault, signer, clock, ORIGIN, kept=kept).sign_checkpoint()
