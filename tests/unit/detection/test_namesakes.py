"""What detection knows of one trust's ``jsmith`` it does not know of another's, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from governance.clock import FixedClock
from governance.detection.knowledge.context import RegionContext
from governance.detection.knowledge.facts import Who
from governance.detection.knowledge.links import Links
from governance.facts import History
from governance.federation import StaffMember
from governance.relationships import Edge, PatientContext
from governance.storage import Database
from governance.vocabulary import RelationshipKind
from tests.worlds.alerts import AlertWorld

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWN, OTHER = "9990000018", "9990000026"


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    """Put a jsmith on the staff of two trusts; the one of RRK is a patient, and has an order for another."""
    made = AlertWorld(database, clock)
    names = made.pseudonymiser
    jsmith, own, other = names.subject("jsmith"), names.patient(OWN), names.patient(OTHER)
    start = AT - timedelta(days=1)
    order = Edge("e-1", RelationshipKind.ORDER, jsmith, other, None, "RRK", start, None, "ris-rrk")
    with made.changing() as session:
        made.federation.upsert_staff(
            session, [StaffMember(jsmith, "RRK", "nurse", patient_key=own), StaffMember(jsmith, "RKB", "clinician")]
        )
        made.relationships.upsert_edges(session, [order])
        made.relationships.upsert_patients(session, [PatientContext(own, staff=jsmith)])
    return made


def test_facts_ties_and_what_followed_are_those_of_the_one_who_acted(world: AlertWorld) -> None:
    names = world.pseudonymiser
    jsmith, own, other = names.subject("jsmith"), names.patient(OWN), names.patient(OTHER)
    with world.database.reading() as session:
        context = RegionContext(
            session,
            history=History(world.vault),
            relationships=world.relationships,
            pseudonymiser=names,
            links=Links(world.search),
        )
        facts = [context.staff(jsmith, ods) for ods in ("RRK", "RKB", "RNA", None)]
        assert [one and (one.role, one.patient) for one in facts] == [("nurse", own), ("clinician", None), None, None]
        about = context.patient(own)
        assert about is not None
        assert about.staff == frozenset(), "two people are called so: the staff register tells which"
        for ods, count in (("RRK", 1), ("RKB", 0), ("RNA", 0), (None, 0)):
            who = Who(jsmith, ods)
            assert len(context.ties(who, other, None, "RRK", AT)) == count
            assert len(context.follow_up(who, other, None, AT - timedelta(days=2), AT)) == count
