"""Small runs of the protocol's region, generated once in a session and shared."""

import json
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from governance.simulation.protocol import Mix, Plan, generate
from governance.simulation.protocol.sending.outbox import sends

DAYS, WARM_UP = 14, 5


def plan(mix: Mix = Mix.NATURAL, size: Fraction = Fraction(1, 40), **more: Any) -> Plan:
    """Plan a small run."""
    return Plan(**{"seed": 3, "size": size, "mix": mix, "days": DAYS, "warm_up": WARM_UP} | more)


def generated(folder: Path, wanted: Plan) -> dict[str, Any]:
    """Generate a run into a folder; gives its truth."""
    generate(wanted, folder)
    return json.loads((folder / "truth.json").read_text())


def rows(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what is sent, with its path."""
    for send in sends(folder):
        for line in send.body.splitlines():
            yield send.path, json.loads(line)


def looks(folder: Path) -> Counter[tuple[str, str, str]]:
    """Count looks by who, whom and which study."""
    return Counter(
        (row["subject"]["id"], row["resource"]["patient"], row["resource"]["study_uid"])
        for path, row in rows(folder)
        if path == "/audit/v1/events" and row["kind"] == "access"
    )
