"""The trusts' identity provider as its relying parties meet it: a process of its own, spoken to over HTTP."""

import base64
import hashlib
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import yaml
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from governance.clock import SystemClock
from governance.outbound import LOOPBACK, Outbound, Peers
from governance.simulation.identity_provider import load_accounts
from governance.simulation.identity_provider.accounts import DEFAULT_FILE
from governance.tokens.cis2 import JOB_ROLES
from governance.vocabulary import Role
from governance.web.sign_in import ConsoleClient, SignIn
from tests.peers.identity_provider import identity_provider
from tests.worlds.tokens import ASSERTION_TYPE, KeyPair

CONSOLE = "imaging-governance-console"
CALLBACK = "http://127.0.0.1:8080/console/sign-in/callback"
VERIFIER = "a" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
KEY = KeyPair.ec("signed-client-1")
TIMEOUT = 10


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo's accounts, with two more clients that must prove themselves."""
    document = yaml.safe_load(DEFAULT_FILE.read_text())
    for name, method, extra in (
        ("with-post", "client_secret_post", {"secret": "hush hush"}),
        ("with-basic", "client_secret_basic", {"secret": "hush:hush"}),
        ("with-key", "private_key_jwt", {"jwks": {"keys": [KEY.public]}}),
    ):
        document["clients"].append(
            {"client_id": name, "authentication": method, "redirect_uris": ["https://rp.test/callback"], **extra}
        )
    path = tmp_path_factory.mktemp("idp") / "accounts.yaml"
    path.write_text(yaml.safe_dump(document))
    with identity_provider("--demo", "--accounts", path) as address:
        yield address


def asked(**changes: str) -> dict[str, str]:
    request = {
        "client_id": CONSOLE,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in {**request, **changes}.items() if value}


def page(provider: str, ods: str = "RRK", **changes: str) -> requests.Response:
    return requests.get(f"{provider}/{ods}/authorize", asked(**changes), timeout=TIMEOUT, allow_redirects=False)


def picked(provider: str, user: str, ods: str = "RRK", role: int = 1, **changes: str) -> dict[str, str]:
    """Pick an account on the page, and give what came back to the client."""
    html = page(provider, ods, **changes).text
    handle = re.search(r'name="handle" value="([^"]+)"', html)
    choices = re.findall(rf'value="({re.escape(user)}\|[0-9]+)"', html)
    assert handle is not None
    form = {"handle": handle[1], "account": choices[role - 1]}
    answer = requests.post(f"{provider}/{ods}/authorize", form, timeout=TIMEOUT, allow_redirects=False)
    assert answer.status_code == 303
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def redeemed(provider: str, code: str, ods: str = "RRK", auth: Any = None, **changes: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": CONSOLE,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **changes,
    }
    return requests.post(f"{provider}/{ods}/token", form, auth=auth, timeout=TIMEOUT)


def claims_of(provider: str, ods: str, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(requests.get(f"{provider}/{ods}/jwks", timeout=TIMEOUT).json())
    return dict(jwt.decode(token, keys, algorithms=["ES256", "RS256"]).claims)


@pytest.mark.parametrize("ods", ["RRK", "RKB"])
def test_discovery_describes_the_issuer(provider: str, ods: str) -> None:
    told = requests.get(f"{provider}/{ods}/.well-known/openid-configuration", timeout=TIMEOUT).json()
    assert told["issuer"] == f"{provider}/{ods}"
    assert told["code_challenge_methods_supported"] == ["S256"]
    keys = requests.get(told["jwks_uri"], timeout=TIMEOUT).json()["keys"]
    assert [key["alg"] for key in keys] == told["id_token_signing_alg_values_supported"]
    assert not {"d", "p", "q"} & set(keys[0])


def test_there_is_no_issuer_for_a_stranger(provider: str) -> None:
    for path in (".well-known/openid-configuration", "jwks", "authorize"):
        assert requests.get(f"{provider}/RXX/{path}", timeout=TIMEOUT).status_code == 404


def test_the_whole_flow_gives_an_identity_token(provider: str) -> None:
    answer = picked(provider, "two.roles.rrk", role=2)
    assert (answer["state"], answer["iss"]) == ("the-state", f"{provider}/RRK")
    body = redeemed(provider, answer["code"]).json()
    claims = claims_of(provider, "RRK", body["id_token"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (f"{provider}/RRK", CONSOLE, "two.roles.rrk")
    assert claims["nonce"] == "the-nonce"
    selected = [r for r in claims["nhsid_nrbac_roles"] if r["person_roleid"] == claims["selected_roleid"]]
    assert [role["org_code"] for role in selected] == ["RRK"]
    assert claims["nhsid_nrbac_roles"][0]["org_code"] == "RKB"  # the first is another trust's
    assert claims["idassurancelevel"] == "3"


def test_the_console_signs_in_with_the_library_it_uses(provider: str) -> None:
    console = SignIn(ConsoleClient(CONSOLE, CALLBACK), SystemClock(), Outbound(Peers(LOOPBACK)))
    address, attempt = console.begin(f"{provider}/RKB")
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    found = console.complete(attempt, picked(provider, "ig.officer.rkb", "RKB", **query))
    assert (found.issuer, found.subject, found.name) == (f"{provider}/RKB", "ig.officer.rkb", "Martin Croft")


def test_each_issuer_signs_with_its_own_key(provider: str) -> None:
    body = redeemed(provider, picked(provider, "clinician.rrk")["code"]).json()
    with pytest.raises((JoseError, ValueError)):
        claims_of(provider, "RKB", body["id_token"])


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "b" * 64},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:9090/console/sign-in/callback"},
        {"client_id": "with-post", "client_secret": "hush hush"},
        {"code": "guess"},
        {"ods": "RKB"},
    ],
    ids=lambda change: "-".join(change),
)
def test_a_code_is_good_only_for_what_it_was_made_for(provider: str, change: dict[str, str]) -> None:
    code = picked(provider, "clinician.rrk")["code"]
    answer = redeemed(provider, **{"code": code, **change})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_good_once(provider: str) -> None:
    code = picked(provider, "clinician.rrk")["code"]
    assert redeemed(provider, code).status_code == 200
    assert redeemed(provider, code).json()["error"] == "invalid_grant"


def test_a_wrong_attempt_uses_the_code_up(provider: str) -> None:
    code = picked(provider, "clinician.rrk")["code"]
    assert redeemed(provider, code, code_verifier="b" * 64).status_code == 400
    assert redeemed(provider, code).status_code == 400


@pytest.mark.parametrize("change", [{"client_id": "stranger"}, {"redirect_uri": "https://evil.test/callback"}])
def test_a_stranger_is_told_to_the_person_and_never_redirected(provider: str, change: dict[str, str]) -> None:
    answer = page(provider, **change)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "You cannot sign in" in answer.text


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:8080/console/sign-in/callback?x=1",
        "http://127.0.0.1:8080/console/other",
        "https://127.0.0.1:8080/console/sign-in/callback",
        "http://127.0.0.1.evil.test/console/sign-in/callback",
        "http://127.0.0.1:8080@evil.test/console/sign-in/callback",
        "http://192.168.0.1/console/sign-in/callback",
        "",
    ],
)
def test_only_the_port_of_a_loopback_address_may_differ(provider: str, uri: str) -> None:
    assert page(provider, redirect_uri=uri).status_code == 400
    assert page(provider, redirect_uri="http://127.0.0.1:65000/console/sign-in/callback").status_code == 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_client_learns_what_is_wrong_with_its_request(provider: str, change: dict[str, str], error: str) -> None:
    answer = page(provider, **change)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (answer.status_code, query["error"], query["state"]) == (303, [error], ["the-state"])


def test_a_form_that_was_not_asked_for_is_refused(provider: str) -> None:
    form = {"handle": "guess", "account": "ig.officer.rrk|x"}
    answer = requests.post(f"{provider}/RRK/authorize", form, timeout=TIMEOUT, allow_redirects=False)
    assert answer.status_code == 400
    handle = re.search(r'name="handle" value="([^"]+)"', page(provider).text)
    assert handle is not None
    elsewhere = requests.post(
        f"{provider}/RKB/authorize", {"handle": handle[1], "account": "x|x"}, timeout=TIMEOUT, allow_redirects=False
    )
    assert elsewhere.status_code == 400


def test_clients_prove_themselves_in_the_way_they_are_registered(provider: str) -> None:
    rp = {"redirect_uri": "https://rp.test/callback"}

    def code(client_id: str) -> str:
        return picked(provider, "clinician.rrk", client_id=client_id, **rp)["code"]

    def assertion(**changes: Any) -> dict[str, str]:
        now = int(time.time())
        claims = {
            "iss": "with-key",
            "sub": "with-key",
            "aud": f"{provider}/RRK",
            "exp": now + 60,
            "jti": uuid.uuid4().hex,
        }
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": KEY.sign({**claims, **changes})}

    post = {"client_id": "with-post", **rp}
    assert redeemed(provider, code("with-post"), client_secret="hush hush", **post).status_code == 200
    assert redeemed(provider, code("with-post"), client_secret="wrong", **post).status_code == 401
    assert redeemed(provider, code("with-post"), **post).status_code == 401
    basic = {"client_id": "", **rp}
    encoded = ("with%2Dbasic", "hush%3Ahush")
    assert redeemed(provider, code("with-basic"), auth=encoded, **basic).status_code == 200
    assert redeemed(provider, code("with-basic"), auth=("with-basic", "wrong"), **basic).status_code == 401
    keyed = {"client_id": "with-key", **rp}
    good = assertion()
    assert redeemed(provider, code("with-key"), **keyed, **good).status_code == 200
    assert redeemed(provider, code("with-key"), **keyed, **good).status_code == 401
    assert redeemed(provider, code("with-key"), **keyed, **assertion(aud="https://elsewhere.test")).status_code == 401
    assert redeemed(provider, code("with-key"), **keyed, **assertion(sub="with-post")).status_code == 401
    assert redeemed(provider, code("with-key"), **keyed).status_code == 401
    assert redeemed(provider, code("with-key"), **{**keyed, "client_id": "stranger"}).status_code == 401


def test_pages_are_hardened_and_usable(provider: str) -> None:
    answer = page(provider)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("form-action 'self' http://127.0.0.1:8080")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.search(r"<(script|style)|style=", answer.text) is None
    assert len(re.findall(r'<input type="radio"', answer.text)) == len(re.findall(r"<label for=", answer.text))
    assert '<html lang="en-GB">' in answer.text


def test_a_token_without_a_browser_is_for_demonstrations_only(provider: str) -> None:
    path = "/RRK/demo/id-token"
    body = requests.post(provider + path, json={"user": "clinician.rrk"}, timeout=TIMEOUT).json()
    claims = claims_of(provider, "RRK", body["id_token"])
    assert (claims["aud"], claims["sub"]) == ("imaging-governance", "clinician.rrk")
    for wrong in ({"user": "clinician.rkb"}, {"user": "nobody"}, {"user": "clinician.rrk", "role": "1"}, [], None):
        assert requests.post(provider + path, json=wrong, timeout=TIMEOUT).status_code == 400
    with identity_provider() as plain:
        assert requests.post(plain + path, json={"user": "clinician.rrk"}, timeout=TIMEOUT).status_code == 404


# The accounts of the demo region


def test_every_trust_has_a_radiologist_and_a_clinician() -> None:
    known = load_accounts()
    trusts = yaml.safe_load((Path(DEFAULT_FILE).parent / "trusts.yaml").read_text())
    assert {row["ods"]: row["name"] for row in trusts} == {ods: i.name for ods, i in known.issuers.items()}
    for ods in known.issuers:
        users = {account.user for account in known.of_issuer(ods)}
        assert {f"radiologist.{ods.lower()}", f"clinician.{ods.lower()}"} <= users


def test_the_token_service_knows_every_role_of_the_region() -> None:
    found = {
        account.user: {JOB_ROLES[role.job.code.rsplit(":", 1)[-1]] for role in account.roles}
        for account in load_accounts().accounts.values()
    }
    assert found["ig.officer.rrk"] == found["ig.officer.rkb"] == {Role.IG_OFFICER}
    assert found["radiologist.rkb"] == {Role.CONSULTANT_RADIOLOGIST}
    assert found["researcher.rrk"] == {Role.RESEARCHER}


def test_there_is_somebody_for_each_story() -> None:
    accounts = load_accounts().accounts
    assert len({role.ods for role in accounts["two.roles.rrk"].roles}) == 2
    assert accounts["low.assurance.rrk"].authentication_assurance == 1
    assert (accounts["staff.patient.rkb"].patient or "").startswith("999")


@pytest.mark.parametrize(
    "change",
    [
        {"accounts": [{"user": "a", "name": "A", "issuer": "RXX", "roles": []}]},
        {"accounts": [{"user": "a", "name": "A", "issuer": "RRK", "roles": []}] * 2},
        {"accounts": [{"user": "a", "name": "A", "issuer": "RRK", "roles": [], "patient": "9990000000"}]},
        {"issuers": {"rrk": {"name": "x"}}},
        {"issuers": {"RRK": {"name": "x", "algorithm": "none"}}, "accounts": []},
        {"clients": [{"client_id": "x", "authentication": "trust me", "redirect_uris": []}]},
    ],
)
def test_a_file_that_is_not_right_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(DEFAULT_FILE.read_text()), **change}))
    with pytest.raises(ValueError, match=r".+"):
        load_accounts(path)
