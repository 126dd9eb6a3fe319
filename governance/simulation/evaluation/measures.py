"""Everything that is measured of one run, as counts that can be pooled."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from governance.simulation.evaluation import baselines, checks
from governance.simulation.evaluation.data import Data
from governance.simulation.evaluation.fairness import innocent_groups
from governance.simulation.evaluation.matching import Matched, bursts, delays, match, rightful
from governance.simulation.evaluation.reading import Alert
from governance.simulation.protocol.times import DAY

_MONTH = 30 * DAY
_TOP = 20
_BUDGET = 1e-4  # alerts a look that the protocol allows
_OF_TRUTH = (
    "seed", "mix", "size", "days", "warm_up", "without", "rate", "rates", "confounders", "parameters"
)  # fmt: skip
_SEVERITY = ("low", "medium", "high", "critical")


@dataclass
class Observed:
    """What a service was seen to do with a run.

    Args:
        alerts: all it raised, with their events.
        called: user and service ids by what its log calls them.
        explained: of looks sampled from its log, how many it explains, and how many they are; None if it does not say.
        dropped: members it did not know, by path.
        refused: lines it refused, by reason.
        seconds: how long it took to take and judge everything.
        memory: the most resident memory of its processes, in bytes.
        stated: the share of false alerts it promises; None if it does not say.
    """

    alerts: Sequence[Alert]
    called: Mapping[str, str]
    explained: tuple[int, int] | None = None
    dropped: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    memory: int = 0
    stated: float | None = None


def measure(data: Data, folder: Path, observed: Observed) -> dict[str, Any]:
    """Measure a run.

    Args:
        data: what was generated, with the owners of the alerts' events.
        folder: where it was generated.
        observed: what the service did.
    """
    matched = match(data, observed.alerts, observed.called)
    truth = data.truth
    looks = sum(1 for _ in data.measured)
    count = len(matched.alerts)
    false = [alert for alert in matched.alerts if not matched.strict[alert.id]]
    return {
        **{name: truth[name] for name in _OF_TRUTH},
        "looks": looks,
        "events": truth["events"],
        "users": truth["staff"],
        "trusts": len(truth["trusts"]),
        "measured_days": truth["days"] - truth["warm_up"],
        "alerts": count,
        "notices": len(matched.notices),
        "withdrawn": sum(alert.withdrawn for alert in matched.alerts),
        "alerts_by_rule": _by_rule(matched.alerts),
        "false_by_rule": _by_rule(false),
        "notices_by_rule": _by_rule(matched.notices),
        "true": count - len(false),
        "true_loosely": sum(bool(matched.loose[alert.id]) for alert in matched.alerts),
        "scenarios": _scenarios(data, matched),
        "evasions": _evasions(data, matched),
        "missed": _missed(data, matched),
        "top": _top(data, matched),
        "named_more_than_one": sum(len(alert.subjects) > 1 for alert in matched.alerts),
        "delays": delays(data, matched),
        "bursts": bursts(data, matched),
        "rightful_named": rightful(data, matched),
        "fairness": innocent_groups(data, folder, list(matched.users.values())),
        "false_named": sum(len(matched.users[alert.id]) for alert in false),
        "explained": {"service": observed.explained, "region": _explained(data)},
        "baselines": _baselines(data, count),
        "leak": checks.leak(data, max(round(_BUDGET * looks), len(truth["incidents"]))) if data.keys else None,
        "shuffled": checks.shuffled(data, checks.weeks_held(data, matched)),
        "dropped": {path: sorted(names) for path, names in observed.dropped.items()},
        "refused": dict(observed.refused),
        "seconds": round(observed.seconds, 1),
        "memory": observed.memory,
        "stated": observed.stated,
    }


def _by_rule(alerts: Sequence[Alert]) -> dict[str, int]:
    return dict(Counter("+".join(sorted(alert.rules)) for alert in alerts).most_common())


def _scenarios(data: Data, matched: Matched) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: {"incidents": 0, "strict": 0, "loose": 0})
    for number, incident in enumerate(data.truth["incidents"]):
        row = found[incident["scenario"]]
        row["incidents"] += 1
        row["strict"] += bool(matched.found(number, strict=True))
        row["loose"] += bool(matched.found(number, strict=False))
    return dict(sorted(found.items()))


def _evasions(data: Data, matched: Matched) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for number, incident in enumerate(data.truth["incidents"]):
        row = found[incident["evasion"] or "none"]
        row[0] += bool(matched.found(number, strict=True))
        row[1] += 1
    return dict(sorted(found.items()))


def _missed(data: Data, matched: Matched) -> list[str]:
    return [
        f"{incident['id']} {incident['scenario']} {incident['evasion'] or ''}".strip()
        for number, incident in enumerate(data.truth["incidents"])
        if not matched.found(number, strict=True)
    ]


def _top(data: Data, matched: Matched) -> list[int]:
    """Give how many of the twenty gravest alerts of each trust and month are right, and how many they are."""
    shelves: dict[tuple[str, int], list[Alert]] = defaultdict(list)
    for alert in matched.alerts:
        for ods in alert.trusts:
            shelves[ods, (alert.opened - data.measured_from) // _MONTH].append(alert)
    right = shown = 0
    for alerts in shelves.values():
        gravest = sorted(alerts, key=lambda one: (-_SEVERITY.index(one.severity), -one.bits, one.number))[:_TOP]
        right += sum(bool(matched.strict[one.id]) for one in gravest)
        shown += len(gravest)
    return [right, shown]


def _explained(data: Data) -> list[int]:
    ai = data.looks.words["role"].find("ai_service")
    rows = [row for row in data.measured if data.looks.raw["role"][row] != ai]
    return [sum(data.looks.explained[row] for row in rows), len(rows)]


def _baselines(data: Data, count: int) -> dict[str, dict[str, float]]:
    """Give what each baseline finds: as it is, or at the service's own number of alerts."""
    classic, unexplained = (baselines.rules(data, unexplained=way) for way in (False, True))
    weeks = baselines.counted(data)
    right = sum(bool(group.incidents) for group in weeks.values())
    made: dict[str, dict[str, float]] = {
        "B0 classic rules": dict(baselines.uncut(classic.items())),
        "B1 rules on unexplained": dict(baselines.uncut(unexplained.items())),
        "B1 ranked, cut": dict(baselines.cut(unexplained.items(), count)),
        "B4 random audit": {
            "alerts": count,
            "true": round(min(count, len(weeks)) * right / max(1, len(weeks)), 3),
            "found": round(baselines.audit(weeks, count), 3),
        },
        "B5 unexplained a week, cut": dict(baselines.cut(weeks.items(), count)),
    }
    for name, rank in (("B2 Isolation Forest, cut", baselines.forest), ("B3 ECOD, cut", baselines.ecod)):
        made[name] = dict(baselines.cut(rank(data).items(), count))
    return dict(sorted(made.items()))
