"""Tampering shows: the store is altered behind the log's back, and the checker names the first bad entry."""

import ast
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import governance.audit.checker
from governance.audit import AuditLog, NoteSigner, merkle
from governance.audit.checker import open_reader, read_key, verify
from governance.audit.checkpoint import Checkpoint
from governance.audit.signer import ed25519_valid
from governance.storage import Database
from tests.worlds.log import ORIGIN, CheckLog, MakeEvent

Sql = Callable[..., list[Any]]


@pytest.fixture
def sql(database: Database) -> Sql:
    """Run a statement against the store as an intruder would."""

    def run(statement: str, **values: object) -> list[Any]:
        with database.transaction() as session:
            result = session.connection().execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    return run


@pytest.fixture(autouse=True)
def filled(log: AuditLog, make_event: MakeEvent) -> None:
    """Hold 700 entries: two full tiles and an open one, with checkpoints at 300, 600 and 700."""
    for start, stop in ((0, 300), (300, 600), (600, 700)):
        log.append([make_event(number) for number in range(start, stop)])
        log.sign_checkpoint()


def entry_of(sql: Sql, index: int) -> bytes:
    return bytes(sql('SELECT entry FROM audit_entry WHERE "index" = :i', i=index)[0][0])


def rewrite(sql: Sql, index: int, entry: bytes) -> None:
    """Replace an entry and everything in its row that derives from it."""
    leaf = merkle.leaf_hash(entry)
    sql('UPDATE audit_entry SET entry = :e, leaf_hash = :l WHERE "index" = :i', e=entry, l=leaf, i=index)


def forged(sql: Sql, index: int) -> bytes:
    """Make another believable entry for an index: the same facts with another outcome."""
    document = json.loads(entry_of(sql, index))
    document["destination"] = "FORGED"
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def test_an_untouched_log_is_whole(check_log: CheckLog, log: AuditLog) -> None:
    report = check_log(log.latest_checkpoint())
    assert report.ok
    assert report.lines()[-1] == "The log is whole."
    assert (report.size, report.root) == log.tree_head()
    assert (report.checkpoints, report.signed_size) == (5, 700)  # at 0, 300, 600, 700, and the kept note
    assert (report.first_bad_index, report.status) == (None, 0)


def test_entries_after_the_last_checkpoint_are_checked_but_not_signed(
    log: AuditLog, make_event: MakeEvent, check_log: CheckLog
) -> None:
    log.append([make_event(700)])
    report = check_log()
    assert report.ok
    assert (report.size, report.signed_size) == (701, 700)


@pytest.mark.parametrize("index", [0, 137, 255, 256, 599, 699])
@pytest.mark.parametrize("at", [0, 40, -1])
def test_a_changed_byte(sql: Sql, check_log: CheckLog, index: int, at: int) -> None:
    entry = bytearray(entry_of(sql, index))
    entry[at] ^= 1
    sql('UPDATE audit_entry SET entry = :e WHERE "index" = :i', e=bytes(entry), i=index)
    report = check_log()
    assert report.first_bad_index == index
    assert f"Entry {index} was altered: its entry and its stored hash do not fit each other." in report.lines()
    assert report.lines()[-1] == f"The log is NOT whole. First bad entry: {index}."


@pytest.mark.parametrize("index", [0, 300, 698])
def test_a_removed_row(sql: Sql, check_log: CheckLog, index: int) -> None:
    sql('DELETE FROM audit_entry WHERE "index" = :i', i=index)
    report = check_log()
    assert report.first_bad_index == index
    assert f"Entry {index} is missing." in report.lines()


def test_a_removed_run_of_rows(sql: Sql, check_log: CheckLog) -> None:
    sql('DELETE FROM audit_entry WHERE "index" BETWEEN 20 AND 29')
    report = check_log()
    assert report.first_bad_index == 20
    assert "Entries 20 to 29 are missing." in report.lines()


def test_two_swapped_rows(sql: Sql, check_log: CheckLog) -> None:
    for old, new in ((100, -1), (200, 100), (-1, 200)):
        sql('UPDATE audit_entry SET "index" = :new WHERE "index" = :old', old=old, new=new)
    report = check_log()
    assert report.first_bad_index == 100
    assert "Entry 100 was altered: its entry belongs at index 200." in report.lines()


def test_a_row_moved_to_an_index_of_its_own(sql: Sql, check_log: CheckLog) -> None:
    sql('UPDATE audit_entry SET "index" = -5 WHERE "index" = 100')
    report = check_log()
    assert not report.ok
    assert "Entry 100 is missing." in report.lines()


@pytest.mark.parametrize("kept", [699, 650, 512, 256, 0])
def test_a_truncated_tail(sql: Sql, check_log: CheckLog, kept: int) -> None:
    sql('DELETE FROM audit_entry WHERE "index" >= :kept', kept=kept)
    report = check_log()
    assert report.first_bad_index == kept
    assert not report.ok


def test_a_tail_cut_off_together_with_head_and_tiles_is_shown_by_the_checkpoints(sql: Sql, check_log: CheckLog) -> None:
    frontier = merkle.CompactRange()
    for row in sql('SELECT leaf_hash FROM audit_entry WHERE "index" < 400 ORDER BY "index"'):
        frontier.append(bytes(row[0]))
    sql('DELETE FROM audit_entry WHERE "index" >= 400')
    sql("DELETE FROM audit_tile WHERE number >= 1")
    sql("UPDATE audit_head SET size = 400, frontier = :f", f=b"".join(frontier.frontier))
    report = check_log()
    assert report.first_bad_index == 400
    assert any("its tail was cut off" in line for line in report.lines())


def test_a_store_rolled_back_as_a_whole_is_shown_by_a_kept_note(
    sql: Sql, log: AuditLog, make_event: MakeEvent, check_log: CheckLog
) -> None:
    head = sql("SELECT size, frontier FROM audit_head")[0]
    log.append([make_event(number) for number in range(700, 705)])
    witnessed = log.sign_checkpoint()
    sql('DELETE FROM audit_entry WHERE "index" >= 700')
    sql("DELETE FROM audit_checkpoint WHERE size > 700")
    sql("DELETE FROM audit_signing WHERE size > 700")
    sql("UPDATE audit_head SET size = :s, frontier = :f", s=head[0], f=head[1])
    assert check_log().ok
    report = check_log(witnessed)
    assert not report.ok
    assert report.first_bad_index == 700
    assert any("the kept note of size 705" in line for line in report.lines())


def test_a_rolled_back_store_that_grew_again_is_shown_by_a_kept_note(
    sql: Sql, log: AuditLog, make_event: MakeEvent, check_log: CheckLog
) -> None:
    head = sql("SELECT size, frontier FROM audit_head")[0]
    log.append([make_event(number) for number in range(700, 705)])
    witnessed = log.sign_checkpoint()
    sql('DELETE FROM audit_entry WHERE "index" >= 700')
    sql("DELETE FROM audit_checkpoint WHERE size > 700")
    sql("DELETE FROM audit_signing WHERE size > 700")
    sql("UPDATE audit_head SET size = :s, frontier = :f", s=head[0], f=head[1])
    log.append([make_event(number) for number in range(800, 810)])
    assert check_log().ok
    report = check_log(witnessed)
    assert (report.first_bad_index, report.last_bad_index, report.status) == (700, 704, 4)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("patient", "p-aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("patient", None),
        ("subject", "s-aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("subject_ods", "RXW"),
        ("study", "t-aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("custodian", "RXW"),
        ("kind", "export"),
        ("outcome", "major"),
        ("decision_id", None),
        ("agreement_id", "other"),
        ("token_jti", "other"),
        ("event_id", "other"),
        ("source_id", "other"),
        ("source_ods", "RXW"),
        ("occurred_at", 1),
        ("recorded_at", 1),
    ],
)
def test_an_edited_search_column(sql: Sql, check_log: CheckLog, column: str, value: object) -> None:
    sql(f'UPDATE audit_entry SET {column} = :v WHERE "index" = 321', v=value)
    report = check_log()
    assert report.first_bad_index == 321
    assert [found.sentence for found in report.findings] == [
        f"Entry 321 was altered: its search column {column} no longer repeat what the entry says."
    ]


def test_an_edited_leaf_hash(sql: Sql, check_log: CheckLog) -> None:
    sql('UPDATE audit_entry SET leaf_hash = :v WHERE "index" = 5', v=b"\x00" * 32)
    assert check_log().first_bad_index == 5


def test_a_row_rewritten_with_its_hash_is_named_by_its_tile(sql: Sql, check_log: CheckLog) -> None:
    rewrite(sql, 431, forged(sql, 431))
    report = check_log()
    assert report.first_bad_index == 431
    assert "Tile 1 of level 0 remembers another hash for what is now at entry 431." in report.lines()


def test_a_row_rewritten_in_the_open_tile_is_named_by_checkpoint_and_head(sql: Sql, check_log: CheckLog) -> None:
    rewrite(sql, 650, forged(sql, 650))
    report = check_log()
    assert [(found.index, found.last) for found in report.findings] == [(600, 699), (640, 671)]
    assert report.first_bad_index == 600


def test_a_row_rewritten_with_all_that_derives_from_it_is_named_by_the_checkpoints(
    sql: Sql, check_log: CheckLog
) -> None:
    rewrite(sql, 431, forged(sql, 431))
    leaves = [bytes(row[0]) for row in sql('SELECT leaf_hash FROM audit_entry ORDER BY "index"')]
    tile = leaves[256:512]
    root = merkle.root(tile)
    sql("UPDATE audit_tile SET hashes = :h, root = :r WHERE level = 0 AND number = 1", h=b"".join(tile), r=root)
    edge = merkle.CompactRange()
    for leaf in leaves:
        edge.append(leaf)
    sql("UPDATE audit_head SET frontier = :f", f=b"".join(edge.frontier))
    report = check_log()
    assert [(found.index, found.last) for found in report.findings] == [(300, 599)]
    assert (report.first_bad_index, report.last_bad_index, report.status) == (300, 599, 4)
    assert report.lines()[-1] == "The log is NOT whole. First bad entry: between 300 and 599."
    assert report.findings[0].sentence == (
        "The entries are not those that a signed checkpoint of size 600 was signed over: "
        "something between entries 300 and 599 was rewritten."
    )


CLOSED = {"closed": {"origin": ORIGIN, "size": 300, "root": ""}, "restored": {"size": 300}, "opened": "other"}
DEEP = b"[" * 100_000


def says(document: Any, **changed: object) -> bytes:
    return json.dumps({**document, **changed}, sort_keys=True, separators=(",", ":")).encode()


ALTERED: dict[str, Callable[[Any], bytes]] = {
    "without a source": lambda said: says({name: said[name] for name in said if name != "source"}, detail=CLOSED),
    "with a source that is none": lambda said: says(said, source=None, detail=CLOSED),
    "nested too deeply": lambda _: DEEP,
    "nested too deeply in its detail": lambda said: says(said, detail="?").replace(b'"?"', DEEP + b"]" * 100_000),
    "of an infinite size": lambda said: says(said, detail={"size": float("inf"), "root": "", "signing": 1}),
    "of a restore of an infinite size": lambda said: says(said, detail=CLOSED | {"restored": {"size": float("inf")}}),
    "with a detail that is a list": lambda said: says(said, detail=[]),
    "that is a list": lambda _: b"[]",
    "with rows of no meaning": lambda said: says(said, detail={"rows": {"wrote": [1]}}),
    "with a sum of no meaning": lambda said: says(said, detail={"rows": {"found": {"federation_staff": float("inf")}}}),
    "with keys of no meaning": lambda said: says(said, sealed=7),
}


@pytest.mark.parametrize("kind", ["recording", "config"])
@pytest.mark.parametrize("shape", ALTERED)
def test_an_entry_altered_into_something_else_is_found(sql: Sql, check_log: CheckLog, shape: str, kind: str) -> None:
    document = json.loads(entry_of(sql, 137)) | {"kind": kind}
    document["source"]["id"] = "imaging-governance"
    sql("UPDATE audit_entry SET kind = :k, source_id = 'imaging-governance' WHERE \"index\" = 137", k=kind)
    rewrite(sql, 137, ALTERED[shape](document))
    report = check_log()
    assert (report.first_bad_index, report.status) == (137, 1)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM audit_tile WHERE number = 0", "Tile 0 of level 0 is missing."),
        ("UPDATE audit_tile SET number = 7 WHERE number = 1", "Tile 7 of level 0 is of entries that the log does not"),
        (
            "UPDATE audit_tile SET number = -7 WHERE number = 1",
            "Tile -7 of level 0 is of entries that the log does not",
        ),
        ("UPDATE audit_tile SET root = hashes WHERE number = 1", "The root kept beside tile 1 of level 0 is not its"),
        ("DELETE FROM audit_head", "The head of the log is missing."),
        ("UPDATE audit_head SET size = 650", "Entries from 650 on were not put there by the log"),
        ("UPDATE audit_head SET size = 750", "Entries 700 to 749 are missing: the head counts them."),
        ("UPDATE audit_checkpoint SET size = 299 WHERE size = 300", "size 299 says something else than its row."),
        ("UPDATE audit_checkpoint SET root = :zeroes WHERE size = 300", "size 300 says something else than its row."),
        (
            "UPDATE audit_checkpoint SET note = replace(note, '300', '301')",
            "the signature of the checkpoint does not hold",
        ),
        (
            "UPDATE audit_checkpoint SET note = '' WHERE size = 300",
            "300 cannot be trusted: the checkpoint is malformed.",
        ),
    ],
)
def test_anything_else_out_of_place(sql: Sql, check_log: CheckLog, statement: str, words: str) -> None:
    sql(statement, **({"zeroes": b"\x00" * 32} if ":zeroes" in statement else {}))
    report = check_log()
    assert not report.ok
    assert any(words in line for line in report.lines())


def test_a_checkpoint_by_a_stranger_is_not_believed(log: AuditLog, check_log: CheckLog) -> None:
    size, root = log.tree_head()
    text_ = Checkpoint(ORIGIN, size, root).text()
    report = check_log(NoteSigner.from_seed(ORIGIN, b"x" * 32).sign(text_))
    assert "The kept note cannot be trusted: the checkpoint is not signed by a trusted key." in report.lines()


def test_many_findings_are_counted_and_the_first_hundred_told(sql: Sql, check_log: CheckLog) -> None:
    sql("UPDATE audit_entry SET outcome = 'major'")
    report = check_log()
    assert (report.total, len(report.findings)) == (700, 100)
    assert "and 600 more" in report.lines()


def test_progress_is_told_up_to_the_end(database: Database, signer: NoteSigner) -> None:
    reader = open_reader(database.url)
    told: list[tuple[int, int]] = []
    verify(
        reader,
        [read_key(signer.verifier_key())],
        ed25519_valid,
        progress=lambda done, total: told.append((done, total)),
    )
    reader.close()
    assert told[-1] == (700, 700)


def test_without_a_key_nothing_is_confirmed(database: Database) -> None:
    reader = open_reader(database.url)
    with pytest.raises(ValueError, match="trusted key"):
        verify(reader, [], ed25519_valid)
    reader.close()


def test_the_checker_shares_no_code_with_the_writer() -> None:
    folder = Path(governance.audit.checker.__file__).parent
    seen, todo = set(), ["__init__", "verify_entry"]
    while todo:
        name = todo.pop()
        seen.add(name)
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for imported in names:
                if imported.startswith("governance."):
                    assert imported.startswith("governance.audit.checker."), imported
                    module = imported.removeprefix("governance.audit.checker.")
                    todo += [module] if module not in seen else []
                else:
                    top = imported.partition(".")[0]
                    assert top == "psycopg" or top in sys.stdlib_module_names, imported
    assert seen >= {"__init__", "verify", "_check", "_notes", "_readers", "_rows", "_signings", "_tree", "_vault"}
    assert seen == {path.stem for path in folder.glob("*.py")}
