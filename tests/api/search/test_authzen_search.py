"""The searches over HTTP, on the demo region: AuthZEN Authorization API 1.0, section 8."""

import json
from typing import Any

import pytest

from governance.agreements.rehearsal import Signatory, rehearse
from governance.decisions import EngineFault, RegorusEngine
from governance.simulation import network, showcase
from governance.vocabulary import EventKind, Outcome, ReasonCode
from tests.worlds.agreements import OFFICE
from tests.worlds.region import SHORT_AGREEMENT, SHORT_PURPOSE, RegionWorld, short_agreement
from tests.worlds.search_callers import KINDS, OPEN, QUESTION, ask, changed, found, widely


def test_the_studies_a_subject_may_read_are_those_with_a_reason(world: RegionWorld, headers: dict[str, str]) -> None:
    answer = ask(world, headers, "resource", changed(resource__id=None)).get_json()
    studies = sorted([showcase.SHARED_STUDY, showcase.OWN_STUDY], key=world.services.infrastructure.pseudonymiser.study)
    assert answer["results"] == [{"type": "study", "id": study} for study in studies]  # both of the patient on the list
    assert answer["page"] == {"next_token": "", "count": 2}
    assert {hit["id"] for hit in found(world, headers, "resource", widely())} == OPEN


def test_the_register_says_for_whom_somebody_acts(world: RegionWorld, headers: dict[str, str]) -> None:
    unsaid = changed(subject__properties__ods=None, subject__properties__role=None)
    assert found(world, headers, "resource", unsaid) == found(world, headers, "resource", QUESTION) != []


def test_those_who_may_read_a_study_are_named_by_pseudonym(world: RegionWorld, headers: dict[str, str]) -> None:
    sought = {"type": "practitioner", "properties": {"assurance": 3}}
    hits = found(world, headers, "subject", changed(subject=sought))
    tied = sorted(map(world.services.infrastructure.pseudonymiser.subject, (showcase.REPORTER, showcase.SELF)))
    assert hits == [{"type": "practitioner", "id": who} for who in tied]
    narrowed = {"type": "practitioner", "properties": {"assurance": 3, "ods": "RRK"}}
    assert found(world, headers, "subject", changed(subject=narrowed)) == []


def test_who_acts_in_unknown_circumstances_is_not_found(world: RegionWorld, headers: dict[str, str]) -> None:
    assert found(world, headers, "subject", changed(subject={"type": "practitioner"})) == []


def test_what_a_subject_may_do_is_named(world: RegionWorld, headers: dict[str, str]) -> None:
    names = [hit["name"] for hit in found(world, headers, "action", changed(action=None))]
    assert names == ["annotate", "read", "report", "search"]
    assert found(world, headers, "action", changed(resource__id=showcase.UNRELATED_STUDY)) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("purpose", ["TREAT", SHORT_PURPOSE])
def test_every_hit_evaluates_to_true_with_what_the_search_said(
    world: RegionWorld, headers: dict[str, str], kind: str, purpose: str
) -> None:
    body = changed(context__purpose=purpose)
    hits = found(world, headers, kind, body)
    assert hits
    for hit in hits:
        answer = world.client.post("/access/v1/evaluation", json=body | {kind: body[kind] | hit}, headers=headers)
        assert answer.get_json()["decision"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_is_one_event_with_counts_and_no_hit_is_in_it(
    world: RegionWorld, headers: dict[str, str], kind: str
) -> None:
    before = world.size
    answer = ask(world, headers, kind, QUESTION).get_json()
    (event,) = world.events(before)
    assert (event.kind, event.outcome) == (EventKind.QUERY, Outcome.SUCCESS)
    assert (event.id, event.index) == (answer["context"]["id"], answer["context"]["log_index"])
    assert event.detail["search"] == kind
    assert event.detail["asked_by"] == network.EXPLORER
    assert event.detail["found"] == answer["page"]["count"] > 0
    assert event.detail["examined"] >= event.detail["found"]
    assert event.detail["revision"] == answer["context"]["policy_revision"]
    stored = world.services.infrastructure.audit.entry_bytes(event.index).decode()
    assert showcase.REPORTER not in stored
    assert showcase.SHARED_STUDY not in stored
    assert (event.subject is None) == (kind == "subject")
    assert (event.resource is None) == (kind == "resource")


@pytest.mark.parametrize("kind", KINDS)
def test_the_id_of_what_is_searched_for_is_let_be(world: RegionWorld, headers: dict[str, str], kind: str) -> None:
    odd: dict[str, Any] = {
        "subject": changed(subject__id=7),
        "resource": changed(resource__id=["x"]),
        "action": changed(action=7),
    }
    assert found(world, headers, kind, odd[kind]) == found(world, headers, kind, QUESTION) != []


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("resource", {"subject__id": "nobody"}),
        ("resource", {"subject__type": "robot"}),
        ("resource", {"resource__type": "car"}),
        ("resource", {"action__name": "steal"}),
        ("resource", {"subject__type": "service", "subject__id": "nobody"}),
        ("resource", {"subject__properties__ods": "ZZZ"}),
        ("subject", {"subject__type": "robot"}),
        ("subject", {"resource__type": "car"}),
        ("subject", {"resource__id": "1.2.3.4.5.6"}),
        ("subject", {"resource__id": "study one"}),
        ("subject", {"action__name": "steal"}),
        ("action", {"subject__id": "nobody"}),
        ("action", {"subject__type": "robot"}),
        ("action", {"resource__type": "car"}),
        ("action", {"resource__id": "1.2.3.4.5.6"}),
        ("action", {"resource__id": "study one"}),
    ],
)
def test_what_nobody_knows_finds_nothing_and_is_recorded(
    world: RegionWorld, headers: dict[str, str], kind: str, changes: dict[str, Any]
) -> None:
    before = world.size
    answer = ask(world, headers, kind, changed(**changes))
    assert answer.status_code == 200
    assert answer.get_json()["results"] == []
    assert answer.get_json()["page"] == {"next_token": "", "count": 0}
    (event,) = world.events(before)
    assert event.kind is EventKind.QUERY
    assert event.detail["found"] == 0


@pytest.mark.parametrize(
    ("kind", "changes", "pointer"),
    [
        ("resource", {"subject": None}, "/subject"),
        ("resource", {"subject__id": None}, "/subject/id"),
        ("resource", {"subject__id": ""}, "/subject/id"),
        ("resource", {"subject__id": 7}, "/subject/id"),
        ("resource", {"subject__properties": "all"}, "/subject/properties"),
        ("resource", {"subject__properties__role": "wizard"}, "/subject/properties/role"),
        ("resource", {"subject__properties__ods": "rkb"}, "/subject/properties/ods"),
        ("resource", {"action": None}, "/action"),
        ("resource", {"action__name": 7}, "/action/name"),
        ("resource", {"resource": None}, "/resource"),
        ("resource", {"resource__type": None}, "/resource/type"),
        ("resource", {"context": "now"}, "/context"),
        ("resource", {"context__purpose": "FUN"}, "/context/purpose"),
        ("resource", {"context__purpose": "BTG"}, "/context/purpose"),
        ("resource", {"context__break_glass": {"reason": "an emergency"}}, "/context/break_glass"),
        ("resource", {"context__self_claim": {"reason": "I am on call"}}, "/context/self_claim"),
        ("resource", {"page": 7}, "/page"),
        ("resource", {"page__limit": -1}, "/page/limit"),
        ("resource", {"page__limit": "10"}, "/page/limit"),
        ("resource", {"page__limit": True}, "/page/limit"),
        ("resource", {"page__limit": 1.5}, "/page/limit"),
        ("resource", {"page__token": 7}, "/page/token"),
        ("resource", {"page__token": ""}, "/page/token"),
        ("resource", {"page__token": "é"}, "/page/token"),
        ("resource", {"page__token": "bm90IG91cnM"}, "/page/token"),
        ("resource", {"page__token": "a" * 1_025}, "/page/token"),
        ("subject", {"subject": None}, "/subject"),
        ("subject", {"subject__type": None}, "/subject/type"),
        ("subject", {"action": None}, "/action"),
        ("subject", {"resource__id": None}, "/resource/id"),
        ("subject", {"resource__id": 7}, "/resource/id"),
        ("action", {"subject__id": None}, "/subject/id"),
        ("action", {"resource__id": None}, "/resource/id"),
        ("action", {"resource": None}, "/resource"),
    ],
)
def test_a_search_that_cannot_be_understood_is_named_by_its_member(
    world: RegionWorld, headers: dict[str, str], kind: str, changes: dict[str, Any], pointer: str
) -> None:
    before = world.size
    answer = ask(world, headers, kind, changed(**changes))
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert world.size == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_json_object_is_refused(world: RegionWorld, headers: dict[str, str], kind: str) -> None:
    path = f"/access/v1/search/{kind}"
    for body in (b"", b"{", b"[]", b"[{}]", b"null", b'"text"', b"\xff", b'{"subject": NaN}'):
        refused = world.client.post(path, data=body, content_type="application/json", headers=headers)
        assert refused.status_code == 400
    for media_type in ("text/plain", "application/x-www-form-urlencoded"):
        refused = world.client.post(path, data=b"{}", content_type=media_type, headers=headers)
        assert refused.status_code == 415
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        refused = world.client.open(path, method=method, json=QUESTION, headers=headers)
        assert refused.status_code == 405
        assert "POST" in refused.headers["Allow"]
    taken = world.client.post(
        path, data=json.dumps(QUESTION), content_type="application/json; charset=utf-8", headers=headers
    )
    assert taken.status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_and_the_wrong_scope_are_told_apart(world: RegionWorld, kind: str) -> None:
    assert ask(world, {}, kind, QUESTION).status_code == 401
    form = {"grant_type": "client_credentials", "scope": "log.read"}
    answer = world.post_form("/oauth/token", form | world.parties.proof(network.EXPLORER, world.now))
    other = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    assert ask(world, other, kind, QUESTION).status_code == 403


@pytest.mark.parametrize("kind", KINDS)
def test_members_that_nobody_knows_are_let_be(world: RegionWorld, headers: dict[str, str], kind: str) -> None:
    body = changed(subject__more=1, resource__properties={"a": 1}, context__time="now", page__properties={"b": 2})
    assert found(world, headers, kind, body | {"more": []}) == found(world, headers, kind, QUESTION)


def test_an_obligation_that_cannot_be_honoured_drops_the_hit(world: RegionWorld, headers: dict[str, str]) -> None:
    today = world.clock.now().date()
    agreement = short_agreement(today) | {"id": "training-round"}
    agreement["clauses"][0]["purposes"] = ["TRAIN"]
    agreement["clauses"][0]["conditions"]["obligations"] = [{"type": "watermark", "properties": {}}]
    rows = json.loads(world.home.signatories().read_text())
    signatories = {ods: Signatory(**row) for ods, row in rows.items()}
    rehearse(world.services.registers.agreements, [agreement], signatories, OFFICE)
    body = widely(context={"purpose": "TRAIN"})
    assert len(found(world, headers, "resource", body)) == len(OPEN)
    body["context"]["supported_obligations"] = ["watermark"]
    assert len(found(world, headers, "resource", body)) == len(OPEN)
    body["context"]["supported_obligations"] = []
    assert found(world, headers, "resource", body) == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_that_fails_is_no_empty_answer(
    world: RegionWorld, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def fail(self: RegorusEngine, policy_input: object) -> None:
        raise EngineFault(ReasonCode.ENGINE_TIMEOUT, "on purpose")

    monkeypatch.setattr(RegorusEngine, "evaluate", fail)
    monkeypatch.setattr(RegorusEngine, "study_filter", fail)
    answer = ask(world, headers, kind, QUESTION)
    assert answer.status_code == 503
    assert answer.get_json()["reason"] == "search.undecided"


def test_what_an_agreement_no_longer_opens_is_no_longer_found(world: RegionWorld, headers: dict[str, str]) -> None:
    agreements = world.services.registers.agreements
    assert found(world, headers, "resource", widely())
    agreements.suspend(SHORT_AGREEMENT, 1, OFFICE, "a test of searches")
    assert found(world, headers, "resource", widely()) == []
    agreements.activate(SHORT_AGREEMENT, 1, OFFICE)
    assert found(world, headers, "resource", widely())


def test_services_are_found_by_their_client_id(world: RegionWorld, headers: dict[str, str]) -> None:
    hits = found(world, headers, "subject", changed(subject={"type": "ai_service"}))
    assert hits == [{"type": "ai_service", "id": "ai-ich-triage"}]
    assert found(world, headers, "subject", changed(subject={"type": "service"})) == []
    service = hits[0] | {"properties": {"ods": "RRK", "version": "2.2.0"}}
    assert [hit["name"] for hit in found(world, headers, "action", changed(subject=service))] == ["annotate", "read"]
    other = hits[0] | {"properties": {"version": "2.1.0"}}  # approved, but not what it is registered to run
    assert found(world, headers, "action", changed(subject=other)) == []
