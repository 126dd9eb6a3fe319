"""Clients that prove themselves by secret or by certificate: off until a setting says so, and then by registration."""

import base64
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any

import pytest
from werkzeug.test import TestResponse

from governance.bootstrap import build
from governance.clock import FixedClock
from governance.errors import TooManyRequests
from governance.federation import WHOLE_REGION
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import Settings
from governance.tokens.client_secrets import IN_LINE, SecretCheck, hash_secret
from governance.vocabulary import EventKind, Scope
from tests.worlds.basics import NOON
from tests.worlds.callers import REGION, Callers
from tests.worlds.certificates import Certificate
from tests.worlds.tenants import CERTIFICATION, question

SECRET = "correct-horse-battery-staple-0123456789"
HEADER = "X-Client-Certificate"
PROXY = "10.1.2.3"
EVALUATION = "/tenants/certification/access/v1/evaluation"
ASKED = question("alice", "read", "record-1")
Make = Callable[..., "World"]


class World:
    """A service, a client that may ask, and one that administers the federation."""

    def __init__(self, settings: Settings, clock: FixedClock) -> None:
        self.services = build(settings, clock)
        self.runtime = Runtime(self.services)
        self.runtime.start(jobs=False)
        app = create_app(self.services)
        self.callers = Callers(app, self.services)
        self.http = app.test_client()
        scopes = [Scope.ACCESS_EVALUATE, Scope.TENANTS_EVALUATE]
        self.callers.headers("panels", REGION, scopes)
        self.callers.headers("other", REGION, scopes)
        self.office = self.callers.headers(
            "office", REGION, [Scope.FEDERATION_READ, Scope.FEDERATION_WRITE], writes_for=[WHOLE_REGION]
        )

    def register(self, client_id: str = "panels", **credentials: Any) -> TestResponse:
        path = f"/federation/v1/clients/{client_id}/credentials"
        return self.http.post(path, json=credentials, headers=self.office)

    def ask(self, path: str = EVALUATION, peer: str = PROXY, **headers: str) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(path, json=ASKED, headers=sent, environ_base={"REMOTE_ADDR": peer})

    def token(self, peer: str = PROXY, headers: dict[str, str] | None = None, **form: str) -> TestResponse:
        sent = {"grant_type": "client_credentials", "scope": "tenants.evaluate"} | form
        return self.http.post("/oauth/token", data=sent, headers=headers, environ_base={"REMOTE_ADDR": peer})

    def certificate(self, value: str, path: str = EVALUATION, peer: str = PROXY) -> TestResponse:
        return self.http.post(path, json=ASKED, headers={HEADER: value}, environ_base={"REMOTE_ADDR": peer})


@pytest.fixture
def make(settings: Settings, clock: FixedClock) -> Iterator[Make]:
    worlds: list[World] = []

    def made(*, secret: bool = False, header: str | None = None, **limits: Any) -> World:
        changed = settings.replaced(
            **limits,
            tenants=(str(CERTIFICATION),),
            client_secret_basic=secret,
            client_certificate_header=header,
            trusted_proxies=(ip_network("10.1.2.0/24"),) if header else (),
        )
        worlds.append(World(changed, clock))
        return worlds[-1]

    yield made
    for world in worlds:
        world.runtime.stop()


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def test_a_secret_opens_the_decision_endpoints_and_the_token_endpoint(make: Make) -> None:
    world = make(secret=True)
    answer = world.register(secret=SECRET)
    assert answer.get_json() == {"client_id": "panels", "certificates": [], "has_secret": True}
    assert world.ask(Authorization=basic("panels", SECRET)).get_json()["decision"] is True
    # the network's own decision point takes the same credential, and refuses the question for what it asks
    assert world.ask("/access/v1/evaluation", Authorization=basic("panels", SECRET)).status_code == 400
    token = world.token(headers={"Authorization": basic("panels", SECRET)})
    assert token.status_code == 200
    assert world.ask(Authorization=f"Bearer {token.get_json()['access_token']}").status_code == 200


@pytest.mark.parametrize(
    "credential",
    [
        basic("panels", SECRET + "x"),
        basic("panels", ""),
        basic("other", SECRET),
        basic("nobody", SECRET),
        "Basic !!!",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Basic",
    ],
)
def test_a_wrong_secret_is_401_with_every_way_in(make: Make, credential: str) -> None:
    world = make(secret=True)
    world.register(secret=SECRET)
    answer = world.ask(Authorization=credential)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="imaging-governance", Basic realm=')
    token = world.token(headers={"Authorization": credential})
    assert (token.status_code, token.get_json()["error"]) == (401, "invalid_client")
    assert token.headers["WWW-Authenticate"].startswith("Basic" if credential != "Basic" else "Bearer")


def test_nothing_but_tokens_is_taken_by_default(make: Make) -> None:
    world = make()
    certificate = Certificate.made("panels", NOON)
    answer = world.register(secret=SECRET, certificates=[certificate.thumbprint])
    assert {fault["pointer"] for fault in answer.get_json()["errors"]} == {"/secret", "/certificates"}
    for answer in (world.ask(Authorization=basic("panels", SECRET)), world.certificate(certificate.nginx)):
        assert (answer.status_code, answer.get_json()["reason"]) == (401, "credential.missing")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="imaging-governance"'
    assert world.token(headers={"Authorization": basic("panels", SECRET)}).status_code == 401
    metadata = world.http.get("/.well-known/oauth-authorization-server").get_json()
    assert metadata["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]


def test_metadata_names_what_is_on(make: Make) -> None:
    metadata = make(secret=True, header=HEADER).http.get("/.well-known/oauth-authorization-server").get_json()
    for endpoint in ("token", "introspection", "revocation"):
        methods = metadata[f"{endpoint}_endpoint_auth_methods_supported"]
        assert methods == ["private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth"]


def test_a_certificate_opens_the_decision_endpoints_and_the_token_endpoint(make: Make) -> None:
    world, certificate = make(header=HEADER), Certificate.made("panels", NOON)
    assert world.certificate(certificate.nginx).status_code == 401
    assert world.register(certificates=[certificate.thumbprint]).status_code == 200
    assert world.certificate(certificate.nginx).get_json()["decision"] is True
    token = world.token(headers={HEADER: certificate.nginx}, client_id="panels")
    assert token.status_code == 200
    assert world.ask(Authorization=f"Bearer {token.get_json()['access_token']}").status_code == 200
    assert world.token(headers={HEADER: certificate.nginx}, client_id="other").status_code == 401
    assert world.token(headers={HEADER: certificate.nginx}).get_json()["error"] == "invalid_request"


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.3.1", "::1", "", "unknown"])
def test_the_header_is_nothing_unless_a_trusted_proxy_wrote_it(make: Make, peer: str) -> None:
    world, certificate = make(header=HEADER), Certificate.made("panels", NOON)
    world.register(certificates=[certificate.thumbprint])
    answer = world.certificate(certificate.nginx, peer=peer)
    assert (answer.status_code, answer.get_json()["reason"]) == (401, "credential.missing")
    assert world.token(peer, {HEADER: certificate.nginx}, client_id="panels").status_code == 401


def test_a_proxy_may_be_seen_through_an_ipv6_socket(make: Make) -> None:
    world, certificate = make(header=HEADER), Certificate.made("panels", NOON)
    world.register(certificates=[certificate.thumbprint])
    assert world.certificate(certificate.nginx, peer=f"::ffff:{PROXY}").status_code == 200


def test_a_certificate_that_is_not_one_valid_certificate_is_refused(make: Make) -> None:
    world, good = make(header=HEADER), Certificate.made("panels", NOON)
    expired, coming = Certificate.made("panels", NOON, days=-1), Certificate.made("panels", NOON.replace(year=2030))
    world.register(certificates=[good.thumbprint, expired.thumbprint, coming.thumbprint])
    values = [
        expired.nginx,
        coming.nginx,
        good.nginx * 2,
        f"{good.nginx},",
        f",{good.nginx}",
        "nonsense",
        good.nginx[:200],
    ]
    for value in values:
        assert world.certificate(value).status_code == 401, value[:40]
    twice = world.http.post(
        EVALUATION,
        json=ASKED,
        headers=[(HEADER, good.nginx), (HEADER, good.nginx)],
        environ_base={"REMOTE_ADDR": PROXY},
    )
    assert twice.status_code == 401
    assert world.certificate("").get_json()["reason"] == "credential.missing"


def test_envoys_header_is_read_and_two_proxies_are_refused(make: Make) -> None:
    world, certificate = make(header="X-Forwarded-Client-Cert"), Certificate.made("panels", NOON)
    world.register(certificates=[certificate.thumbprint])
    for value, status in (
        (certificate.envoy(), 200),
        (certificate.envoy(""), 200),
        (f"{certificate.envoy()},{certificate.envoy()}", 401),
        (f'{certificate.envoy()};Cert="x"', 401),
        ("By=spiffe://edge;Hash=00", 401),
        (certificate.nginx, 401),
    ):
        assert world.ask(X_Forwarded_Client_Cert=value).status_code == status, value[:60]


def test_a_token_stands_before_a_certificate(make: Make) -> None:
    world, certificate = make(header=HEADER), Certificate.made("panels", NOON)
    world.register(certificates=[certificate.thumbprint])
    answer = world.ask(Authorization="Bearer nonsense", X_Client_Certificate=certificate.nginx)
    assert answer.status_code == 401


def test_one_way_in_one_request(make: Make) -> None:
    world = make(secret=True)
    world.register(secret=SECRET)
    answer = world.token(headers={"Authorization": basic("panels", SECRET)}, client_secret=SECRET)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    other = world.token(headers={"Authorization": basic("panels", SECRET)}, client_id="other")
    assert (other.status_code, other.get_json()["error"]) == (401, "invalid_client")


def test_client_id_and_secret_are_form_encoded_before_they_are_basic(make: Make) -> None:
    world, secret = make(secret=True), "a+b%c/d=e?f&g:h~0123456789012345"
    assert world.register(secret=secret).status_code == 200
    encoded = "a%2Bb%25c%2Fd%3De%3Ff%26g%3Ah~0123456789012345"
    assert world.ask(Authorization=basic("panels", encoded)).status_code == 200


def test_who_sends_wrong_secrets_takes_nothing_from_who_proved_a_right_one(make: Make) -> None:
    world = make(secret=True, limit_failures=4, workers=1)
    world.register(secret=SECRET)
    world.register("other", secret=SECRET)
    right = {"Authorization": basic("panels", SECRET)}
    assert world.ask(**right).status_code == 200
    answers = [world.ask(Authorization=basic(f"made-up-{number}", SECRET)) for number in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 3
    assert answers[-1].get_json()["reason"] == "rate.secrets"
    assert world.ask(**right).status_code == 200
    assert world.token(headers=right).status_code == 200
    first_time = {"Authorization": basic("other", SECRET)}
    assert world.token(headers=first_time).get_json()["error"] == "temporarily_unavailable"
    assert world.ask(peer="10.1.2.4", **first_time).status_code == 200, "from elsewhere it is looked at"


def test_all_addresses_together_have_so_many_secrets_looked_at(make: Make) -> None:
    world = make(secret=True, limit_failures=1, workers=1)
    world.register(secret=SECRET)
    asked = [world.ask(peer=f"192.0.2.{number}", Authorization=basic(f"n{number}", SECRET)) for number in range(1, 7)]
    assert [answer.status_code for answer in asked] == [401] * 4 + [429] * 2
    assert world.ask(Authorization=f"Bearer {world.callers.token('panels')}").status_code == 200


def test_a_secret_that_was_replaced_is_looked_at_anew(make: Make) -> None:
    world = make(secret=True)
    world.register(secret=SECRET)
    assert world.ask(Authorization=basic("panels", SECRET)).status_code == 200
    world.register(secret=SECRET[::-1])
    assert world.ask(Authorization=basic("panels", SECRET)).status_code == 401
    assert world.ask(Authorization=basic("panels", SECRET[::-1])).status_code == 200


def test_few_wait_while_a_secret_is_looked_at() -> None:
    check, kept = SecretCheck(), hash_secret(SECRET)
    assert check.holds("panels", SECRET, kept, int)
    slow = kept.replace("$16384$", f"${2**17}$")  # a third of a second
    together = threading.Barrier(3 * IN_LINE)
    with ThreadPoolExecutor(3 * IN_LINE) as pool:
        asked = [pool.submit(check.holds, "nobody", SECRET, slow, together.wait) for _ in range(3 * IN_LINE)]
        assert check.holds("panels", SECRET, kept, int), "who proved right waits for nobody"
        refused = [one for one in asked if isinstance(one.exception(), TooManyRequests)]
    assert IN_LINE <= len(refused) <= 2 * IN_LINE
    assert not any(one.result() for one in asked if one not in refused)


def test_registering_replaces_and_is_recorded_without_the_secret(make: Make) -> None:
    world, certificate = make(secret=True, header=HEADER), Certificate.made("panels", NOON)
    world.register(secret=SECRET, certificates=[certificate.thumbprint])
    shown = world.http.get("/federation/v1/clients/panels/credentials", headers=world.office).get_json()
    assert shown == {"client_id": "panels", "certificates": [certificate.thumbprint], "has_secret": True}
    recorded = [event for event in world.services.infrastructure.audit.read(0, 1_000) if event.kind is EventKind.CONFIG]
    assert recorded[-1].detail == {
        "registered": "client_credentials",
        "client_id": "panels",
        "certificates": [certificate.thumbprint],
        "secret": True,
    }
    assert SECRET not in world.services.infrastructure.audit.entry_bytes(recorded[-1].index).decode()
    assert recorded[-1].subject is not None
    assert recorded[-1].subject.id == "office"
    world.register()
    assert world.certificate(certificate.nginx).status_code == 401
    assert world.ask(Authorization=basic("panels", SECRET)).status_code == 401


def test_the_secret_is_kept_as_a_salted_hash(make: Make) -> None:
    world = make(secret=True)
    kept = []
    for client_id in ("panels", "other"):
        world.register(client_id, secret=SECRET)
        with world.services.infrastructure.database.reading() as session:
            kept.append(world.services.registers.federation.credentials(session, client_id).secret_hash or "")
    assert all(one.startswith("scrypt$16384$8$1$") and SECRET not in one for one in kept)
    assert kept[0] != kept[1]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"secret": "short"}, "/secret"),
        ({"secret": "a" * 40}, "/secret"),
        ({"secret": "with a space in it 0123456789abcdefghij"}, "/secret"),
        ({"certificates": ["00:11"]}, "/certificates/0"),
        ({"certificates": ["A" * 42 + "B"]}, "/certificates/0"),
        ({"certificates": ["A" * 43, "A" * 43]}, "/certificates"),
        ({"certificate": []}, "/certificate"),
    ],
)
def test_what_cannot_be_registered_is_named(make: Make, body: dict[str, Any], pointer: str) -> None:
    answer = make(secret=True, header=HEADER).register(**body)
    assert answer.status_code == 400
    assert pointer in {fault["pointer"] for fault in answer.get_json()["errors"]}
    assert not any(str(value) in answer.get_data(as_text=True) for value in body.values() if isinstance(value, str))


def test_a_certificate_is_one_services_only_and_nobody_unknown_has_any(make: Make) -> None:
    world, certificate = make(header=HEADER), Certificate.made("panels", NOON)
    assert world.register(certificates=[certificate.thumbprint]).status_code == 200
    taken = world.register("other", certificates=[certificate.thumbprint])
    assert (taken.status_code, taken.get_json()["reason"]) == (409, "client.certificate_taken")
    assert world.register("nobody", certificates=[]).status_code == 404
    path = "/federation/v1/clients/nobody/credentials"
    assert world.http.get(path, headers=world.office).status_code == 404


def test_registering_needs_the_federations_own_scope(make: Make) -> None:
    world = make(secret=True)
    headers = {"Authorization": f"Bearer {world.callers.token('panels')}"}
    path = "/federation/v1/clients/panels/credentials"
    assert world.http.post(path, json={"secret": SECRET}, headers=headers).status_code == 403
    assert world.http.get(path, headers=headers).status_code == 403
