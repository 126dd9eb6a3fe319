"""The pages of a search over HTTP: limits, and page tokens that stand for one search of one caller."""

from typing import Any

import pytest

from governance.access import paging
from governance.api.authzen.schemas import SEARCH_MAXIMUM
from tests.worlds.region import VIEWER, RegionWorld
from tests.worlds.search_callers import OPEN, QUESTION, READER, ask, bearer, changed, pages, widely


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


@pytest.mark.parametrize("limit", [0, SEARCH_MAXIMUM + 1, 10**18])
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
