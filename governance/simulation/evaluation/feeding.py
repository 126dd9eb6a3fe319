"""Sends a generated region to a service in the order of its times of sending, a body at a time."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from governance.simulation.client import Surface, SurfaceError
from governance.simulation.protocol.sending.outbox import sends

_UNKNOWN = re.compile(r"/([\w/]+): is not a field of this feed")
_SPOILT = 0.02  # share of lines that may be refused before a run is worth nothing


class Feeder:
    """Posts bodies, and leaves out members that the service says it does not know.

    ``dropped`` names those, by path; ``refused`` counts lines that were refused for another reason, by that reason.
    """

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self.dropped: dict[str, set[str]] = defaultdict(set)
        self.refused: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()

    def send(self, folder: Path, day_done: Callable[[str], None] = lambda _day: None) -> None:
        """Send everything of a folder; ``day_done`` is called with each day that was sent whole.

        Raises:
            SurfaceError: the service refused a body, or too many lines.
        """
        day = ""
        for send in sends(folder):
            if day and send.at[:10] != day:
                day_done(day)
            day = send.at[:10]
            self.post(send.path, send.body)
            self.sent[send.path] += send.lines
        day_done(day)

    def post(self, path: str, body: bytes) -> None:
        """Send one body; lines refused for a member that is not known are sent once more without it."""
        for _ in range(8):
            answer = self._surface.post_body(path, self._fitted(path, body))
            rejected = answer.get("rejected") or []
            again = [one for one in rejected if _UNKNOWN.search(one["reason"])]
            self._count(path, [one for one in rejected if one not in again])
            if not again:
                return
            for one in again:
                self.dropped[path].update(_UNKNOWN.findall(one["reason"]))
            lines = body.splitlines()
            body = b"\n".join(lines[one["line"] - 1] for one in again)
        raise SurfaceError(f"{path}: the service goes on finding members that it does not know")

    def _count(self, path: str, rejected: list[Any]) -> None:
        for one in rejected:
            self.refused[f"{path} {one['reason'][:120]}"] += 1
        if sum(self.refused.values()) > 1_000 + _SPOILT * sum(self.sent.values()):
            raise SurfaceError(f"too many lines are refused: {self.refused.most_common(3)}")

    def _fitted(self, path: str, body: bytes) -> bytes:
        unknown = self.dropped.get(path)
        if not unknown:
            return body
        rows = [json.loads(line) for line in body.splitlines()]
        for row in rows:
            for name in unknown:
                _without(row, name.split("/"))
        return b"\n".join(json.dumps(row, separators=(",", ":")).encode() for row in rows)


def _without(row: dict[str, Any], path: list[str]) -> None:
    for name in path[:-1]:
        found = row.get(name)
        if not isinstance(found, dict):
            return
        row = found
    row.pop(path[-1], None)
