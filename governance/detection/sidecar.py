"""The sidecar of a detector: what people need to know of it, kept as YAML beside its code, and its worked examples.

``docs/detectors.md`` is written from the sidecars (``python -m governance.detection.handbook``), and the examples are
run as tests, so neither can drift from the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from governance.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: facts of a little world, events in the order of the log, and the signals they must give."""

    name: str
    expect: tuple[str, ...]
    world: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What people need to know of a detector. ``evidence`` maps each signal to what it says."""

    id: str
    title: str
    severity: Severity
    reference: tuple[str, ...]
    says: str
    evidence: Mapping[str, str]
    false_positives: tuple[str, ...]
    runbook: tuple[str, ...]
    examples: tuple[Example, ...]


@cache
def sidecar_of(rule_id: str) -> Sidecar:
    """Read the sidecar of a rule; raises FileNotFoundError when it has none and KeyError when a part is missing."""
    parts = yaml.safe_load(_found(files("governance.detection.rules"), f"{rule_id}.yaml").read_text("utf-8"))
    return Sidecar(
        id=parts["id"],
        title=parts["title"],
        severity=Severity(parts["severity"]),
        reference=tuple(parts["reference"]),
        says=parts["says"].strip(),
        evidence=dict(parts["evidence"]),
        false_positives=tuple(parts["false_positives"]),
        runbook=tuple(parts["runbook"]),
        examples=tuple(
            Example(item["name"], tuple(item["expect"]), item.get("world", {}), tuple(item["events"]))
            for item in parts["examples"]
        ),
    )


def _found(folder: Traversable, name: str) -> Traversable:
    """Find a file in a folder or in one of those in it; raises FileNotFoundError."""
    beside = [folder, *sorted((one for one in folder.iterdir() if one.is_dir()), key=lambda one: one.name)]
    for place in beside:
        if (file := place.joinpath(name)).is_file():
            return file
    raise FileNotFoundError(name)
