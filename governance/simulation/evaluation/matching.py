"""Holds alerts to the truth: which incident an alert found, and whom it named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.simulation.evaluation.data import Data
from governance.simulation.evaluation.reading import Alert
from governance.simulation.protocol.times import DAY, HOUR, MINUTE, read

_BEFORE = 3 * DAY  # how long before a burst somebody without a reason counts as one of its viewers


@dataclass
class Matched:
    """The measured alerts with the incidents they hold events of, and those they name by person and time alone."""

    alerts: list[Alert]
    notices: list[Alert]
    strict: dict[str, set[int]] = field(default_factory=dict)  # incident numbers, by alert id
    loose: dict[str, set[int]] = field(default_factory=dict)
    users: dict[str, list[str]] = field(default_factory=dict)  # user ids an alert names, where they are known

    def found(self, incident: int, *, strict: bool) -> list[Alert]:
        """Give the alerts that found an incident."""
        held = self.strict if strict else self.loose
        return [alert for alert in self.alerts if incident in held[alert.id]]


def match(data: Data, alerts: Sequence[Alert], called: Mapping[str, str]) -> Matched:
    """Match the alerts of the measured days.

    Args:
        data: the run.
        alerts: with their events.
        called: user and service ids by what the log calls them.
    """
    measured = [alert for alert in alerts if alert.opened >= data.measured_from]
    made = Matched([one for one in measured if one.kind == "alert"], [one for one in measured if one.kind != "alert"])
    incidents: Sequence[Mapping[str, Any]] = data.truth["incidents"]
    spans = [(read(one["begin"]), read(one["end"]), {*one["users"], *one["services"]}) for one in incidents]
    for alert in made.alerts:
        named = [called[one] for one in alert.subjects if one in called]
        made.users[alert.id] = named
        made.strict[alert.id] = {data.keys[key] for key in alert.events if key in data.keys}
        if alert.withdrawn:  # it was shown, and is no find
            made.strict[alert.id] = made.loose[alert.id] = set()
            continue
        made.loose[alert.id] = made.strict[alert.id] | {
            number
            for number, (begin, end, who) in enumerate(spans)
            if who.intersection(named) and alert.opened <= end + MINUTE and alert.latest >= begin - MINUTE
        }
    return made


def delays(data: Data, matched: Matched) -> list[dict[str, float]]:
    """Give, for each incident found strictly, the hours from its first and last bad event until it was told.

    ``event`` counts by event time (when it became true); ``sent`` until the end of the day of sending at which the
    alert stood, which is what a person would have seen.
    """
    found = []
    for number, incident in enumerate(data.truth["incidents"]):
        opened = matched.found(number, strict=True)
        if opened:
            first, last = read(incident["begin"]), read(incident["end"])
            told = min(alert.opened for alert in opened)
            stood = (
                min(read(f"{alert.seen}T00:00:00Z") + DAY for alert in opened if alert.seen) if opened[0].seen else told
            )
            found.append(
                {
                    "first": max(0, told - first) / HOUR,
                    "last": max(0, told - last) / HOUR,
                    "sent": max(0, stood - first) / HOUR,
                }
            )
    return found


def bursts(data: Data, matched: Matched) -> tuple[int, int]:
    """Give how many bursts had six viewers without a reason, and of how many an alert stood before the sixth.

    Within two minutes of the fifth counts too.
    """
    looks, total, early = data.looks, 0, 0
    for number, incident in enumerate(data.truth["incidents"]):
        if incident["scenario"] != "patient_burst":
            continue
        wanted = {looks.patients.find(one) for one in incident["patients"]}
        begin = read(incident["begin"]) - _BEFORE
        firsts: dict[int, int] = {}
        for row in range(len(looks)):
            if looks.patient[row] in wanted and not looks.explained[row] and looks.at[row] >= begin:
                firsts[looks.user[row]] = min(looks.at[row], firsts.get(looks.user[row], looks.at[row]))
        ordered = sorted(firsts.values())
        if len(ordered) < 6:
            continue
        total += 1
        opened = [alert.opened for alert in matched.found(number, strict=True)]
        early += any(at < ordered[5] or at <= ordered[4] + 2 * MINUTE for at in opened)
    return total, early


def rightful(data: Data, matched: Matched) -> int:
    """Give how many people who might look are named by an alert that found the incident around them."""
    named = 0
    for number, incident in enumerate(data.truth["incidents"]):
        innocent = set(incident["rightful"]) - set(incident["users"])
        found = {user for alert in matched.found(number, strict=True) for user in matched.users[alert.id]}
        named += len(innocent & found)
    return named
