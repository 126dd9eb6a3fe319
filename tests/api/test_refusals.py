# ruff: noqa: F811  the fixtures of the token endpoints are used by their names
"""Every kind of refusal leaves its trail in the log, with its reason and without anything that nobody proved."""

import re
import uuid
from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from governance.audit import RecordedEvent, Subject
from governance.detection import default_rules
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.state import RuleMemory
from governance.detection.rules.accounts.refusal_run import RULE
from governance.federation import Registered
from governance.registers import OPERATOR, Ending, Target
from governance.vocabulary import EventKind, Outcome, SubjectType
from tests.api.test_oauth import ACCESS_TOKEN, UNKNOWN_STUDY, Region, provider, region  # noqa: F401
from tests.worlds.detection import region as little_region
from tests.worlds.tokens import ARCHIVE, KeyPair, raw_token

Make = Callable[[Region], TestResponse]


def trail(region: Region) -> list[RecordedEvent]:
    """Give the refusals that are in the log, in order."""
    audit = region.services.infrastructure.audit
    return [event for event in audit.read(0, 10_000) if event.detail.get("act") == "refuse"]


def proof(region: Region, key: KeyPair, **changes: Any) -> dict[str, str]:
    claims = {"htm": "POST", "htu": region.endpoint, "iat": region.now, "jti": uuid.uuid4().hex} | changes
    header = {"typ": "dpop+jwt", "jwk": key.key.as_dict(private=False), "kid": None}
    return {"DPoP": key.sign(claims, **header)}


def assertion(signed: str, /, **form: str) -> dict[str, str]:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": signed} | form


def post(region: Region, path: str = "/oauth/token", **form: str) -> TestResponse:
    return region.client.post(path, data=form)


def by(region: Region, client_id: str, signer: KeyPair | None = None, **changes: Any) -> str:
    claims = {"iss": client_id, "sub": client_id, "aud": region.endpoint, "exp": region.now + 60, "jti": "j1"}
    return (signer or region.keys["viewer.rkb"]).sign({**claims, **changes})


def replayed(region: Region) -> TestResponse:
    form = assertion(by(region, "viewer.rkb", jti=uuid.uuid4().hex))
    assert region.client.post("/oauth/token", data=form).status_code == 200
    return region.client.post("/oauth/token", data=form)


def identity(region: Region, **changes: Any) -> str:
    """Forge an identity token under the right issuer with a key of one's own."""
    claims = {"iss": f"{region.provider}/RKB", "sub": "clinician.rkb", "aud": "imaging-governance"}
    return KeyPair.ec("forged").sign(claims | {"iat": region.now, "exp": region.now + 600} | changes)


def bearer(region: Region, path: str, token: str, **more: str) -> TestResponse:
    return region.client.get(path, headers={"Authorization": f"Bearer {token}"} | more)


STRANGER = KeyPair.ec("viewer.rkb-1")
NAMED = {"iss": "stranger-1", "sub": "stranger-1"}
CREDENTIALS = {"grant_type": "client_credentials"}
T, N = EventKind.TOKEN, EventKind.NODE_AUTH
KINDS: dict[str, tuple[Make, EventKind, str]] = {
    "bad signature": (lambda r: post(r, **assertion(by(r, "viewer.rkb", STRANGER))), N, "token.signature"),
    "unknown client": (lambda r: post(r, **assertion(by(r, "stranger-1", STRANGER))), N, "token.client"),
    "unknown key": (lambda r: post(r, **assertion(by(r, "viewer.rkb", KeyPair.ec("k9")))), N, "token.key"),
    "alg none": (
        lambda r: post(r, **assertion(raw_token({"alg": "none"}, NAMED))),
        N,
        "token.client",
    ),
    "replay": (replayed, N, "token.replayed"),
    "expired": (lambda r: post(r, **assertion(by(r, "viewer.rkb", exp=r.now - 90))), N, "token.expired"),
    "foreign audience": (
        lambda r: post(r, **assertion(by(r, "viewer.rkb", aud="x"))),
        N,
        "token.audience",
    ),
    "no assertion": (lambda r: post(r, grant_type="client_credentials", client_id="viewer.rkb"), N, "token.type"),
    "secret while none are taken": (
        lambda r: r.client.post("/oauth/token", data=CREDENTIALS, auth=("viewer.rkb", "x" * 40)),
        N,
        "token.type",
    ),
    "two methods": (
        lambda r: r.client.post("/oauth/token", data=assertion("x"), auth=("viewer.rkb", "x" * 40)),
        T,
        "invalid_request",
    ),
    "unknown grant": (lambda r: post(r, grant_type="password", username="Dr Somebody"), T, "unsupported_grant_type"),
    "no form": (lambda r: r.client.post("/oauth/token", json={}), T, "invalid_request"),
    "scope widening": (lambda r: r.token(scope="access.evaluate federation.write"), T, "invalid_scope"),
    "another audience": (lambda r: r.token(audience=ARCHIVE), T, "invalid_target"),
    "bad DPoP proof": (lambda r: r.token(headers=proof(r, KeyPair.ec("d"), htm="GET")), T, "token.target"),
    "forged identity": (lambda r: r.exchange(subject_token=identity(r)), T, "token.key"),
    "unknown identity provider": (
        lambda r: r.exchange(subject_token=identity(r, iss="https://elsewhere.test")),
        T,
        "token.issuer",
    ),
    "unreadable identity": (lambda r: r.exchange(subject_token="not a token"), T, "token.malformed"),
    "identity token for another client": (
        lambda r: r.exchange(subject_token=r.identity_token("clinician.rkb", audience="other")),
        T,
        "token.audience",
    ),
    "exchanged token again": (
        lambda r: r.exchange(subject_token=r.exchange().get_json()["access_token"], subject_token_type=ACCESS_TOKEN),
        T,
        "token.audience",
    ),
    "unknown study": (lambda r: r.exchange(details={"study_uid": UNKNOWN_STUDY}), T, "target.unknown"),
    "foreign organisation": (lambda r: r.exchange("clinician.rrk"), T, "target.unknown"),
    "bad details": (lambda r: r.exchange(details={"actions": ["read", "export"]}), T, "invalid_authorization_details"),
    "introspection by nobody": (lambda r: post(r, "/oauth/introspect", token="x"), N, "token.type"),
    "introspection by a bad bearer": (
        lambda r: r.client.post("/oauth/introspect", data={"token": "x"}, headers={"Authorization": "Bearer x"}),
        T,
        "token.malformed",
    ),
    "revocation by a stranger": (
        lambda r: post(r, "/oauth/revoke", **assertion(by(r, "stranger-1", STRANGER), token="x")),
        N,
        "token.client",
    ),
    "bad bearer at an endpoint": (lambda r: bearer(r, "/audit/v1/events", "x.y.z"), T, "token.malformed"),
    "bearer of another audience": (
        lambda r: bearer(r, "/audit/v1/events", r.exchange().get_json()["access_token"]),
        T,
        "token.audience",
    ),
    "missing scope": (
        lambda r: bearer(r, "/audit/v1/events", r.token().get_json()["access_token"]),
        T,
        "scope.missing",
    ),
    "bound token without its proof": (
        lambda r: bearer(r, "/alerts/v1/alerts", r.token(headers=proof(r, KeyPair.ec("d"))).get_json()["access_token"]),
        T,
        "token.binding",
    ),
    "enforcement point without its key": (
        lambda r: r.client.get("/enforce/nginx", headers={"X-Enforcement-Point": "archive.rrk"}),
        N,
        "enforcement.key",
    ),
    "Orthanc without its key": (
        lambda r: r.client.get("/enforce/orthanc/settings/roles", auth=("archive.rrk", "wrong")),
        N,
        "enforcement.key",
    ),
    "a list without the key": (lambda r: r.client.get("/dicomweb/archive.rrk/studies"), N, "enforcement.key"),
    "a sign-in that nobody began": (
        lambda r: r.client.get("/console/sign-in/callback?code=c&state=s"),
        EventKind.LOGIN,
        "sign_in.no_attempt",
    ),
}


def test_each_kind_is_an_event_with_its_reason_and_repeats_are_counted(region: Region) -> None:
    infrastructure = region.services.infrastructure
    address = infrastructure.pseudonymiser.address("127.0.0.1")
    for name, (make, kind, reason) in KINDS.items():
        seen = len(trail(region))
        assert 400 <= make(region).status_code < 500, name
        (event,) = trail(region)[seen:]
        assert (event.kind, event.detail["reason"]) == (kind, reason), name
        assert event.outcome in {Outcome.MINOR, Outcome.SERIOUS}, name
        assert (event.detail["endpoint"] != "unmatched", event.detail["address"]) == (True, address), name
        stored = infrastructure.audit.entry_bytes(event.index).decode()
        assert not {"127.0.0.1", "stranger-1", "Somebody"} & set(re.split(r"[^\w.-]+", stored)), name
        make(region)
        assert len(trail(region)) == seen + 1, name
        infrastructure.refusals.flush(everything=True)
        infrastructure.audit.close()  # what it was handed is in it now
        infrastructure.audit.start()
        assert [closing.detail["count"] for closing in trail(region)[seen + 1 :]] == [2], name


def test_who_proved_themselves_is_the_subject_and_who_did_not_is_a_claim(region: Region) -> None:
    region.token(scope="federation.write")
    region.exchange("clinician.rrk")
    post(region, **assertion(by(region, "viewer.rkb", STRANGER)))
    post(region, **assertion(by(region, "stranger-1", STRANGER)))
    own, person, claimed, unknown = trail(region)
    assert own.subject == Subject("viewer.rkb", SubjectType.SERVICE, ods="RKB")
    assert person.subject is not None
    assert (person.subject.id[:2], person.detail["client"], person.detail["grant"]) == ("s-", "viewer.rkb", "exchange")
    assert person.resource is not None
    assert (claimed.subject, claimed.detail["claimed"]) == (None, "viewer.rkb")
    assert unknown.detail["claimed"] == region.services.infrastructure.pseudonymiser.client("stranger-1")


def test_a_client_that_was_ended_is_named_though_it_is_answered_as_a_stranger(region: Region) -> None:
    held = region.token(scope="access.evaluate").get_json()["access_token"]
    endings = region.services.uses.endings
    for act in (Ending.SUSPEND, Ending.DELETE):
        endings.act(OPERATOR, Target(Registered.CLIENT, "viewer.rkb"), act)
        known, unknown = (
            post(region, **assertion(by(region, client_id, STRANGER))) for client_id in ("viewer.rkb", "stranger-1")
        )
        own = post(region, **assertion(by(region, "viewer.rkb")))
        assert known.get_data() == unknown.get_data() == own.get_data()
    assert bearer(region, "/audit/v1/events", held).status_code == 401
    body = {"data": {"token": "x"}, "headers": {"Authorization": f"Bearer {held}"}}
    assert region.client.post("/oauth/introspect", **body).status_code == 401
    ended, unknown_id, dead, asked = trail(region)
    assert (ended.detail["reason"], ended.detail["claimed"]) == ("token.client", "viewer.rkb")
    assert unknown_id.detail["claimed"] == region.services.infrastructure.pseudonymiser.client("stranger-1")
    for event in (dead, asked):
        assert (event.detail["reason"], event.detail["client"]) == ("token.revoked", "viewer.rkb")


def test_whose_a_token_is_that_was_good_and_is_not_any_more_is_said(region: Region) -> None:
    exchanged = region.exchange().get_json()["access_token"]
    bearer(region, "/audit/v1/events", exchanged)  # for somebody else
    bearer(region, "/audit/v1/events", region.token().get_json()["access_token"])  # without the scope
    audience, scope = trail(region)
    assert (audience.detail["reason"], audience.detail["client"]) == ("token.audience", "viewer.rkb")
    assert (scope.detail["reason"], scope.detail["client"]) == ("scope.missing", "viewer.rkb")


def test_a_request_that_says_it_is_nobody_leaves_nothing(region: Region) -> None:
    for path in ("/audit/v1/events", "/console/", "/console/alerts", "/console/sign-in", "/nowhere"):
        region.client.get(path)
    assert trail(region) == []


def test_a_refusal_stays_one_while_the_log_cannot_be_written(region: Region) -> None:
    region.services.infrastructure.audit.close()
    assert region.exchange("clinician.rrk").status_code == 400
    assert post(region, **assertion(by(region, "viewer.rkb", STRANGER))).status_code == 401
    assert bearer(region, "/audit/v1/events", "x.y.z").status_code == 401
    assert region.client.get("/enforce/nginx").status_code == 401
    region.services.infrastructure.refusals.flush(everything=True)
    assert region.token().status_code == 503
    region.services.infrastructure.audit.start()
    region.services.infrastructure.refusals.flush()
    region.services.infrastructure.audit.close()  # what it was handed is in it now
    region.services.infrastructure.audit.start()
    assert [event.detail["reason"] for event in trail(region)] == [
        "target.unknown",
        "token.signature",
        "token.malformed",
        "enforcement.key",
    ]


def test_a_flood_is_two_events_and_an_alert(region: Region) -> None:
    for _ in range(60):
        assert post(region, **assertion(by(region, "viewer.rkb", STRANGER))).status_code == 401
    region.services.infrastructure.refusals.flush(everything=True)
    region.services.infrastructure.audit.close()  # what it was handed is in it now
    region.services.infrastructure.audit.start()
    events = trail(region)
    assert [event.detail.get("count") for event in events] == [None, 60]
    found = Scorer([RULE]).score(events, little_region({}), RuleMemory())
    assert [item.observed for one in found for item in one.evidence] == [60]
    assert RULE.id in {rule.id for rule in default_rules()}


def test_views_of_visitors_write_nothing(region: Region) -> None:
    from sqlalchemy import event as statements

    written: list[str] = []
    for engine in region.services.infrastructure.database.engines:
        statements.listen(
            engine,
            "before_cursor_execute",
            lambda _c, _cur, statement, *_: (
                written.append(statement) if statement.lstrip()[:6].upper() in {"INSERT", "UPDATE", "DELETE"} else None
            ),
        )
    for path in (
        "/console/sign-in",
        "/console/",
        "/console/alerts",
        "/console/help",
        "/console/sign-in/RRK",
        "/console/sign-in/RKB",
        "/console/sign-in/XXX",
        "/console/nowhere",
        "/docs",
        "/openapi.json",
        "/healthz",
    ):
        region.client.get(path)
    assert written == []
