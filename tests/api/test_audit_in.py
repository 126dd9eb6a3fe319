"""Audit in: native events over HTTP."""

import json

import pytest

from governance.vocabulary import SYSTEM
from tests.worlds.audit_callers import AuditWorld
from tests.worlds.audit_messages import NATIVE, NHS, STUDY, native
from tests.worlds.callers import REGION

NDJSON = "application/x-ndjson"
PATH = "/audit/v1/events"


def post(world: AuditWorld, body: bytes, media: str = NDJSON, by: str = "region") -> dict[str, object]:
    answer = world.client.post(PATH, data=body, content_type=media, headers=world.by(by))
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, object] = answer.get_json()
    return found


def test_lines_are_taken_in_order_and_bad_ones_named(world: AuditWorld) -> None:
    body = b"\n".join([native(id="a"), b"{", native(id="b"), native(id="c", kind="peek")])
    answer = post(world, body)
    assert answer | {"rejected": None} == {
        "accepted": 2,
        "duplicates": 0,
        "rejected": None,
        "first_index": world.start,
        "last_index": world.start + 1,
    }
    assert [each["line"] for each in answer["rejected"]] == [2, 4]  # type: ignore[attr-defined]


def test_what_was_answered_is_in_the_log_with_pseudonyms_only(world: AuditWorld) -> None:
    post(world, native())
    (event,) = world.events()
    assert event.resource is not None
    assert event.resource.patient == world.pseudonymiser.patient(NHS)
    entry = world.log.entry_bytes(world.start).decode()
    assert not [each for each in (NHS, STUDY, "jdoe") if each in entry]


def test_sending_again_is_harmless(world: AuditWorld) -> None:
    post(world, native(id="a"))
    answer = post(world, native(id="b") + b"\n" + native(id="a"))
    assert (answer["accepted"], answer["duplicates"]) == (1, 1)
    assert (answer["first_index"], answer["last_index"]) == (world.start, world.start + 1)


def test_another_event_under_a_used_id_is_rejected_by_its_line(world: AuditWorld) -> None:
    post(world, native(id="a"))
    answer = post(world, native(id="b") + b"\n" + native(id="a", purpose="HRESCH"))
    assert answer["accepted"] == 1
    assert answer["rejected"] == [{"line": 2, "reason": "another event with this id was already recorded"}]


def test_an_array_is_taken_like_lines(world: AuditWorld) -> None:
    answer = post(world, json.dumps([NATIVE, {"id": 1}]).encode(), "application/json")
    assert answer["accepted"] == 1
    assert answer["rejected"][0]["line"] == 2  # type: ignore[index]


def test_a_trust_reports_for_itself_only(world: AuditWorld) -> None:
    body = native(id="a") + b"\n" + native(id="b", source={"id": "x", "ods": "RKB"})
    answer = post(world, body, by="rrk")
    assert answer["accepted"] == 1
    assert answer["rejected"] == [{"line": 2, "reason": "/source/ods: this caller reports for its own trust only"}]


def test_nobody_reports_in_the_name_of_this_service_but_may_report_decisions(world: AuditWorld) -> None:
    edge = {"id": "edge-rrk", "ods": "RRK"}
    body = b"\n".join(
        [
            native(id="a", kind="decision", source={"id": SYSTEM, "ods": REGION}),
            native(id="b", kind="decision", source=edge),
            native(id="c", kind="token", source=edge),
        ]
    )
    answer = post(world, body)
    assert answer["rejected"] == [
        {"line": 1, "reason": "/source/id: is this service's own name; a source reports under a name of its own"}
    ]
    assert [event.kind.value for event in world.events()] == ["decision", "token"]


def test_an_empty_body_is_answered_with_nothing(world: AuditWorld) -> None:
    answer = post(world, b"\n")
    assert (answer["accepted"], answer["first_index"], answer["rejected"]) == (0, None, [])


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "application/json", 400),
        (b"[" * 5_000, "application/json", 400),
        (b"[NaN]", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}\n" * 10_001, NDJSON, 400),
        (b" " * (16 * 1024 * 1024 + 1), NDJSON, 413),
    ],
    ids=["media", "no-array", "deep", "nan", "utf8", "lines", "size"],
)
def test_a_body_that_cannot_be_read_is_refused_whole(world: AuditWorld, body: bytes, media: str, status: int) -> None:
    answer = world.client.post(PATH, data=body, content_type=media, headers=world.by("region"))
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert world.events() == []


def test_nobody_and_the_wrong_scope_are_turned_away(world: AuditWorld) -> None:
    assert world.client.post(PATH, data=native(), content_type=NDJSON).status_code == 401
    assert world.client.get(PATH, headers=world.by("writer")).status_code == 403


def test_a_log_that_cannot_be_written_is_503_with_retry_after(world: AuditWorld) -> None:
    world.log.close()
    answer = world.client.post(PATH, data=native(), content_type=NDJSON, headers=world.by("region"))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_what_came_in_is_counted(world: AuditWorld) -> None:
    post(world, native(id="a") + b"\n{")
    text = world.metrics.render("text/plain")[0].decode()
    assert 'governance_audit_events_total{format="native",result="accepted"} 1.0' in text
    assert 'governance_audit_events_total{format="native",result="rejected"} 1.0' in text
    assert f'governance_audit_commits_total{{result="ok"}} {world.start + 1}.0' in text
    assert "governance_log_queued_events 0.0" in text
