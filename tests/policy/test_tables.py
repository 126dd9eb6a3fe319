"""Decision tables: every row of ``tables/*.yaml`` is decided by both engines, and both say what the row expects.

A row changes the base request and the base clause of ``worlds`` by dotted path. ``subject: ai_service`` starts from the
AI service instead of the person. ``expect`` names everything an answer says; what it leaves out is checked as absent:
no obligations, no clause, not requestable.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.decisions import Answer, Engine, OpaEngine, RegorusEngine
from governance.vocabulary import ReasonCode
from tests.worlds.policy import AI_SUBJECT, REQUEST, changed, policy_data

TABLES = sorted((Path(__file__).parent / "tables").glob("*.yaml"))
KEYS = {"name", "subject", "clauses", "index", "lapsed", "request", "expect"}
EXPECTED_KEYS = {"permit", "reasons", "clause", "obligations", "requestable"}
LEAST_ROWS = 200
NEVER_DECIDED = {ReasonCode.AUDIT_UNAVAILABLE, ReasonCode.REQUEST_REFUSED}  # told to a caller, by no decision
Row = Mapping[str, Any]


def rows() -> list[tuple[str, Row]]:
    return [(f"{table.stem}: {row['name']}", row) for table in TABLES for row in yaml.safe_load(table.read_text())]


ROWS = rows()


def request_of(row: Row) -> dict[str, Any]:
    base = changed(REQUEST, {"subject": AI_SUBJECT}) if row.get("subject") == "ai_service" else REQUEST
    return changed(base, row.get("request", {}))


def decided(engine: Engine, row: Row) -> Answer:
    engine.load(policy_data(row.get("clauses", {"care/1": {}}), row.get("index"), row.get("lapsed")))
    return engine.evaluate(request_of(row))


def said(answer: Answer) -> dict[str, Any]:
    return {
        "permit": answer.permit,
        "reasons": [reason.value for reason in answer.reasons],
        "clause": f"{answer.agreement.id}/{answer.agreement.clause}" if answer.agreement else None,
        "obligations": [obligation.type for obligation in answer.obligations],
        "requestable": answer.requestable,
    }


def expected(row: Row) -> dict[str, Any]:
    return {"clause": None, "obligations": [], "requestable": False} | dict(row["expect"])


@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[name for name, _ in ROWS])
def test_row_embedded(embedded: RegorusEngine, row: Row) -> None:
    assert said(decided(embedded, row)) == expected(row)


@pytest.mark.peer
@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[name for name, _ in ROWS])
def test_row_opa_and_identical(embedded: RegorusEngine, opa_engine: OpaEngine, row: Row) -> None:
    answer = decided(opa_engine, row)
    assert said(answer) == expected(row)
    assert answer == decided(embedded, row)


def test_the_tables_are_whole() -> None:
    names = [name for name, _ in ROWS]
    assert len(names) >= LEAST_ROWS
    assert len(set(names)) == len(names)
    asked = [json.dumps({key: row[key] for key in sorted(row.keys() - {"expect", "name"})}) for _, row in ROWS]
    assert len(set(asked)) == len(asked), "two rows ask the same"
    for _, row in ROWS:
        assert set(row) <= KEYS
        assert {"permit", "reasons"} <= set(row["expect"]) <= EXPECTED_KEYS


def policy_reasons() -> set[str]:
    """Give every reason code that the tables can show: the policy's, without that of an edge's revocations."""
    return {reason.value for reason in ReasonCode if not reason.outside_policy and reason not in NEVER_DECIDED}


def test_every_reason_of_the_policy_has_a_row() -> None:
    assert {reason for _, row in ROWS for reason in row["expect"]["reasons"]} == policy_reasons()
