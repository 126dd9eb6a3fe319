"""Everything as it runs in life: each part a process of its own, on free ports, spoken to over the wire.

``running_service`` and ``archive`` last for the whole session and are for any end-to-end test: one that changes what
others rest on (an agreement, say) changes it back.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin

import pytest
import requests

from governance.commands._demo_home import DemoHome
from governance.commands._demo_seed import seed_showcase
from governance.commands.simulate import SCOPES
from governance.simulation import network
from governance.simulation.archive import OWNER, Archive, holdings, running_archive, send_feeds
from governance.simulation.archive.orthanc import Orthanc
from governance.simulation.client import Surface
from governance.simulation.identity_provider import load_accounts
from governance.simulation.programs import Program, free_port
from tests.peers.identity_provider import identity_provider
from tests.worlds.region import Parties, environment_of, seed_home

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds within which what must happen has happened, on a busy machine too
TIMEOUT = 30  # seconds one request may take
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class RunningService:
    """The service as a process, and the region's parties, who speak to it over HTTP."""

    home: DemoHome
    program: Program
    orthanc: Orthanc  # that of RRK's archive, whose lists it gives; it runs when ``archive`` does

    @property
    def url(self) -> str:
        """Give its base URL."""
        return self.home.service

    @property
    def parties(self) -> Parties:
        """Give the region's services and people."""
        return Parties(self.home)

    def surface(self, client_id: str) -> Surface:
        """Speak as one of the region's services, with everything it may do."""
        return Surface(self.url, self.parties.credentials(client_id), ())

    def exchange(self, user: str, study: str, **details: Any) -> requests.Response:
        """Exchange somebody's identity token for access to a study at RRK's archive, as the viewer of RKB."""
        form = self.parties.exchange_form(user, study, int(time.time()), **details)
        return requests.post(f"{self.url}/oauth/token", data=form, timeout=TIMEOUT)

    def token(self, user: str, study: str, **details: Any) -> str:
        """Get the access token of an exchange."""
        answer = self.exchange(user, study, **details)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the service's command line with its settings."""
        return subprocess.run(
            [sys.executable, "app.py", *arguments],
            cwd=ROOT,
            env=environment_of(self.home),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def sign_in(self, user: str) -> requests.Session:
        """Sign in to the console as somebody of the identity provider's list, as a browser would."""
        ods = load_accounts().accounts[user].issuer
        browser = requests.Session()
        picker = browser.get(f"{self.url}/console/sign-in/{ods}", timeout=TIMEOUT)
        handle = re.search(r'name="handle" value="([^"]+)"', picker.text)
        choice = re.search(rf'value="({re.escape(user)}\|[^"]+)"', picker.text)
        assert handle is not None
        assert choice is not None
        picked = {"handle": handle[1], "account": choice[1]}
        home = browser.post(urljoin(picker.url, f"/{ods}/authorize"), data=picked, timeout=TIMEOUT)
        assert home.url == f"{self.url}/console/", home.url
        return browser


def eventually(look: Callable[[], Found | None], what: str) -> Found:
    """Look again and again until something is found, and give it; fails when it is not found in time."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {PATIENCE:.0f} s")


@pytest.fixture(scope="session")
def running_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run the demo region's service (``python app.py serve``) and its identity provider."""
    folder = tmp_path_factory.mktemp("service") / "home"
    with identity_provider("--demo") as identity:
        home = seed_home(folder, f"http://127.0.0.1:{free_port()}", identity)
        command = [sys.executable, "app.py", "serve"]
        log = folder / "service.log"
        orthanc = Orthanc(tmp_path_factory.mktemp("archive"), free_port())
        user, password = orthanc.credential
        lists = f"{network.archive_id(OWNER)}=http://{user}:{password}@{orthanc.address}/dicom-web"
        environment = environment_of(home) | {"GOVERNANCE_DICOMWEB_ARCHIVES": lists}
        with Program("The service", command, log=log, environ=environment, folder=ROOT) as program:
            program.await_answer(f"{home.service}/readyz")
            made = RunningService(home, program, orthanc)
            feeds = Surface(home.service, made.parties.credentials(network.FEEDS), SCOPES)
            seed_showcase(feeds, load_accounts(), datetime.now(UTC).date())
            yield made
        assert "Traceback" not in log.read_text(), log.read_text()[-4000:]


@pytest.fixture(scope="session")
def archive(running_service: RunningService) -> Iterator[Archive]:
    """Run RRK's archive: Orthanc with real files, behind nginx that asks the service."""
    held = holdings(load_accounts())
    send_feeds(running_service.surface(network.FEEDS), held, datetime.now(UTC).date())
    with running_archive(
        running_service.orthanc.folder,
        [each.file for each in held],
        service=running_service.url,
        client_id=network.archive_id(OWNER),
        enforcement_key=running_service.parties.enforcement_key(OWNER),
        port=free_port(),
        orthanc=running_service.orthanc,
    ) as running:
        yield running
