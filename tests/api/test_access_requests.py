"""Emergency access requests over HTTP, on the demo region: the AuthZEN access-request and obligations drafts."""

import copy
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from governance.agreements.rehearsal import Signatory, rehearse
from governance.alerts import AlertQuery, Viewer
from governance.commands._demo_home import DemoHome
from governance.feeds import moment
from governance.simulation import network, showcase
from governance.vocabulary import EventKind, Outcome, Severity
from tests.worlds.agreements import OFFICE
from tests.worlds.region import DIRECT_CARE, RegionWorld, copy_home, seed_home, short_agreement

PROBLEM = "urn:openid:authzen:access-request:error:"
REASON = "Unconscious after a fall"
QUESTION: dict[str, Any] = showcase.question(showcase.SEALED_STUDY)


class Caller:
    """A service that asks for decisions and, when it must, for an emergency."""

    def __init__(self, world: RegionWorld, client_id: str = network.EXPLORER) -> None:
        self.world = world
        self.client_id = client_id
        self.sign_in()

    def sign_in(self) -> None:
        """Get a fresh token: those of before run out as the world's clock moves."""
        form = {"grant_type": "client_credentials", "scope": "access.evaluate"}
        answer = self.world.post_form("/oauth/token", form | self.world.parties.proof(self.client_id, self.world.now))
        self.headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

    def evaluate(self, question: dict[str, Any] = QUESTION) -> dict[str, Any]:
        answer = self.world.client.post("/access/v1/evaluation", json=question, headers=self.headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return dict(answer.get_json())

    def send(self, body: Any, key: str | None = None) -> TestResponse:
        extra = {"Idempotency-Key": key} if key is not None else {}
        return self.world.client.post("/access/v1/request", json=body, headers=self.headers | extra)

    def get(self, task_id: str) -> TestResponse:
        return self.world.client.get(f"/access/v1/request/{task_id}", headers=self.headers)

    def revoke(self, task_id: str) -> TestResponse:
        return self.world.client.post(f"/access/v1/request/{task_id}/revoke", headers=self.headers)

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.world.clock.advance(timedelta(**span))
        self.sign_in()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> DemoHome:
    made = seed_home(tmp_path_factory.mktemp("requests") / "home", "http://127.0.0.1:8080", "http://127.0.0.1:9")
    world = RegionWorld(made)
    world.feed_showcase()
    world.close()
    return made


@pytest.fixture
def world(home: DemoHome, tmp_path: Path) -> Iterator[RegionWorld]:
    made = RegionWorld(copy_home(home, tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def caller(world: RegionWorld) -> Caller:
    return Caller(world)


def request_of(denied: dict[str, Any], question: dict[str, Any] = QUESTION, **requested: Any) -> dict[str, Any]:
    """Give the request that answers a denial."""
    context = denied["context"]
    body = copy.deepcopy(question)
    body["context"]["break_glass"] = {"reason": REASON}
    return body | {
        "requested_access": {"emergency": True, **requested},
        "denial": {
            "evaluation_id": context["evaluation_id"],
            "binding_token": context["access_request"]["binding_token"],
            "expires_at": context["access_request"]["expires_at"],
            "reason": context["reason"],
        },
        "client": {"id": "viewer", "name": "Viewer of the emergency department"},
    }


def changed(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Give a body with members at ``a__b`` paths replaced; None takes a member out."""
    made = copy.deepcopy(body)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def granted(caller: Caller, **requested: Any) -> dict[str, Any]:
    answer = caller.send(request_of(caller.evaluate(), **requested))
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return dict(answer.get_json())


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.get_json()["type"].removeprefix(PROBLEM)


def instant(text: str) -> datetime:
    return moment(text)


def test_a_requestable_denial_says_where_and_until_when_and_nothing_of_the_patient(caller: Caller) -> None:
    context = caller.evaluate()["context"]
    offered = context["access_request"]
    base = caller.world.services.infrastructure.settings.issuer
    assert offered["endpoint"] == f"{base}/access/v1/request"
    assert context["evaluation_id"] == context["id"]
    assert context["next_action"] == "request"
    assert instant(offered["expires_at"]) > caller.world.clock.now()
    written = json.dumps(offered)
    for secret in (showcase.SEALED_STUDY, showcase.REPORTER, "sealed", "p-", "s-", "t-"):
        assert secret not in written


def test_only_a_requestable_denial_is_offered_a_request(caller: Caller) -> None:
    permit = caller.evaluate(changed(QUESTION, resource__id=showcase.SHARED_STUDY))
    closed = caller.evaluate(changed(QUESTION, action__name="delete"))
    assert permit["decision"] is True
    assert closed["decision"] is False
    for answer in (permit, closed):
        assert "access_request" not in answer["context"]
        assert answer["context"]["evaluation_id"]


def test_items_of_a_batch_are_offered_requests_of_their_own(caller: Caller) -> None:
    items = [{"resource": {"id": study}} for study in (showcase.SEALED_STUDY, showcase.SHARED_STUDY)]
    body = QUESTION | {"evaluations": items}
    answer = caller.world.client.post("/access/v1/evaluations", json=body, headers=caller.headers)
    denied, permitted = answer.get_json()["evaluations"]
    assert "access_request" not in permitted["context"]
    assert caller.send(request_of(denied)).status_code == 201


def test_an_approval_is_a_grant_of_the_minutes_of_the_clause(caller: Caller) -> None:
    denied = caller.evaluate()
    answer = caller.send(request_of(denied))
    body = answer.get_json()
    task, approval = body["task"], body["result"]["approval"]
    assert (answer.status_code, task["status"], body["result"]["mode"]) == (201, "approved", "reevaluate")
    assert answer.headers["Location"] == task["status_endpoint"]
    assert instant(approval["approved_until"]) - instant(approval["approved_at"]) == timedelta(minutes=30)
    assert approval["id"] != task["id"]
    assert caller.get(task["id"]).get_json() == body
    again = caller.evaluate(changed(QUESTION, context__approval=approval))
    assert again["decision"] is True
    assert again["context"]["reasons"] == ["break_glass.granted"]
    assert again["context"]["approval"] == {"id": approval["id"], "approved_until": approval["approved_until"]}
    assert again["context"]["agreement"]["id"] == DIRECT_CARE


def test_the_grant_ends_when_its_minutes_are_over(caller: Caller) -> None:
    task = granted(caller)["task"]
    caller.later(minutes=29)
    assert caller.evaluate()["decision"] is True
    caller.later(minutes=1)
    denied = caller.evaluate()
    assert denied["decision"] is False
    assert caller.send(request_of(denied)).status_code == 201
    assert caller.get(task["id"]).status_code == 200
    caller.later(hours=25)
    assert refusal(caller.get(task["id"])) == (410, "task_expired")
    with caller.world.services.infrastructure.database.transaction() as session:
        assert caller.world.services.registers.emergency.forget(session, caller.world.clock.now()) == 2
    assert refusal(caller.get(task["id"])) == (404, "unknown_task")


def test_less_may_be_asked_for_and_more_is_not_given(caller: Caller) -> None:
    now = caller.world.clock.now()
    soon, late = (now + timedelta(minutes=minutes) for minutes in (5, 600))
    approval = granted(caller, requested_until=soon.isoformat())["result"]["approval"]
    assert instant(approval["approved_until"]) == soon
    caller.later(minutes=5)
    approval = granted(caller, requested_until=late.isoformat())["result"]["approval"]
    assert instant(approval["approved_until"]) == now + timedelta(minutes=35)


@pytest.mark.parametrize(
    "changes",
    [
        {"action__name": "report"},
        {"context__purpose": "CAREMGT"},
        {"resource__id": showcase.UNRELATED_STUDY},
        {"subject__id": "radiologist.rrk", "subject__properties__ods": "RRK", "resource__id": showcase.OWN_STUDY},
        {"subject__properties__role": "clinician"},
        {"subject__properties__assurance": 1},
    ],
)
def test_a_grant_opens_nothing_else(caller: Caller, changes: dict[str, Any]) -> None:
    granted(caller)
    assert caller.evaluate()["decision"] is True
    assert caller.evaluate(changed(QUESTION, **changes))["decision"] is False


def test_a_suspended_agreement_takes_the_grant_with_it(caller: Caller) -> None:
    granted(caller)
    caller.world.services.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, "An incident is being looked into.")
    denied = caller.evaluate()
    assert denied["decision"] is False
    assert "access_request" not in denied["context"]


def test_a_grant_can_be_ended_before_its_time_once(caller: Caller) -> None:
    task = granted(caller)["task"]
    before = caller.world.size
    assert task["links"]["revoke"].endswith(f"/access/v1/request/{task['id']}/revoke")
    ended = caller.revoke(task["id"]).get_json()
    assert instant(ended["result"]["approval"]["approved_until"]) <= caller.world.clock.now()
    assert caller.evaluate()["decision"] is False
    assert refusal(caller.revoke(task["id"])) == (409, "invalid_task_state")
    event = caller.world.events(before)[0]
    assert (event.kind, event.detail["act"]) == (EventKind.BREAK_GLASS, "revoke")
    assert event.resource is not None
    assert event.resource.custodian == "RRK"


def test_the_same_submission_again_is_the_same_task(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    first = caller.send(body, "k-1")
    size = caller.world.size
    again = caller.send(dict(reversed(body.items())), "k-1")
    caller.later(minutes=20)
    later = caller.send(body, "k-1")
    assert [answer.status_code for answer in (first, again, later)] == [201, 201, 201]
    assert first.get_json() == again.get_json() == later.get_json()
    events = [event for event in caller.world.events(size) if event.kind is EventKind.BREAK_GLASS]
    assert events == []


def test_a_key_is_good_for_one_body(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    caller.send(body, "k-1")
    other = changed(body, context__break_glass={"reason": "Another reason"})
    assert refusal(caller.send(other, "k-1")) == (409, "duplicate_request")


def test_a_key_is_its_callers_own(caller: Caller) -> None:
    caller.send(request_of(caller.evaluate()), "k-1")
    caller.later(minutes=31)
    other = Caller(caller.world, network.viewer_id("RKB"))
    assert other.send(request_of(other.evaluate()), "k-1").status_code == 201


@pytest.mark.parametrize("key", [None, "k-2"])
def test_a_denial_is_answered_once(caller: Caller, key: str | None) -> None:
    body = request_of(caller.evaluate())
    assert caller.send(body, "k-1" if key else None).status_code == 201
    assert refusal(caller.send(body, key)) == (400, "invalid_denial_binding")


def test_another_callers_denial_and_task_are_no_use(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    thief = Caller(caller.world, network.viewer_id("RKB"))
    assert refusal(thief.send(body)) == (400, "invalid_denial_binding")
    assert refusal(thief.send(changed(body, denial__binding_token=None))) == (400, "invalid_denial_binding")
    task = caller.send(body).get_json()["task"]
    assert refusal(thief.get(task["id"])) == (404, "unknown_task")
    assert refusal(thief.revoke(task["id"])) == (404, "unknown_task")
    assert refusal(caller.get("nothing")) == (404, "unknown_task")


@pytest.mark.parametrize("bound_by", ["token", "id", "both"])
@pytest.mark.parametrize(
    "changes",
    [
        {"subject__id": "clinician.rkb"},
        {"subject__properties__role": "clinician"},
        {"subject__properties__ods": "RRK"},
        {"action__name": "report"},
        {"resource__id": showcase.UNRELATED_STUDY},
        {"context__purpose": "CAREMGT"},
        {"denial__expires_at": "2040-01-01T00:00:00Z"},
    ],
)
def test_a_denial_binds_all_it_was_about(caller: Caller, changes: dict[str, Any], bound_by: str) -> None:
    body = changed(request_of(caller.evaluate()), **changes)
    left_out = {"token": "denial__evaluation_id", "id": "denial__binding_token"}.get(bound_by)
    before = caller.world.size
    answer = caller.send(changed(body, **{left_out: None}) if left_out else body)
    assert refusal(answer) == (400, "invalid_denial_binding")
    (event,) = caller.world.events(before)
    assert (event.kind, event.outcome) == (EventKind.BREAK_GLASS, Outcome.MINOR)
    assert event.detail["refused"] == "access_request.invalid_denial_binding"
    assert caller.evaluate()["decision"] is False


def test_a_denial_can_be_named_by_its_id_alone_or_by_its_token_alone(caller: Caller) -> None:
    for left_out in ("denial__evaluation_id", "denial__binding_token"):
        body = changed(request_of(caller.evaluate()), **{left_out: None})
        assert caller.send(body).status_code == 201
        caller.later(minutes=31)
    unbound = changed(request_of(caller.evaluate()), denial__evaluation_id=None, denial__binding_token=None)
    assert refusal(caller.send(unbound)) == (400, "invalid_denial_binding")


def test_a_token_that_was_touched_or_made_up_binds_nothing(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    token = body["denial"]["binding_token"]
    flipped = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (0, 50, 90)]
    for made in (*flipped, "", "AAAA", "é", token[:-8], token + "AAAA", "eyJhbGciOiJub25lIn0.e30."):
        assert refusal(caller.send(changed(body, denial__binding_token=made))) == (400, "invalid_denial_binding")
    assert caller.send(body).status_code == 201


@pytest.mark.parametrize("left_out", ["denial__evaluation_id", "denial__binding_token"])
def test_a_denial_that_is_too_old_is_gone(caller: Caller, left_out: str) -> None:
    body = changed(request_of(caller.evaluate()), **{left_out: None})
    caller.later(minutes=10)
    assert refusal(caller.send(body)) == (410, "expired_denial")


def test_a_denial_that_offered_nothing_cannot_be_named(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    closed = caller.evaluate(changed(QUESTION, action__name="delete"))
    made = changed(
        body,
        action__name="delete",
        denial__evaluation_id=closed["context"]["evaluation_id"],
        denial__binding_token=None,
    )
    assert refusal(caller.send(made)) == (400, "invalid_denial_binding")


def test_what_an_emergency_would_no_longer_open_is_not_requestable(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    caller.world.services.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, "An incident is being looked into.")
    assert refusal(caller.send(body)) == (400, "not_requestable")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"requested_access__emergency": False}, "/requested_access/emergency"),
        ({"requested_access__requested_until": "tomorrow"}, "/requested_access/requested_until"),
        ({"requested_access__requested_until": "2020-01-01T00:00:00Z"}, "/requested_access/requested_until"),
        ({"context__break_glass": None}, "/context/break_glass/reason"),
        ({"context__break_glass": {"reason": "  "}}, "/context/break_glass/reason"),
        ({"denial__expires_at": "soon"}, "/denial/expires_at"),
        ({"denial": None}, "/denial"),
        ({"items": [{}]}, "/items"),
        ({"resource__id": "x"}, "/resource/id"),
    ],
)
def test_a_request_that_cannot_be_taken_is_named_by_its_member(
    caller: Caller, changes: dict[str, Any], pointer: str
) -> None:
    body = request_of(caller.evaluate())
    before = caller.world.size
    answer = caller.send(changed(body, **changes))
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert caller.world.size == before


def test_the_reason_may_stand_where_the_draft_puts_it(caller: Caller) -> None:
    body = changed(
        request_of(caller.evaluate()), context__break_glass=None, context__business_justification="Cardiac arrest"
    )
    assert caller.send(body | {"callback": {"url": "https://example.org"}, "more": [1]}).status_code == 201


def test_nobody_and_the_wrong_scope_are_refused(caller: Caller) -> None:
    body = request_of(caller.evaluate())
    assert caller.world.client.post("/access/v1/request", json=body).status_code == 401
    form = {"grant_type": "client_credentials", "scope": "log.read"}
    answer = caller.world.post_form(
        "/oauth/token", form | caller.world.parties.proof(network.EXPLORER, caller.world.now)
    )
    other = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    assert caller.world.client.post("/access/v1/request", json=body, headers=other).status_code == 403


def test_the_log_holds_the_whole_thread_and_the_reason_only_sealed(caller: Caller) -> None:
    before = caller.world.size
    body = granted(caller)
    caller.evaluate()
    denial, grant, permit = caller.world.events(before)
    assert denial.kind is permit.kind is EventKind.DECISION
    assert grant.kind is EventKind.BREAK_GLASS
    assert grant.authority.decision_id == denial.id
    assert grant.authority.agreement_id == DIRECT_CARE
    approval = body["result"]["approval"]["id"]
    assert grant.detail["approval"] == permit.detail["emergency"]["approval"] == approval
    assert grant.detail["emergency"]["review"] is permit.detail["emergency"]["review"] is True  # its share is 1
    assert REASON not in caller.world.services.infrastructure.audit.entry_bytes(grant.index).decode()
    assert caller.world.services.infrastructure.audit.reveal(grant).break_glass_reason == REASON


@pytest.mark.parametrize("way", ["request", "reason"])
def test_either_way_the_owner_is_told_and_a_case_is_opened(caller: Caller, way: str) -> None:
    question = changed(QUESTION, resource__id=showcase.UNRELATED_STUDY)  # nothing ties them to this patient
    if way == "request":
        assert caller.send(request_of(caller.evaluate(question), question)).status_code == 201
    else:
        assert caller.evaluate(changed(question, context__break_glass={"reason": REASON}))["decision"] is True
    services = caller.world.services
    services.uses.detection.catch_up()
    owner = Viewer("officer", "RRK", person=True)
    found = [alert for alert in services.uses.alerts.list(owner, AlertQuery()).alerts if alert.family == "break_glass"]
    assert len(found) == 1
    (alert,) = found
    assert alert.rule_ids == ("break_glass_used",)
    assert alert.severity is Severity.MEDIUM
    assert {item.signal for item in alert.evidence} == {"emergency_access", "mandatory_review"}
    for item in alert.evidence:
        assert REASON not in item.sentence
        assert showcase.REPORTER not in item.sentence
    caller.later(days=5)
    services.uses.detection.catch_up()
    caller.evaluate(changed(QUESTION, resource__id=showcase.SHARED_STUDY))
    services.uses.detection.catch_up()
    # one incident, or two when the three days in which care might have followed end in another week
    told = [one for one in services.uses.alerts.list(owner, AlertQuery()).alerts if one.family == "break_glass"]
    assert {rule for one in told for rule in one.rule_ids} == {"break_glass_used", "break_glass_without_follow_up"}


def test_a_grant_opens_the_exchange_too(region: RegionWorld) -> None:
    assert region.exchange(showcase.REPORTER, showcase.SEALED_STUDY).status_code == 403
    granted(Caller(region))
    answer = region.exchange(showcase.REPORTER, showcase.SEALED_STUDY)
    assert answer.status_code == 200, answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("supported", "expected"),
    [
        (None, {"notification", "custom"}),
        ([], set()),
        (["notification"], {"notification"}),
        (["notification", "custom", "telepathy"], {"notification", "custom"}),
    ],
)
def test_obligations_go_by_the_names_of_the_draft(
    caller: Caller, supported: list[str] | None, expected: set[str]
) -> None:
    question = changed(QUESTION, context__break_glass={"reason": REASON}, context__supported_obligations=supported)
    answer = caller.evaluate(question)
    assert answer["decision"] is True
    obligations = answer["context"]["obligations"]
    assert {obligation["type"] for obligation in obligations} == expected
    for obligation in obligations:
        properties = obligation["properties"]
        assert properties["fulfilled_by"] == "policy_decision_point"
        assert obligation["type"] != "notification" or {"to", "body", "topic"} <= properties.keys()
        assert obligation["type"] != "custom" or properties["action"] == "review"


@pytest.mark.parametrize(
    ("supported", "permitted"),
    [(None, True), (["watermark"], True), (["custom"], True), (["notification"], False), ([], False)],
)
def test_an_obligation_that_cannot_be_done_denies(caller: Caller, supported: list[str] | None, permitted: bool) -> None:
    agreement = short_agreement(caller.world.clock.now().date()) | {"id": "training-round"}
    agreement["clauses"][0]["purposes"] = ["TRAIN"]
    agreement["clauses"][0]["conditions"]["obligations"] = [{"type": "watermark", "properties": {"text": "shared"}}]
    rows = json.loads(caller.world.home.signatories().read_text())
    signatories = {ods: Signatory(**row) for ods, row in rows.items()}
    rehearse(caller.world.services.registers.agreements, [agreement], signatories, OFFICE)
    question = changed(QUESTION, resource__id=showcase.SHARED_STUDY, context__purpose="TRAIN")
    answer = caller.evaluate(changed(question, context__supported_obligations=supported))
    assert answer["decision"] is permitted
    if permitted:
        (obligation,) = answer["context"]["obligations"]
        assert obligation["type"] == "custom"
        assert obligation["properties"] == {"vendor": "imaging-governance", "action": "watermark", "text": "shared"}
    else:
        assert answer["context"]["reason"] == "obligation.unsupported"
        assert "access_request" not in answer["context"]


def test_a_denial_for_weak_identity_names_the_step_up_as_the_draft_does(caller: Caller) -> None:
    weak = caller.evaluate(changed(QUESTION, resource__id=showcase.SHARED_STUDY, subject__properties__assurance=1))
    (obligation,) = weak["context"]["obligations"]
    assert weak["decision"] is False
    assert obligation["type"] == "step-up"
    assert obligation["properties"]["acr_value"] == "AAL2_ANY"


def test_the_metadata_say_that_access_can_be_requested(caller: Caller) -> None:
    body = caller.world.client.get("/.well-known/authzen-configuration").get_json()
    assert body["access_request_endpoint"] == f"{body['policy_decision_point']}/access/v1/request"
    assert "urn:openid:authzen:capability:access-request" in body["capabilities"]
    assert body["jwks_uri"]
