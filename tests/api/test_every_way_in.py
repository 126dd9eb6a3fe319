"""One event, every way in: the same receipts, the same refusals and the same counts, on both databases.

The event is a decision of an edge of RRK: the one thing that each wire format can carry.
"""

import gzip
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import hypothesis
import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from governance.audit import Event, Source
from governance.edges.log import read_entry
from governance.formats import Framer, parse_audit_event, parse_event, parse_message
from governance.intake import SYSLOG, Sender
from governance.settings import Settings, from_environment
from governance.storage import Database
from governance.vocabulary import Scope
from tests.golden.audit.build import GOOD_FHIR
from tests.worlds.audit_callers import AuditWorld
from tests.worlds.audit_messages import NATIVE, READER, event, message, patient, source
from tests.worlds.basics import demo_environment
from tests.worlds.callers import Callers
from tests.worlds.formats import context_of

EDGE = "edge-rrk"
HEADER = b"<85>1 2026-11-24T12:00:00Z vna app 42 IHE+RFC-3881 - "
RESULTS = ("accepted", "duplicate", "rejected", "quarantined")
GOOD, TAKEN, UNREADABLE, FOREIGN = "good", "taken", "unreadable", "foreign"
_runs = itertools.count(1)


@dataclass(frozen=True)
class Told:
    """What a sender was told: events that are new, events the log held, the places of what was refused."""

    new: int
    held: int
    refused: tuple[int, ...]


@dataclass(frozen=True)
class Way:
    """A way in.

    ``make`` gives a thing of a kind under a name, ``read`` its event, ``send`` hands things over and says what it was
    told. ``kinds`` are those that can be sent this way: where the sender proves no trust or is the source itself, none
    is foreign. ``keeps`` says whether what cannot be taken is kept.
    """

    format: str
    make: Callable[[str, str], Any]
    read: Callable[[AuditWorld, Any], Event]
    send: Callable[[AuditWorld, dict[str, str], Sequence[Any]], Told]
    kinds: tuple[str, ...] = (GOOD, TAKEN, UNREADABLE, FOREIGN)
    keeps: bool = False


def native(kind: str, name: str) -> dict[str, Any]:
    made = NATIVE | {
        "id": name,
        "kind": "decision",
        "source": {"id": "pdp", "ods": "RKB" if kind == FOREIGN else "RRK"},
    }
    return made | ({"outcome": "so-so"} if kind == UNREADABLE else {})


def resource(kind: str, name: str) -> dict[str, Any]:
    made = GOOD_FHIR["balp-authz-consent-permit"] | {"id": name}
    if kind == FOREIGN:
        made["source"] = {"site": "RKB", "observer": {"display": "pdp"}}
    return made | ({"outcome": "99"} if kind == UNREADABLE else {})


def xml(kind: str, name: str) -> bytes:
    part = event("110113", "AuthZ-Consent", action="E", outcome="7" if kind == UNREADABLE else "0")
    return message(part, READER.replace("jdoe", name), source(name="pdp"), patient())


def entry(kind: str, name: str) -> dict[str, Any]:
    return {
        "decision_id": name,
        "path": "imaging/decision/answer",
        "input": {"subject": {"id": "jdoe", "type": "practitioner", "role": "nurse", "ods": "RRK"}},
        "timestamp": "yesterday" if kind == UNREADABLE else "2026-11-24T11:58:00Z",
    }


def by_lines(world: AuditWorld, _edge: dict[str, str], things: Sequence[Any]) -> Told:
    return _listed(
        world, world.by("rrk"), b"\n".join(json.dumps(each).encode() for each in things), "application/x-ndjson"
    )


def by_array(world: AuditWorld, _edge: dict[str, str], things: Sequence[Any]) -> Told:
    return _listed(world, world.by("rrk"), json.dumps(things).encode(), "application/json")


def by_decision_log(world: AuditWorld, edge: dict[str, str], things: Sequence[Any]) -> Told:
    headers = edge | {"Content-Encoding": "gzip"}
    return _listed(world, headers, gzip.compress(json.dumps(things).encode()), "application/json", "/opa/v1/logs")


def by_resources(world: AuditWorld, _edge: dict[str, str], things: Sequence[Any]) -> Told:
    answers = [world.client.post("/fhir/AuditEvent", json=each, headers=world.by("rrk")) for each in things]
    return _statuses([answer.status_code for answer in answers])


def by_bundle(world: AuditWorld, _edge: dict[str, str], things: Sequence[Any]) -> Told:
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": each} for each in things]}
    answer = world.client.post("/fhir", json=bundle, headers=world.by("rrk")).get_json()
    return _statuses([int(each["response"]["status"][:3]) for each in answer["entry"]])


def by_syslog(world: AuditWorld, _edge: dict[str, str], things: Sequence[Any]) -> Told:
    frames = [HEADER + each for each in things]
    cut = list(Framer().feed(b"".join(f"{len(frame)} ".encode() + frame for frame in frames)))
    taken = world.services.uses.intake.take(SYSLOG, enumerate(cut, 1), Sender("10.1.2.3", proven=False))
    assert taken.rejected == 0
    return Told(taken.tally.accepted, taken.tally.duplicates, tuple(fault.line for fault in taken.faults))


def _listed(
    world: AuditWorld, headers: dict[str, str], body: bytes, media: str, path: str = "/audit/v1/events"
) -> Told:
    answer = world.client.post(path, data=body, content_type=media, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    told = answer.get_json()
    return Told(told["accepted"], told["duplicates"], tuple(each["line"] for each in told["rejected"]))


def _statuses(statuses: Sequence[int]) -> Told:
    assert set(statuses) <= {200, 201, 400, 409}
    refused = tuple(place for place, status in enumerate(statuses, 1) if status >= 400)
    return Told(statuses.count(201), statuses.count(200), refused)


def read_native(world: AuditWorld, thing: Any) -> Event:
    return parse_event(thing, world.clock.now())


def read_resource(world: AuditWorld, thing: Any) -> Event:
    return parse_audit_event(thing, context_of(world.pseudonymiser, world.clock.now(), ods="RRK"))[0]


def read_xml(world: AuditWorld, thing: Any) -> Event:
    return parse_message(thing, context_of(world.pseudonymiser, world.clock.now()))[0]


def read_edge(world: AuditWorld, thing: Any) -> Event:
    return read_entry(thing, Source(EDGE, "RRK"), world.clock.now())


WAYS = {
    "native lines": Way("native", native, read_native, by_lines),
    "native array": Way("native", native, read_native, by_array),
    "FHIR, one by one": Way("fhir", resource, read_resource, by_resources),
    "FHIR batch": Way("fhir", resource, read_resource, by_bundle),
    "syslog": Way("dicom", xml, read_xml, by_syslog, (GOOD, TAKEN, UNREADABLE), keeps=True),
    "decision log": Way("opa", entry, read_edge, by_decision_log, (GOOD, TAKEN, UNREADABLE), keeps=True),
}


@pytest.fixture
def settings(database: Database) -> Settings:
    """Give settings on each database, for the services that the world stands on."""
    return from_environment(demo_environment(database.url))


@pytest.fixture
def edge(world: AuditWorld, app: Flask) -> dict[str, str]:
    """Speak as the edge of RRK."""
    return Callers(app, world.services).headers(EDGE, "RRK", (Scope.AUDIT_WRITE, Scope.BUNDLES_READ))


def counted(world: AuditWorld, wire_format: str) -> dict[str, int]:
    """Give the counts of a format so far."""
    name = "governance_audit_events_total"
    values = {
        result: world.metrics.registry.get_sample_value(name, {"format": wire_format, "result": result})
        for result in RESULTS
    }
    return {result: int(value or 0) for result, value in values.items()}


def check(world: AuditWorld, edge: dict[str, str], way: Way, kinds: Sequence[tuple[str, int]]) -> None:
    """Send things of some kinds under numbered names; what is told, recorded and counted is what any way tells."""
    run = next(_runs)
    things = [way.make(kind, f"{kind}-{run}-{number}") for kind, number in kinds]
    taken = {number: thing for (kind, number), thing in zip(kinds, things, strict=True) if kind == TAKEN}
    world.record(*(replace(way.read(world, thing), destination="elsewhere") for thing in taken.values()))
    good = [number for kind, number in kinds if kind == GOOD]
    refused = tuple(place for place, (kind, _) in enumerate(kinds, 1) if kind != GOOD)
    expected = Told(len(set(good)), len(good) - len(set(good)), refused)
    (size, _), before = world.log.tree_head(), counted(world, way.format)
    assert way.send(world, edge, things) == expected
    assert world.log.tree_head()[0] - size == expected.new
    added = {result: count - before[result] for result, count in counted(world, way.format).items()}
    result = "quarantined" if way.keeps else "rejected"
    counts = {"accepted": expected.new, "duplicate": expected.held, result: len(refused)}
    assert added == dict.fromkeys(RESULTS, 0) | counts


@pytest.mark.parametrize("name", WAYS)
def test_no_bad_thing_costs_its_neighbours_their_record(world: AuditWorld, edge: dict[str, str], name: str) -> None:
    way = WAYS[name]
    bad = [kind for kind in way.kinds if kind != GOOD]
    mixed = [(kind, number) for number, each in enumerate(bad) for kind in (GOOD, each)]
    check(world, edge, way, [*mixed, (GOOD, 0), (GOOD, len(bad))])


@pytest.mark.parametrize("name", WAYS)
@given(data=st.data())
@hypothesis.settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_one_event_has_the_same_receipts_and_counts_whichever_way_it_comes(
    world: AuditWorld, edge: dict[str, str], name: str, data: st.DataObject
) -> None:
    way = WAYS[name]
    thing = st.tuples(st.sampled_from(way.kinds), st.integers(0, 2))
    check(world, edge, way, data.draw(st.lists(thing, min_size=1, max_size=6)))
