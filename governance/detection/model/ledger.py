"""The ledger of people's days: looks without a reason, and how many there are by comparison. JSON all through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from governance.detection.reader.state import Value

KEPT = 200  # looks without a reason kept of one person's day; the rest are counted
MONTH = 28  # days of a person's pace
_SHOWN = 30  # log indexes kept of one day of a pace
_VIEWERS = 24  # people with a reason remembered of one patient
INDEX, AT, PATIENT, CUSTODIAN, TRAITS, HELD = 0, 1, 2, 3, 4, 5  # places in a look; HELD: a weak reason is on record


def with_look(value: Value | None, who: Value, look: Sequence[Any]) -> Value:
    """Add a look without a reason to a person's day; one that is there already changes nothing."""
    made = value or {**who, "looks": [], "total": 0}
    if all(held[INDEX] != look[INDEX] for held in made["looks"]):
        made["total"] += 1
        if len(made["looks"]) < KEPT:
            made["looks"].append(list(look))
            made["looks"].sort()
    return made


def without_look(value: Value, index: int) -> bool:
    """Take a look out of a person's day; says whether it was there."""
    kept = [look for look in value["looks"] if look[INDEX] != index]
    found = len(kept) != len(value["looks"])
    if found:
        value["looks"], value["total"] = kept, value["total"] - 1
    return found


def paced(value: Value | None, day: int, patients: int, indexes: Iterable[int]) -> Value:
    """Write a finished day into a person's pace and drop what is older than a month."""
    days = {key: row for key, row in (value or {"days": {}})["days"].items() if int(key) > day - MONTH}
    days[str(day)] = [patients, sorted(indexes)[:_SHOWN]]
    return {"days": days}


def without_paced(value: Value, day: int, index: int) -> bool:
    """Take a look of a finished day out of a person's pace; says whether it was there."""
    row = value["days"].get(str(day))
    if row is None or index not in row[1]:
        return False
    value["days"][str(day)] = [max(row[0] - 1, 0), [held for held in row[1] if held != index]]
    return True


def totals(pace: Value | None, day: int, width: int) -> tuple[int, list[int]]:
    """Give patients without a reason, and log indexes of the ``width`` days up to a day."""
    rows = [row for key, row in (pace or {"days": {}})["days"].items() if day - width < int(key) <= day]
    return sum(row[0] for row in rows), sorted(index for row in rows for index in row[1])


def seen(value: Value | None, day: int, who: str, department: str | None, ods: str) -> Value:
    """Remember that a person with a reason looked at a patient."""
    rows = [row for row in (value or {"seen": []})["seen"] if row[1] != who]
    rows.append([day, who, department, ods])
    return {"seen": sorted(rows, key=lambda row: (row[0], row[1]))[-_VIEWERS:]}
