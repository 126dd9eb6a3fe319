"""An agreement is suspended: how long until each endpoint denies, counted from the answer to the suspension.

Everything runs on this machine: the service behind TLS, an identity provider, and a trust's own OPA with the
configuration of the integrators' guide. Each endpoint is asked again and again; ``theirs`` is the bar, a second.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from benchmarks._line import line
from governance.clock import SystemClock
from governance.decisions import AccessRequest, PolicyInformationPoint, RequestSubject
from governance.simulation import network, showcase
from governance.simulation.programs import free_port
from governance.vocabulary import Action, Purpose, SubjectType
from tests.peers.identity_provider import identity_provider
from tests.peers.opa import find_opa
from tests.worlds.edges import EdgeOpa, Line, certificate, configuration, register_edge
from tests.worlds.region import DIRECT_CARE, OWNER, RegionWorld, seed_home
from tests.worlds.tokens import KeyPair

RUNS = 20
BAR = 1000.0  # milliseconds
PATIENCE = 30.0  # seconds
ROLE, ODS = "consultant_radiologist", "RKB"
EDGE = "edge-rrk"


def run() -> None:
    """Measure and print the milliseconds of each endpoint, median and longest."""
    with tempfile.TemporaryDirectory() as name, identity_provider("--demo") as identity:
        folder = Path(name)
        home = seed_home(folder / "home", f"https://127.0.0.1:{free_port()}", identity)
        world = RegionWorld(home, SystemClock())
        world.feed_showcase()
        tls, key = certificate(folder), KeyPair.ec("edge-1")
        register_edge(world.services, EDGE, OWNER, key)
        road = Line(world.app.wsgi_app, int(home.service.rsplit(":", 1)[1]), tls)
        road.up()
        config = configuration(world.services, EDGE, key, tls[0], folder / "state", None)
        edge = EdgeOpa(find_opa(), folder / "opa", free_port(), config)
        try:
            measured = [_once(_Endpoints(world, edge, tls[0])) for _ in range(RUNS)]
        finally:
            edge.stop()
            world.services.uses.bundles.stop()
            road.down()
            world.close()
    for endpoint in measured[0]:
        found = [one[endpoint] for one in measured]
        line(f"suspension {endpoint}_ms", statistics.median(found), BAR, f"longest {max(found):.0f} ms of {RUNS} runs")


class _Endpoints:
    """Where a denial must show: each method says whether the endpoint still opens."""

    def __init__(self, world: RegionWorld, edge: EdgeOpa, ca: Path) -> None:
        self.world, self.edge, self.service = world, edge, world.home.service
        form = {"grant_type": "client_credentials", **world.parties.proof(network.EXPLORER, world.now)}
        self._here = threading.local()
        self._ca = str(ca)
        answer = self.http.post(f"{self.service}/oauth/token", data=form, timeout=10)
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self.token = ""
        self._policy_input = self._gathered()

    @property
    def http(self) -> requests.Session:
        """Give the calling thread's connection."""
        if not hasattr(self._here, "http"):
            self._here.http = requests.Session()
            self._here.http.trust_env = False
            self._here.http.verify = self._ca
        return self._here.http  # type: ignore[no-any-return]

    def evaluation(self) -> bool:
        person = {
            "type": "practitioner",
            "id": showcase.REPORTER,
            "properties": {"role": ROLE, "ods": ODS, "assurance": 3},
        }
        body = {
            "subject": person,
            "action": {"name": "read"},
            "resource": {"type": "study", "id": showcase.SHARED_STUDY},
            "context": {"purpose": "TREAT"},
        }
        url = f"{self.service}/access/v1/evaluation"
        return bool(self.http.post(url, json=body, headers=self.headers, timeout=10).json()["decision"])

    def nginx_check(self) -> bool:
        headers = {
            "X-Enforcement-Point": network.archive_id(OWNER),
            "X-Enforcement-Key": self.world.parties.enforcement_key(OWNER),
            "X-Original-Method": "GET",
            "X-Original-URI": f"/dicom-web/studies/{showcase.SHARED_STUDY}",
            "Authorization": f"Bearer {self.token}",
        }
        return self.http.get(f"{self.service}/enforce/nginx", headers=headers, timeout=10).ok

    def introspection(self) -> bool:
        proof = self.world.parties.proof(network.archive_id(OWNER), self.world.now)
        form = {"token": self.token, **proof}
        return bool(self.http.post(f"{self.service}/oauth/introspect", data=form, timeout=10).json()["active"])

    def opa_edge(self) -> bool:
        answer = self.edge.answer(self._policy_input)
        return answer is not None and answer["permit"] is True

    def token_opens(self) -> bool:
        """Get a token; one of the very second of a suspension is as dead as those before it."""
        self.token = self.world.token(showcase.REPORTER, showcase.SHARED_STUDY)
        return self.nginx_check()

    def move(self, verb: str) -> None:
        """Suspend or activate the agreement."""
        url = f"{self.service}/agreements/v1/agreements/{DIRECT_CARE}/{verb}"
        body = {"version": 1, "reason": "under review"}
        self.http.post(url, json=body, headers=self.headers, timeout=30).raise_for_status()

    def all(self) -> dict[str, Callable[[], bool]]:
        """Give the endpoints by name."""
        return {
            "evaluation": self.evaluation,
            "nginx_check": self.nginx_check,
            "introspection": self.introspection,
            "opa_edge": self.opa_edge,
        }

    def _gathered(self) -> Any:
        services = self.world.services
        information = PolicyInformationPoint(
            federation=services.registers.federation,
            catalogue=services.registers.catalogue,
            relationships=services.registers.relationships,
            pseudonymiser=services.infrastructure.pseudonymiser,
            reads_today=lambda *_: 0,
        )
        subject = RequestSubject(showcase.REPORTER, SubjectType.PRACTITIONER, ROLE, ODS, 3)
        request = AccessRequest(subject, Action.READ, Purpose.TREAT, showcase.SHARED_STUDY)
        with services.infrastructure.database.reading() as session:
            return dict(information.gather(request, session, services.infrastructure.clock.now()))


def _once(endpoints: _Endpoints) -> dict[str, float]:
    """Open every endpoint, suspend, and give the milliseconds until each was first found closed."""
    _until(endpoints.token_opens, wanted=True)
    for opens in endpoints.all().values():
        _until(opens, wanted=True)
    _until(lambda: bool(endpoints.world.services.uses.bundles.waiting), wanted=True)
    with ThreadPoolExecutor(len(endpoints.all())) as beside:
        closing = {name: beside.submit(_until, opens, wanted=False) for name, opens in endpoints.all().items()}
        endpoints.move("suspend")
        answered = time.monotonic()
        closed = {name: found.result() for name, found in closing.items()}
    endpoints.move("activate")
    return {name: max(0.0, at - answered) * 1000 for name, at in closed.items()}


def _until(opens: Callable[[], bool], *, wanted: bool) -> float:
    """Ask an endpoint until it says what is wanted; gives the moment."""
    deadline = time.monotonic() + PATIENCE
    while opens() is not wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(opens)
    return time.monotonic()
