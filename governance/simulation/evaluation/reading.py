"""Reads what detection made of it: alerts, whose they are, and which events they rest on, by the public surface."""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.simulation.client import Surface, SurfaceError
from governance.simulation.protocol.times import read

_LAG = re.compile(r"^governance_detection_lag_entries(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
_PAGE = 200
_EVENTS = 500
_LOOK = 0.5  # seconds between two looks at the lag
_STUCK = 900.0  # seconds without a move after which waiting ends

EventKey = tuple[str, str]


@dataclass(slots=True)
class Alert:
    """An alert as it is quoted: what it holds by (source, id), and whom it names as the log knows them.

    ``withdrawn`` says that the service closed it by itself.
    """

    id: str
    number: int
    kind: str
    rules: tuple[str, ...]
    subjects: tuple[str, ...]
    patient: str | None
    trusts: tuple[str, ...]
    opened: int
    latest: int
    severity: str
    bits: float
    state: str
    withdrawn: bool
    indexes: tuple[int, ...]
    seen: str = ""  # the day of sending at whose end it was there
    events: list[EventKey] = field(default_factory=list)


def wait(surface: Surface, times: int = 1) -> None:
    """Wait until detection has read the whole log, seen so many times in a row.

    Raises:
        SurfaceError: it does not move.
    """
    seen, least, since = 0, float("inf"), time.monotonic()
    while seen < times:
        found = _LAG.search(surface.text("/metrics"))
        lag = float(found[1]) if found else float("inf")
        if lag < least:
            least, since = lag, time.monotonic()
        if time.monotonic() - since > _STUCK and lag > 0:
            raise SurfaceError(f"detection does not move: {lag:.0f} entries are unread")
        seen = seen + 1 if lag == 0 else 0
        if seen < times:
            time.sleep(_LOOK)


def alerts(surface: Surface, newer_than: int = 0) -> list[Alert]:
    """Give the alerts opened after one of a number, oldest first."""
    found: list[Alert] = []
    cursor: int | None = None
    while True:
        asked = f"/alerts/v1/alerts?limit={_PAGE}" + ("" if cursor is None else f"&cursor={cursor}")
        page = surface.get(asked)
        rows = [_alert(row) for row in page["alerts"]]
        found += [row for row in rows if row.number > newer_than]
        cursor = page["cursor"]
        if cursor is None or not rows or rows[-1].number <= newer_than:
            return found[::-1]


class EventReader:
    """Finds events of the log by their indexes: what their sources call them, and whose they are."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self.keys: dict[int, EventKey] = {}
        self.subjects: dict[EventKey, str] = {}
        self.explained: dict[int, bool] = {}

    def read(self, indexes: Iterable[int]) -> None:
        """Read the events of some indexes, neighbours together."""
        wanted = sorted(set(indexes) - self.keys.keys())
        place = 0
        while place < len(wanted):
            first = wanted[place]
            last = max(index for index in wanted[place : place + _EVENTS] if index < first + _EVENTS)
            rows = self.page(first, last - first + 1)
            if not rows:
                break
            while place < len(wanted) and wanted[place] <= rows[-1]["index"]:
                place += 1

    def page(self, first: int, count: int) -> Sequence[dict[str, Any]]:
        """Read so many events from an index on."""
        limit = min(_EVENTS, max(1, count))
        after = "" if first == 0 else f"&cursor={first - 1}"
        rows: list[dict[str, Any]] = self._surface.get(f"/audit/v1/events?order=oldest&limit={limit}{after}")["events"]
        for row in rows:
            key = (row["source"]["id"], row["id"])
            self.keys[row["index"]] = key
            if row.get("subject"):
                self.subjects[key] = row["subject"]["id"]
            if "explanation" in row:
                self.explained[row["index"]] = row["explanation"].get("kind") not in {"unexplained", "degraded", None}
        return rows

    def subject(self, user: str) -> str | None:
        """Give what the log calls a user; None for somebody it has never seen."""
        found = self._surface.post("/audit/v1/events/search", {"user": user, "limit": 1})["events"]
        return str(found[0]["subject"]["id"]) if found else None


def _alert(row: dict[str, Any]) -> Alert:
    evidence = row.get("evidence") or []
    own = tuple(row.get("subjects") or ()) or ((row["subject"],) if row.get("subject") else ())
    return Alert(
        id=row["id"],
        number=row["number"],
        kind=row.get("kind") or "alert",
        rules=tuple(row["rule_ids"]),
        subjects=own,
        patient=row.get("patient"),
        trusts=tuple(row.get("trusts") or ()),
        opened=read(row["opened_at"]),
        latest=read(row.get("latest_at") or row["opened_at"]),
        severity=row["severity"],
        bits=sum(float(one.get("bits") or 0) for one in evidence),
        state=row["state"],
        withdrawn=row["state"] == "closed",  # nobody reviews anything in an evaluation
        indexes=tuple(row.get("events") or ()),
    )
