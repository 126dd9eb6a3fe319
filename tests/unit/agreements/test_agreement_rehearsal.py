"""The demo region's agreements reach the standing the schedule names, on any day."""

from datetime import UTC, datetime, timedelta

import pytest

from governance.agreements.rehearsal import Wanted, new_signatories, rehearse
from governance.clock import FixedClock
from governance.simulation import region
from governance.storage import Database
from governance.vocabulary import AgreementStatus as Status
from tests.worlds.agreements import OFFICE, World


@pytest.mark.parametrize("day", [datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2028, 2, 29, 9, tzinfo=UTC)])
def test_the_demo_region(database: Database, day: datetime) -> None:
    world = World(database, FixedClock(day))
    documents = region.agreements(day.date())
    names = {trust.ods: trust.name for trust in region.trusts()}
    wanted = {name: Wanted(plan.status, plan.reason, plan.unsigned) for name, plan in region.plans().items()}
    signatories = new_signatories(names)
    records = rehearse(world.service, documents, signatories, OFFICE, wanted)
    standing = {record.agreement.id: record.status for record in records}
    assert standing == {name: plan.status for name, plan in region.plans().items()}
    assert len(names) == 15

    policy = world.service.compiled().document
    care = "wm-direct-care/4.1"
    assert all(care in policy["index"][asks][owns]["TREAT"] for asks in names for owns in names)
    assert policy["index"]["RRK"]["RXW"]["ETREAT"] == ["ai-ich-triage/2.1", "wm-direct-care/4.2"]
    assert policy["clauses"]["ai-ich-triage/2.1"]["ai"]["ai-ich-triage"]["versions"] == ["2.1.0", "2.2.0"]
    assert policy["clauses"]["wm-imaging-research/6.1"]["opt_out_applies"]
    assert policy["lapsed"]["RLQ"]["RXW"]["TREAT"] == ["overflow-reporting-rxw-rlq/3.1"]
    assert "HQUALIMP" in policy["lapsed"]["RLQ"]["RXW"]
    assert "HQUALIMP" not in policy["index"]["RLQ"]["RXW"]
    assert world.service.overview(day).ending_soon == 0
    assert world.service.overview(day + timedelta(days=2)).ending_soon == 1

    again = rehearse(world.service, documents, new_signatories(names), OFFICE, wanted)
    assert {record.agreement.id: record.status for record in again} == standing
    assert len(world.service.keys()) == 15
    assert {record.agreement.id for record in again if record.status is Status.DRAFT} == {
        "breast-screening-second-read"
    }
