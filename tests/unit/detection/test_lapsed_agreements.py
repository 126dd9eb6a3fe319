"""Use after an agreement lapsed is a finding: a real agreement, its real end, and the evidence that says when."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from governance.alerts import Alert, AlertQuery
from governance.audit.event import Authority, Event, Resource, Source, Subject
from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.vocabulary import EventKind, Outcome, Purpose, SubjectType
from tests.worlds.agreements import OFFICE
from tests.worlds.alerts import REGION
from tests.worlds.impact import AGREEMENT, ImpactWorld, terms

ENDS = datetime.fromisoformat("2027-01-01T00:00:00+00:00")


@pytest.fixture
def world(services: Services, clock: FixedClock) -> ImpactWorld:
    """Bring an agreement into force that ends with the year."""
    return ImpactWorld(services, clock)


def use(world: ImpactWorld, at: datetime) -> list[Alert]:
    """Let an archive report an access under the agreement, and give what is found."""
    world.clock.advance(max(at - world.clock.now(), timedelta(0)))
    event = Event(
        id=f"use-{at.isoformat()}",
        time=at,
        source=Source("archive-rrk", "RRK"),
        kind=EventKind.ACCESS,
        outcome=Outcome.SUCCESS,
        subject=Subject("clinician", SubjectType.PRACTITIONER, "clinician", "RKB"),
        purpose=Purpose.TREAT,
        resource=Resource(patient="9990000018", study_uid="1.2.1", modality="CT", custodian="RRK"),
        authority=Authority(None, None, AGREEMENT),
    )
    _ = world.services.infrastructure.audit.append([event])[0].index
    world.services.uses.detection.catch_up()
    found = world.services.uses.alerts.list(REGION, AlertQuery(), 50).alerts
    return [alert for alert in found if "lapsed_authority" in alert.rule_ids]


def sentence(alerts: list[Alert]) -> str:
    (alert,) = alerts
    (evidence,) = [one for one in alert.evidence if one.signal == "agreement_lapsed"]
    assert alert.agreement_ids == (AGREEMENT,)
    return evidence.sentence


def test_use_after_expiry(world: ImpactWorld) -> None:
    assert use(world, ENDS - timedelta(hours=1)) == []
    world.clock.advance(ENDS + timedelta(hours=6) - world.clock.now())
    assert world.services.registers.agreements.expire_due(world.clock.now()) == ((AGREEMENT, 1),)
    told = sentence(use(world, ENDS + timedelta(days=2)))
    assert told == ("The agreement that the access names had been expired for 2 days, since 2027-01-01 00:00 UTC.")


def test_use_after_the_last_day_before_the_job_ran(world: ImpactWorld) -> None:
    told = sentence(use(world, ENDS + timedelta(hours=3)))
    assert told.endswith("had been expired for 3 hours, since 2027-01-01 00:00 UTC.")


@pytest.mark.parametrize("ending", ["suspend", "terminate"])
def test_use_after_somebody_ended_it(world: ImpactWorld, ending: str) -> None:
    agreements, at = world.services.registers.agreements, world.clock.now()
    step: Callable[..., object] = agreements.suspend if ending == "suspend" else agreements.terminate
    step(AGREEMENT, 1, OFFICE, "an incident")
    status = {"suspend": "suspended", "terminate": "terminated"}[ending]
    told = sentence(use(world, at + timedelta(hours=2)))
    assert told.endswith(f"had been {status} for 2 hours, since {at:%Y-%m-%d %H:%M} UTC.")


def test_a_renewal_in_force_is_no_lapse(world: ImpactWorld) -> None:
    world.agree(terms(version=2, effective={"from": "2026-01-01", "to": "2028-12-31"}))
    assert use(world, ENDS + timedelta(days=2)) == []
