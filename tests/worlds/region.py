"""The demo region with nothing left out: its network, its agreements, its people at a real identity provider.

``seed_home`` fills a home folder as the demo does, for a service that runs in this process or beside it. ``Parties``
are the region's services and people as they appear outside: keys, assertions, identity tokens, what they would send.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from governance.agreements.rehearsal import Signatory, rehearse
from governance.audit import Query, RecordedEvent
from governance.bootstrap import Services, build
from governance.clock import FixedClock
from governance.commands._demo_home import DemoHome
from governance.commands._demo_seed import seed_agreements, seed_network
from governance.decisions import Engine
from governance.jobs import Runtime
from governance.server import create_app
from governance.settings import from_environment
from governance.simulation import network, showcase
from governance.simulation.client import ASSERTION_TYPE
from governance.simulation.credentials import Credentials
from governance.simulation.identity_provider import load_accounts
from governance.web.enforcement_keys import enforcement_key
from tests.worlds.agreements import OFFICE, document

DIRECT_CARE = "wm-direct-care"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OWNER, READER_TRUST = "RRK", "RKB"
VIEWER = network.viewer_id(READER_TRUST)
SHORT_PURPOSE = "HQUALIMP"  # what the agreement whose tokens live a second is for
SHORT_AGREEMENT = "quality-round"


def seed_home(folder: Path, service: str, identity: str, settings: Mapping[str, str] | None = None) -> DemoHome:
    """Fill a home folder: the network, the demo's agreements, and one whose tokens live a second.

    Args:
        folder: of the home; made when it is not there.
        service: where the service answers, or will.
        identity: where the identity provider answers.
        settings: of the service that fills it, instead of the home's own.
    """
    home = DemoHome(folder, service, identity)
    folder.mkdir(parents=True, exist_ok=True)
    made = build(from_environment(home.environment() | dict(settings or {})))
    runtime = Runtime(made)
    runtime.start(jobs=False)
    try:
        today = made.infrastructure.clock.now().date()
        seed_network(made, home, load_accounts())
        seed_agreements(made, home, today)
        signatories = {ods: Signatory(**row) for ods, row in json.loads(home.signatories().read_text()).items()}
        rehearse(made.registers.agreements, [short_agreement(today)], signatories, OFFICE)
    finally:
        runtime.stop()
    return home


def short_agreement(today: date) -> dict[str, Any]:
    """Give an agreement that lets radiologists of RKB look at any study of RRK, with tokens of a second."""
    clause = "/clauses/0"
    changes: dict[str, Any] = {
        f"{clause}/purposes": [SHORT_PURPOSE],
        f"{clause}/recipients": {"roles": ["consultant_radiologist"]},
        f"{clause}/data/modalities": ["*"],
        f"{clause}/data/priors_days": None,
        f"{clause}/token": {"seconds": 1, "act_depth": 1},
        f"{clause}/conditions": {
            "identity_assurance": 2,
            "managed_device": False,
            "relationship": "not_required",
            "training": False,
        },
    }
    return document(
        changes,
        id=SHORT_AGREEMENT,
        title="A quality round of a day",
        effective={"from": str(today - timedelta(days=10)), "to": str(today + timedelta(days=90))},
        review_date=str(today + timedelta(days=60)),
    )


@dataclass(frozen=True, slots=True)
class Parties:
    """The services and people of a seeded home, and what they send."""

    home: DemoHome

    def credentials(self, client_id: str) -> Credentials:
        """Give a service's key."""
        return Credentials.read(self.home.credential_file(client_id))

    def proof(self, client_id: str, now: int) -> dict[str, str]:
        """Give the form fields with which a service proves itself at this second since 1970."""
        assertion = self.credentials(client_id).assertion(f"{self.home.service}/oauth/token", now)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def identity_token(self, user: str) -> str:
        """Get somebody's identity token from the issuer of their trust."""
        ods = load_accounts().accounts[user].issuer
        answer = requests.post(f"{self.home.identity}/{ods}/demo/id-token", json={"user": user}, timeout=10)
        answer.raise_for_status()
        return str(answer.json()["id_token"])

    def exchange_form(self, user: str, study: str, now: int, client_id: str = VIEWER, **details: Any) -> dict[str, str]:
        """Give the form that asks for access to a study at RRK's archive; details may replace anything of it."""
        form = {
            "grant_type": EXCHANGE,
            "subject_token_type": ID_TOKEN,
            "subject_token": self.identity_token(user),
            "audience": details.pop("audience", network.audience(OWNER)),
            "authorization_details": json.dumps([{"type": "imaging_study", "study_uid": study, **details}]),
        }
        return form | self.proof(client_id, now)

    def enforcement_key(self, ods: str = OWNER) -> str:
        """Give the key of the enforcement point of a trust's archive."""
        settings = from_environment(self.home.environment())
        return enforcement_key(settings.key_encryption_key.get_secret_value(), network.archive_id(ods))


class RegionWorld:
    """The region's service in this process, on a home of its own, with a clock that the test moves.

    The identity provider's clock is the machine's, so the service's begins half a minute ahead of it: what it is given
    was always made just before.
    """

    def __init__(
        self,
        home: DemoHome,
        clock: FixedClock | None = None,
        engine: Engine | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.parties = Parties(home)
        self.clock = clock or FixedClock(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30))
        self.services: Services = build(from_environment(home.environment() | dict(settings or {})), self.clock, engine)
        self.runtime = Runtime(self.services)
        self.runtime.start(jobs=False)
        self.app: Flask = create_app(self.services)

    def close(self) -> None:
        """Stop what runs."""
        self.runtime.stop()

    @property
    def client(self) -> FlaskClient:
        """Open a client of the application."""
        return self.app.test_client()

    @property
    def now(self) -> int:
        """Give the service's time in seconds since 1970."""
        return int(self.clock.now().timestamp())

    def post_form(self, path: str, form: dict[str, str], **headers: str) -> TestResponse:
        """Send a form."""
        return self.client.post(path, data=form, headers=headers)

    def exchange(self, user: str, study: str, client_id: str = VIEWER, **details: Any) -> TestResponse:
        """Ask for access to a study at RRK's archive."""
        form = self.parties.exchange_form(user, study, self.now, client_id, **details)
        return self.post_form("/oauth/token", form)

    def token(self, user: str, study: str, **details: Any) -> str:
        """Get the access token for a study."""
        answer = self.exchange(user, study, **details)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return str(answer.get_json()["access_token"])

    def enforce(
        self, uri: str, token: str | None = None, method: str = "GET", owner: str = OWNER, **headers: str | None
    ) -> TestResponse:
        """Ask as the enforcement point of a trust's archive; a header given as None is left out."""
        sent: dict[str, str | None] = {
            "X-Enforcement-Point": network.archive_id(owner),
            "X-Enforcement-Key": self.parties.enforcement_key(owner),
            "X-Original-Method": method,
            "X-Original-URI": uri,
            "Authorization": f"Bearer {token}" if token else None,
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(
            "/enforce/nginx", headers={name: text for name, text in sent.items() if text is not None}
        )

    def feed(self, path: str, rows: Sequence[dict[str, Any]]) -> None:
        """Send rows of a context feed."""
        body = "\n".join(map(json.dumps, rows))
        answer = self.client.post(path, data=body, content_type="application/x-ndjson", headers=self._feeder())
        assert answer.get_json()["rejected"] == [], answer.get_data(as_text=True)

    def hand_over(self, study: str, *custodians: str) -> None:
        """Let other trusts answer for a study, as an explicit act."""
        path, body = f"/catalogue/v1/studies/{study}/custodians", {"custodians": list(custodians)}
        answer = self.client.post(path, json=body, headers=self._feeder())
        assert answer.status_code == 200, answer.get_data(as_text=True)

    def _feeder(self) -> dict[str, str]:
        """Give the header that speaks for the network's feeds."""
        form = {"grant_type": "client_credentials", **self.parties.proof(network.FEEDS, self.now)}
        token = self.post_form("/oauth/token", form).get_json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def feed_showcase(self) -> None:
        """Send the feeds of the demo's showcase: its people, patients, studies and worklists."""
        accounts, today = load_accounts(), self.clock.now().date()
        self.feed("/relationships/v1/staff", showcase.staff(accounts, today))
        self.feed("/relationships/v1/patients", showcase.patients(accounts))
        self.feed("/catalogue/v1/studies", showcase.studies(accounts, today))
        self.feed("/relationships/v1/edges", showcase.edges(accounts, today))

    def events(self, since: int = 0, **facts: Any) -> list[RecordedEvent]:
        """Give the events of the log from an index on that have these facts, in order."""
        after = since - 1 if since else None
        return self.services.infrastructure.audit_search.find(
            Query(after_index=after, **facts), 1_000, newest_first=False
        )

    @property
    def size(self) -> int:
        """Give how many entries the log has."""
        return self.services.infrastructure.audit.tree_head()[0]


def copy_home(home: DemoHome, folder: Path) -> DemoHome:
    """Copy a home that nothing runs on; what it holds stays valid, its addresses too."""
    shutil.copytree(home.folder, folder)
    return DemoHome(folder, home.service, home.identity)


def environment_of(home: DemoHome) -> dict[str, str]:
    """Give the whole environment of a process that serves a home."""
    return dict(os.environ) | home.environment()
