"""A snapshot remembers what it told; a write transaction sees its own writes."""

from datetime import date

from governance.catalogue import Catalogue, Study
from governance.federation import FederationDirectory, Trust
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database
from governance.storage.snapshot import cache_all, cached


def test_a_snapshot_is_asked_once(database: Database) -> None:
    looks: list[int] = []
    with database.reading() as session:
        for _ in range(3):
            assert cached(session, "key", lambda: looks.append(1)) is None
    assert looks == [1]
    with database.reading() as session:
        cached(session, "key", lambda: looks.append(1))
    assert looks == [1, 1]


def test_a_snapshot_that_reads_much_forgets_and_looks_again(database: Database) -> None:
    looks: list[int] = []
    with database.reading() as session:
        for number in (*range(5_000), 0):
            assert cached(session, number, lambda number=number: looks.append(number) or number) == number
        assert len(session.info["governance.snapshot"]) <= 4_096
    assert looks.count(0) == 2


def test_a_write_transaction_sees_what_it_wrote(database: Database, pseudonymiser: Pseudonymiser) -> None:
    directory = FederationDirectory(pseudonymiser)
    with database.transaction() as session:
        assert directory.trust(session, "RRK") is None
        directory.register_trust(session, Trust("RRK", "A trust"))
        assert directory.trust(session, "RRK") == Trust("RRK", "A trust")
        directory.register_trust(session, Trust("RRK", "Another name"))
        assert directory.trust(session, "RRK") == Trust("RRK", "Another name")


def test_a_later_snapshot_sees_a_later_study(database: Database) -> None:
    catalogue = Catalogue()
    with database.reading() as session:
        assert catalogue.study(session, "1.2.3") is None
    study = Study("1.2.3", "t-1", ("RRK",), "p-1", "CT", "HEAD", date(2026, 1, 2), frozenset())
    with database.transaction() as session:
        catalogue.upsert(session, [study])
    with database.reading() as session:
        found = catalogue.study(session, "1.2.3")
    assert found == study


def test_what_a_snapshot_is_asked_for_all_the_time_is_looked_up_once(database: Database) -> None:
    looks: list[str] = []
    with database.reading() as session:
        for number in range(5_000):
            cached(session, number, lambda number=number: number)
            assert cached(session, "trust", lambda: looks.append("trust") or "RRK") == "RRK"
    assert looks == ["trust"]


def test_more_than_a_snapshot_remembers_may_be_read_in_one_go(database: Database) -> None:
    with database.reading() as session:
        cache_all(session, {number: number for number in range(10_000)})
        assert len(session.info["governance.snapshot"]) <= 4_096
        assert cached(session, 9_999, lambda: None) == 9_999
        assert cached(session, 0, lambda: "looked up again") == "looked up again"
