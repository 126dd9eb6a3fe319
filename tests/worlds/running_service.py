"""The service as a process of its own, and the region's parties, who speak to it over the wire."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin

import pytest
import requests

from governance.commands._demo_home import DemoHome
from governance.simulation.archive.orthanc import Orthanc
from governance.simulation.client import Surface
from governance.simulation.identity_provider import load_accounts
from governance.simulation.programs import Program
from tests.worlds.region import Parties, environment_of

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
