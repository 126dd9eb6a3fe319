"""Housekeeping keeps so many days of what registers said, and none of it open."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from governance.bootstrap import Services
from governance.errors import Conflict
from governance.facts import History, Span, Wanted
from governance.jobs.facts import keep_facts
from governance.registers import OPERATOR
from tests.worlds.basics import NOON

EDGE = b'{"id": "e-1", "kind": "rota", "subject": "nia", "ods": "RRK", "from": "2026-11-24T08:00:00Z", "source": "%s"}'


def known(services: Services, at: int) -> int:
    with services.infrastructure.database.reading() as session:
        history = History(services.infrastructure.vault)
        return len(history.read(session, Wanted(["edge"], keys=["e-1"]), Span(at, at)))


def test_what_was_superseded_before_the_days_that_are_kept_is_dropped(services: Services) -> None:
    for source in (b"one", b"two", b"three"):
        assert services.uses.feeds.edges(OPERATOR, EDGE % source).rejected == ()
    size, _ = services.infrastructure.audit.tree_head()
    days = timedelta(days=services.infrastructure.settings.facts_kept_days)
    keep_facts(services.infrastructure, NOON + days)
    assert known(services, size) == known(services, size - 1) == 1, "all of it was recorded within that day"
    keep_facts(services.infrastructure, NOON + days + timedelta(days=1))
    assert known(services, size) == 1, "what is known now is kept, however old"
    with pytest.raises(Conflict) as refused:
        known(services, size - 1)
    assert refused.value.reason == "facts.too_old"


def test_what_a_migration_left_open_is_sealed(services: Services) -> None:
    member = b'{"id": "nia", "ods": "RRK", "role": "nurse", "household_key": "0a1b"}'
    assert services.uses.feeds.staff(OPERATOR, member).rejected == ()
    opened = {"open": '{"household_key": "0a1b"}'}
    with services.infrastructure.database.transaction() as session:
        session.connection().execute(text("UPDATE fact_version SET sealed = :open WHERE kind = 'staff'"), opened)
    keep_facts(services.infrastructure, NOON)
    with services.infrastructure.database.reading() as session:
        (sealed,) = session.connection().execute(text("SELECT sealed FROM fact_version WHERE kind = 'staff'")).one()
    assert "0a1b" not in sealed
