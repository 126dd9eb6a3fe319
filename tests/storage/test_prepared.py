"""A prepared statement says what SQLAlchemy's own execution says, on every database, for every type and list length."""

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

import governance.catalogue._tables  # puts the table into the metadata
import governance.relationships._tables  # noqa: F401
from governance.storage import Database
from governance.storage.prepared import Prepared

_EDGE = SQLModel.metadata.tables["relationships_edge"]
_STUDY = SQLModel.metadata.tables["catalogue_study"]
_AT = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)
_INSERT = Prepared(sa.insert(_EDGE))
_OF = sa.select(_EDGE).where(
    _EDGE.c.subject.in_(sa.bindparam("subjects", expanding=True)), _EDGE.c.valid_from <= sa.bindparam("at")
)


def edge(number: int) -> dict[str, object]:
    return {
        "id": f"e-{number}",
        "kind": "order",
        "subject": f"s-{number}",
        "patient": None,
        "study": None,
        "ods": "RRK",
        "valid_from": _AT,
        "valid_until": None,
        "source": "feed",
        "named_by": "RRK",
        "site": None,
        "purpose": None,
        "destination": None,
        "limit": number,
    }


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 8, 9])
def test_a_list_of_any_length_finds_what_sqlalchemy_finds(database: Database, length: int) -> None:
    with database.transaction() as session:
        _INSERT.run_many(session, [edge(number) for number in range(8)])
    wanted = {"subjects": [f"s-{number}" for number in range(length)], "at": _AT}
    with database.reading() as session:
        prepared = Prepared(_OF).rows(session, **wanted)
        plain = [dict(row) for row in session.connection().execute(_OF, wanted).mappings()]
    assert sorted(prepared, key=lambda row: row["id"]) == sorted(plain, key=lambda row: row["id"])
    assert len(prepared) == min(length, 8)


def test_every_type_goes_in_and_comes_out_as_itself(database: Database) -> None:
    row = {
        "study_uid": "1.2.3",
        "study": "t-1",
        "patient": "p-1",
        "modality": "CT",
        "body_part": "HEAD",
        "study_date": date(2026, 2, 3),
        "labels": ["sealed", "sensitive"],
    }
    with database.transaction() as session:
        assert Prepared(sa.insert(_STUDY)).run(session, **row) == 1
    with database.reading() as session:
        (found,) = Prepared(sa.select(_STUDY).where(_STUDY.c.study_uid == sa.bindparam("uid"))).rows(
            session, uid="1.2.3"
        )
    assert {name: found[name] for name in row} == row


def test_an_update_says_how_many_rows_it_touched(database: Database) -> None:
    rename = Prepared(sa.update(_EDGE).where(_EDGE.c.subject == sa.bindparam("who")).values(source=sa.bindparam("by")))
    with database.transaction() as session:
        _INSERT.run_many(session, [edge(1), edge(2)])
        assert rename.run(session, who="s-1", by="another") == 1
        assert rename.run(session, who="nobody", by="another") == 0
    with database.reading() as session:
        found = session.connection().execute(sa.select(_EDGE.c.id).where(_EDGE.c.source == "another")).scalars().all()
    assert found == ["e-1"]


def test_what_a_failed_block_prepared_is_not_kept(database: Database) -> None:
    def fail_after_writing() -> None:
        with database.transaction() as session:
            _INSERT.run_many(session, [edge(1)])
            raise RuntimeError("the caller fails")

    with pytest.raises(RuntimeError):
        fail_after_writing()
    with database.reading() as session:
        assert Prepared(_OF).rows(session, subjects=["s-1"], at=_AT) == []


def test_a_parameter_that_is_not_given_is_an_error(database: Database) -> None:
    with database.reading() as session, pytest.raises(KeyError):
        Prepared(_OF).rows(session, subjects=["s-1"])
