"""Sends a generated region to a running service, waits for detection, and reads what it made of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.simulation.client import Surface
from governance.simulation.evaluation.data import read_folder
from governance.simulation.evaluation.feeding import Feeder
from governance.simulation.evaluation.measures import Observed, measure
from governance.simulation.evaluation.reading import Alert, EventReader, alerts, wait

_SAMPLES = 20  # pages of the log that are asked how much of it is explained
_LOOKS = frozenset({"access", "export", "print"})


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: who feeds it, who reads it, and how much memory it holds now."""

    feeds: Surface
    reader: Surface
    memory: Callable[[], int] = lambda: 0


def evaluate(folder: Path, service: Service, say: Callable[[str], None]) -> dict[str, Any]:
    """Send a folder of the generator to a service and measure what detection makes of it.

    Args:
        folder: what was generated.
        service: freshly started, the region registered.
        say: told how far it is.

    Raises:
        SurfaceError: the service refuses what is sent, or detection stands still.
    """
    began = time.monotonic()
    feeder, events = Feeder(service.feeds), EventReader(service.reader)
    seen: dict[str, str] = {}
    peak = newest = 0

    def day_done(day: str) -> None:
        nonlocal peak, newest
        wait(service.reader)
        for alert in alerts(service.reader, newest):
            seen[alert.id] = day
            newest = max(newest, alert.number)
        peak = max(peak, service.memory())
        say(f"{day} sent, {len(seen)} alerts and notices")

    feeder.send(folder, day_done)
    wait(service.reader, 3)
    seconds = time.monotonic() - began
    found = alerts(service.reader)
    say(f"reading the events of {len(found)} alerts and notices")
    _resolve(found, seen, events)
    explained = _explained(events, sum(feeder.sent.values()))
    data = read_folder(folder, set(events.keys.values()))
    named = {user for one in data.truth["incidents"] for user in (*one["users"], *one["rightful"])}
    called = {events.subjects[key]: user for key, user in data.owners.items() if user and key in events.subjects}
    for user in sorted(named - set(called.values())):
        name = events.subject(user)
        if name is not None:
            called[name] = user
    called |= {one: one for incident in data.truth["incidents"] for one in incident["services"]}
    say("measuring")
    dropped = {path: sorted(names) for path, names in feeder.dropped.items()}
    observed = Observed(found, called, explained, dropped, feeder.refused, seconds, peak)
    return measure(data, folder, observed)


def _resolve(found: list[Alert], seen: dict[str, str], events: EventReader) -> None:
    """Give each alert the names of its events, and the day on which it stood."""
    events.read(index for alert in found for index in alert.indexes)
    for alert in found:
        alert.seen = seen.get(alert.id, "")
        alert.events = [events.keys[index] for index in alert.indexes if index in events.keys]


def _explained(events: EventReader, size: int) -> tuple[int, int] | None:
    """Ask pages all over the log how many of their looks are explained; None if the service does not say."""
    hits = total = 0
    for number in range(_SAMPLES):
        for row in events.page(size * (2 * number + 1) // (2 * _SAMPLES), 500):
            if row["kind"] in _LOOKS and row["index"] in events.explained:
                hits += events.explained[row["index"]]
                total += 1
    return (hits, total) if total else None
