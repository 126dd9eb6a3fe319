"""Whether innocent people are alerted about more often for what they are: name, role, shift, size of trust."""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from governance.simulation.evaluation.data import Data
from governance.simulation.evaluation.intervals import ratio

Groups = dict[str, dict[str, list[float]]]  # kind of group, group: alerts, users


def innocent_groups(data: Data, folder: Path, named: Iterable[Sequence[str]]) -> Groups:
    """Count alerts and people of every group of innocents.

    Args:
        data: the run.
        folder: of the generator, for what people are.
        named: the users each alert names.
    """
    guilty = {user for one in data.truth["incidents"] for user in one["users"]}
    people = [json.loads(line) for line in (folder / "people.ndjson").read_text().splitlines()]
    innocent = [one for one in people if one["id"] not in guilty]
    hits: Counter[str] = Counter(user for users in named for user in users)
    edges = _edges([one["surname_share"] for one in innocent], 10)
    sizes = _edges([data.truth["trusts"][one["ods"]] for one in innocent], 3)
    groups: Groups = {"surname_decile": {}, "role": {}, "shift": {}, "trust_size": {}}
    for one in innocent:
        size = ("small", "medium", "large")[bisect_right(sizes, data.truth["trusts"][one["ods"]])]
        decile = f"{1 + bisect_right(edges, one['surname_share']):02d}"
        of = {"surname_decile": decile, "role": one["role"], "shift": one["shift"], "trust_size": size}
        for kind, group in of.items():
            counts = groups[kind].setdefault(group, [0, 0])
            counts[0] += hits[one["id"]]
            counts[1] += 1
    return groups


def ratios(groups: Mapping[str, Mapping[str, Sequence[float]]]) -> list[dict[str, Any]]:
    """Give each group's alerts a person over everybody's, with its interval; groups without an expectation left out."""
    found = []
    for kind, members in sorted(groups.items()):
        alerts, users = (sum(counts[place] for counts in members.values()) for place in (0, 1))
        for group, (hits, count) in sorted(members.items()):
            value = ratio(int(hits), count, int(alerts), users)
            if value is not None:
                row = {"kind": kind, "group": group, "alerts": int(hits), "users": int(count)}
                found.append(row | dict(zip(("ratio", "low", "high"), value, strict=True)))
    return found


def _edges(values: list[float], parts: int) -> list[float]:
    ordered = sorted(values)
    return [ordered[len(ordered) * part // parts] for part in range(1, parts)]
