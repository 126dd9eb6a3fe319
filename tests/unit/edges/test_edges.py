"""Edges: what a status says, how far behind each is, and decision logs as audit events."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from governance.audit import Source
from governance.clock import FixedClock
from governance.edges import EdgeReport, Edges
from governance.edges.edges import read_status
from governance.edges.log import ENTRIES, entries_of, read_entry
from governance.errors import InvalidInput
from governance.federation import FederationDirectory, ServiceClient, Trust
from governance.pseudonyms import Pseudonymiser
from governance.storage import Database
from governance.vocabulary import EventKind, Outcome, Purpose, SubjectType
from tests.worlds.basics import NOON
from tests.worlds.tokens import KeyPair

EDGE = Source("edge-rrk", "RRK")
ANSWER: dict[str, Any] = {
    "permit": True,
    "reasons": ["agreement.permits"],
    "obligations": [{"id": "care/1/1", "type": "watermark", "properties": {}}],
    "agreement": {"id": "care", "version": 3, "clause": "1", "token_seconds": 60, "act_depth": 1},
    "requestable": False,
    "revision": "r-1",
    "age_seconds": 12,
}


def entry(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "decision_id": "d-1",
        "path": "imaging/decision/answer",
        "timestamp": "2026-11-24T12:00:00.123456789Z",
        "bundles": {"imaging": {"revision": "r-1.p"}},
        "input": {
            "subject": {"id": "dr.a", "type": "practitioner", "role": "clinician", "ods": "RKB"},
            "action": "read",
            "purpose": "TREAT",
            "resource": {
                "custodians": ["RRK"],
                "modality": "CT",
                "body_part": "HEAD",
                "study_uid": "1.2.3",
                "patient": "p-x",
            },
            "context": {"break_glass_reason": "Unconscious", "self_claim_reason": None},
        },
        "result": ANSWER,
        "labels": {"id": "i"},
        "metrics": {},
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def test_an_entry_becomes_the_event_of_its_decision() -> None:
    event = read_entry(entry(), EDGE, NOON)
    assert (event.id, event.source, event.kind, event.outcome) == ("d-1", EDGE, EventKind.DECISION, Outcome.SUCCESS)
    assert event.time == NOON + timedelta(microseconds=123456)
    assert (event.authority.decision_id, event.authority.agreement_id) == ("d-1", "care")
    assert event.purpose is Purpose.TREAT
    assert event.subject is not None
    assert (event.subject.id, event.subject.type, event.subject.ods) == ("dr.a", SubjectType.PRACTITIONER, "RKB")
    assert event.resource is not None
    assert (event.resource.study_uid, event.resource.patient, event.resource.custodian) == ("1.2.3", "p-x", "RRK")
    assert event.break_glass is not None
    assert event.detail == {
        "action": "read",
        "agreement_version": 3,
        "bundle_revision": "r-1.p",
        "clause": "1",
        "data_age_seconds": 12,
        "door": "edge",
        "obligations": ["watermark"],
        "permit": True,
        "reasons": ["agreement.permits"],
        "revision": "r-1",
        "self_claimed": False,
    }
    assert read_entry(entry(metrics={"later": 1}), EDGE, NOON) == event


def test_an_edge_without_policy_denied() -> None:
    event = read_entry(entry(result=None), EDGE, NOON)
    assert event.outcome is Outcome.MINOR
    assert event.detail["reasons"] == ["engine.undefined"]


@pytest.mark.parametrize(
    ("erased", "masked", "withheld"),
    [
        (["/input/subject/id"], [], ["/input/subject/id"]),
        ([], ["/input/subject/id"], ["/input/subject/id"]),
        (["/input/resource/patient"], ["/input/context/break_glass_reason"], None),
        (["/input"], [], None),
        (["/input/resource/custodians/0"], [], ["/input/resource/custodians"]),
        (["/input/secret"], [], []),
    ],
)
def test_what_was_masked_is_absent_and_never_believed(
    erased: Sequence[str], masked: Sequence[str], withheld: Sequence[str] | None
) -> None:
    event = read_entry(entry(erased=list(erased), masked=list(masked)), EDGE, NOON)
    pointers = {*erased, *masked}
    if "/input/subject/id" in pointers or "/input" in pointers:
        assert event.subject is None
    if "/input/resource/patient" in pointers:
        assert event.resource is not None
        assert event.resource.patient is None
        assert event.break_glass is None
    if "/input" in pointers:
        assert (event.resource, event.purpose, event.detail["action"]) == (None, None, None)
    if withheld is not None:
        assert event.detail.get("withheld", []) == withheld
    assert event.detail["permit"] is True


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"decision_id": None}, "/decision_id"),
        ({"decision_id": "a\nb"}, "/decision_id"),
        ({"timestamp": "yesterday"}, "/timestamp"),
        ({"timestamp": "2026-11-24T12:30:00Z"}, "/timestamp"),
        ({"path": "system/main"}, "/path"),
        ({"path": None}, "/path"),
        ({"result": {}}, "/result"),
        ({"result": ANSWER | {"permit": False}}, "/result"),
        ({"result": ANSWER | {"reasons": ["made.up"]}}, "/result"),
        ({"masked": ["/result/permit"]}, "/result"),
        ({"erased": ["/result"], "result": None}, "/result"),
        ({"erased": "all"}, "/erased"),
        ({"masked": [7]}, "/masked"),
        ({"input": {"purpose": "FUN"}}, "/input/purpose"),
        ({"input": {"subject": {"ods": "rkb"}}}, "/input/subject/ods"),
        ({"input": {"resource": {"custodians": "RRK"}}}, "/input/resource/custodians"),
        ({"input": {"resource": {"patient": "9990000019"}}}, "/input/resource/patient"),
    ],
)
def test_a_bad_entry_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_entry(entry(**changes), EDGE, NOON)
    assert path in [fault.path for fault in caught.value.faults]


@pytest.mark.parametrize("item", [{}, [], 7, None, "x", {"input": []}, {"input": {"subject": "x"}, "bundles": []}])
def test_rubbish_is_a_fault_of_its_line(item: Any) -> None:
    numbers: list[int] = []
    faults: list[int] = []
    for place, each in entries_of([entry(), item, entry(decision_id="d-2")]):
        try:
            read_entry(each, EDGE, NOON)
            numbers.append(place)
        except InvalidInput:
            faults.append(place)
    assert numbers == [1, 3]
    assert faults == [2]


@pytest.mark.parametrize("items", [{}, "x", None, [{}] * (ENTRIES + 1)])
def test_what_is_no_upload_is_refused_whole(items: Any) -> None:
    with pytest.raises(InvalidInput):
        entries_of(items)


def test_a_status_is_read_for_what_it_says_of_our_bundle() -> None:
    bundle = {"active_revision": "r-1.p", "code": "bundle_error", "message": "no\nway" + "x" * 600, "errors": [1]}
    body = {"labels": {"id": "i", "version": "1.22.2"}, "bundles": {"imaging": bundle, "own": {}}, "metrics": {}}
    report = read_status(body)
    assert (report.revision, report.code, report.instance, report.version) == ("r-1.p", "bundle_error", "i", "1.22.2")
    assert report.message is not None
    assert report.message.startswith("noway")
    assert len(report.message) == 512
    assert read_status({"labels": {}}) == EdgeReport()
    assert read_status({"labels": {"id": 7}, "bundles": {"imaging": []}}) == EdgeReport()
    for wrong in ([], {}, {"labels": []}):
        with pytest.raises(InvalidInput):
            read_status(wrong)


def test_an_edge_is_current_then_behind_then_current(
    database: Database, clock: FixedClock, pseudonymiser: Pseudonymiser
) -> None:
    newest = ["r-1"]
    federation = FederationDirectory(pseudonymiser)
    edges = Edges(database, federation, clock, lambda: newest[0], stale_after=100)
    jwks = {"keys": [KeyPair.ec("k").public]}
    with database.transaction() as session:
        federation.register_trust(session, Trust("RRK", "A trust"))
        for name, scopes in (("edge-a", {"bundles.read"}), ("edge-b", {"bundles.read"}), ("viewer", {"audit.write"})):
            client = ServiceClient(name, "RRK", name, SubjectType.SERVICE, jwks, frozenset(scopes))
            federation.register_client(session, client)

    def standing() -> tuple[bool, float | None, float | None]:
        first, second = edges.states()
        assert (second.client_id, second.current, second.report, second.lag) == ("edge-b", False, None, None)
        return first.current, first.lag, first.age

    assert standing() == (False, None, None)
    edges.report("edge-a", EdgeReport(code="bundle_error"))
    clock.advance(timedelta(seconds=5))
    assert standing() == (False, None, 5)
    edges.report("edge-a", EdgeReport("r-1"))
    clock.advance(timedelta(seconds=5))
    assert standing() == (True, 0, 5)
    newest[0] = "r-2"
    assert standing() == (False, 5, 5)
    edges.report("edge-a", EdgeReport("r-1"))
    clock.advance(timedelta(seconds=2))
    assert standing() == (False, 7, 2)
    edges.report("edge-a", EdgeReport("r-2"))
    assert standing() == (True, 0, 0)
