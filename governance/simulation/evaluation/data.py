"""What a generated folder holds, read into columns: who looked at whom, and whether a reason was ever sent for it."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from governance.simulation.protocol.sending.outbox import EDGES, EVENTS, PATIENTS, STAFF, STUDIES, sends
from governance.simulation.protocol.times import read

EventKey = tuple[str, str]  # source, id
LOOKS = frozenset({"access", "export", "print"})
Row = Mapping[str, Any]
_Spans = dict[tuple[str, str], list[tuple[int, int]]]


@dataclass(slots=True)
class Person:
    """What the feeds say of a user."""

    id: str
    ods: str
    role: str
    department: str
    team: str
    row: Row


class Names:
    """Numbers names in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.names: list[str] = []

    def of(self, name: str) -> int:
        """Give a name's number."""
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    def find(self, name: str) -> int | None:
        """Give the number of a name that came; None for another."""
        return self._numbers.get(name)


@dataclass
class Looks:
    """Looks as columns; ``incident`` is the number of the incident a look belongs to, -1 for none."""

    at: array[int] = field(default_factory=lambda: array("q"))
    user: array[int] = field(default_factory=lambda: array("i"))
    patient: array[int] = field(default_factory=lambda: array("i"))
    explained: array[int] = field(default_factory=lambda: array("b"))
    incident: array[int] = field(default_factory=lambda: array("i"))
    labelled: array[int] = field(default_factory=lambda: array("i"))
    raw: dict[str, array[int]] = field(default_factory=lambda: defaultdict(lambda: array("i")))
    users: Names = field(default_factory=Names)
    patients: Names = field(default_factory=Names)
    words: dict[str, Names] = field(default_factory=lambda: defaultdict(Names))

    def __len__(self) -> int:
        return len(self.at)


@dataclass
class Data:
    """A generated run.

    Args:
        truth: as it was written.
        people: by user id.
        patients: rows by NHS number.
        labels: of studies, where there are any.
        looks: every look, services' included.
        keys: the incidents' events, with the number of the incident.
        owners: users of the events that were asked for.
    """

    truth: Row
    people: dict[str, Person]
    patients: dict[str, Row]
    labels: dict[str, tuple[str, ...]]
    looks: Looks
    keys: dict[EventKey, int]
    owners: dict[EventKey, str]

    @property
    def measured_from(self) -> int:
        """Give the first measured instant."""
        return read(f"{self.truth['measured_from']}T00:00:00Z")

    @property
    def measured(self) -> Iterator[int]:
        """Give the rows of the measured days."""
        start, at = self.measured_from, self.looks.at
        return (row for row in range(len(at)) if at[row] >= start)


RAW = ("modality", "body_part", "purpose", "kind", "role", "department", "custodian", "ods", "site")


def read_folder(folder: Path, wanted: Collection[EventKey] = ()) -> Data:
    """Read a folder that the generator wrote; ``wanted`` are events whose users are to be known."""
    truth = json.loads((folder / "truth.json").read_text())
    people: dict[str, Person] = {}
    patients: dict[str, Row] = {}
    labels: dict[str, tuple[str, ...]] = {}
    about: _Spans = defaultdict(list)
    wide: _Spans = defaultdict(list)
    for path, row in _rows(folder, frozenset({STAFF, PATIENTS, STUDIES, EDGES})):
        if path == STAFF:
            team = row["team_ids"][0]
            people[row["id"]] = Person(row["id"], row["ods"], row["role"], row["department"], team, row)
        elif path == PATIENTS:
            patients[row["id"]] = {**patients.get(row["id"], {}), **row}
        elif path == STUDIES:
            if row.get("labels"):
                labels[row["id"]] = tuple(row["labels"])
        else:
            spans, key = (about, row["patient"]) if "patient" in row else (wide, row["ods"])
            spans[row["subject"], key].append((read(row["from"]), read(row["until"])))
    keys = {(one["source"], one["id"]): n for n, each in enumerate(truth["incidents"]) for one in each["events"]}
    owners: dict[EventKey, str] = dict.fromkeys(wanted, "")
    looks = _looks(_Events(folder, owners), people, _Reasons(about, wide), labels, keys)
    return Data(truth, people, patients, labels, looks, keys, owners)


@dataclass(frozen=True, slots=True)
class _Reasons:
    """The reasons that were sent, by holder and whom or whose they are about."""

    about: _Spans
    wide: _Spans

    def explain(self, holders: Iterable[str], patient: str, custodian: str, at: int) -> bool:
        return any(
            start <= at < end
            for holder in holders
            for spans in (self.about.get((holder, patient), ()), self.wide.get((holder, custodian), ()))
            for start, end in spans
        )


@dataclass(frozen=True, slots=True)
class _Events:
    """The events of a folder, each once; on the way the users of those that were asked for are noted."""

    folder: Path
    owners: dict[EventKey, str]

    def __iter__(self) -> Iterator[tuple[EventKey, Row]]:
        seen: set[int] = set()
        for _, row in _rows(self.folder, frozenset({EVENTS})):
            key = (row["source"]["id"], row["id"])
            if key in self.owners:
                self.owners[key] = row["subject"]["id"]
            if row["kind"] not in LOOKS or "continues" in row or hash(key) in seen:
                continue
            seen.add(hash(key))
            yield key, row


def _looks(
    events: _Events,
    people: Mapping[str, Person],
    reasons: _Reasons,
    labels: Mapping[str, tuple[str, ...]],
    keys: Mapping[EventKey, int],
) -> Looks:
    looks = Looks()
    for key, row in events:
        subject, resource = row["subject"], row["resource"]
        at = read(row["time"])
        person = people.get(subject["id"])
        holders = (subject["id"],) if person is None else (subject["id"], person.team)
        looks.at.append(at)
        looks.user.append(looks.users.of(subject["id"]))
        looks.patient.append(looks.patients.of(resource["patient"]))
        looks.explained.append(reasons.explain(holders, resource["patient"], resource["custodian"], at))
        looks.incident.append(keys.get(key, -1))
        looks.labelled.append(looks.words["labels"].of(" ".join(labels.get(resource["study_uid"], ()))))
        _raw(looks, row)
    return looks


def _raw(looks: Looks, row: Row) -> None:
    """Keep the fields of an event as they are, for whoever judges by nothing else."""
    subject, resource, authority = row["subject"], row["resource"], row["authority"]
    flat = {**resource, **subject, "purpose": row["purpose"], "kind": row["kind"]}
    for name in RAW:
        looks.raw[name].append(looks.words[name].of(flat.get(name, "")))
    instant = looks.at[-1] // 1_000
    looks.raw["second_of_day"].append(instant % 86_400)
    looks.raw["weekday"].append(instant // 86_400 % 7)
    looks.raw["second"].append(instant % 60)
    looks.raw["instances"].append(resource["instances"])
    looks.raw["megabytes"].append(row.get("bytes", 0) // 1_000_000)
    looks.raw["decided"].append("decision_id" in authority)
    looks.raw["token"].append("token_jti" in authority)
    looks.raw["break_glass"].append("break_glass" in row)


def _rows(folder: Path, paths: frozenset[str]) -> Iterator[tuple[str, Row]]:
    for send in sends(folder):
        if send.path in paths:
            for line in send.body.splitlines():
                yield send.path, json.loads(line)
