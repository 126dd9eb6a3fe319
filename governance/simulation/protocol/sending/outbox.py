"""What is sent, in the order and with the times of sending, as NDJSON bodies that may be posted as they are.

``bodies/NNN.ndjson`` holds the bodies of a day, one behind the other. Each line of ``sends.ndjson`` says when a body is
sent, to which path, and where it is: ``{"at", "path", "file", "offset", "bytes", "lines"}``.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.simulation.protocol.times import DAY, written

STAFF = "/relationships/v1/staff"
PATIENTS = "/relationships/v1/patients"
STUDIES = "/catalogue/v1/studies"
EDGES = "/relationships/v1/edges"
EVENTS = "/audit/v1/events"
PATHS = (STAFF, PATIENTS, STUDIES, EDGES, EVENTS)  # the order in which one round sends them
LINES = 1_000  # in one body
SENDS = "sends.ndjson"
_dump = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Outbox:
    """Holds what is on its way and writes it out a day at a time; a context manager.

    Args:
        folder: where it writes; it must be there.
        period: what is due in so many milliseconds goes together, feeds first.
    """

    def __init__(self, folder: Path, period: int) -> None:
        self._folder = folder
        self._period = period
        self._gone = 0  # the first round that is not written yet
        self._first = 0
        self._waiting: dict[int, dict[str, list[tuple[int, int, str]]]] = defaultdict(lambda: defaultdict(list))
        self._serial = 0
        self._index = (folder / SENDS).open("w")
        (folder / "bodies").mkdir(exist_ok=True)
        self.lines: Counter[str] = Counter()

    def begin(self, first: int) -> None:
        """Say where the run begins: nothing is sent before."""
        self._first = first

    def put(self, path: str, row: Mapping[str, Any], at: int, again: int | None = None) -> None:
        """Send a row at a time, and once more when ``again`` is given."""
        text = _dump(row)
        for moment in (at, again):
            if moment is not None:
                self._serial += 1
                number = max(max(moment, self._first) // self._period, self._gone)
                self._waiting[number][path].append((moment, self._serial, text))

    def flush(self, until: int) -> None:
        """Write out what is due before an instant."""
        rounds = sorted(number for number in self._waiting if (number + 1) * self._period <= until)
        by_day: dict[int, list[int]] = defaultdict(list)
        for number in rounds:
            by_day[(number * self._period - self._first) // DAY].append(number)
        self._gone = max([self._gone, *(number + 1 for number in rounds)])
        for day, numbers in sorted(by_day.items()):
            name = f"bodies/{day:03d}.ndjson"
            with (self._folder / name).open("ab") as file:
                for number in numbers:
                    for path, lines in _bodies(self._waiting.pop(number)):
                        body = ("\n".join(lines) + "\n").encode()
                        entry = {
                            "at": written((number + 1) * self._period),
                            "path": path,
                            "file": name,
                            "offset": file.tell(),
                            "bytes": len(body),
                            "lines": len(lines),
                        }
                        file.write(body)
                        self._index.write(_dump(entry) + "\n")
                        self.lines[path] += len(lines)

    def __enter__(self) -> "Outbox":
        return self

    def __exit__(self, *_: object) -> None:
        self._index.close()


@dataclass(frozen=True, slots=True)
class Send:
    """One body to post, and when."""

    at: str
    path: str
    body: bytes
    lines: int


def sends(folder: Path) -> Iterator[Send]:
    """Give what a generated folder sends, in order."""
    with (folder / SENDS).open() as index:
        for line in index:
            entry = json.loads(line)
            with (folder / entry["file"]).open("rb") as file:
                file.seek(entry["offset"])
                yield Send(entry["at"], entry["path"], file.read(entry["bytes"]), entry["lines"])


def _bodies(due: Mapping[str, list[tuple[int, int, str]]]) -> Iterator[tuple[str, list[str]]]:
    for path in PATHS:
        rows = sorted(due.get(path, ()))
        for first in range(0, len(rows), LINES):
            yield path, [text for _, _, text in rows[first : first + LINES]]
