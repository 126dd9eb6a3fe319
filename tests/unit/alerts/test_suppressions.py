"""Suppressions and known relations: what they hold back, who may set one, and that they end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from governance.alerts import AlertQuery, NewSuppression, Party, SuppressionKind, Viewer
from governance.alerts.suppressions import NEVER
from governance.audit import Query
from governance.clock import FixedClock
from governance.errors import Conflict, Forbidden, InvalidInput, NotFound
from governance.storage import Database
from governance.vocabulary import AlertKind, Capacity, EventKind, Severity
from tests.worlds.alerts import OFFICER, REGION, AlertWorld, finding

SECOND = Viewer("s-second", "RRK", person=True)


@pytest.fixture
def world(database: Database, clock: FixedClock) -> AlertWorld:
    made = AlertWorld(database, clock)
    made.trusts |= {"s-nia": frozenset({"RRK"}), "s-team": frozenset({"RRK"}), "s-rkb": frozenset({"RKB"})}
    return made


def export(**changes: Any) -> Any:
    """Make a finding that concerns one trust alone and may be held back."""
    facts: dict[str, Any] = {"rule_id": "mass_export", "family": "mass_export", "trusts": ("RRK",)}
    return finding(**facts | changes)


def asked(world: AlertWorld, days: float = 30, **changes: Any) -> NewSuppression:
    facts: dict[str, Any] = {"reason": "A teaching file, agreed", "rule": "mass_export", "subject": "s-nia"}
    return NewSuppression(expires_at=world.clock.now() + timedelta(days=days), **facts | changes)


def fires(world: AlertWorld, **changes: Any) -> bool:
    return world.raise_all(export(**changes))[0][1] != "suppressed"


def test_what_is_covered_is_held_back_counted_and_kept(world: AlertWorld) -> None:
    held = world.alerts.suppressions.set(OFFICER, asked(world))
    covered = export(severity=Severity.CRITICAL)
    assert world.raise_all(covered, covered, export(events=(9,)), export(subject="s-else", subjects=("s-else",))) == [
        ("", "suppressed"),
        ("", "suppressed"),
        ("", "suppressed"),
        (world.alerts.list(REGION, world_query()).alerts[0].id, "opened"),
    ]
    (listed,) = world.alerts.suppressions.page(OFFICER)
    assert (listed.id, listed.hits, listed.last_hit_at) == (held.id, 2, world.clock.now())
    _, kept = world.alerts.suppressions.withheld(OFFICER, held.id)
    assert {(one.rule, one.events, one.sentence) for one in kept} == {
        ("mass_export", (3,), "This is their own record."),
        ("mass_export", (9,), "This is their own record."),
    }
    assert world.alerts.latest_notice() == 1


def world_query() -> AlertQuery:

    return AlertQuery()


def test_one_that_is_over_lets_findings_fire_again(world: AlertWorld) -> None:
    """The very finding that was held back is raised when it is found again, and what comes later is."""
    world.alerts.suppressions.set(OFFICER, asked(world, days=10))
    assert not fires(world)
    world.clock.advance(timedelta(days=10) - timedelta(seconds=1))
    assert not fires(world)
    world.clock.advance(timedelta(seconds=1))
    assert fires(world)
    assert fires(world, about="p-7", patient="p-7", events=(40,))
    assert world.alerts.suppressions.page(OFFICER) == ()
    assert [one.state_at(world.clock.now()) for one in world.alerts.suppressions.page(OFFICER, ended=True)] == [
        "expired"
    ]


def test_one_that_was_ended_holds_nothing_back(world: AlertWorld) -> None:
    held = world.alerts.suppressions.set(OFFICER, asked(world))
    ended = world.alerts.suppressions.end(SECOND, held.id, "the term is over")
    assert (ended.ended_by, ended.end_reason) == (SECOND.id, "the term is over")
    assert fires(world)
    with pytest.raises(Conflict):
        world.alerts.suppressions.end(OFFICER, held.id, "again")


@pytest.mark.parametrize("rule", ["self_access", "decoy_record", "lapsed_authority", "own_case"])
def test_some_findings_are_never_held_back(world: AlertWorld, rule: str) -> None:
    assert rule in NEVER
    with pytest.raises(InvalidInput, match="not valid"):
        world.alerts.suppressions.set(REGION, asked(world, rule=rule))
    wide = asked(world, rule=None, signal="own_record", subject=None)
    made = world.alerts.suppressions.set(REGION, wide)
    world.alerts.suppressions.approve(OFFICER_OF_THE_REGION, made.id)
    vouched = asked(world, rule=None, kind=SuppressionKind.KNOWN_RELATION, patient="p-1")
    world.alerts.suppressions.set(REGION, vouched)
    assert not fires(world)
    assert fires(world, rule_id=rule)


OFFICER_OF_THE_REGION = Viewer("office", None, person=True)


def test_a_notice_is_never_held_back(world: AlertWorld) -> None:
    world.alerts.suppressions.set(OFFICER, asked(world))
    assert fires(world, kind=AlertKind.NOTICE)


def test_a_whole_trust_or_everybody_needs_a_second_person(world: AlertWorld) -> None:
    held = world.alerts.suppressions.set(OFFICER, asked(world, subject=None))
    assert (held.trust, held.needs_approval) == ("RRK", True)
    assert fires(world)
    with pytest.raises(Forbidden):
        world.alerts.suppressions.approve(OFFICER, held.id)
    with pytest.raises(NotFound):
        world.alerts.suppressions.approve(Viewer("s-rkb", "RKB", person=True), held.id)
    assert world.alerts.suppressions.approve(SECOND, held.id).approved_by == SECOND.id
    assert not fires(world, about="p-8", patient="p-8", events=(80,))
    with pytest.raises(Conflict):
        world.alerts.suppressions.approve(SECOND, held.id)
    narrow = world.alerts.suppressions.set(OFFICER, asked(world))
    with pytest.raises(Conflict):
        world.alerts.suppressions.approve(SECOND, narrow.id)


def test_a_trust_silences_nobody_else(world: AlertWorld) -> None:
    """What concerns another trust too is not held back by one of them; the region may."""
    world.alerts.suppressions.set(OFFICER, asked(world))
    assert fires(world, trusts=("RKB", "RRK"))
    assert fires(world, about="p-5", events=(50,), parties=(Party("RKB", Capacity.CONTROLLER),))
    world.alerts.suppressions.set(REGION, asked(world))
    assert not fires(world, about="p-6", events=(60,), trusts=("RKB", "RRK"))


def test_a_trust_names_its_own_people_and_teams(world: AlertWorld) -> None:
    for wanted in (asked(world, subject="s-rkb"), asked(world, subject="s-nobody"), asked(world, trust="RKB")):
        with pytest.raises(Forbidden):
            world.alerts.suppressions.set(OFFICER, wanted)
    world.alerts.suppressions.set(OFFICER, asked(world, subject=None, team="s-team"))
    assert fires(world)
    world.teams["s-nia"] = ("s-team",)
    assert not fires(world, about="p-9", events=(90,))


def test_a_known_relation_is_a_person_and_a_patient(world: AlertWorld) -> None:
    vouched = asked(world, kind=SuppressionKind.KNOWN_RELATION, rule=None, patient="p-1")
    world.alerts.suppressions.set(OFFICER, vouched)
    assert not fires(world)
    assert not fires(world, rule_id="access_without_relation", events=(4,))
    assert fires(world, about="p-2", patient="p-2", events=(5,))
    assert fires(world, subject="s-else", subjects=("s-else",), events=(6,))


def test_a_signal_is_held_back_where_it_is_all_there_is(world: AlertWorld) -> None:
    world.alerts.suppressions.set(OFFICER, asked(world, rule=None, signal="own_record"))
    one = export().evidence[0]
    assert fires(world, evidence=(one, replace(one, signal="another")))
    assert not fires(world, about="p-3", events=(30,))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"days": 90.1}, "/expires_at"),
        ({"days": 0}, "/expires_at"),
        ({"rule": None}, "/rule"),
        ({"reason": " "}, "/reason"),
        ({"kind": SuppressionKind.KNOWN_RELATION}, "/patient"),
        ({"kind": SuppressionKind.KNOWN_RELATION, "patient": "p-1"}, "/rule"),
    ],
)
def test_what_none_may_be_is_refused_by_its_field(world: AlertWorld, changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.alerts.suppressions.set(OFFICER, asked(world, **changes))
    assert pointer in [fault.path for fault in refused.value.faults]


def test_nobody_profits_from_one_of_their_own(world: AlertWorld) -> None:
    nia = Viewer("s-nia", "RRK", person=True)
    world.own_patients["s-second"] = "p-1"
    for viewer, wanted in ((nia, asked(world)), (SECOND, asked(world, patient="p-1"))):
        with pytest.raises(Forbidden):
            world.alerts.suppressions.set(viewer, wanted)
    held = world.alerts.suppressions.set(OFFICER, asked(world))
    assert world.alerts.suppressions.page(nia) == ()
    with pytest.raises(NotFound):
        world.alerts.suppressions.withheld(nia, held.id)
    wide = world.alerts.suppressions.set(nia, asked(world, subject=None))
    world.alerts.suppressions.approve(SECOND, wide.id)
    world.alerts.suppressions.end(OFFICER, held.id, "too wide")
    assert fires(world), "whoever set it is not covered by it"
    assert not fires(world, subject="s-else", subjects=("s-else",), events=(70,))
    assert fires(world, subject=SECOND.id, subjects=(SECOND.id,), events=(71,))


def test_each_act_is_in_the_log_without_the_words(world: AlertWorld) -> None:
    held = world.alerts.suppressions.set(OFFICER, asked(world, subject=None))
    world.alerts.suppressions.approve(SECOND, held.id)
    world.alerts.suppressions.end(OFFICER, held.id, "because of Nia")
    told = world.search.find(Query(kind=EventKind.CONFIG), 10, newest_first=False)
    assert [(event.detail["act"], event.detail["suppression"]) for event in told] == [
        ("set", held.id),
        ("approved", held.id),
        ("ended", held.id),
    ]
    people = [world.pseudonymiser.subject(viewer.id) for viewer in (OFFICER, SECOND, OFFICER)]
    assert [event.subject.id if event.subject else None for event in told] == people
    assert not any(word in str([event.detail for event in told]) for word in ("teaching", "Nia"))
