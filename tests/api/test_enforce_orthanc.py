"""Orthanc's authorization plugin at our endpoints: what it is granted, what it is refused, and what is recorded."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.server import create_app
from governance.simulation import network
from governance.simulation.showcase import OWN_STUDY, REPORTER, SEALED_STUDY, SHARED_STUDY, UNRELATED_STUDY
from governance.vocabulary import EventKind, Outcome, Role
from tests.fakes.orthanc_plugin import ORTHANC_ID, ROOT, Denied, Json, Plugin, in_process, study, system
from tests.worlds.agreements import OFFICE
from tests.worlds.region import DIRECT_CARE, OWNER, VIEWER, RegionWorld
from tests.worlds.tokens import KeyPair

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "integrators.md"


@pytest.fixture
def plugin(region: RegionWorld) -> Plugin:
    return Plugin(region.parties, in_process(region))


@pytest.fixture
def set_up(region: RegionWorld) -> Iterator[Callable[..., None]]:
    """Change settings of the running service."""
    before = region.services

    def change(**settings: Any) -> None:
        base = before.infrastructure
        changed = replace(base, settings=base.settings.replaced(**settings))
        region.services = replace(before, infrastructure=changed)
        region.app = create_app(region.services)

    yield change
    region.services = before


def bearer(region: RegionWorld, study_uid: str = SHARED_STUDY, **details: Any) -> str:
    return f"Bearer {region.token(REPORTER, study_uid, **details)}"


def test_a_token_opens_its_study_and_the_access_is_kept_with_its_authority(region: RegionWorld, plugin: Plugin) -> None:
    token = bearer(region)
    before = region.size
    assert plugin.is_granted(study(SHARED_STUDY, labels=["RRK"]), token) == 0
    (kept,) = region.events(before)
    claims = region.services.registers.tokens.verify_access(token.split()[1], network.audience("RRK"))
    assert (kept.kind, kept.outcome, kept.source.id) == (EventKind.ACCESS, Outcome.SUCCESS, "archive-rrk")
    assert (kept.authority.decision_id, kept.authority.token_jti) == (claims.decision_id, claims.jti)
    assert kept.authority.agreement_id == DIRECT_CARE
    assert kept.subject is not None
    assert kept.subject.id == region.services.infrastructure.pseudonymiser.subject(REPORTER)
    assert kept.resource is not None
    assert (kept.resource.study, kept.resource.custodian) == (
        region.services.infrastructure.pseudonymiser.study(SHARED_STUDY),
        "RRK",
    )


@pytest.mark.parametrize("key", ["Authorization", "authorization", "token"])
def test_a_token_comes_in_a_header_or_an_argument(region: RegionWorld, key: str) -> None:
    plugin = Plugin(region.parties, in_process(region), server_id="orthanc-1")
    token = bearer(region)
    plugin.is_granted(study(SHARED_STUDY), token, key)
    if key == "token":
        plugin.is_granted(study(SHARED_STUDY), token.split()[1], key)
    else:
        with pytest.raises(Denied):
            plugin.is_granted(study(SHARED_STUDY), token.split()[1], key)


@pytest.mark.parametrize(
    ("access", "method", "reason"),
    [
        (study(UNRELATED_STUDY), "get", "enforcement.other_study"),
        (study(SEALED_STUDY), "get", "enforcement.other_study"),
        (study("not a uid"), "get", "enforcement.unreadable"),
        (study(""), "get", "enforcement.unreadable"),
        (study(SHARED_STUDY), "post", "enforcement.unreadable"),
        (study(SHARED_STUDY), "put", "enforcement.unreadable"),
        (study(SHARED_STUDY), "delete", "enforcement.unreadable"),
        (study(SHARED_STUDY) | {"level": "patient"}, "get", "enforcement.unreadable"),
        (study(SHARED_STUDY) | {"level": "series"}, "get", "enforcement.unreadable"),
        (study(SHARED_STUDY) | {"level": "instance"}, "get", "enforcement.unreadable"),
        (system("/system"), "get", "enforcement.unreadable"),
        (system("/tools/find"), "post", "enforcement.unreadable"),
    ],
)
def test_a_token_opens_nothing_else_and_the_attempt_is_kept(
    region: RegionWorld, plugin: Plugin, access: Json, method: str, reason: str
) -> None:
    token = bearer(region)
    before = region.size
    with pytest.raises(Denied, match="False"):
        plugin.is_granted(access, token, method=method)
    (kept,) = region.events(before)
    assert (kept.outcome, kept.detail) == (Outcome.MINOR, {"refused": reason})
    assert kept.authority.token_jti is not None


def test_each_checked_level_is_asked_and_one_no_closes_the_access(region: RegionWorld, plugin: Plugin) -> None:
    token = bearer(region)
    plugin.is_granted(study(SHARED_STUDY), token)
    with pytest.raises(Denied, match="False"):
        plugin.is_granted({"level": "series", "orthanc-id": ORTHANC_ID, "dicom-uid": "1.2.3"}, token)


def test_who_comes_without_a_token_gets_nothing(region: RegionWorld, plugin: Plugin) -> None:
    before = region.size
    with pytest.raises(Denied, match="False"):
        plugin.is_granted(study(SHARED_STUDY), None)
    assert [event.detail for event in region.events(before)] == [{"refused": "credential.missing"}]


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer a.b.c", "Basic Z2F0ZXdheTpzZXNhbWU=", "junk", "DPoP x"])
def test_what_is_no_token_of_ours_opens_nothing(plugin: Plugin, token: str) -> None:
    with pytest.raises(Denied, match="False"):
        plugin.is_granted(study(SHARED_STUDY), token)
    assert plugin.profile(token)["name"] == "anonymous"
    assert plugin.decode(token) == (set(), "invalid")


def test_a_token_dies_when_it_is_revoked_with_its_agreement_and_by_time(region: RegionWorld, plugin: Plugin) -> None:
    revoked, token = bearer(region), bearer(region)
    form = {"token": revoked.split()[1], **region.parties.proof(VIEWER, region.now)}
    assert region.post_form("/oauth/revoke", form).status_code == 200
    for access in (study(SHARED_STUDY),):
        with pytest.raises(Denied, match="False"):
            plugin.is_granted(access, revoked)
    region.services.registers.agreements.suspend(DIRECT_CARE, 1, OFFICE, "Under review")
    with pytest.raises(Denied, match="False"):
        plugin.is_granted(study(SHARED_STUDY), token)
    region.clock.advance(timedelta(seconds=130))
    assert plugin.decode(token) == (set(), "expired")


def test_a_token_is_for_one_archive(region: RegionWorld, plugin: Plugin) -> None:
    own = region.token("staff.patient.rkb", OWN_STUDY, audience=network.audience("RKB"))
    with pytest.raises(Denied, match="False"):
        plugin.is_granted(study(OWN_STUDY), f"Bearer {own}")


def test_a_bound_token_comes_without_its_proof_and_is_refused(region: RegionWorld, plugin: Plugin) -> None:
    key = KeyPair.ec("mine")
    claims = {"htm": "POST", "htu": region.services.registers.tokens.token_endpoint, "iat": region.now, "jti": "one"}
    proof = key.sign(claims, typ="dpop+jwt", jwk=key.key.as_dict(private=False), kid=None)
    form = region.parties.exchange_form(REPORTER, SHARED_STUDY, region.now)
    token = region.post_form("/oauth/token", form, DPoP=proof).get_json()["access_token"]
    before = region.size
    for scheme in ("DPoP", "Bearer"):
        with pytest.raises(Denied, match="False"):
            plugin.is_granted(study(SHARED_STUDY), f"{scheme} {token}")
    assert {event.detail["refused"] for event in region.events(before)} == {"token.binding"}


def test_a_grant_is_never_remembered_past_the_end_of_its_token(
    region: RegionWorld, plugin: Plugin, set_up: Callable[..., None]
) -> None:
    set_up(orthanc_validity=10)
    token = bearer(region)
    ends = region.services.registers.tokens.verify_access(token.split()[1], network.audience("RRK")).expires_at
    assert plugin.is_granted(study(SHARED_STUDY), token) == 10
    assert plugin.profile(token)["validity"] == 10
    while region.now < ends + 9:
        remembered = plugin.is_granted(study(SHARED_STUDY), token)
        assert remembered == 0 or region.now + remembered < ends
        assert plugin.profile(token)["validity"] == remembered
        region.clock.advance(timedelta(seconds=1 if region.now > ends - 15 else 20))


def test_no_profile_may_do_anything_by_itself(region: RegionWorld, plugin: Plugin) -> None:
    """The plugin opens by a profile's permission and label without asking about the study."""
    token = bearer(region)
    before = region.size
    known = plugin.profile(token)
    assert known == {
        "name": region.services.infrastructure.pseudonymiser.subject(REPORTER),
        "user-id": region.services.infrastructure.pseudonymiser.subject(REPORTER),
        "groups": ["consultant_radiologist"],
        "permissions": [],
        "authorized-labels": [],
        "validity": 0,
    }
    nobody = {"name": "anonymous", "groups": [], "permissions": [], "authorized-labels": [], "validity": 0}
    assert plugin.profile(None) == plugin.profile("", key="") == nobody
    assert plugin.profile_of_user(REPORTER) is None
    assert region.size == before, "nothing was opened or refused"
    assert plugin.profile("Bearer a.b.c") == nobody
    assert [event.outcome for event in region.events(before)] == [Outcome.MINOR]


def test_what_a_token_is_decoded_to_is_searched_in_and_so_recorded(region: RegionWorld, plugin: Plugin) -> None:
    token = bearer(region, actions=["search"])
    before = region.size
    assert plugin.decode(token) == ({SHARED_STUDY}, "")
    (kept,) = region.events(before)
    assert (kept.kind, kept.outcome) == (EventKind.QUERY, Outcome.SUCCESS)
    assert kept.authority.agreement_id == DIRECT_CARE
    with pytest.raises(Denied, match="False"):
        plugin.is_granted(study(SHARED_STUDY), token)  # a token to search reads nothing


def test_a_study_that_is_the_archive_s_no_more_is_refused(region: RegionWorld, plugin: Plugin) -> None:
    token = bearer(region)
    region.hand_over(SHARED_STUDY, "RBK")
    with pytest.raises(Denied, match="False"):
        plugin.is_granted(study(SHARED_STUDY), token)
    assert plugin.decode(token) == (set(), "unknown")


def test_paths_without_patients_open_to_live_tokens_when_they_are_configured(
    region: RegionWorld, plugin: Plugin, set_up: Callable[..., None]
) -> None:
    set_up(orthanc_shared_paths=frozenset({"/system"}))
    token = bearer(region)
    before = region.size
    plugin.is_granted(system("/system"), token)
    (kept,) = region.events(before)
    assert (kept.outcome, kept.detail) == (Outcome.SUCCESS, {"shared": True})
    assert kept.authority.decision_id is not None
    for access, given, method in (
        (system("/system/x"), token, "get"),
        (system("/"), token, "get"),
        (system("/system"), token, "put"),
        (system("/system"), None, "get"),
        (system("/system"), "Bearer a.b.c", "get"),
    ):
        with pytest.raises(Denied, match="False"):
            plugin.is_granted(access, given, method=method)


@pytest.mark.parametrize("kind", ["ohif-viewer-publication", "stone-viewer-publication", "viewer-instant-link"])
def test_no_link_is_made_and_the_wish_is_kept(region: RegionWorld, plugin: Plugin, kind: str) -> None:
    before = region.size
    wanted = [study(SHARED_STUDY), {"orthanc-id": ORTHANC_ID, "level": "series", "url": "http://orthanc/x"}]
    more = {"expiration-date": "2026-12-31T12:00:00Z", "validity-duration": 3600}
    with pytest.raises(Denied, match="403"):
        plugin.create_token(kind, wanted, **more)
    (kept,) = region.events(before)
    assert (kept.kind, kept.outcome) == (EventKind.TOKEN, Outcome.MINOR)
    assert kept.detail == {"refused": "enforcement.sharing"}
    assert kept.resource is not None
    assert kept.resource.study == region.services.infrastructure.pseudonymiser.study(SHARED_STUDY)


def test_roles_hold_nothing_and_stay_so(region: RegionWorld, plugin: Plugin) -> None:
    held = plugin.roles()
    assert set(held["roles"]) == set(Role)
    assert all(role == {"permissions": [], "authorized-labels": []} for role in held["roles"].values())
    assert held["available-labels"] == []
    before = region.size
    assert plugin.set_roles(held) == held
    assert region.size == before
    held["roles"]["clinician"]["permissions"] = ["view"]
    with pytest.raises(Denied, match="403"):
        plugin.set_roles(held)
    assert [(event.kind, event.detail) for event in region.events(before)] == [
        (EventKind.CONFIG, {"refused": "enforcement.roles"})
    ]


CALLS: list[tuple[str, str, Any]] = [
    ("POST", "/tokens/validate", {"method": "get", **study(SHARED_STUDY), "server-id": None}),
    ("POST", "/user/get-profile", {"server-id": None}),
    ("POST", "/tokens/decode", {"token-key": "token", "token-value": "x"}),
    ("PUT", "/tokens/viewer-instant-link", {"type": "viewer-instant-link", "resources": [], "server-id": None}),
    ("GET", "/settings/roles", None),
    ("PUT", "/settings/roles", {"roles": {}, "available-labels": [], "server-id": None}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_the_plugin_proves_itself_first(region: RegionWorld, method: str, path: str, body: Any) -> None:
    before = region.size
    key = region.parties.enforcement_key()
    for user, password in (("archive-rrk", "x"), ("archive-rkb", key), (VIEWER, key), ("", key), ("archive-rrk", "")):
        plugin = Plugin(region.parties, in_process(region))
        plugin.user, plugin.password = user, password
        with pytest.raises(Denied, match="401"):
            plugin.send(method, path, body)
        assert plugin.last is not None
        assert plugin.last.headers["WWW-Authenticate"].startswith("Basic")
    assert region.client.open(ROOT + path, method=method, json=body).status_code == 401
    assert region.size == before + 4  # one for each name it came in, however often


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tokens/validate", {}),
        ("POST", "/tokens/validate", {"method": "get"}),
        ("POST", "/tokens/validate", {"method": "steal", **study(SHARED_STUDY)}),
        ("POST", "/tokens/validate", {"method": "get", **study(SHARED_STUDY), "level": "world"}),
        ("POST", "/tokens/validate", {"method": "get", **study(SHARED_STUDY), "dicom-uid": 7}),
        ("POST", "/tokens/validate", {"method": "get", **study(SHARED_STUDY), "token-value": ["x"]}),
        ("POST", "/tokens/validate", {"method": "get", **study(SHARED_STUDY), "labels": "RRK"}),
        ("POST", "/tokens/validate", []),
        ("POST", "/user/get-profile", {"user-id": 7}),
        ("POST", "/user/get-profile", "x"),
        ("POST", "/tokens/decode", {"token-value": 7}),
        ("PUT", "/tokens/viewer-instant-link", {"type": "viewer-instant-link"}),
        ("PUT", "/tokens/viewer-instant-link", {"type": "ohif-viewer-publication", "resources": []}),
        ("PUT", "/tokens/skeleton-key", {"type": "skeleton-key", "resources": []}),
        ("PUT", "/settings/roles", {"roles": []}),
    ],
)
def test_what_cannot_be_understood_opens_nothing(plugin: Plugin, method: str, path: str, body: Any) -> None:
    with pytest.raises(Denied, match="400"):
        plugin.send(method, path, body)


def test_what_cannot_be_recorded_does_not_open(region: RegionWorld, plugin: Plugin) -> None:
    token = bearer(region)
    region.services.infrastructure.audit.close()
    for call in (
        lambda: plugin.is_granted(study(SHARED_STUDY), token),
        lambda: plugin.decode(token),
    ):
        with pytest.raises(Denied, match="503"):
            call()
    with pytest.raises(Denied, match="False"):  # refused in any case
        plugin.is_granted(study(SHARED_STUDY), None)
    with pytest.raises(Denied, match="403"):
        plugin.create_token("viewer-instant-link", [study(SHARED_STUDY)])


def test_every_answer_is_counted(region: RegionWorld, plugin: Plugin) -> None:
    token = bearer(region)
    plugin.is_granted(study(SHARED_STUDY), token)
    with pytest.raises(Denied):
        plugin.is_granted(study(UNRELATED_STUDY), token)

    def count(status: str) -> float | None:
        labels = {"door": "orthanc", "status": status}
        return region.services.infrastructure.metrics.registry.get_sample_value(
            "governance_enforcement_checks_total", labels
        )

    assert (count("200"), count("403")) == (1.0, 1.0)


def test_the_plugin_is_configured_so_that_every_access_is_asked_about(region: RegionWorld) -> None:
    """The guide's file: its addresses are routes of ours, and nothing in it lets the plugin open by itself."""
    (shown,) = re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    configured = json.loads(shown)
    section = configured["Authorization"]
    base = "https://governance.example"
    assert section["WebServiceRootUrl"] == base + ROOT
    assert section["WebServiceSettingsRolesUrl"] == f"{base}{ROOT}/settings/roles"
    routes = {rule.rule for rule in region.app.url_map.iter_rules() if rule.rule.startswith(ROOT)}
    assert routes == {
        ROOT + path
        for path in ("/tokens/validate", "/user/get-profile", "/tokens/decode", "/tokens/<kind>", "/settings/roles")
    }
    assert section["WebServiceUsername"] == network.archive_id(OWNER)
    assert section["CheckedLevel"] == "studies"
    assert section["TokenHttpHeaders"] == ["Authorization"]
    for opening in ("Permissions", "StandardConfigurations", "TokenGetArguments", "UncheckedFolders"):
        assert section[opening] == []
    assert "UncheckedLevels" not in section
    assert configured["DicomWeb"]["EnableWado"] is False
