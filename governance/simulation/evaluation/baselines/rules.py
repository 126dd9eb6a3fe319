"""B0 and B1: the classic rules of privacy monitoring, on every look or on those without a reason alone."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from governance.simulation.evaluation.baselines.ranking import Group
from governance.simulation.evaluation.data import Data, Row
from governance.simulation.protocol.times import DAY, start_of

_WEEK = 7 * DAY
_LOOKS_A_DAY = 70
_TAKEN_A_DAY = 20


def rules(data: Data, *, unexplained: bool) -> dict[Any, Group]:
    """Give the groups of the rules: a user and a patient in a week; a user's day where it is about volume."""
    groups: dict[Any, Group] = defaultdict(Group)
    looks = data.looks
    days: Counter[tuple[int, int]] = Counter()
    taken: Counter[tuple[int, int]] = Counter()
    held: dict[tuple[int, int], set[int]] = defaultdict(set)
    kinds = looks.words["kind"].names
    ai = looks.words["role"].find("ai_service")
    for row in data.measured:
        if (unexplained and looks.explained[row]) or looks.raw["role"][row] == ai:
            continue
        score = sum(_hits(data, row))
        if score:
            key = (looks.user[row], looks.patient[row], looks.at[row] // _WEEK)
            groups[key].add(score, looks.incident[row])
        day = (looks.user[row], looks.at[row] // DAY)
        days[day] += 1
        taken[day] += kinds[looks.raw["kind"][row]] == "export"
        if looks.incident[row] >= 0:
            held[day].add(looks.incident[row])
    for day, count in days.items():
        if count >= _LOOKS_A_DAY or taken[day] >= _TAKEN_A_DAY:
            groups["day", day] = Group(4.0 + math.log(max(count / _LOOKS_A_DAY, taken[day] / _TAKEN_A_DAY)), held[day])
    return groups


def _hits(data: Data, row: int) -> Iterator[float]:
    """Give the weight of each rule that a look hits."""
    looks = data.looks
    user = looks.users.names[looks.user[row]]
    who, patient = data.people.get(user), data.patients.get(looks.patients.names[looks.patient[row]], {})
    labels = looks.words["labels"].names[looks.labelled[row]]
    if "decoy" in labels:
        yield 6.0
    if "sealed" in labels and not looks.raw["break_glass"][row]:
        yield 3.0
    if patient.get("flags"):
        yield 4.0
    if "deceased_on" in patient and looks.at[row] > start_of(date.fromisoformat(patient["deceased_on"])) + 3 * DAY:
        yield 3.0
    if looks.raw["break_glass"][row]:
        yield 2.5
    if not looks.explained[row] and looks.words["ods"].names[looks.raw["ods"][row]] != _custodian(data, row):
        yield 1.5
    if who is not None:
        yield from _ties(data, who.id, who.row, patient)


def _ties(data: Data, user: str, own: Row, patient: Row) -> Iterator[float]:
    colleague = data.people.get(patient.get("staff_id", ""))
    if colleague is not None and colleague.id == user:
        yield 6.0
    elif colleague is not None and (colleague.ods, colleague.department) == (own["ods"], own["department"]):
        yield 4.0
    if "household_key" not in own or "household_key" not in patient:
        return
    if own["household_key"] == patient["household_key"]:
        yield 5.0
    elif own["surname_key"] == patient["surname_key"]:
        yield max(0.2, math.log(2e-3 / own["surname_share"]) / 2)
    if own["postcode_key"] == patient["postcode_key"]:
        yield 0.5


def _custodian(data: Data, row: int) -> str:
    return data.looks.words["custodian"].names[data.looks.raw["custodian"][row]]
