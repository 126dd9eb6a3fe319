"""Compilation is a function of the set of agreements: no order, no accident, nothing lost and nothing added."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.agreements.compilation import Compilable, compile_policy
from governance.agreements.documents import check
from governance.vocabulary import AgreementStatus as Status
from tests.worlds.agreements import document

TRUSTS = ("RBK", "RKB", "RL4", "RRK", "RXW")
PURPOSES = ("CAREMGT", "ETREAT", "PATRQT", "TREAT")
LAPSED = {Status.EXPIRED, Status.SUSPENDED, Status.TERMINATED}


@st.composite
def documents(draw: st.DrawFn, name: str, version: int) -> dict[str, Any]:
    owners = draw(st.lists(st.sampled_from(TRUSTS), min_size=1, max_size=3, unique=True))
    recipients = draw(st.lists(st.sampled_from(TRUSTS), min_size=1, max_size=3, unique=True))
    made = document(
        id=name,
        version=version,
        parties=[{"ods": ods, "role": "joint"} for ods in sorted({*owners, *recipients})],
        direction={"owners": owners, "recipients": recipients},
    )
    clauses = []
    for number in range(draw(st.integers(1, 3))):
        clause = copy.deepcopy(made["clauses"][0])
        clause["id"] = f"1.{number}"
        clause["purposes"] = draw(st.lists(st.sampled_from(PURPOSES), min_size=1, max_size=3, unique=True))
        clause["token"]["seconds"] = draw(st.integers(1, 120))
        clauses.append(clause)
    return {**made, "clauses": clauses}


@st.composite
def filed(draw: st.DrawFn) -> list[tuple[dict[str, Any], Status, bool]]:
    names = draw(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 2)), max_size=6, unique=True))
    made = []
    for name, version in names:
        status = draw(st.sampled_from(list(Status)))
        made.append((draw(documents(name, version)), status, draw(st.booleans())))
    active: set[str] = set()
    for row, (text, status, signed) in enumerate(made):
        if status is Status.ACTIVE and text["id"] in active:  # the lifecycle never lets two versions be active together
            made[row] = (text, Status.SUSPENDED, signed)
        elif status is Status.ACTIVE:
            active.add(text["id"])
    return made


def compilable(text: dict[str, Any], status: Status, signed: bool) -> Compilable:
    return Compilable(check(text).agreement, status, signed)


def shuffled(value: Any, random: Any) -> Any:
    """Give the same document with its keys and its lists in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, random)) for key, item in value.items()]
        random.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        made = [shuffled(item, random) for item in value]
        random.shuffle(made)
        return made
    return value


@settings(max_examples=60, deadline=None)
@given(filed(), st.randoms(use_true_random=False))
def test_no_order_matters(rows: list[tuple[dict[str, Any], Status, bool]], random: Any) -> None:
    mixed = [(shuffled(text, random), status, signed) for text, status, signed in rows]
    random.shuffle(mixed)
    assert compile_policy(compilable(*row) for row in rows) == compile_policy(compilable(*row) for row in mixed)


@settings(max_examples=60, deadline=None)
@given(filed())
def test_the_index_is_what_the_texts_say(rows: list[tuple[dict[str, Any], Status, bool]]) -> None:
    policy = compile_policy(compilable(*row) for row in rows).document
    chosen: dict[str, tuple[dict[str, Any], Status]] = {}
    for text, status, signed in sorted(rows, key=lambda row: (row[1] is Status.ACTIVE, row[0]["version"])):
        if signed and (status is Status.ACTIVE or status in LAPSED):
            chosen[text["id"]] = (text, status)
    wanted = {"index": set(), "lapsed": set()}
    for text, status in chosen.values():
        part = "index" if status is Status.ACTIVE else "lapsed"
        wanted[part] |= {
            (asks, owns, why, f"{text['id']}/{clause['id']}")
            for asks in text["direction"]["recipients"]
            for owns in text["direction"]["owners"]
            for clause in text["clauses"]
            for why in clause["purposes"]
        }
    for part, rows_wanted in wanted.items():
        found = [
            (asks, owns, why, key)
            for asks, by_owner in policy[part].items()
            for owns, by_purpose in by_owner.items()
            for why, keys in by_purpose.items()
            for key in keys
        ]
        assert len(found) == len(set(found))
        assert set(found) == rows_wanted
        assert all(
            keys == sorted(keys) for by_owner in policy[part].values() for m in by_owner.values() for keys in m.values()
        )
    assert set(policy["clauses"]) == {key for rows_wanted in wanted.values() for *_, key in rows_wanted}


@settings(max_examples=60, deadline=None)
@given(filed())
def test_taking_one_away_takes_away_only_its_own(rows: list[tuple[dict[str, Any], Status, bool]]) -> None:
    whole = compile_policy(compilable(*row) for row in rows).document["clauses"]
    for gone in {text["id"] for text, _, _ in rows}:
        rest = compile_policy(compilable(*row) for row in rows if row[0]["id"] != gone).document["clauses"]
        assert rest == {key: clause for key, clause in whole.items() if clause["agreement"] != gone}
