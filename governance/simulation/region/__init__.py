"""The demo region as data: its trusts, its agreements and the state of each.

Rules:

1. The agreements are complete documents that can be read, validated and loaded as they are.
2. ``schedule.yaml`` writes dates relative to the day of the demo over theirs, so that one is always active, one
   suspended and one a month from its end.

Example: ``documents = agreements(date.today())``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from typing import Any

import yaml

from governance.vocabulary import AgreementStatus


@dataclass(frozen=True, slots=True)
class Trust:
    """An organisation of the region."""

    ods: str
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the demo brings an agreement; ``unsigned`` names parties that have not signed yet."""

    status: AgreementStatus
    reason: str | None
    unsigned: tuple[str, ...]


def trusts() -> tuple[Trust, ...]:
    """Give the region's trusts by ODS code."""
    return tuple(Trust(row["ods"], row["name"]) for row in _read("trusts.yaml"))


def agreements(today: date) -> tuple[dict[str, Any], ...]:
    """Give the demo's agreement documents by name, their dates laid around a day.

    Args:
        today: the day of the demo.
    """
    schedule: Mapping[str, Mapping[str, Any]] = _read("schedule.yaml")
    return tuple(_dated(_read(f"agreements/{name}.yaml"), schedule[name], today) for name in sorted(schedule))


def plans() -> dict[str, Plan]:
    """Give where the demo brings each agreement, by name."""
    schedule: Mapping[str, Mapping[str, Any]] = _read("schedule.yaml")
    return {
        name: Plan(AgreementStatus(row["status"]), row.get("reason"), tuple(row.get("unsigned", ())))
        for name, row in schedule.items()
    }


def _dated(document: dict[str, Any], row: Mapping[str, Any], today: date) -> dict[str, Any]:
    def day(name: str) -> str:
        return (today + timedelta(days=row[name])).isoformat()

    return {**document, "effective": {"from": day("from"), "to": day("to")}, "review_date": day("review")}


def _read(name: str) -> Any:
    text = resources.files(__package__ or "").joinpath(name).read_text(encoding="utf-8")
    return yaml.safe_load(text)
