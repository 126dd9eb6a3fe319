"""Looking events up by each fact, on a real database."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from governance.audit import (
    AuditLog,
    AuditSearch,
    Authority,
    Query,
)
from governance.audit import Source as EventSource
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome
from tests.worlds.log import MakeEvent


class TestSearch:
    @pytest.fixture(autouse=True)
    def _filled(self, log: AuditLog, make_event: MakeEvent) -> None:
        events = [make_event(number) for number in range(40)]
        events[5] = replace(events[5], kind=EventKind.EXPORT, outcome=Outcome.MINOR)
        events[6] = replace(events[6], authority=Authority())
        events[11] = replace(events[11], source=EventSource("pacs-rje", "RJE"))
        log.append(events)

    def test_by_each_fact(self, database: Database, pseudonymiser: Pseudonymiser) -> None:
        search = AuditSearch(database)
        cases = {
            Query(patient=pseudonymiser.patient("9990000003")): [36, 25, 14, 3],
            Query(subject=pseudonymiser.subject("user-1"), after_index=20): [36, 29, 22],
            Query(study=pseudonymiser.study("1.2.826.0.1.9")): [9],
            Query(kind=EventKind.EXPORT): [5],
            Query(outcome=Outcome.MINOR): [5],
            Query(decision_id="decision-7"): [7],
            Query(token_jti="jti-8"): [8],
            Query(agreement_id="direct-care", before_index=8): [7, 5, 4, 3, 2, 1, 0],
            Query(custodian="RKB", before_index=2): [1, 0],
            Query(trust="RRK", before_index=2): [1, 0],
            Query(trust="RKB", before_index=2): [1, 0],
            Query(trust="RJE"): [11],
            Query(trust="RXW"): [],
            Query(source_id="pacs-rkb", event_id="event-4"): [4],
            Query(since=datetime(2026, 11, 24, 11, 5, tzinfo=UTC), until=datetime(2026, 11, 24, 11, 7, tzinfo=UTC)): [
                6,
                5,
            ],
        }
        for query, expected in cases.items():
            assert [event.index for event in search.find(query, 100)] == expected
            assert search.count(query) == len(expected)

    def test_pages_in_both_directions_miss_nothing(self, database: Database) -> None:
        search = AuditSearch(database)
        down, up = [], []
        query = Query(custodian="RKB")
        while page := search.find(query, 7):
            down += [event.index for event in page]
            query = replace(query, before_index=down[-1])
        query = Query(custodian="RKB")
        while page := search.find(query, 7, newest_first=False):
            up += [event.index for event in page]
            query = replace(query, after_index=up[-1])
        assert down == list(reversed(range(40)))
        assert up == list(range(40))
