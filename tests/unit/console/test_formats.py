"""How instants, numbers and identifiers are written."""

from datetime import UTC, date, datetime, timedelta

import pytest

from governance.console import _formats as formats

NOON = datetime(2026, 11, 24, 15, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        (NOON, "24 November 2026, 3:15pm"),
        (datetime(2026, 11, 24, 9, 0, tzinfo=UTC), "24 November 2026, 9am"),
        (datetime(2026, 11, 24, 12, 0, tzinfo=UTC), "24 November 2026, midday"),
        (datetime(2026, 11, 24, 0, 0, tzinfo=UTC), "24 November 2026, midnight"),
        (datetime(2026, 11, 24, 0, 5, tzinfo=UTC), "24 November 2026, 12:05am"),
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), "1 July 2026, 12:30am"),  # summer time: the next day by the wall
    ],
)
def test_an_instant_is_written_in_uk_time(instant: datetime, words: str) -> None:
    assert formats.on_date_at(instant) == words


def test_a_date_has_no_leading_nought() -> None:
    assert formats.on_date(date(2026, 1, 2)) == "2 January 2026"


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=-5), "less than a minute ago"),
        (timedelta(seconds=59), "less than a minute ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=61), "1 hour ago"),
        (timedelta(hours=25), "1 day ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_how_long_ago_is_told_in_the_largest_unit(passed: timedelta, words: str) -> None:
    assert formats.time_ago(NOON - passed, NOON) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (104_857_600, "105 MB"), (5 * 10**15, "5,000 TB")],
)
def test_a_size_is_told_in_decimal_units(count: int, words: str) -> None:
    assert formats.size(count) == words


def test_a_count_agrees_with_its_noun() -> None:
    assert [formats.counted(n, "entry", "entries") for n in (0, 1, 1204)] == ["0 entries", "1 entry", "1,204 entries"]


@pytest.mark.parametrize(
    ("whole", "short"),
    [("p-" + "k3v9x2ma" * 3 + "aa", "p-k3v9x2ma…"), ("archive-rrk", "archive-rrk"), ("s-short", "s-short"), ("", "")],
)
def test_only_a_pseudonym_is_shortened(whole: str, short: str) -> None:
    assert formats.short_id(whole) == short


def test_an_nhs_number_is_written_in_groups_and_nothing_else_is() -> None:
    assert formats.nhs_number("9990000018") == "999 000 0018"
    assert formats.nhs_number("MRN-7") == "MRN-7"
