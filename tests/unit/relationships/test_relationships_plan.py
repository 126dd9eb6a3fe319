"""The look-up of a decision walks an index for each way of matching: edges it does not want cost nothing."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import SQLModel

import governance.relationships._tables  # noqa: F401 - puts the tables into the metadata
from governance.pseudonyms import Pseudonymiser
from governance.relationships import Between, Holder, Relationships
from governance.storage import Database


@pytest.mark.parametrize("together", [False, True])
def test_each_way_of_matching_walks_an_index_of_its_own(
    tmp_path: Path, pseudonymiser: Pseudonymiser, together: bool
) -> None:
    database = Database(f"sqlite:///{tmp_path}/plan.sqlite")
    SQLModel.metadata.create_all(database.engine)
    asked: list[str] = []
    with database.reading() as session:
        driver: Any = session.connection().connection.dbapi_connection
        driver.set_trace_callback(asked.append)
        relationships, at = Relationships(pseudonymiser), datetime(2026, 11, 24, tzinfo=UTC)
        wanted = [
            Between((Holder("u-17"), Holder("stroke")), f"p-{place}", f"t-{place}", ("RRK", "RKB"))
            for place in range(3)
        ]
        if together:
            relationships.prepare(session, wanted, at)
        else:
            relationships.edges_between(session, wanted[0], at)
        driver.set_trace_callback(None)
        plan = driver.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
    database.dispose()

    searches = [row[3] for row in plan if "relationships_edge" in row[3]]
    of_patient, of_study, wide = searches
    assert "(patient=?" in of_patient or "(subject=? AND patient=?" in of_patient
    assert "(subject=? AND patient=? AND study=?" in of_study
    assert "(subject=? AND patient=? AND study=? AND ods=?)" in wide


def test_who_is_tied_to_a_study_is_found_by_an_index(tmp_path: Path, pseudonymiser: Pseudonymiser) -> None:
    database = Database(f"sqlite:///{tmp_path}/plan.sqlite")
    SQLModel.metadata.create_all(database.engine)
    asked: list[tuple[str, Any]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    with database.reading() as session:
        Relationships(pseudonymiser).edges_to(session, "p-1", "t-1", datetime(2026, 11, 24, tzinfo=UTC), ("RRK",))
        statement, parameters = asked[-1]
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    database.dispose()

    of_patient, of_study, wide = [row[3] for row in plan if "relationships_edge" in row[3]]
    assert "(patient=?" in of_patient
    assert "(study=?" in of_study
    assert "(ods=? AND kind=?)" in wide
    assert not any(step.startswith("SCAN") for step in (of_patient, of_study, wide))
