"""Audit out: search, one entry, its proof; every look recorded, every trust its own."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from governance.audit import Event, Source, Subject, merkle, proof
from governance.formats import parse_event
from governance.relationships import Edge
from governance.vocabulary import EventKind, RelationshipKind, SubjectType
from tests.worlds.audit_callers import AuditWorld
from tests.worlds.audit_messages import NATIVE, NHS, STUDY
from tests.worlds.facts import changing
from tests.worlds.proofs import proves

PATH = "/audit/v1/events"


def event(world: AuditWorld, name: str, **changes: Any) -> Event:
    return replace(parse_event(NATIVE | {"id": name}, world.clock.now()), **changes)


def get(world: AuditWorld, path: str, by: str = "region", **query: object) -> dict[str, Any]:
    answer = world.client.get(path, query_string=query, headers=world.by(by))
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [each["id"] for each in page["events"]]


def test_pages_run_through_everything_once_in_either_order(world: AuditWorld) -> None:
    world.record(*(event(world, f"e{number}") for number in range(7)))
    for order, expected in (("newest", [6, 5, 4, 3, 2, 1, 0]), ("oldest", [0, 1, 2, 3, 4, 5, 6])):
        seen: list[str] = []
        cursor: dict[str, object] = {}
        while True:
            page = get(world, PATH, kind="access", limit=3, order=order, **cursor)
            seen += ids(page)
            if page["cursor"] is None:
                break
            cursor = {"cursor": page["cursor"]}
        assert seen == [f"e{number}" for number in expected]


def test_every_filter_narrows(world: AuditWorld) -> None:
    later = world.clock.now() - timedelta(seconds=1)
    world.record(event(world, "a"), event(world, "b", kind=EventKind.EXPORT, time=later, source=Source("other", "RRK")))
    known = world.pseudonymiser
    for filters, expected in (
        ({"patient": known.patient(NHS)}, ["b", "a"]),
        ({"study": known.study(STUDY)}, ["b", "a"]),
        ({"subject": known.subject("jdoe")}, ["b", "a"]),
        ({"subject": "nobody"}, []),
        ({"kind": "export"}, ["b"]),
        ({"source_id": "other"}, ["b"]),
        ({"outcome": "major"}, []),
        ({"custodian": "RRK", "kind": "access"}, ["a"]),
        ({"decision_id": "d-1", "kind": "access"}, ["a"]),
        ({"agreement_id": "A-1", "token_jti": "j-1", "kind": "export"}, ["b"]),
        ({"since": later.isoformat(), "kind": "export"}, ["b"]),
        ({"until": later.isoformat(), "source_id": "vna-1"}, ["a"]),
    ):
        assert [name for name in ids(get(world, PATH, **filters)) if name in {"a", "b"}] == expected, filters


@pytest.mark.parametrize(
    "query",
    [
        {"patient": NHS},
        {"study": STUDY},
        {"limit": 501},
        {"limit": 0},
        {"cursor": -1},
        {"cursor": 2**63},
        {"since": "2026-11-24T12:00:00"},
        {"kind": "peek"},
        {"nonsense": 1},
        {"order": "random"},
    ],
)
def test_a_query_that_cannot_be_is_refused_by_name_without_its_value(
    world: AuditWorld, query: dict[str, object]
) -> None:
    answer = world.client.get(PATH, query_string=query, headers=world.by("region"))
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["pointer"] == f"/{next(iter(query))}"
    assert NHS not in answer.get_data(as_text=True)
    assert STUDY not in answer.get_data(as_text=True)


def test_identifiers_may_be_searched_for_in_a_body(world: AuditWorld) -> None:
    world.record(event(world, "a"))
    for asked in ({"patient": NHS}, {"study": STUDY}, {"user": "jdoe"}, {"patient": "999 000 0018"}):
        answer = world.client.post(f"{PATH}/search", json={**asked, "kind": "access"}, headers=world.by("region"))
        assert ids(answer.get_json()) == ["a"]
        text = answer.get_data(as_text=True)
        assert not [each for each in (NHS, STUDY, "jdoe") if each in text]


def test_a_trust_sees_what_its_people_did_and_what_is_its_own(world: AuditWorld) -> None:
    stranger = Subject("x", SubjectType.SERVICE, ods="RXX")
    base = event(world, "both")  # the custodian is RRK, the subject of RKB
    world.record(base, replace(base, id="neither", subject=stranger, resource=None, source=Source("s", "RXX")))
    assert ids(get(world, PATH, by="rrk", kind="access")) == ["both"]
    assert ids(get(world, PATH, by="rkb", kind="access")) == ["both"]
    assert ids(get(world, PATH, kind="access")) == ["neither", "both"]
    assert world.client.get(f"{PATH}/{world.start}", headers=world.by("rrk")).status_code == 200
    hidden = world.client.get(f"{PATH}/{world.start + 1}", headers=world.by("rrk"))
    absent = world.client.get(f"{PATH}/999", headers=world.by("rrk"))
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.get_json() == absent.get_json()
    for part in ("proof", "entry"):
        assert world.client.get(f"{PATH}/{world.start + 1}/{part}", headers=world.by("rrk")).status_code == 404


@pytest.mark.parametrize("index", ["999", str(2**62), str(2**80)])
def test_an_index_the_log_does_not_have_is_404(world: AuditWorld, index: str) -> None:
    for part in ("", "/proof", "/entry"):
        assert world.client.get(f"{PATH}/{index}{part}", headers=world.by("region")).status_code == 404


def test_every_look_is_recorded_before_it_is_answered(world: AuditWorld) -> None:
    world.record(event(world, "a"))
    patient = world.pseudonymiser.patient(NHS)
    page = get(world, PATH, by="rrk", patient=patient, kind="access")
    get(world, f"{PATH}/{world.start}", by="rrk")
    get(world, f"{PATH}/{world.start}/proof", by="rrk")
    world.client.get(f"{PATH}/{world.start}/entry", headers=world.by("rrk"))
    _, *looks = world.events()
    assert page["recorded_as"] == looks[0].index
    assert {look.kind for look in looks} == {EventKind.AUDIT_READ}
    assert {look.subject and look.subject.id for look in looks} == {"rrk-archive"}
    assert looks[0].detail == {"door": PATH, "filters": ["kind", "patient"], "returned": 1}
    assert looks[0].resource is not None
    assert looks[0].resource.patient == patient
    doors = [f"{PATH}/{{index}}", f"{PATH}/{{index}}/proof", f"{PATH}/{{index}}/entry"]
    assert [look.detail["door"] for look in looks[1:]] == doors


def test_no_record_no_answer(world: AuditWorld) -> None:
    world.record(event(world, "a"))
    world.log.close()
    for path in (PATH, f"{PATH}/{world.start}", f"{PATH}/{world.start}/entry"):
        assert world.client.get(path, headers=world.by("region")).status_code == 503


def test_the_bytes_of_an_entry_are_those_its_proof_is_about(world: AuditWorld) -> None:
    (index,) = world.record(event(world, "a"))
    made = get(world, f"{PATH}/{index}/proof", by="rkb")
    answer = world.client.get(made["entry"], headers=world.by("rkb"))
    assert (answer.status_code, answer.content_type) == (200, "application/octet-stream")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_data() == world.log.entry_bytes(index)
    assert hashlib.sha256(b"\0" + answer.get_data()).hexdigest() == made["leaf_hash"]
    text = answer.get_data(as_text=True)
    assert not [each for each in (NHS, STUDY, "jdoe") if each in text]


def explained(world: AuditWorld, *indexes: int) -> list[dict[str, Any] | None]:
    """Give the explanations of entries, which a search and each entry by itself say alike."""
    found = {each["index"]: each.get("explanation") for each in get(world, PATH, limit=500)["events"]}
    alone = [get(world, f"{PATH}/{index}").get("explanation") for index in indexes]
    assert alone == [found[index] for index in indexes]
    return alone


def test_each_look_carries_its_explanation_and_is_pending_until_it_was_read(world: AuditWorld) -> None:
    known, services = world.pseudonymiser, world.services
    edge = Edge(
        id="wl-7",
        kind=RelationshipKind.WORKLIST,
        subject=known.subject("jdoe"),
        patient=known.patient(NHS),
        study=None,
        ods="RRK",
        valid_from=world.clock.now() - timedelta(hours=2),
        valid_until=None,
        source="ris-rrk",
    )
    with changing(services) as session:
        services.registers.relationships.upsert_edges(session, [edge])
    looked, stranger, decided = world.record(
        event(world, "a"),
        event(world, "b", subject=Subject("nosy", SubjectType.PRACTITIONER, "nurse", "RRK")),
        event(world, "c", kind=EventKind.DECISION),
    )
    pending, _, nothing = explained(world, looked, stranger, decided)
    assert pending is not None
    assert (pending["kind"], pending["explained"]) == ("pending", None)
    assert nothing is None, "a decision shows nobody an image"
    services.uses.detection.catch_up()
    first, second, nothing = explained(world, looked, stranger, decided)
    assert first is not None
    assert first | {"age_seconds": 0} == {
        "kind": "worklist",
        "explained": True,
        "edge": "wl-7",
        "source": "ris-rrk",
        "feed": "RRK",
        "team": False,
        "age_seconds": 0,
        "strength": 0.999,
    }
    assert 7_000 < first["age_seconds"] <= 7_200
    assert second is not None
    assert (second["kind"], second["explained"], second["edge"]) == ("unexplained", False, None)
    assert nothing is None


def test_a_proof_holds_in_both_forms(world: AuditWorld) -> None:
    index = world.record(*(event(world, f"e{number}") for number in range(5)))[3]
    entry, verifier = world.log.entry_bytes(index), world.verifier()
    made = get(world, f"{PATH}/{index}/proof")
    verified = verifier.verify(made["checkpoint"])
    leaf, hashes = bytes.fromhex(made["leaf_hash"]), [bytes.fromhex(each) for each in made["hashes"]]
    assert leaf == merkle.leaf_hash(entry)
    assert merkle.verify_inclusion(leaf, index, verified.size, hashes, verified.root)
    anything = world.client.get(f"{PATH}/{index}/proof", headers=world.by("region") | {"Accept": "*/*"})
    assert anything.get_json()["index"] == index
    headers = world.by("region") | {"Accept": "text/plain"}
    text = world.client.get(f"{PATH}/{index}/proof", headers=headers)
    assert text.content_type == "text/plain; charset=utf-8"
    assert proves(proof.parse(text.get_data(as_text=True)), entry, verifier)
