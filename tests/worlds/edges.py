"""An edge: the service behind TLS in this process, and a real OPA that runs the configuration of the guide."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from governance.bootstrap import Services
from governance.decisions import AccessRequest, PolicyInformationPoint, RequestSubject
from governance.edges.bundle import MEDIA_TYPE
from governance.federation import ServiceClient
from governance.simulation.programs import Program
from governance.tokens.bundle_key import BundleKey, published_bundle_keys
from governance.vocabulary import Action, Purpose, Scope, SubjectType
from tests.worlds.agreements import OFFICE
from tests.worlds.region import DIRECT_CARE, RegionWorld
from tests.worlds.tokens import KeyPair

PATIENCE = 60.0  # seconds within which what must happen has happened, on a busy machine too
ROOT = Path(__file__).resolve().parents[2]
ANSWER = "v1/data/imaging/decision/answer"
EDGE_SCOPES = frozenset({Scope.AUDIT_WRITE.value, Scope.BUNDLES_READ.value})
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name is werkzeug's
        pass


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of the loopback address and its key."""
    made, key = folder / "tls.crt", folder / "tls.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", key, "-out", made, "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return made, key


@dataclass
class Line:
    """The line from edges to the service.

    It can be cut, lose the answers to log uploads, answer 503 for paths of ``closed``, also to a request that came
    before, and give other bodies than the service does, by path in ``swapped``. ``polls`` are the bundles' paths that
    the service is asked for at this moment.
    """

    app: Wsgi
    port: int
    tls: tuple[Path, Path]
    answers_to_lose: int = 0
    uploads: int = 0
    closed: set[str] = field(default_factory=set)
    swapped: dict[str, bytes] = field(default_factory=dict)
    polls: list[str] = field(default_factory=list)
    _server: BaseWSGIServer | None = field(default=None, init=False)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Pass a request on, and perhaps not its answer."""
        path = environ["PATH_INFO"]
        if path in self.swapped:
            start("200 OK", [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(self.swapped[path])))])
            return [self.swapped[path]]
        if path.startswith("/opa/v1/bundles/"):
            return self._bundle(path, environ, start)
        if path in self.closed:
            return _unavailable(start)
        if path != "/opa/v1/logs":
            return self.app(environ, start)
        self.uploads += 1
        if not self.answers_to_lose:
            return self.app(environ, start)
        self.answers_to_lose -= 1
        lost: list[str] = []
        b"".join(self.app(environ, lambda status, *_: lost.append(status)))
        assert lost == ["200 OK"]
        start("502 Bad Gateway", [("Content-Length", "0")])
        return []

    def _bundle(self, path: str, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        told: list[tuple[Any, ...]] = []
        self.polls.append(path)
        try:
            body = [] if path in self.closed else list(self.app(environ, lambda *head: told.append(head)))
        finally:
            self.polls.remove(path)
        if path in self.closed:
            return _unavailable(start)
        start(*told[0][:2])
        return body

    def up(self) -> None:
        """Answer from now on."""
        tls = tuple(map(str, self.tls))
        server = make_server("127.0.0.1", self.port, self, threaded=True, request_handler=_Silent, ssl_context=tls)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._server = server

    def down(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _unavailable(start: Callable[..., Any]) -> Iterable[bytes]:
    start("503 Service Unavailable", [("Content-Length", "0")])
    return []


def eventually(look: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Look until there is something, and give it; fail when there is nothing for too long."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    pytest.fail(f"{what} did not happen")


def policy_input(world: RegionWorld, user: str, study: str, purpose: Purpose = Purpose.TREAT, **details: Any) -> Any:
    """Gather what the policy is asked, as this service does, and name the study as the guide says."""
    services = world.services
    information = PolicyInformationPoint(
        federation=services.registers.federation,
        catalogue=services.registers.catalogue,
        relationships=services.registers.relationships,
        pseudonymiser=services.infrastructure.pseudonymiser,
        reads_today=lambda *_: 0,
    )
    role = details.pop("role", "consultant_radiologist")
    subject = RequestSubject(user, SubjectType.PRACTITIONER, role, "RKB", 3)
    request = AccessRequest(subject, Action.READ, purpose, study, **details)
    with services.infrastructure.database.reading() as session:
        gathered = dict(information.gather(request, session, services.infrastructure.clock.now()))
    return gathered | {"resource": {**gathered["resource"], "study_uid": study}}


def agreement(world: RegionWorld, *, active: bool) -> None:
    """Suspend the agreement of direct care, or put it into force again."""
    agreements = world.services.registers.agreements
    if active:
        agreements.activate(DIRECT_CARE, 1, OFFICE, "the review found nothing")
    else:
        agreements.suspend(DIRECT_CARE, 1, OFFICE, "under review")


def register_edge(services: Services, client_id: str, ods: str, key: KeyPair) -> None:
    """Register an OPA as a client."""
    client = ServiceClient(client_id, ods, client_id, SubjectType.SERVICE, {"keys": [key.public]}, EDGE_SCOPES)
    with services.infrastructure.database.transaction() as session:
        services.registers.federation.register_client(session, client)


def configuration(
    services: Services, client_id: str, key: KeyPair, ca_file: Path, state: Path, bundle_keys: list[BundleKey] | None
) -> str:
    """Fill in the configuration of the guide; other bundle keys may stand in for those of the service."""
    guide = (ROOT / "docs" / "integrators.md").read_text()
    (shown,) = [block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "long_polling" in block]
    settings = services.infrastructure.settings
    now, later = bundle_keys or published_bundle_keys(
        settings.key_encryption_key.get_secret_value(), settings.bundle_key_generation
    )
    filled = {
        "service": settings.issuer,
        "client_id": client_id,
        "ca_file": str(ca_file),
        "state_folder": str(state),
        "private_key": _line(key.key.as_pem(private=True).decode()),
        "bundle_key_id": now.kid,
        "bundle_key": _line(now.public_pem),
        "next_bundle_key_id": later.kid,
        "next_bundle_key": _line(later.public_pem),
    }
    assert set(re.findall(r"\{\{(\w+)\}\}", shown)) == filled.keys()
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], shown)


def _line(pem: str) -> str:
    """Give a PEM text as the inside of a quoted YAML string."""
    return json.dumps(pem)[1:-1]


class EdgeOpa:
    """A real OPA at a trust's edge."""

    def __init__(self, program: str, folder: Path, port: int, config: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "edge.yaml"
        file.write_text(config)
        self.url = f"http://127.0.0.1:{port}"
        command = [program, "run", "--server", "--addr", f"127.0.0.1:{port}", "--config-file", str(file)]
        self.program = Program("OPA", [*command, "--skip-version-check"], log=folder / "opa.log", folder=folder)
        self.program.await_answer(f"{self.url}/health")

    def answer(self, policy_input: Any) -> Any:
        """Ask it; None when it knows no answer."""
        return self.ask(policy_input).get("result")

    def ask(self, policy_input: Any) -> dict[str, Any]:
        """Ask it and give the whole answer, with the decision's id."""
        answer = requests.post(f"{self.url}/{ANSWER}", json={"input": policy_input}, timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def active(self) -> bool:
        """Say whether every bundle is active."""
        return requests.get(f"{self.url}/health?bundles", timeout=10).ok

    def stop(self) -> None:
        """Stop it; it sends what it has still to send."""
        self.program.stop()
