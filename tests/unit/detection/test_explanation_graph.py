"""Of what somebody holds, the one reason that best explains a look: what each kind covers, and how strongly."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.detection.explanation.graph import Asked, explanation_of
from governance.detection.explanation.limits import CROWD, LOOSE, REACHES
from governance.detection.explanation.look import (
    EXPLAINS,
    UNEXPLAINED,
    WIDE,
    Explanation,
    ExplanationKind,
    Lesson,
    Look,
)
from governance.detection.knowledge.facts import PatientFacts
from governance.detection.knowledge.reasons import EdgeFacts
from governance.vocabulary import RelationshipKind
from tests.worlds.detection import event

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAMED = sorted(set(RelationshipKind) - {RelationshipKind.ROTA, RelationshipKind.POOL, RelationshipKind.PROJECT})
ASKED = Asked(AT, "t-1", frozenset({"RRK"}))


def edge(kind: str = "order", begins: timedelta = -DAY, ends: timedelta | None = None, **changes: Any) -> EdgeFacts:
    wide = kind in {"rota", "pool", "project"}
    facts: dict[str, Any] = {
        "id": "e-1",
        "kind": RelationshipKind(kind),
        "patient": None if wide else "p-1",
        "study": None,
        "ods": "RRK",
        "begins": AT + begins,
        "ends": None if ends is None else AT + ends,
        "source": "ris",
    }
    return EdgeFacts(**{**facts, **changes})


def lesson(kind: ExplanationKind, ago: timedelta) -> Lesson:
    return Lesson(kind, "s-1", "RRK", "p-1", AT - ago, 3, "pacs")


def strength(edge: EdgeFacts, **asked: Any) -> float:
    given = {"study": "t-1", "custodians": frozenset({"RRK"}), **asked}
    return explanation_of(Asked(AT, **given), [edge]).strength


def test_nothing_held_explains_nothing() -> None:
    assert explanation_of(ASKED, []) is UNEXPLAINED
    assert not UNEXPLAINED.explained


def test_an_explanation_says_what_it_rests_on() -> None:
    found = explanation_of(ASKED, [edge("referral", -3 * DAY, id="ref-7", source="ers", team=True)])
    assert (found.kind, found.edge, found.source, found.age) == (ExplanationKind.REFERRAL, "ref-7", "ers", 3 * DAY)
    assert (found.feed, found.team, found.explained) == ("RRK", True, True)


@pytest.mark.parametrize("kind", [kind.value for kind in NAMED])
def test_a_named_reason_fades_to_half_at_its_limit_and_then_ends(kind: str) -> None:
    reach = REACHES[ExplanationKind(kind)]
    assert strength(edge(kind, timedelta(0))) == 1.0
    assert strength(edge(kind, -reach.lasts)) == 0.5
    assert strength(edge(kind, -reach.lasts - timedelta(seconds=1))) == 0.0
    assert strength(edge(kind, reach.leads)) == 1.0, "written down after the look"
    assert strength(edge(kind, reach.leads + timedelta(seconds=1))) == 0.0


@pytest.mark.parametrize("kind", [kind.value for kind in NAMED])
def test_a_reason_that_has_ended_is_none(kind: str) -> None:
    assert strength(edge(kind, -2 * DAY, timedelta(0))) == 0.0
    assert strength(edge(kind, -2 * DAY, timedelta(seconds=1))) > EXPLAINS


def test_a_far_end_of_an_order_does_not_outlive_twice_its_limit() -> None:
    assert strength(edge("order", -127 * DAY)) == 0.0
    assert strength(edge("order", -252 * DAY, 4_000 * DAY)) == 0.5
    assert strength(edge("order", -253 * DAY, 4_000 * DAY)) == 0.0
    assert strength(edge("episode", -400 * DAY, 4_000 * DAY)) == 1.0, "care that goes on says when it ends"


def test_a_team_explains_less_than_a_person() -> None:
    assert strength(edge("order", timedelta(0), team=True)) == 0.8


def test_exact_and_young_beats_wide_and_old() -> None:
    edges = [
        edge("rota", id="rota"),
        edge("order", -100 * DAY, id="old"),
        edge("worklist", -HOUR, id="young"),
        edge("order", -HOUR, id="team", team=True),
    ]
    assert explanation_of(ASKED, edges).edge == "young"
    assert explanation_of(ASKED, edges[:2]).edge == "old"


def test_of_equal_reasons_the_nearest_counts_and_order_of_reading_does_not() -> None:
    edges = [edge("rota", -hours * HOUR, ends=DAY, id=f"r-{hours}") for hours in (1, 5, 3)]
    assert {explanation_of(ASKED, order).edge for order in (edges, edges[::-1])} == {"r-1"}


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        (-8 * HOUR, timedelta(0), True),  # handed over just now
        (-9 * HOUR, -HOUR, False),
        (-9 * HOUR, -HOUR + timedelta(minutes=1), True),
        (HOUR, 9 * HOUR, True),
        (HOUR + timedelta(minutes=1), 9 * HOUR, False),
        (-23 * HOUR, None, True),  # nobody said when the shift ends
        (-25 * HOUR, None, False),
    ],
)
def test_a_rota_explains_in_its_shift_with_an_hour_to_hand_over(
    begins: timedelta, ends: timedelta | None, expected: bool
) -> None:
    assert explanation_of(ASKED, [edge("rota", begins, ends)]).explained is expected


def test_a_rota_is_for_its_site_and_one_that_names_none_explains_weakly() -> None:
    there = edge("rota", ends=DAY, site="Queen Elizabeth ")
    assert strength(there, site="queen elizabeth") == WIDE
    assert strength(there, site="Heartlands") == LOOSE < EXPLAINS
    assert EXPLAINS < strength(there) < WIDE, "the event does not say where"
    assert EXPLAINS < strength(edge("rota", ends=DAY), site="Heartlands") < WIDE, "the rota does not say where"


@pytest.mark.parametrize("kind", ["rota", "pool", "project"])
def test_a_wide_reason_explains_a_working_list_and_not_a_crowd(kind: str) -> None:
    wide = edge(kind, ends=DAY)
    assert explanation_of(ASKED, [wide]).explained
    crowd = explanation_of(Asked(AT, "t-1", frozenset({"RRK"}), flagged=True), [wide])
    assert (crowd.kind.value, crowd.strength, crowd.explained) == (kind, CROWD, False)
    seen = Look(event(0, AT, {"who": "s-1", "patient": "p-1"}), crowd)
    assert seen.unexplained, "it is shown, and it explains nothing"
    assert strength(edge("order"), flagged=True) > EXPLAINS, "who is treating them is explained"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (PatientFacts(), False),
        (PatientFacts(flags=frozenset({"vip"})), True),
        (PatientFacts(flags=frozenset({"incident"}), deceased_on=datetime(2026, 4, 1, tzinfo=UTC).date()), True),
        (PatientFacts(flags=frozenset({"deceased"})), True),
        (PatientFacts(deceased_on=AT.date()), True),
        (PatientFacts(flags=frozenset({"deceased"}), deceased_on=datetime(2026, 4, 1, tzinfo=UTC).date()), False),
    ],
)
def test_who_is_flagged(facts: PatientFacts, expected: bool) -> None:
    assert facts.flagged(AT.date()) is expected


BOUNDED: dict[str, Any] = {"purpose": "HRESCH", "destination": "sde-1", "limit": 100}


@pytest.mark.parametrize(
    ("said", "asked", "expected"),
    [
        (BOUNDED, {"purpose": "HRESCH", "destination": "SDE-1", "taken": True}, WIDE),
        (BOUNDED, {"purpose": "TREAT"}, 0.0),
        (BOUNDED, {"purpose": "HRESCH", "destination": "usb", "taken": True}, 0.0),
        (BOUNDED, {}, WIDE),  # the event says nothing of it
        ({}, {"purpose": "HRESCH"}, WIDE * 0.8),
        ({}, {"taken": True}, LOOSE),  # an approval without a bound is no reason to take images out
        (BOUNDED | {"destination": None}, {"taken": True}, LOOSE),
    ],
)
def test_a_project_explains_what_it_was_approved_for(
    said: dict[str, Any], asked: dict[str, Any], expected: float
) -> None:
    assert strength(edge("project", ends=DAY, **said), **asked) == pytest.approx(expected)


def test_a_project_that_has_no_room_left_explains_nothing_more() -> None:
    bounded = edge("project", ends=DAY, **BOUNDED)
    assert explanation_of(ASKED, [bounded], fits=lambda _edge: False) is UNEXPLAINED


@pytest.mark.parametrize(
    ("kind", "lasts", "leads"),
    [
        (ExplanationKind.SELF_CLAIM, 12 * HOUR, timedelta(minutes=5)),
        (ExplanationKind.PRIOR_REPORT, 180 * DAY, DAY),
        (ExplanationKind.CONFIRMED, 90 * DAY, 30 * DAY),
    ],
)
def test_what_the_log_taught_explains_for_a_while(kind: ExplanationKind, lasts: timedelta, leads: timedelta) -> None:
    for ago, expected in ((lasts, True), (lasts + DAY, False), (-leads, True), (-leads - DAY, False)):
        found = explanation_of(ASKED, [], [lesson(kind, ago)])
        assert found.explained is expected
        assert (found.kind is kind) is expected
    assert explanation_of(ASKED, [], [lesson(kind, timedelta(0))]).source == "pacs"


def test_a_lesson_explains_the_crowd_too_for_it_names_the_patient() -> None:
    famous = Asked(AT, "t-1", frozenset({"RRK"}), flagged=True)
    assert explanation_of(famous, [edge("rota")], [lesson(ExplanationKind.SELF_CLAIM, HOUR)]).explained


edges = st.builds(
    edge,
    kind=st.sampled_from([kind.value for kind in RelationshipKind]),
    begins=st.timedeltas(-500 * DAY, 10 * DAY),
    ends=st.none() | st.timedeltas(-10 * DAY, 500 * DAY),
    id=st.sampled_from(["a", "b", "c"]),
    team=st.booleans(),
    site=st.sampled_from([None, "QE", "HH"]),
    purpose=st.sampled_from([None, "TREAT", "HRESCH"]),
    limit=st.sampled_from([None, 5]),
)
asks = st.builds(
    Asked,
    at=st.just(AT),
    custodians=st.sampled_from([frozenset[str](), frozenset({"RRK"})]),
    site=st.sampled_from([None, "QE"]),
    purpose=st.sampled_from([None, "TREAT"]),
    taken=st.booleans(),
    flagged=st.booleans(),
)


@given(asks, st.lists(edges, max_size=6), st.lists(edges, max_size=3))
def test_more_reasons_never_explain_less(asked: Asked, some: list[EdgeFacts], more: list[EdgeFacts]) -> None:
    assert explanation_of(asked, [*some, *more]).strength >= explanation_of(asked, some).strength


@given(asks, st.lists(edges, max_size=6))
def test_the_order_of_reading_changes_nothing(asked: Asked, some: list[EdgeFacts]) -> None:
    assert _same(explanation_of(asked, some), explanation_of(asked, some[::-1]))


def _same(one: Explanation, other: Explanation) -> bool:
    return (one.kind, one.edge, one.strength) == (other.kind, other.edge, other.strength)
