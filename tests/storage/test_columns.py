"""Values come out of a column as they went in, on both databases: instants, integers, texts, bytes, JSON."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, StatementError

from governance.storage import Database, from_microseconds, json_column, to_microseconds, utc_column
from governance.storage.prepared import Prepared

_VALUES = sa.Table(
    "value",
    sa.MetaData(),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("whole", sa.BigInteger),
    sa.Column("text", sa.Text),
    sa.Column("bytes", sa.LargeBinary),
    sa.Column("day", sa.Date),
    sa.Column("yes", sa.Boolean),
    sa.Column("share", sa.Float),
)
_AT, _JSON = utc_column(nullable=True), json_column(nullable=True)
_AT.name, _JSON.name = "at", "json"
_VALUES.append_column(_AT)
_VALUES.append_column(_JSON)
_BY_N = Prepared(sa.select(_VALUES).where(_VALUES.c.n == sa.bindparam("n")))
_FAR_WEST = timezone(-timedelta(hours=11, minutes=30))
INSTANTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1900, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=UTC),  # an hour that London's clocks leave out
    datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=_FAR_WEST),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
TEXTS = [
    "",
    " spaces kept ",
    "Zo\u00eb",
    "Zoe\u0308",  # the same to a reader, another text
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "\U0001f469\u200d\u2695\ufe0f",
    "\ufeff\u202e\u0007\x7f",
    "line\r\nline\ttab 'quote' \"double\" \\ %s %(x)s :name ? ;--",
    "\U0010ffff\uffff",
    "x" * 100_000,
]
JSON = [
    None,
    [],
    {},
    {"a": [1, 2.5, None, True, "Zo\u00eb"], "b": {"c": {}}},
    "text",
    2**53,
    [0.1, 1e300, -0.0],
    {"\U0001f469": "\u202e"},
]


@pytest.fixture
def table(database: Database) -> Database:
    with database.transaction() as session:
        _VALUES.create(session.connection())
    return database


def there_and_back(database: Database, **values: Any) -> list[dict[str, Any]]:
    """Put a row in by each way and give it by each way."""
    with database.transaction() as session:
        session.connection().execute(sa.insert(_VALUES).values(n=1, **values))
        names = {name: sa.bindparam(name) for name in ("n", *values)}
        Prepared(sa.insert(_VALUES).values(names)).run(session, n=2, **values)
        Prepared(sa.insert(_VALUES).values(names)).run_many(session, [{"n": 3, **values}])
    found = []
    with database.reading() as session:
        for n in (1, 2, 3):
            found += _BY_N.rows(session, n=n)
            row = session.connection().execute(sa.select(_VALUES).where(_VALUES.c.n == n)).mappings().one()
            found.append(dict(row))
    with database.transaction() as session:
        session.connection().execute(sa.delete(_VALUES))
    return [{name: row[name] for name in values} for row in found]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("at", INSTANTS),
        ("whole", [0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]),
        ("text", TEXTS),
        ("bytes", [b"", b"\0", bytes(range(256)), b"x" * 100_000]),
        ("day", [date(1, 1, 1), date(2026, 2, 28), date(9999, 12, 31)]),
        ("yes", [True, False]),
        ("share", [0.0, 0.1, 1e-300, 1.7976931348623157e308]),
        ("json", JSON),
    ],
)
def test_a_value_is_the_same_afterwards(table: Database, column: str, values: list[Any]) -> None:
    for value in values:
        assert there_and_back(table, **{column: value}) == [{column: value}] * 6
    if column != "json":  # there, None is a JSON null
        assert there_and_back(table, **{column: None}) == [{column: None}] * 6


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("whole", 2**63),
        ("whole", -(2**63) - 1),
        ("text", "lone \ud800 surrogate"),
        ("at", datetime(2026, 11, 24)),
        ("json", {1, 2}),
    ],
)
def test_a_value_that_cannot_be_kept_is_an_error_and_keeps_nothing(table: Database, column: str, value: Any) -> None:
    def put() -> None:
        with table.transaction() as session:
            session.connection().execute(sa.insert(_VALUES).values(n=1))
            session.connection().execute(sa.insert(_VALUES).values({"n": 2, column: value}))

    with pytest.raises((DBAPIError, StatementError, OverflowError, UnicodeEncodeError, ValueError, TypeError)):
        put()
    with table.reading() as session:
        assert _BY_N.rows(session, n=1) == []


def test_a_text_with_a_nul_is_kept_whole_or_not_at_all(table: Database) -> None:
    """PostgreSQL has no such text. What is sent by strangers is refused before it comes here."""
    kept = True
    try:
        with table.transaction() as session:
            session.connection().execute(sa.insert(_VALUES).values(n=1, text="before\0behind"))
    except DBAPIError:
        kept = False
    with table.reading() as session:
        assert [row["text"] for row in _BY_N.rows(session, n=1)] == (["before\0behind"] if kept else [])


def test_instants_sort_and_compare_in_the_database_as_they_do_here(table: Database) -> None:
    with table.transaction() as session:
        rows = [{"n": n, "at": at} for n, at in enumerate(INSTANTS)]
        session.connection().execute(sa.insert(_VALUES), rows)
    with table.reading() as session:
        ordered = session.connection().execute(sa.select(_VALUES.c.at).order_by(_VALUES.c.at)).scalars().all()
        assert ordered == sorted(INSTANTS)
        for at in INSTANTS:
            later = sa.select(sa.func.count()).where(_VALUES.c.at > at)
            assert session.connection().execute(later).scalar_one() == sum(other > at for other in INSTANTS)


def test_integers_past_a_double_s_digits_are_told_apart(table: Database) -> None:
    with table.transaction() as session:
        rows = [{"n": n, "whole": 2**62 + n} for n in range(3)]
        session.connection().execute(sa.insert(_VALUES), rows)
    with table.reading() as session:
        found = session.connection().execute(sa.select(_VALUES.c.n).where(_VALUES.c.whole == 2**62 + 1)).scalars().all()
    assert found == [1]


def test_texts_are_compared_by_their_characters(table: Database) -> None:
    with table.transaction() as session:
        session.connection().execute(sa.insert(_VALUES), [{"n": n, "text": text} for n, text in enumerate(TEXTS)])
    with table.reading() as session:
        for n, text in enumerate(TEXTS):
            equal = sa.select(_VALUES.c.n).where(_VALUES.c.text == text)
            assert session.connection().execute(equal).scalars().all() == [n]


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_an_instant_survives_the_database(at: datetime) -> None:
    assert from_microseconds(to_microseconds(at)) == at


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        to_microseconds(datetime(2026, 1, 1))


def test_a_commit_that_returned_is_on_the_disk(database: Database) -> None:
    with database.transaction() as session:
        connection = session.connection()
        if database.dialect == "sqlite":
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
