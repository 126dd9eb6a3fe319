"""The sidecar of a detector: what people need to know of it, kept as YAML beside its code, and its worked examples.

``docs/detectors.md`` is written from the sidecars (``python -m governance.detection.handbook``), and the examples are
run as tests, so neither can drift from the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
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
    text = files("governance.detection.rules").joinpath(f"{rule_id}.yaml").read_text("utf-8")
    parts = yaml.safe_load(text)
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
