"""B2 and B3: what is odd among days of users, by an Isolation Forest and by ECOD."""

from collections import defaultdict
from typing import Any

from governance.simulation.evaluation.baselines.ranking import Group
from governance.simulation.evaluation.data import Data
from governance.simulation.protocol.times import DAY

_FEATURES = 9


def forest(data: Data) -> dict[Any, Group]:
    """Rank days by an Isolation Forest (scikit-learn's, 200 trees, a seed of its own)."""
    from sklearn.ensemble import IsolationForest  # here: it is a development dependency

    keys, table, held = _days(data)
    model = IsolationForest(n_estimators=200, random_state=7).fit(table)
    return {key: Group(-float(score), held[key]) for key, score in zip(keys, model.score_samples(table), strict=True)}


def ecod(data: Data) -> dict[Any, Group]:
    """Rank days by ECOD: the sum over features of the negative log of the empirical tail, on the skewed side."""
    import numpy as np  # here: it is a development dependency

    keys, table, held = _days(data)
    values = np.asarray(table, dtype=float)
    count = len(values)
    score = np.zeros((3, count))
    for column in values.T:
        ordered = np.sort(column)
        left = -np.log(np.searchsorted(ordered, column, side="right") / count)
        right = -np.log((count - np.searchsorted(ordered, column, side="left")) / count)
        spread = column - column.mean()
        skewed = left if (spread**3).sum() < 0 else right
        score += np.stack([left, right, skewed])
    return {key: Group(float(value), held[key]) for key, value in zip(keys, score.max(axis=0), strict=True)}


def _days(data: Data) -> tuple[list[Any], list[list[float]], dict[Any, set[int]]]:
    """Count what each user did on each day."""
    looks = data.looks
    counts: dict[Any, list[float]] = defaultdict(lambda: [0.0] * _FEATURES)
    patients: dict[Any, set[int]] = defaultdict(set)
    held: dict[Any, set[int]] = defaultdict(set)
    kinds, ods, custodians = (looks.words[name] for name in ("kind", "ods", "custodian"))
    for row in data.measured:
        key = (looks.user[row], looks.at[row] // DAY)
        day = counts[key]
        day[0] += 1
        day[1] += not looks.explained[row]
        day[2] += ods.names[looks.raw["ods"][row]] != custodians.names[looks.raw["custodian"][row]]
        day[3] += kinds.names[looks.raw["kind"][row]] != "access"
        day[4] += looks.raw["break_glass"][row]
        day[5] += looks.raw["second_of_day"][row] < 7 * 3_600
        day[6] += looks.raw["megabytes"][row]
        patients[key].add(looks.patient[row])
        if looks.incident[row] >= 0:
            held[key].add(looks.incident[row])
    for key, day in counts.items():
        day[7] = len(patients[key])
        day[8] = day[1] / day[0]
    keys = sorted(counts)
    return keys, [counts[key] for key in keys], held
