"""The simulated region: the same seed lives the same days, and sends only what the public surface takes."""

import json
import random
from datetime import UTC, date, datetime

import pytest

from governance.catalogue.feed import parse_studies
from governance.federation import parse_staff
from governance.pseudonyms import Pseudonymiser
from governance.relationships import parse_edges, parse_patients
from governance.simulation import region as demo
from governance.simulation.activity import Day, Region
from governance.simulation.incidents import KINDS, Incident, play
from governance.simulation.population import Population, draw, nhs_numbers
from governance.vocabulary import Role, is_nhs_number
from tests.worlds.formats import parse_lines

TRUSTS = ("RRK", "RKB", "RJE")
MONDAY = date(2026, 11, 2)
LATER = datetime(2026, 12, 1, tzinfo=UTC)


def live(seed: int, incidents: tuple[str, ...] = ()) -> tuple[Population, Day, list[Incident]]:
    rng = random.Random(seed)
    population = draw(rng, TRUSTS, staff_per_trust=12, patients_per_trust=60, today=MONDAY)
    region = Region(rng, population, TRUSTS, 6)
    day = region.live(MONDAY)
    return population, day, [play(kind, region, day) for kind in incidents]


def lines(rows: list[dict]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_the_same_seed_lives_the_same_day_and_another_does_not() -> None:
    assert live(7, tuple(KINDS))[1] == live(7, tuple(KINDS))[1]
    assert live(7)[1] != live(8)[1]


def test_everything_it_sends_is_taken_by_the_public_surface(pseudonymiser: Pseudonymiser) -> None:
    population, day, _ = live(3, tuple(KINDS))
    assert parse_lines(lines(day.events), LATER).faults == ()
    assert parse_studies(lines(day.studies), pseudonymiser).faults == ()
    assert parse_edges(lines(day.edges), pseudonymiser).faults == ()
    assert parse_staff(lines([one.row() for one in population.staff]), pseudonymiser).faults == ()
    assert parse_patients(lines([one.row() for one in population.patients]), pseudonymiser, LATER).faults == ()


def test_every_trust_has_somebody_in_each_role_and_no_two_people_share_an_id() -> None:
    population, _, _ = live(1)
    for ods in TRUSTS:
        for role in (Role.CLINICIAN, Role.CONSULTANT_RADIOLOGIST, Role.RADIOGRAPHER, Role.MDT_COORDINATOR):
            assert population.working(ods, role)
    assert len({one.id for one in population.staff}) == len(population.staff)
    assert len({one.nhs_number for one in population.patients}) == len(population.patients)


def test_numbers_are_of_the_range_that_is_never_issued() -> None:
    numbers = nhs_numbers()
    assert all(is_nhs_number(number) and number.startswith("999") for number in (next(numbers) for _ in range(500)))


def test_events_are_in_time_order_and_name_the_decision_they_stand_on() -> None:
    _, day, _ = live(5)
    assert [event["time"] for event in day.events] == sorted(event["time"] for event in day.events)
    decisions = {event["id"] for event in day.events if event["kind"] == "decision"}
    accesses = [event for event in day.events if event["kind"] == "access"]
    assert accesses
    assert all(event["authority"]["decision_id"] in decisions for event in accesses)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_incident_is_in_the_day_it_was_played_into(kind: str) -> None:
    _, day, (incident,) = live(11, (kind,))
    assert incident.kind == kind
    assert any(event["subject"]["id"] == incident.subject for event in day.events)


def test_the_demo_names_fifteen_trusts_and_agreements_around_its_day() -> None:
    today = date(2026, 11, 24)
    assert len(demo.trusts()) == 15
    documents = {document["id"]: document for document in demo.agreements(today)}
    assert {"wm-direct-care", "wm-reporting-pool", "ai-ich-triage", "orthopaedic-referrals"} <= documents.keys()
    assert all(document["effective"]["from"] < today.isoformat() for document in documents.values())
    assert documents.keys() == demo.plans().keys()
