"""Rows that several processes insert at once: no error, no row lost, one winner, no number given twice."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from governance.alerts._tables import AlertSequenceRow
from governance.detection.reader._tables import DetectionStateRow
from governance.relationships._tables import OptOutRow
from governance.storage import Database
from governance.storage.upsert import add_up, chunks, count_up, insert_for_key, insert_new, upsert
from governance.tokens._tables import UsedIdentifierRow
from tests.worlds.processes import at_once

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
WRITERS, ROUNDS, ROWS = 4, 8, 40


def state(key: int, value: Any) -> dict[str, Any]:
    return {"rule_id": "rule", "key": f"{key:03}", "due": None, "value": value}


def states(database: Database) -> dict[str, Any]:
    table = SQLModel.metadata.tables["detection_state"]
    with database.reading() as session:
        return {row.key: row.value for row in session.connection().execute(sa.select(table.c.key, table.c.value))}


def put_states(database: Database, writer: int) -> None:
    """Replace the same rows in an order of one's own, each block whole."""
    for turn in range(ROUNDS):
        rows = [state(key, [writer, turn]) for key in range(ROWS)]
        with database.transaction() as session:
            upsert(session, DetectionStateRow, rows[::-1] if writer % 2 else rows)


def insert_all(database: Database, count: int) -> list[int]:
    """Insert the same rows as everybody; gives which went in here."""
    mine = []
    for number in range(count):
        with database.transaction() as session:
            if insert_new(session, UsedIdentifierRow, {"digest": number.to_bytes(4, "big"), "expires_at": AT}):
                mine.append(number)
    return mine


def take_numbers(database: Database, rounds: int) -> list[int]:
    taken = []
    for _ in range(rounds):
        with database.transaction() as session:
            taken.append(count_up(session, AlertSequenceRow, {"name": "tickets"}, "value"))
    return taken


def add_to_all(database: Database, each: int, backwards: bool) -> None:
    """Add to the same counters as everybody, in an order of one's own."""
    rows = [{"name": f"counter-{number:02}", "value": each} for number in range(ROWS)]
    for _ in range(ROUNDS):
        with database.transaction() as session:
            add_up(session, AlertSequenceRow, rows[::-1] if backwards else rows, "value")


def test_what_processes_add_to_the_same_counters_is_all_there(database: Database) -> None:
    at_once(database.url, add_to_all, [(each, bool(each % 2)) for each in (1, 2, 3, -1)])
    table = SQLModel.metadata.tables["alert_sequence"]
    with database.reading() as session:
        rows = session.connection().execute(sa.select(table.c.name, table.c.value))
        found = {row.name: row.value for row in rows}
    assert {found[f"counter-{number:02}"] for number in range(ROWS)} == {ROUNDS * 5}


def test_processes_that_replace_the_same_rows_in_any_order_neither_fail_nor_mix(database: Database) -> None:
    at_once(database.url, put_states, [(writer,) for writer in range(WRITERS)])
    found = states(database)
    assert len(found) == ROWS
    assert len({tuple(value) for value in found.values()}) == 1, "one block's rows, and no other's"


def test_of_processes_that_insert_the_same_rows_each_row_has_one_winner(database: Database) -> None:
    mine = at_once(database.url, insert_all, [(ROWS,)] * WRITERS)
    assert sorted(number for numbers in mine for number in numbers) == list(range(ROWS))


def test_a_counter_gives_every_number_once_and_leaves_none_out(database: Database) -> None:
    taken = at_once(database.url, take_numbers, [(ROUNDS,)] * WRITERS)
    assert sorted(number for numbers in taken for number in numbers) == list(range(1, WRITERS * ROUNDS + 1))
    assert all(numbers == sorted(numbers) for numbers in taken)


def test_a_count_that_is_rolled_back_was_not_counted(database: Database) -> None:
    assert take_numbers(database, 2) == [1, 2]
    with database.transaction() as session:
        assert count_up(session, AlertSequenceRow, {"name": "tickets"}, "value") == 3
        session.rollback()
    assert take_numbers(database, 1) == [3]


def test_what_was_there_is_replaced_and_the_last_of_equals_counts(database: Database) -> None:
    with database.transaction() as session:
        upsert(session, DetectionStateRow, [])
        upsert(session, DetectionStateRow, [state(2, "b"), state(1, "a"), state(2, "c")])
        upsert(session, DetectionStateRow, [state(1, {"x": None})])
    assert states(database) == {"001": {"x": None}, "002": "c"}


def test_an_older_row_never_replaces_a_newer_one(database: Database) -> None:
    with database.transaction() as session:
        for seconds, opt_out in ((10, True), (5, False), (10, False), (20, True)):
            row = {"patient": "p-1", "opt_out": opt_out, "checked_at": AT.replace(second=seconds)}
            upsert(session, OptOutRow, [row], newest_by="checked_at")
            kept = session.get(OptOutRow, "p-1", populate_existing=True)
            assert kept is not None
            assert (kept.checked_at.second, kept.opt_out) == {
                10: (10, opt_out),
                5: (10, True),
                20: (20, True),
            }[seconds]


def test_a_row_that_is_there_is_left_alone_and_said_so(database: Database) -> None:
    row = {"digest": b"d", "expires_at": AT}
    with database.transaction() as session:
        assert insert_for_key(session, UsedIdentifierRow, row) == (b"d",)
        assert insert_for_key(session, UsedIdentifierRow, row | {"expires_at": AT.replace(year=2027)}) is None
        kept = session.get(UsedIdentifierRow, b"d")
        assert kept is not None
        assert kept.expires_at == AT


@pytest.mark.parametrize("length", [0, 1, 499, 500, 501, 1_000])
def test_chunks_are_everything_once_in_order(length: int) -> None:
    pieces = list(chunks(range(length)))
    assert [value for piece in pieces for value in piece] == list(range(length))
    assert all(1 <= len(piece) <= 500 for piece in pieces)
