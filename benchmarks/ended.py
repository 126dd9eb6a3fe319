"""A client or a person is suspended: how long until each of two server processes refuses what they hold.

Two servers run on one database, and this process, which serves nobody, ends: counted from its commit to the refusal of
a token (an evaluation), of a session (a page of the console) and of a long poll of bundles. ``theirs`` is the bar.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import requests
from flask import Response

from benchmarks._line import line
from governance.clock import SystemClock
from governance.federation import Registered, ServiceClient
from governance.registers import OPERATOR, Ending, Target
from governance.simulation import network, showcase
from governance.simulation.programs import Program, free_port
from governance.vocabulary import Scope, SubjectType
from governance.web.sessions import BrowserSession, SignedInPerson
from tests.peers.identity_provider import identity_provider
from tests.worlds.region import RegionWorld, environment_of, seed_home

RUNS = 50
BAR = 1000.0  # milliseconds, of the slowest but one in a hundred
PATIENCE = 30.0  # seconds
ROOT = Path(__file__).resolve().parents[1]


def run() -> None:
    """Measure and print the milliseconds of each server and each thing held: median and 99th percentile."""
    with tempfile.TemporaryDirectory() as name, identity_provider("--demo") as identity, ExitStack() as running:
        folder = Path(name)
        home = seed_home(folder / "home", f"http://127.0.0.1:{free_port()}", identity)
        servers = [home.service, f"http://127.0.0.1:{free_port()}"]
        for server in servers:
            environ = environment_of(home) | {"GOVERNANCE_PORT": server.rsplit(":", 1)[1]}
            command = [sys.executable, "app.py", "serve"]
            log = folder / f"service-{len(environ)}-{server[-5:]}.log"
            program = running.enter_context(Program("The service", command, log=log, environ=environ, folder=ROOT))
            program.await_answer(f"{server}/readyz")
        world = RegionWorld(home, SystemClock())
        world.feed_showcase()
        measured = [_once(_Held(world), servers) for _ in range(RUNS)]
        world.close()
    for held in measured[0]:
        found = sorted(one[held] for one in measured)
        slow = found[min(len(found) - 1, round(len(found) * 0.99))]
        line(f"ended {held}_p99_ms", slow, BAR, f"median {found[len(found) // 2]:.0f} ms of {RUNS} runs")


class _Held:
    """What a client and a person hold, fresh: each method says whether a server still honours it."""

    def __init__(self, world: RegionWorld) -> None:
        self.world = world
        with world.services.infrastructure.database.reading() as session:
            client = world.services.registers.federation.filed_client(session, network.EXPLORER)
            self.person = world.services.registers.federation.persons(session)[0]
        assert client is not None
        scopes = client.scopes | {Scope.BUNDLES_READ.value}
        edge = ServiceClient(client.client_id, client.ods, client.name, SubjectType.SERVICE, client.jwks, scopes)
        world.services.uses.registrations.client(OPERATOR, edge)
        form = {"grant_type": "client_credentials", **world.parties.proof(network.EXPLORER, world.now)}
        answer = world.post_form("/oauth/token", form).get_json()
        self.bearer = {"Authorization": f"Bearer {answer['access_token']}"}
        self.cookie = self._sign_in()
        self.etags: dict[str, str] = {}

    def token(self, server: str) -> bool:
        url = f"{server}/access/v1/evaluation"
        return requests.post(url, json=showcase.question(), headers=self.bearer, timeout=10).status_code == 200

    def session(self, server: str) -> bool:
        answer = requests.get(f"{server}/console/", headers=self.cookie, timeout=10, allow_redirects=False)
        return answer.status_code == 200

    def poll(self, server: str) -> bool:
        headers = self.bearer | {"Prefer": "modes=snapshot;wait=30", "If-None-Match": self.etags.get(server, "")}
        answer = requests.get(f"{server}/opa/v1/bundles/imaging.tar.gz", headers=headers, timeout=60)
        self.etags[server] = answer.headers.get("ETag", "")
        return answer.status_code in {200, 304}

    def end(self, ending: Ending) -> None:
        act = self.world.services.uses.endings.act
        act(OPERATOR, Target(Registered.CLIENT, network.EXPLORER), ending)
        act(OPERATOR, Target(Registered.PERSON, self.person.issuer, self.person.subject), ending)

    def _sign_in(self) -> dict[str, str]:
        began, answer, app, one = BrowserSession(None, None), Response(), self.world.app, self.person
        began.sign_in(SignedInPerson(one.issuer, one.subject, one.ods, "A Name", one.roles, self.world.clock.now()))
        with app.test_request_context("/console/"):
            app.session_interface.save_session(app, began, answer)
        return {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}


def _once(held: _Held, servers: list[str]) -> dict[str, float]:
    """End both once, resume them, and give how long each refusal took, in milliseconds."""
    looks: dict[str, Callable[[], bool]] = {}
    for number, server in enumerate(servers, 1):
        for name in ("token", "session", "poll"):
            look = getattr(held, name)
            assert look(server), f"the {name} is not honoured before"
            looks[f"{name}_server{number}"] = partial(look, server)
    with ThreadPoolExecutor(len(looks)) as pool:
        waits = {name: pool.submit(_refused, look) for name, look in looks.items()}
        held.end(Ending.SUSPEND)
        at = time.monotonic()
        seen = {name: max(0.0, (wait.result() - at) * 1000) for name, wait in waits.items()}
    held.end(Ending.RESUME)
    time.sleep(1.1)  # what is issued in the second of the end is as dead as what was before
    return seen


def _refused(look: Callable[[], bool]) -> float:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not look():
            return time.monotonic()
    raise TimeoutError("what was ended is still honoured")
