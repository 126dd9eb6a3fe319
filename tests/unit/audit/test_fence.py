"""A fence: after a restore the log goes on under another origin, and nobody can mistake the one for the other."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from governance.audit import AuditLog, NoteSigner, Recorder, Source, merkle
from governance.audit.checker import Report, open_reader, read_key, verify
from governance.audit.checkpoint import Checkpoint
from governance.audit.history import Fence, KeptNote
from governance.audit.signer import ed25519_valid
from governance.clock import FixedClock
from governance.errors import Conflict
from governance.pseudonyms import Pseudonymiser, Vault
from governance.storage import Database
from governance.vocabulary import SYSTEM, EventKind
from tests.worlds.log import ORIGIN, MakeEvent

NEW = f"{ORIGIN}-2"
Open = Callable[[str, KeptNote | None], AuditLog]
Notes = dict[int, str]


@pytest.fixture
def open_log(database: Database, pseudonymiser: Pseudonymiser, vault: Vault, clock: FixedClock) -> Open:
    """Open the log under an origin, as a process set to it does."""
    return lambda origin, kept: AuditLog(
        database, pseudonymiser, vault, NoteSigner.from_seed(origin, b"s" * 32), clock, origin, kept=kept
    )


@pytest.fixture
def notes(log: AuditLog, make_event: MakeEvent) -> Notes:
    """Hold 50 entries, signed at every tenth; gives the notes by their size."""
    found = {}
    for start in range(0, 50, 10):
        log.append([make_event(number) for number in range(start, start + 10)])
        found[start + 10] = log.sign_checkpoint()
    return found


@pytest.fixture
def head(database: Database, notes: Notes) -> str:
    """Hold 50 entries, put the store back to when it had 30, and give the last note that was signed before that."""
    edge = merkle.CompactRange()
    with database.transaction() as session:
        connection = session.connection()
        for row in connection.execute(text('SELECT leaf_hash FROM audit_entry WHERE "index" < 30 ORDER BY "index"')):
            edge.append(bytes(row[0]))
        for statement in (
            'DELETE FROM audit_entry WHERE "index" >= 30',
            "DELETE FROM audit_checkpoint WHERE size > 30",
            "DELETE FROM audit_signing WHERE size > 30",
        ):
            connection.execute(text(statement))
        frontier = b"".join(edge.frontier)
        connection.execute(text("UPDATE audit_head SET size = 30, frontier = :f"), {"f": frontier})
    return notes[50]


def close(log: AuditLog, database: Database, clock: FixedClock, head: str, fence: Fence | None = None) -> Fence:
    """Do what the command does with an approved fence."""
    recorder = Recorder(log, clock, Source(SYSTEM, "QHL"), lambda: "fence-1")
    approved = fence or log.fence(head)

    def record() -> int:
        return recorder.record_in(session, EventKind.RECORDING, detail=approved.detail(["ada", "ben"]))

    with database.transaction() as session:
        held = log.fence_in(session, approved, head, record)
    log.fenced(held)
    return approved


def checked(database: Database, vault: Vault, origin: str, *expected: str) -> Report:
    reader = open_reader(database.url)
    key = NoteSigner.from_seed(origin, b"s" * 32).verifier_key()
    try:
        return verify(
            reader,
            [read_key(key)],
            ed25519_valid,
            expected_checkpoints=expected,
            opens=vault.opens,
            rows_key=vault.rows_key,
        )
    finally:
        reader.close()


def detail_of(log: AuditLog, index: int) -> dict[str, Any]:
    return dict(log.entry(index).detail)


def test_without_one_a_restored_log_signs_nothing_under_either_name(
    head: str, open_log: Open, kept_note: KeptNote
) -> None:
    for origin in (ORIGIN, NEW):
        with pytest.raises(Conflict) as refused:
            open_log(origin, kept_note).sign_checkpoint()
        assert refused.value.reason == "audit.signings_cut"


def test_the_first_entry_cites_the_last_known_head_and_the_log_goes_on(
    head: str,
    database: Database,
    open_log: Open,
    kept_note: KeptNote,
    clock: FixedClock,
    make_event: MakeEvent,
    vault: Vault,
) -> None:
    log = open_log(NEW, kept_note)
    fence = close(log, database, clock, head)
    said = detail_of(log, 30)
    assert said["closed"] == {"origin": ORIGIN, "size": 50, "root": fence.closed.root.hex()}
    assert (said["restored"]["size"], said["opened"], said["approved_by"]) == (30, NEW, ["ada", "ben"])
    assert kept_note.read() == log.latest_checkpoint()
    assert log.latest_checkpoint().startswith(f"{NEW}\n31\n")
    with log:
        log.append([make_event(number) for number in range(100, 130)])  # up to a size that the old origin had too
        log.sign_checkpoint()
    report = checked(database, vault, NEW, head, kept_note.read() or "")
    assert report.ok, report.lines()
    lost = "Entries 30 to 49 of the origin audit.example.nhs.uk/log were lost at the restore that entry 30 tells of."
    assert lost in report.lines()
    assert "The kept note of size 50 is of entries that were lost at that restore." in report.lines()
    without = checked(database, vault, NEW)  # the entry alone says so too
    assert lost in without.lines()
    assert without.ok, without.lines()


@pytest.mark.parametrize(("known", "words"), [(40, "Entries 30 to 39 of"), (30, "No entry of")])
def test_what_was_lost_is_said_as_far_as_it_was_known(
    head: str, database: Database, open_log: Open, clock: FixedClock, vault: Vault, known: int, words: str, notes: Notes
) -> None:
    log = open_log(NEW, None)
    close(log, database, clock, notes[known])
    report = checked(database, vault, NEW)
    assert report.ok, report.lines()
    assert [line for line in report.lines() if line.startswith(words)], report.lines()


def test_another_server_whose_file_holds_the_closed_origin_goes_on(
    head: str, database: Database, open_log: Open, clock: FixedClock, kept_note: KeptNote
) -> None:
    close(open_log(NEW, None), database, clock, head)
    other = open_log(NEW, kept_note)
    assert kept_note.read() == head
    note = other.sign_checkpoint()
    assert kept_note.read() == note


def test_a_process_that_is_still_set_to_the_closed_origin_signs_nothing(
    head: str, database: Database, open_log: Open, clock: FixedClock
) -> None:
    close(open_log(NEW, None), database, clock, head)
    with pytest.raises(Conflict, match="of the origin"):
        open_log(ORIGIN, None).sign_checkpoint()


def test_what_was_approved_is_what_is_done(
    head: str, database: Database, open_log: Open, clock: FixedClock, make_event: MakeEvent
) -> None:
    log = open_log(NEW, None)
    approved = log.fence(head)
    with open_log(ORIGIN, None) as meanwhile:
        meanwhile.append([make_event(200)])
    with pytest.raises(Conflict) as refused:
        close(log, database, clock, head, approved)
    assert refused.value.reason == "audit.fence_changed"
    assert log.latest_checkpoint().startswith(f"{ORIGIN}\n30\n")


def test_there_is_nothing_to_close_under_the_same_name_or_with_an_older_or_a_strangers_head(
    head: str, open_log: Open, database: Database
) -> None:
    with database.reading() as session:
        older = session.connection().execute(text("SELECT note FROM audit_checkpoint WHERE size = 20")).scalar_one()
    strange = NoteSigner.from_seed(ORIGIN, b"x" * 32).sign(head.rpartition("\n\n")[0] + "\n")
    for origin, note, reason in (
        (ORIGIN, head, "audit.no_fence"),
        (NEW, older, "audit.older_head"),
        (NEW, strange, "audit.signings_cut"),
    ):
        with pytest.raises(Conflict) as refused:
            open_log(origin, None).fence(note)
        assert refused.value.reason == reason


def test_a_change_of_origin_that_no_entry_tells_of_is_found(
    head: str, database: Database, open_log: Open, clock: FixedClock, vault: Vault
) -> None:
    close(open_log(NEW, None), database, clock, head)
    with database.transaction() as session:
        session.connection().execute(text("UPDATE audit_entry SET kind = 'config' WHERE \"index\" = 30"))
    report = checked(database, vault, NEW)
    assert any("is of another origin than the one before, and no entry says why." in line for line in report.lines())
    assert report.first_bad_index == 30


def test_a_kept_note_of_more_than_the_fence_cites_is_not_excused(
    head: str, database: Database, open_log: Open, clock: FixedClock, vault: Vault, signer: NoteSigner
) -> None:
    close(open_log(NEW, None), database, clock, head)
    beyond = signer.sign(f"{ORIGIN}\n51\n{'A' * 43}=\n")
    another = signer.sign(f"{ORIGIN}\n50\n{'A' * 43}=\n")
    for note in (beyond, another):
        assert checked(database, vault, NEW, note).status in {3, 4}


class TestNothingWasEverSigned:
    def test_a_new_log_is_empty_and_not_yet_signed(self, database: Database, vault: Vault) -> None:
        report = checked(database, vault, ORIGIN)
        assert (report.status, report.lines()[-2]) == (0, "The log is empty and not yet signed.")

    def test_a_log_that_somebody_kept_a_note_of_is_no_new_one(
        self, database: Database, vault: Vault, signer: NoteSigner
    ) -> None:
        for size in (0, 7):
            root = merkle.CompactRange().root() if size == 0 else b"r" * 32
            note = signer.sign(Checkpoint(ORIGIN, size, root).text())
            report = checked(database, vault, ORIGIN, note)
            assert report.status == (4 if size else 3)
            assert "The log has no signing: the chain of signings is gone." in report.lines()

    @pytest.mark.parametrize("left", ["audit_entry", "audit_head"])
    def test_one_that_had_entries_is_no_new_one(
        self, database: Database, vault: Vault, log: AuditLog, make_event: MakeEvent, left: str
    ) -> None:
        log.append([make_event(1)])
        with database.transaction() as session:
            for table in {"audit_entry", "audit_head", "audit_checkpoint", "audit_signing"} - {left}:
                session.connection().execute(text(f"DELETE FROM {table}"))
        assert checked(database, vault, ORIGIN).status in {1, 3}
