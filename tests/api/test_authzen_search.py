"""The searches over HTTP, on the demo region: AuthZEN Authorization API 1.0, section 8."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from governance.access import paging
from governance.agreements.rehearsal import Signatory, rehearse
from governance.api.authzen.schemas import SEARCH_MAXIMUM
from governance.decisions import EngineFault, RegorusEngine
from governance.simulation import network, showcase
from governance.vocabulary import EventKind, Outcome, ReasonCode
from tests.worlds.agreements import OFFICE
from tests.worlds.region import SHORT_AGREEMENT, SHORT_PURPOSE, VIEWER, RegionWorld, seed_home, short_agreement

KINDS = ("subject", "resource", "action")
READER = {
    "type": "practitioner",
    "id": showcase.REPORTER,
    "properties": {"role": "consultant_radiologist", "ods": "RKB", "assurance": 3},
}
QUESTION: dict[str, Any] = {
    "subject": READER,
    "action": {"name": "read"},
    "resource": {"type": "study", "id": showcase.SHARED_STUDY},
    "context": {"purpose": "TREAT"},
}
OPEN = {showcase.SHARED_STUDY, showcase.UNRELATED_STUDY, showcase.OWN_STUDY, showcase.DECOY_STUDY}  # none is sealed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegionWorld]:
    home = seed_home(tmp_path_factory.mktemp("search") / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    made = RegionWorld(home)
    made.feed_showcase()
    yield made
    made.close()


def bearer(world: RegionWorld, client_id: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "scope": "access.evaluate"}
    answer = world.post_form("/oauth/token", form | world.parties.proof(client_id, world.now))
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


@pytest.fixture(scope="module")
def headers(world: RegionWorld) -> dict[str, str]:
    return bearer(world, network.EXPLORER)


def changed(**changes: Any) -> dict[str, Any]:
    """Give the question with members at ``a__b`` paths replaced; None takes a member out."""
    made = copy.deepcopy(QUESTION)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = made
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def ask(world: RegionWorld, headers: dict[str, str], kind: str, body: Any) -> TestResponse:
    return world.client.post(f"/access/v1/search/{kind}", json=body, headers=headers)


def found(world: RegionWorld, headers: dict[str, str], kind: str, body: Any) -> list[dict[str, Any]]:
    answer = ask(world, headers, kind, body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    results: list[dict[str, Any]] = answer.get_json()["results"]
    return results


def widely(**changes: Any) -> dict[str, Any]:
    """Ask for a purpose that needs no relationship: every study that is not sealed is a hit."""
    return changed(context__purpose=SHORT_PURPOSE, resource__id=None) | changes


def pages(world: RegionWorld, headers: dict[str, str], kind: str, body: Any, limit: int) -> list[list[dict[str, Any]]]:
    """Walk a search to its end."""
    made, page = [], {"limit": limit}
    while True:
        answer = ask(world, headers, kind, body | {"page": page}).get_json()
        made.append(answer["results"])
        assert answer["page"]["count"] == len(answer["results"])
        if not answer["page"]["next_token"]:
            return made
        page = {"limit": limit, "token": answer["page"]["next_token"]}


def test_the_studies_a_subject_may_read_are_those_with_a_reason(world: RegionWorld, headers: dict[str, str]) -> None:
    answer = ask(world, headers, "resource", changed(resource__id=None)).get_json()
    studies = sorted([showcase.SHARED_STUDY, showcase.OWN_STUDY], key=world.services.infrastructure.pseudonymiser.study)
    assert answer["results"] == [{"type": "study", "id": study} for study in studies]  # both of the patient on the list
    assert answer["page"] == {"next_token": "", "count": 2}
    assert {hit["id"] for hit in found(world, headers, "resource", widely())} == OPEN


def test_those_who_may_read_a_study_are_named_by_pseudonym(world: RegionWorld, headers: dict[str, str]) -> None:
    sought = {"type": "practitioner", "properties": {"assurance": 3}}
    hits = found(world, headers, "subject", changed(subject=sought))
    tied = sorted(map(world.services.infrastructure.pseudonymiser.subject, (showcase.REPORTER, showcase.SELF)))
    assert [hit["id"] for hit in hits] == tied
    assert hits[0]["properties"] == {"role": "consultant_radiologist", "ods": "RKB", "assurance": 3}
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
def test_every_hit_evaluates_to_true_as_it_came(
    world: RegionWorld, headers: dict[str, str], kind: str, purpose: str
) -> None:
    body = changed(context__purpose=purpose)
    hits = found(world, headers, kind, body)
    assert hits
    for hit in hits:
        answer = world.client.post("/access/v1/evaluation", json=body | {kind: hit}, headers=headers)
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
        ("resource", {"subject__properties__ods": None}),
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


def test_pages_give_each_hit_once_and_end_in_an_empty_token(world: RegionWorld, headers: dict[str, str]) -> None:
    walked = pages(world, headers, "resource", widely(), 3)
    assert [len(page) for page in walked] == [3, 1]
    assert {hit["id"] for page in walked for hit in page} == OPEN
    assert [len(page) for page in pages(world, headers, "resource", widely(), 2)] == [2, 2]
    assert [len(page) for page in pages(world, headers, "resource", widely(), 4)] == [4]
    assert [len(page) for page in pages(world, headers, "action", QUESTION, 3)] == [3, 1]


def test_a_token_stands_for_the_limit_that_is_left_out(world: RegionWorld, headers: dict[str, str]) -> None:
    body = changed(action=None)
    first = ask(world, headers, "action", body | {"page": {"limit": 1}}).get_json()
    second = ask(world, headers, "action", body | {"page": {"token": first["page"]["next_token"]}}).get_json()
    assert [hit["name"] for hit in first["results"] + second["results"]] == ["annotate", "read"]
    assert second["page"]["next_token"]


@pytest.mark.parametrize("limit", [0, SEARCH_MAXIMUM + 1, 10**30])
def test_a_limit_of_nothing_and_one_past_the_maximum_are_kept_to(
    world: RegionWorld, headers: dict[str, str], limit: int
) -> None:
    answer = ask(world, headers, "resource", widely(page={"limit": limit})).get_json()
    assert len(answer["results"]) == (len(OPEN) if limit else 0)
    assert bool(answer["page"]["next_token"]) == (limit == 0)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"subject": READER | {"id": "clinician.rkb"}}, "/page/token"),
        ({"subject": READER | {"properties": {"role": "consultant_radiologist", "ods": "RKB"}}}, "/page/token"),
        ({"action": {"name": "search"}}, "/page/token"),
        ({"resource": {"type": "study", "properties": {"modality": "CT"}}}, "/page/token"),
        ({"context": {"purpose": "TREAT"}}, "/page/token"),
        ({"page": {"limit": 2}}, "/page/limit"),
    ],
)
def test_a_token_with_a_changed_search_is_an_error(
    world: RegionWorld, headers: dict[str, str], changes: dict[str, Any], pointer: str
) -> None:
    body = widely(page={"limit": 1})
    token = ask(world, headers, "resource", body).get_json()["page"]["next_token"]
    altered = body | changes
    altered["page"] = altered["page"] | {"token": token}
    before = world.size
    answer = ask(world, headers, "resource", altered)
    assert answer.status_code == 400
    assert answer.get_json()["reason"] == "page.invalid"
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert world.size == before
    body["page"] = {"limit": 1, "token": token}
    assert ask(world, headers, "resource", body).status_code == 200


def test_a_token_is_for_its_caller_and_its_kind_and_not_to_be_changed(
    world: RegionWorld, headers: dict[str, str]
) -> None:
    body = changed(page={"limit": 1})
    token = ask(world, headers, "action", body).get_json()["page"]["next_token"]
    body["page"]["token"] = token
    assert ask(world, headers, "action", body).status_code == 200
    assert ask(world, headers, "resource", body).status_code == 400
    assert ask(world, bearer(world, VIEWER), "action", body).status_code == 400
    body["page"]["token"] = ("A" if token[0] != "A" else "B") + token[1:]
    assert ask(world, headers, "action", body).status_code == 400


def test_the_searched_id_may_change_between_pages_for_it_is_let_be(world: RegionWorld, headers: dict[str, str]) -> None:
    body = widely(page={"limit": 1})
    token = ask(world, headers, "resource", body).get_json()["page"]["next_token"]
    body["resource"] = {"type": "study", "id": "anything"}
    body["page"] = {"limit": 1, "token": token}
    assert ask(world, headers, "resource", body).status_code == 200


def test_a_token_tells_nothing_of_what_may_not_be_read(world: RegionWorld, headers: dict[str, str]) -> None:
    token = ask(world, headers, "resource", widely(page={"limit": 0})).get_json()["page"]["next_token"]
    assert not any(study in token for study in OPEN)


def test_a_page_stops_at_what_it_may_examine_and_the_next_goes_on(
    world: RegionWorld, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "EXAMINED", 1)
    before = world.size
    walked = pages(world, headers, "resource", widely(), 50)
    assert {hit["id"] for page in walked for hit in page} == OPEN
    assert all(event.detail["examined"] <= 1 for event in world.events(before))


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
    assert hits == [{"type": "ai_service", "id": "ai-ich-triage", "properties": {"ods": "RRK"}}]
    assert found(world, headers, "subject", changed(subject={"type": "service"})) == []
    service = hits[0] | {"properties": {"ods": "RRK", "version": "2.1.0"}}
    assert [hit["name"] for hit in found(world, headers, "action", changed(subject=service))] == ["annotate", "read"]
