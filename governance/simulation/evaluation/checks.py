"""Checks of the benchmark itself: whether injected looks leave fingerprints, and what shuffled labels would find."""

from collections import defaultdict
from random import Random
from typing import Any

from governance.simulation.evaluation.baselines.ranking import Group, cut
from governance.simulation.evaluation.data import RAW, Data
from governance.simulation.evaluation.matching import Matched
from governance.simulation.protocol.times import DAY

LEAK = 0.30  # the recall that a tree on raw fields must not exceed
_SHUFFLES = 20
_NUMBERS = ("second_of_day", "weekday", "second", "instances", "megabytes", "decided", "token", "break_glass")


def leak(data: Data, budget: int) -> dict[str, int]:
    """Let a decision tree learn from raw fields alone which looks are injected, and see what it finds at the budget.

    It learns from one half of the users and is tried on the other, and the other way round.
    """
    import numpy as np  # here: development dependencies
    from sklearn.tree import DecisionTreeClassifier

    looks, rows = data.looks, list(data.measured)
    table = np.array([[looks.raw[name][row] for name in (*RAW, *_NUMBERS)] for row in rows], dtype=np.int32)
    wrong = np.array([looks.incident[row] >= 0 for row in rows])
    half = np.array([looks.user[row] % 2 for row in rows])
    held = {looks.incident[row] for row in rows if looks.incident[row] >= 0}
    groups: dict[Any, Group] = defaultdict(Group)
    for side in (0, 1):
        learn, there = half != side, half == side
        if not wrong[learn].any():
            continue
        tree = DecisionTreeClassifier(max_depth=8, min_samples_leaf=20, class_weight="balanced", random_state=7)
        tree.fit(table[learn], wrong[learn])
        for place, score in zip(np.flatnonzero(there), tree.predict_proba(table[there])[:, 1], strict=True):
            row = rows[place]
            group = groups[looks.user[row], looks.at[row] // DAY]
            group.score = max(group.score, float(score))
            group.add(0.0, looks.incident[row])
    return {"found": cut(groups.items(), budget)["found"], "incidents": len(held)}


def shuffled(data: Data, held: set[tuple[int, int]]) -> float:
    """Give how many incidents the alerts would find if each had been another week of somebody, on average.

    Args:
        data: the run.
        held: weeks of users that alerts are about.
    """
    weeks = sorted({(data.looks.user[row], data.looks.at[row] // (7 * DAY)) for row in data.measured})
    if not weeks:
        return 0.0
    rng = Random(7)  # noqa: S311 - the same shuffles each time
    count = len(data.truth["incidents"])
    hits = sum(rng.choice(weeks) in held for _ in range(_SHUFFLES * count))
    return hits / _SHUFFLES


def weeks_held(data: Data, matched: Matched) -> set[tuple[int, int]]:
    """Give the weeks of users that alerts are about."""
    looks = data.looks
    found = set()
    for alert in matched.alerts:
        for user in matched.users[alert.id]:
            number = looks.users.find(user)
            if number is not None:
                found.add((number, alert.opened // (7 * DAY)))
    return found
