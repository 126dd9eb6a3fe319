"""Conditions: what is read of UCAST, what holds, and that SQL finds just the same."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from governance.catalogue import (
    ALWAYS,
    NEVER,
    Catalogue,
    Compare,
    Condition,
    Either,
    Every,
    NotUcast,
    Study,
    StudyQuery,
    Unless,
    either,
    every,
    holds,
    parse_ucast,
)
from governance.storage import Database

TODAY = date(2026, 11, 24)
LABELS = ("sealed", "100%", 'a"b', "a_b", "é")
STUDIES = [
    Study(f"1.2.{number}", f"t-{number:03}", owners, f"p-{number % 3}", modality, part, taken, frozenset(labels))
    for number, (owners, modality, part, taken, labels) in enumerate(
        [
            (("RRK",), "CT", "HEAD", TODAY, ()),
            (("RRK", "RNA"), "MR", None, TODAY - timedelta(days=30), ("sealed",)),
            ((), "CT", "HEAD", TODAY, ("100%",)),
            (("RNA",), "US", "CHEST", TODAY - timedelta(days=400), ('a"b', "a_b")),
            (("RKB",), "CT", None, TODAY + timedelta(days=1), ("é",)),
        ]
    )
]


def field(name: str, operator: str, value: Any) -> dict[str, Any]:
    return {"type": "field", "field": name, "operator": operator, "value": value}


def compound(operator: str, *parts: Any) -> dict[str, Any]:
    return {"type": "compound", "operator": operator, "value": list(parts)}


def test_what_opa_says_is_read() -> None:
    raw = compound(
        "or",
        compound("and", field("study.custodian", "in", ["RRK"]), compound("not", field("study.label", "eq", "sealed"))),
        field("study.age_days", "lte", 30),
    )
    kept = Unless(Compare("study.label", "eq", ("sealed",)))
    assert parse_ucast(raw) == Either(
        (Every((Compare("study.custodian", "in", ("RRK",)), kept)), Compare("study.age_days", "lte", (30,)))
    )


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "true",
        {},
        {"type": "document"},
        field("a", "regex", "x"),
        field("a", "in", "x"),
        field("a", "in", None),
        field("a", "in", [None]),
        field("a", "eq", None),
        field("a", "eq", 1.5),
        field("a", "eq", {"field": "b"}),
        field("a", "lte", "x"),
        field("a", "lte", True),
        {"type": "field", "field": ["a"], "operator": "eq", "value": 1},
        compound("xor", field("a", "eq", 1)),
        compound("not"),
        compound("not", field("a", "eq", 1), field("a", "eq", 2)),
        compound("and"),
        compound("or"),
        compound("and", 1),
    ],
)
def test_what_is_not_understood_is_refused(raw: object) -> None:
    with pytest.raises(NotUcast):
        parse_ucast(raw)


def test_a_condition_has_a_size_and_a_depth() -> None:
    deep: Any = field("a", "eq", 1)
    for _ in range(1_000):
        deep = compound("not", deep)
    with pytest.raises(NotUcast):
        parse_ucast(deep)
    with pytest.raises(NotUcast):
        parse_ucast(compound("or", *[field("a", "eq", 1)] * 100_001))


def test_a_value_is_compared_with_its_own_kind() -> None:
    assert holds(Compare("a", "eq", (False,)), {"a": [False]})
    assert not holds(Compare("a", "eq", (False,)), {"a": [0]})
    assert not holds(Compare("a", "lte", (1,)), {"a": ["0", True]})
    assert not holds(Compare("a", "eq", (False,)), {})


def test_a_field_holds_a_comparison_when_any_of_its_values_does() -> None:
    assert holds(Compare("a", "in", ("x", "y")), {"a": ["z", "y"]})
    assert not holds(Unless(Compare("a", "in", ("x", "y"))), {"a": ["z", "y"]})
    assert holds(Compare("a", "lt", (3,)), {"a": [5, 2]})
    assert not holds(Compare("a", "gt", (5,)), {"a": [5, 2]})
    assert holds(Compare("a", "gte", (5,)), {"a": [5, 2]})


def test_joining_leaves_out_what_says_nothing() -> None:
    one = Compare("a", "eq", (1,))
    assert (every([one, ALWAYS]), every([one, NEVER]), every([])) == (one, NEVER, ALWAYS)
    assert (either([one, NEVER, one]), either([one, ALWAYS]), either([])) == (one, ALWAYS, NEVER)


_LEAVES: SearchStrategy[Condition] = st.one_of(
    st.builds(
        Compare,
        st.just("study.custodian"),
        st.just("in"),
        st.lists(st.sampled_from(["RRK", "RNA", "RKB", "'; --"]), max_size=2).map(tuple),
    ),
    st.builds(Compare, st.just("study.modality"), st.just("eq"), st.sampled_from(["CT", "MR"]).map(lambda one: (one,))),
    st.builds(
        Compare, st.just("study.body_part"), st.just("in"), st.lists(st.sampled_from(["HEAD", "CHEST"])).map(tuple)
    ),
    st.builds(
        Compare, st.just("study.label"), st.just("in"), st.lists(st.sampled_from([*LABELS, "a", "%"])).map(tuple)
    ),
    st.builds(
        Compare,
        st.just("study.age_days"),
        st.just("lte"),
        st.sampled_from([-(10**9), -2, -1, 0, 29, 30, 10**9]).map(lambda one: (one,)),
    ),
)
CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(Unless, inner),
        st.builds(Every, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Either, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(condition=CONDITIONS, limit=st.sampled_from([1, 2, 100]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_finds_just_what_holds(condition: Condition, limit: int, database: Database) -> None:
    catalogue = Catalogue()
    with database.transaction() as session:
        catalogue.upsert(session, STUDIES)
    found: list[str] = []
    with database.reading() as session:
        while page := catalogue.search(session, [StudyQuery(condition, TODAY)], found[-1] if found else "", limit):
            found += [study.study for study in page]
    assert found == [study.study for study in STUDIES if holds(condition, _row(study))]


def _row(study: Study) -> dict[str, list[str | int | bool]]:
    return {
        "study.custodian": list(study.custodians),
        "study.modality": [study.modality],
        "study.body_part": [study.body_part] if study.body_part else [],
        "study.label": list(study.labels),
        "study.age_days": [(TODAY - study.study_date).days],
    }


def test_a_field_that_the_catalogue_does_not_hold_is_a_mistake(database: Database) -> None:
    for wrong in (Compare("study.tie", "in", ("order",)), Compare("study.age_days", "gt", (1,))):
        with database.reading() as session, pytest.raises(KeyError):
            Catalogue().search(session, [StudyQuery(wrong, TODAY)])


def test_ways_lead_among_the_names_given(database: Database) -> None:
    catalogue = Catalogue()
    with database.transaction() as session:
        catalogue.upsert(session, STUDIES)
    ct = Compare("study.modality", "eq", ("CT",))
    queries = [
        StudyQuery(ct, TODAY, patients=["p-0"]),
        StudyQuery(ct, TODAY, studies=["t-002", "t-003"]),
        StudyQuery(ct, TODAY, custodians=[]),
    ]
    assert [query.can_match for query in queries] == [True, True, False]
    with database.reading() as session:
        assert [study.study for study in catalogue.search(session, queries)] == ["t-000", "t-002"]
    assert not StudyQuery(NEVER, TODAY).can_match
