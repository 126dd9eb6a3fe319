"""Lists longer than a statement takes parameters: 32,766 on SQLite, 65,535 on PostgreSQL. No room's look-up minds."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from governance.agreements import _key_store, _store
from governance.audit import _store as audit
from governance.catalogue import Catalogue
from governance.clock import FixedClock
from governance.federation import FederationDirectory
from governance.pseudonyms import Pseudonymiser
from governance.pseudonyms import _store as keys
from governance.relationships import Between, Holder, Relationships
from governance.storage import Database
from governance.storage.prepared import LONGEST, Prepared
from tests.worlds.alerts import AlertWorld, finding
from tests.worlds.storage import TABLE

MANY = 66_000
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
PSEUDONYMISER = Pseudonymiser(b"k" * 32)
NAMES = [f"n-{number:06}" for number in range(MANY)]
BETWEEN = [Between((Holder("s-1"),), f"p-{number}", f"t-{number}", ("RRK",)) for number in range(MANY // 2)]
_BY_OWNER = Prepared(sa.select(TABLE).where(TABLE.c.owner.in_(sa.bindparam("owners", expanding=True))))

LOOKS: dict[str, Callable[[Session], Any]] = {
    "studies": lambda session: Catalogue().studies(session, NAMES),
    "studies by pseudonym": lambda session: Catalogue().studies_by_pseudonym(session, NAMES),
    "staff": lambda session: FederationDirectory(PSEUDONYMISER).staff_many(session, NAMES),
    "patients": lambda session: Relationships(PSEUDONYMISER).patients(session, NAMES, AT),
    "relationships": lambda session: Relationships(PSEUDONYMISER).prepare(session, BETWEEN, AT),
    "events of the log": lambda session: audit.known(session, [("vna-1", name) for name in NAMES]),
    "agreements": lambda session: _store.on_file(session, NAMES),
    "titles of agreements": lambda session: list(_store.titles(session, NAMES)),
    "signatures": lambda session: _key_store.signatures(session, [(name, 1) for name in NAMES]),
    "wrapped keys": lambda session: keys.wrapped_keys(session, NAMES),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_up_of_very_many_finds_what_is_there(database: Database, name: str) -> None:
    with database.reading() as session:
        assert not LOOKS[name](session)


def test_a_finding_of_very_many_events_becomes_an_alert_and_gains_more(database: Database, clock: FixedClock) -> None:
    world = AlertWorld(database, clock)
    first = world.raise_all(finding(events=(1,)))
    second = world.raise_all(finding(events=tuple(range(MANY)), subjects=tuple(NAMES[:2_000])))
    assert [change for _, change in first + second] == ["opened", "gained"]


def test_a_prepared_list_has_one_limit_on_every_database(database: Database) -> None:
    with database.reading() as session:
        assert _BY_OWNER.rows(session, owners=NAMES[:LONGEST]) == []
        with pytest.raises(ValueError, match="cut it"):
            _BY_OWNER.rows(session, owners=NAMES[: LONGEST + 1])
