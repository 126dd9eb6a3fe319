"""The protocol's generator: the same seed writes the same, in the surface's words, with a truth that is in it."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from governance import feeds
from governance.catalogue import parse_studies
from governance.errors import InvalidInput
from governance.federation import parse_staff
from governance.formats import native
from governance.pseudonyms import Pseudonymiser
from governance.relationships import parse_edges, parse_patients
from governance.simulation.protocol import CONFOUNDERS, SCENARIOS, Mix, Plan
from governance.simulation.protocol.folk.ties import patient_key
from governance.simulation.protocol.scenarios import KINDS
from governance.simulation.protocol.sending.outbox import EDGES, EVENTS, PATIENTS, STAFF, STUDIES, sends
from governance.simulation.protocol.truth import BANDS
from governance.vocabulary import is_nhs_number
from tests.worlds import protocol

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def stress(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("protocol") / "stress"
    return folder, protocol.generated(folder, protocol.plan(Mix.STRESS))


def digest(folder: Path) -> str:
    made = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            made.update(path.name.encode() + path.read_bytes())
    return made.hexdigest()


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    tiny = {"size": Fraction(1, 100), "days": 10, "warm_up": 4}
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        protocol.generated(tmp_path / name, protocol.plan(Mix.STRESS, seed=seed, **tiny))
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_bodies_come_in_the_order_of_sending_and_hold_what_the_index_says(stress: tuple[Path, dict[str, Any]]) -> None:
    folder, truth = stress
    sent = list(sends(folder))
    assert [send.at for send in sent] == sorted(send.at for send in sent)
    assert all(len(send.body.splitlines()) == send.lines <= 1_000 for send in sent)
    assert sum(send.lines for send in sent if send.path == EVENTS) == truth["events"]


def test_every_row_is_one_that_the_service_takes(
    stress: tuple[Path, dict[str, Any]], pseudonymiser: Pseudonymiser
) -> None:
    """Members of the surface that a version does not take yet are the only thing that may be wrong with a row."""
    limits = feeds.Limits(lines=50_000)
    for send in sends(stress[0]):
        if send.path == EVENTS:
            reasons = [fault_of(line) for line in send.body.splitlines()]
        else:
            parse = {
                STAFF: lambda body: parse_staff(body, pseudonymiser, limits),
                PATIENTS: lambda body: parse_patients(body, pseudonymiser, NOW, limits),
                STUDIES: lambda body: parse_studies(body, pseudonymiser, limits),
                EDGES: lambda body: parse_edges(body, pseudonymiser, limits),
            }[send.path]
            reasons = [fault.reason for fault in parse(send.body).faults]
        assert all("is not a field of this feed" in reason for reason in reasons if reason), reasons[:3]


def fault_of(line: bytes) -> str:
    try:
        native.parse_line(line, NOW)
    except InvalidInput as error:
        others = [fault for fault in error.faults if "is not a field" not in fault.message]
        return "; ".join(f"{fault.path} {fault.message}" for fault in others or error.faults)
    return ""


def test_every_scenario_is_played_and_its_events_people_and_patients_are_there(
    stress: tuple[Path, dict[str, Any]],
) -> None:
    folder, truth = stress
    sent: dict[tuple[str, str], dict[str, Any]] = {}
    patients, users = set(), set()
    for path, row in protocol.rows(folder):
        if path == EVENTS:
            sent[row["source"]["id"], row["id"]] = row
        elif path == PATIENTS:
            patients.add(row["id"])
        elif path == STAFF:
            users.add(row["id"])
    assert {one["scenario"] for one in truth["incidents"]} == set(SCENARIOS) == set(KINDS)
    begins = f"{truth['measured_from']}T00:00:00Z"
    for one in truth["incidents"]:
        events = [sent.get((event["source"], event["id"])) for event in one["events"]]
        assert None not in events, one["scenario"]
        subjects = {event["subject"]["id"] for event in events if event}
        assert subjects <= {*one["users"], *one["services"]}
        assert set(one["users"]) <= users
        assert one["scenario"] == "decoy" or set(one["patients"]) <= patients
        assert begins <= one["begin"] <= one["end"]
    assert all(is_nhs_number(number) for number in patients)


def test_no_incident_is_told_by_the_events_themselves(stress: tuple[Path, dict[str, Any]]) -> None:
    """Whatever member or word an injected look has, the background has it too."""
    folder, truth = stress
    wrong = {(event["source"], event["id"]) for one in truth["incidents"] for event in one["events"]}
    words: dict[bool, dict[str, set[str]]] = {True: {}, False: {}}
    for path, row in protocol.rows(folder):
        if path == EVENTS and row["kind"] == "access":
            mine = words[(row["source"]["id"], row["id"]) in wrong]
            flat = {**row["subject"], **row["resource"], "purpose": row["purpose"], "members": " ".join(sorted(row))}
            for name in ("type", "role", "department", "modality", "body_part", "purpose", "custodian", "members"):
                mine.setdefault(name, set()).add(flat.get(name, ""))
    assert all(found <= words[False][name] for name, found in words[True].items())


def test_ties_travel_as_keyed_hashes(stress: tuple[Path, dict[str, Any]]) -> None:
    own: dict[str, str] = {}
    staff: list[dict[str, Any]] = []
    for path, row in protocol.rows(stress[0]):
        if path == PATIENTS and "staff_id" in row:
            own[row["staff_id"]] = row["id"]
        elif path == STAFF:
            staff.append(row)
    keyed = [row for row in staff if "patient_key" in row]
    assert len(keyed) > len(staff) / 2
    assert all(row["patient_key"] == patient_key(own[row["id"]]) for row in keyed)


def test_the_background_has_the_rates_of_the_literature(tmp_path: Path) -> None:
    """At this size there are too few famous people and ill colleagues to hold those two rates to their bands."""
    truth = protocol.generated(tmp_path / "null", protocol.plan(Mix.NULL, Fraction(1, 20)))
    assert truth["incidents"] == []
    rates = truth["rates"]
    for name in ("family", "neighbour", "other_site", "explained"):
        low, high = BANDS[name]
        assert low <= rates[name] <= high, name
    assert len(truth["trusts"]) >= 15
    assert all(count > 0 for name, count in truth["confounders"].items() if name != "bank_holiday")


def test_each_confounder_can_be_switched_off(tmp_path: Path) -> None:
    tiny = {"size": Fraction(1, 100), "days": 10, "warm_up": 4}
    truth = protocol.generated(tmp_path / "off", protocol.plan(Mix.NULL, without=frozenset(CONFOUNDERS), **tiny))
    assert {name: count for name, count in truth["confounders"].items() if count} == {}


def test_worse_documents_and_an_outage_change_what_is_known_and_not_what_is_done(tmp_path: Path) -> None:
    mixes = (Mix.NATURAL, Mix.UNDOCUMENTED, Mix.OUTAGE)
    tiny = {"size": Fraction(1, 100), "rate": 4.0}
    truths = {mix: protocol.generated(tmp_path / mix, protocol.plan(mix, **tiny)) for mix in mixes}
    done = [protocol.looks(tmp_path / mix) for mix in mixes]
    assert done[0] == done[1] == done[2]
    edges = {mix: truth["lines"][EDGES] for mix, truth in truths.items()}
    assert edges[Mix.UNDOCUMENTED] < edges[Mix.NATURAL] == edges[Mix.OUTAGE]
    assert truths[Mix.NATURAL]["incidents"] == truths[Mix.OUTAGE]["incidents"] != []


@pytest.mark.parametrize(
    ("mix", "users", "patients"), [(Mix.SOUTHPORT, 48, 1), (Mix.NOTTINGHAM, 25, 1), (Mix.RADIOGRAPHER, 1, 8)]
)
def test_a_replay_plays_the_one_case(tmp_path: Path, mix: Mix, users: int, patients: int) -> None:
    (one,) = protocol.generated(tmp_path / "replay", protocol.plan(mix, Fraction(1, 20)))["incidents"]
    assert len(one["users"]) == users
    assert len(one["patients"]) >= patients
    if users > 1:
        assert len(one["rightful"]) > 15
        assert not set(one["rightful"]) & set(one["users"])
        longest = {Mix.SOUTHPORT: 3, Mix.NOTTINGHAM: 9}[mix]
        span = datetime.fromisoformat(one["end"]) - datetime.fromisoformat(one["begin"])
        assert span <= timedelta(days=longest, hours=6)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text(json.dumps({}))
    with pytest.raises(FileExistsError):
        protocol.generated(tmp_path, protocol.plan())


@pytest.mark.parametrize("wrong", [{"size": Fraction(2)}, {"without": frozenset({"weather"})}, {"days": 6}])
def test_a_plan_that_cannot_be_played_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Plan(**{"seed": 1, "size": Fraction(1, 40), "days": 14, "warm_up": 5} | wrong)
