"""A search walks the index of the narrowest thing it is given, with and without statistics, on both databases."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text

from governance.audit import AuditLog, AuditSearch, Authority, Query
from governance.audit.search import ChainStart
from governance.storage import Database
from governance.vocabulary import EventKind
from tests.worlds.log import MakeEvent

ACCESS, RRK = EventKind.ACCESS, "RRK"
DECISION, TOKEN, STUDY = "ix_audit_entry_decision", "ix_audit_entry_token", "ix_audit_entry_study"
PATIENT, SUBJECT, AGREEMENT = "ix_audit_entry_patient", "ix_audit_entry_subject", "ix_audit_entry_agreement"
CASES = {
    "decision": (Query(decision_id="decision-7"), DECISION),
    "decision-kind": (Query(decision_id="decision-7", kind=ACCESS, trust=RRK), DECISION),
    "decision-before": (Query(decision_id="decision-7", kind=ACCESS, before_index=900), DECISION),
    "decision-subject": (Query(decision_id="decision-7", subject="s-1", agreement_id="a-7"), DECISION),
    "token-kind": (Query(token_jti="jti-7", kind=ACCESS), TOKEN),
    "token-source": (Query(token_jti="jti-7", source_id="pacs-rkb", decision_id="decision-7"), TOKEN),
    "study-kind": (Query(study="t-1", kind=ACCESS, patient="p-1"), STUDY),
    "patient-kind": (Query(patient="p-1", kind=ACCESS, subject="s-1"), PATIENT),
    "patient-kinds": (Query(patient="p-1", kinds=frozenset({ACCESS}), trust=RRK, party=RRK), PATIENT),
    "subject-kind": (Query(subject="s-1", kind=ACCESS), SUBJECT),
    "agreement-kind": (Query(agreement_id="a-1", kind=ACCESS), AGREEMENT),
    "event": (Query(source_id="pacs-rkb", event_id="event-7", kind=ACCESS), "source_event|autoindex_audit_entry"),
}


@pytest.fixture
def filled(log: AuditLog, make_event: MakeEvent) -> None:
    log.append(
        [
            make_event(number, authority=Authority(f"decision-{number}", f"jti-{number}", f"a-{number % 40}"))
            for number in range(1_500)
        ]
    )


@pytest.mark.parametrize("newest_first", [True, False], ids=["newest", "oldest"])
def test_the_narrowest_index_is_walked(database: Database, filled: None, newest_first: bool) -> None:
    walked = {name: _plan(database, query, newest_first) for name, (query, _) in CASES.items()}
    with database.transaction() as session:
        session.connection().execute(text("ANALYZE"))
    informed = {name: _plan(database, query, newest_first) for name, (query, _) in CASES.items()}
    for plans in (walked, informed):
        missed = {
            name: plans[name]
            for name, (_, index) in CASES.items()
            if not any(part in plans[name] for part in index.split("|"))
        }
        assert missed == {}


def test_a_chain_walks_the_indexes_of_its_tokens_and_decisions(database: Database, filled: None) -> None:
    start = ChainStart((3, 700, 1_400), 2, ("jti-7", "jti-8"), ("decision-9",), RRK)

    def ask() -> None:
        with database.reading() as session:
            AuditSearch(database).chain_in(session, start)

    walked = _plan_of(database, ask)
    with database.transaction() as session:
        session.connection().execute(text("ANALYZE"))
    for plan in (walked, _plan_of(database, ask)):
        assert TOKEN in plan
        assert DECISION in plan
        assert not re.search(r"SCAN audit_entry|Seq Scan on audit_entry", plan)


def _plan(database: Database, query: Query, newest_first: bool) -> str:
    """Give the plan of the statement that a search really sends."""
    return _plan_of(database, lambda: AuditSearch(database).find(query, 20, newest_first=newest_first))


def _plan_of(database: Database, ask: Callable[[], object]) -> str:
    """Give the plan of the last statement of a reading."""
    asked: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", remember)
    ask()
    event.remove(database.engine, "before_cursor_execute", remember)
    statement, parameters = asked[-1]
    explain = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
    with database.reading() as session:
        rows = session.connection().exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(str(row[-1]) for row in rows)
