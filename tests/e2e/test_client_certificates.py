"""Clients with TLS certificates at a real nginx, configured with the guide's file, before the service as a process."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from governance.simulation import network
from governance.simulation.archive import needs
from governance.simulation.client import Surface
from governance.simulation.programs import Program, free_port
from governance.vocabulary import Scope
from tests.worlds.callers import REGION
from tests.worlds.certificates import Certificate
from tests.worlds.region import Parties, environment_of, seed_home
from tests.worlds.running_service import ROOT, TIMEOUT
from tests.worlds.tenants import CERTIFICATION, question
from tests.worlds.tokens import KeyPair

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("e2e-certificates")]
EVALUATION = "/tenants/certification/access/v1/evaluation"
PROXY = "127.0.0.2"  # what the gateway speaks from; everybody else is 127.0.0.1
HEADER = "X-Client-Certificate"


@dataclass(frozen=True, slots=True)
class Gateway:
    """The service, the gateway before it, and a client's certificate."""

    service: str
    url: str
    authority: str
    registered: Certificate
    files: tuple[str, str]
    stranger: tuple[str, str]

    def ask(self, certificate: tuple[str, str] | None, headers: dict[str, str] | None = None) -> requests.Response:
        """Ask the tenant through the gateway."""
        return requests.post(
            self.url + EVALUATION,
            json=question("alice", "read", "record-1"),
            headers=headers,
            cert=certificate,
            verify=self.authority,
            timeout=TIMEOUT,
        )


def configuration(folder: Path, port: int, health: int, service: str, files: tuple[str, str]) -> Path:
    """Write nginx's whole configuration around the guide's server block."""
    block = (ROOT / "docs" / "examples" / "nginx-client-certificates.conf").read_text()
    values = {
        "public_host": f"127.0.0.1:{port}",
        "certificate": files[0],
        "key": files[1],
        "service": service.removeprefix("http://"),
        "proxy_address": PROXY,
    }
    for name, value in values.items():
        block = block.replace(f"{{{{{name}}}}}", value)
    assert "{{" not in block
    paths = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx.log;\nevents {{}}\n"
        f"http {{\n    access_log off;\n{paths}{block}\n"
        f"    server {{ listen 127.0.0.1:{health}; return 204; }}\n}}\n"
    )
    return path


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("certificates")
    home = seed_home(folder / "home", f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:9")
    now = datetime.now(UTC)
    registered, stranger, server = (Certificate.made(name, now) for name in ("panels", "stranger", "localhost"))
    files = server.write(folder, "server")
    settings = {
        "GOVERNANCE_TENANTS": str(CERTIFICATION),
        "GOVERNANCE_CLIENT_CERTIFICATE_HEADER": HEADER,
        "GOVERNANCE_TRUSTED_PROXIES": PROXY,
    }
    port, health = free_port(), free_port()
    command = [sys.executable, "app.py", "serve"]
    log = folder / "service.log"
    with Program("The service", command, log=log, environ=environment_of(home) | settings, folder=ROOT) as service:
        service.await_answer(f"{home.service}/readyz")
        office = Surface(home.service, Parties(home).credentials(network.EXPLORER), (Scope.FEDERATION_WRITE.value,))
        office.post(
            "/federation/v1/clients",
            {
                "client_id": "panels",
                "ods": REGION,
                "name": "Panels",
                "kind": "service",
                "jwks": {"keys": [KeyPair.ec("panels-1").public]},
                "scopes": [Scope.TENANTS_EVALUATE.value],
            },
        )
        office.post("/federation/v1/clients/panels/credentials", {"certificates": [registered.thumbprint]})
        nginx = needs.nginx()
        assert nginx is not None, "nginx is not installed"
        conf = configuration(folder, port, health, home.service, files)
        with Program("nginx", [nginx, "-e", folder / "nginx.log", "-c", conf], log=folder / "nginx.log") as running:
            made = Gateway(
                home.service,
                f"https://localhost:{port}",
                files[0],
                registered,
                registered.write(folder, "panels"),
                stranger.write(folder, "stranger"),
            )
            running.await_answer(f"http://127.0.0.1:{health}/")
            yield made
    assert "Traceback" not in log.read_text(), log.read_text()[-4000:]


def test_a_registered_certificate_opens_the_decision_endpoint(gateway: Gateway) -> None:
    answer = gateway.ask(gateway.files)
    assert (answer.status_code, answer.json()["decision"]) == (200, True)


def test_a_registered_certificate_gets_a_token(gateway: Gateway) -> None:
    form = {"grant_type": "client_credentials", "client_id": "panels"}
    got = requests.post(
        f"{gateway.url}/oauth/token", data=form, cert=gateway.files, verify=gateway.authority, timeout=TIMEOUT
    )
    assert got.status_code == 200, got.text
    answer = gateway.ask(None, {"Authorization": f"Bearer {got.json()['access_token']}"})
    assert answer.status_code == 200


def test_no_certificate_and_a_strangers_are_401(gateway: Gateway) -> None:
    for certificate in (None, gateway.stranger):
        answer = gateway.ask(certificate)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_header_of_a_client_is_nothing_at_the_gateway_or_beside_it(gateway: Gateway) -> None:
    stolen = gateway.registered.nginx
    for name in (HEADER, HEADER.replace("-", "_"), "X-Client_Certificate"):
        assert gateway.ask(None, {name: stolen}).status_code == 401, name
        beside = requests.post(
            gateway.service + EVALUATION,
            json=question("alice", "read", "record-1"),
            headers={name: stolen},
            timeout=TIMEOUT,
        )
        assert (beside.status_code, beside.json()["reason"]) == (401, "credential.missing"), name
