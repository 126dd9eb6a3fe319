"""Meetings that no list names: several people who look at the same patients, one after the other, within hours.

Who goes through a list with two others is at a meeting whose list did not come, not browsing. Two companions who share
three patients each are needed: one friend beside the screen makes no meeting.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from governance.detection.model.ledger import AT, INDEX, PATIENT
from governance.detection.reader.state import MICROSECOND, Value

TOGETHER = timedelta(hours=2) // MICROSECOND
COMPANIONS, PATIENTS = 2, 3
_KEPT = 48  # looks of one patient's day that are remembered


def with_viewer(value: Value | None, at: int, who: str) -> Value:
    """Remember that somebody looked at a patient without a reason."""
    looks = (value or {"looks": []})["looks"]
    if len(looks) < _KEPT and [at, who] not in looks:
        looks = sorted([*looks, [at, who]])
    return {"looks": looks}


def in_meetings(who: str, looks: Sequence[Sequence[Any]], viewers: Mapping[str, Sequence[Sequence[Any]]]) -> set[int]:
    """Give the indexes of a person's looks that were in company.

    Args:
        who: the person.
        looks: of one day, without a reason.
        viewers: by patient, who looked without a reason, and when: ``[time, person]``.
    """
    beside: dict[int, set[str]] = {}
    shared: defaultdict[str, set[str]] = defaultdict(set)
    for look in looks:
        near = {other for at, other in viewers.get(look[PATIENT], ()) if abs(at - look[AT]) <= TOGETHER} - {who}
        beside[look[INDEX]] = near
        for other in near:
            shared[other].add(look[PATIENT])
    companions = {other for other, patients in shared.items() if len(patients) >= PATIENTS}
    return {index for index, near in beside.items() if len(near & companions) >= COMPANIONS}
