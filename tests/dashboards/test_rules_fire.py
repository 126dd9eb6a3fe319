"""Every alert rule fires for its cause: a real service, a real Prometheus, an hour of the rules in a minute."""

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from sqlalchemy import NullPool, create_engine, text

from governance.bootstrap import build
from governance.commands._demo_home import DemoHome
from governance.commands.federation import register
from governance.intake.quarantine import SHARE
from governance.settings import from_environment
from governance.simulation import network, showcase
from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials
from governance.simulation.programs import free_port
from tests.peers.postgres import Cluster, administer, killable_cluster
from tests.peers.prometheus import SHIPPED as RULES
from tests.peers.prometheus import prometheus as run_prometheus
from tests.worlds.descriptors import readable
from tests.worlds.edges import EDGE_SCOPES
from tests.worlds.served import SYSLOG_HEADER, Service, kill, running, seeded_home

pytestmark = pytest.mark.peer

QUICKER = 60  # a rule's hour is this test's minute
PATIENCE = 150.0  # seconds until all that was caused must have fired
TOKEN = "a-token-for-scraping-only"
DATABASE = "watched"
BEHIND = 10_100  # entries that detection has not read
EDGE = "edge-of-this-test"
UNIT = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
UNREADABLE = SYSLOG_HEADER + b"<AuditMessage>"


class Ears:
    """Hears what the service says on standard error, until nobody listens any more."""

    def __init__(self) -> None:
        self._heard, self.mouth = os.pipe()
        self._deaf = threading.Event()
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear no more: whoever writes finds the pipe closed."""
        self._deaf.set()
        self._thread.join(PATIENCE)

    def _hear(self) -> None:
        while not self._deaf.is_set():
            if readable(self._heard, 0.1) and not os.read(self._heard, 65_536):
                break
        os.close(self._heard)


@dataclass
class Watched:
    """The service, its database, the Prometheus that watches both, and the alerts that have fired so far."""

    process: Service
    cluster: Cluster
    prometheus: str
    syslog: int
    explorer: Surface
    feeds: Surface
    edge: Surface
    ears: Ears
    fired: set[str] = field(default_factory=set)

    def look(self) -> set[str]:
        """Take note of the alerts that fire now; gives all that have, one of a part with its name too."""
        alerts = requests.get(f"{self.prometheus}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        for labels in [alert["labels"] for alert in alerts if alert["state"] == "firing"]:
            self.fired |= {labels["alertname"], f"{labels['alertname']}/{labels.get('part')}"}
        return self.fired

    def known(self, expression: str) -> bool:
        """Say whether Prometheus has an answer to an expression."""
        answer = requests.get(f"{self.prometheus}/api/v1/query", params={"query": expression}, timeout=10).json()
        assert answer["status"] == "success", answer
        return bool(answer["data"]["result"])

    def until(self, come: Callable[[], object], what: str, meanwhile: Callable[[], object] = int) -> None:
        """Wait until something has come, and do something again and again meanwhile."""
        deadline = time.monotonic() + PATIENCE
        while not come():
            assert time.monotonic() < deadline, f"{what}; fired: {sorted(self.fired)}"
            meanwhile()
            time.sleep(0.2)

    def sql(self, statement: str, **values: object) -> None:
        """Change the database behind the service's back."""
        engine = create_engine(f"{self.cluster.url}/{DATABASE}", poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(statement), values)
        engine.dispose()

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """Kill the database, and start it again at the end."""
        self.cluster.kill()
        try:
            yield
        finally:
            self.cluster.start()

    def send_syslog(self, frame: bytes) -> None:
        """Send one frame of syslog over a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.syslog)) as link:
            link.sendall(f"{len(frame)} ".encode() + frame)

    def report(self, lost: int) -> None:
        """Say as an edge that it has old bundles, and how many decisions it has lost."""
        status = {
            "labels": {"id": EDGE},
            "bundles": {"imaging": {"active_revision": "old"}, "revocations": {"active_revision": "60.ab"}},
            "metrics": {"prometheus": {"counter_decision_logs_dropped_rate_limit_exceeded": lost}},
        }
        answer = requests.post(
            f"{self.explorer.base}/opa/v1/status", json=status, headers=bearer(self.edge.bearer()), timeout=10
        )
        assert answer.status_code == 204, answer.text


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    syslog, ears = free_port(), Ears()
    settings = {
        "GOVERNANCE_METRICS_TOKEN": TOKEN,
        "GOVERNANCE_SYSLOG_PORT": str(syslog),
        "GOVERNANCE_CHECKPOINT_INTERVAL": "0.2",
        "GOVERNANCE_DETECTION_INTERVAL": "0.2",
    }
    with killable_cluster() as cluster:
        administer(cluster.url, f"CREATE DATABASE {DATABASE}")
        home = seeded_home(tmp_path / "home", f"{cluster.url}/{DATABASE}")
        edge = Surface(home.service, registered_edge(home), sorted(EDGE_SCOPES))
        shortened = tmp_path / "rules.yaml"
        shortened.write_text(yaml.safe_dump(quicker(rules())))
        with (
            running(home, settings, stderr=ears.mouth) as process,
            run_prometheus(tmp_path, home.service, TOKEN, shortened, "500ms") as prometheus,
        ):
            explorer, feeds = client(home, network.EXPLORER), client(home, network.FEEDS)
            yield Watched(process, cluster, prometheus, syslog, explorer, feeds, edge, ears)
        ears.close()
        os.close(ears.mouth)


def client(home: DemoHome, client_id: str) -> Surface:
    return Surface(home.service, Credentials.read(home.credential_file(client_id)), [])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def registered_edge(home: DemoHome) -> Credentials:
    """Register an OPA of a trust's own."""
    made = Credentials.made(EDGE)
    row = {"client_id": EDGE, "ods": "RRK", "name": "Edge of RRK", "kind": "service", "jwks": made.jwks()}
    services = build(from_environment(home.environment()))
    register(services, {"clients": [row | {"scopes": sorted(EDGE_SCOPES)}]})
    services.infrastructure.database.dispose()
    return made


def rules() -> dict[str, Any]:
    """Read the rules as they are shipped."""
    found: dict[str, Any] = yaml.safe_load((RULES / "governance.rules.yaml").read_text())
    return found


def quicker(document: dict[str, Any]) -> dict[str, Any]:
    """Cut every span of time in the rules to a sixtieth; what is no span of time stays as it is."""
    for rule in document["groups"][0]["rules"]:
        rule["expr"] = re.sub(r"(\[|offset |:)(\d+)([smhd])", lambda m: m[1] + span(m[2], m[3]), rule["expr"])
        rule["expr"] = re.sub(r"(_seconds\)? > )(\d+)", lambda m: f"{m[1]}{int(m[2]) / QUICKER}", rule["expr"])
        if "for" in rule:
            rule["for"] = span(rule["for"][:-1], rule["for"][-1])
    return document


def span(number: str, unit: str) -> str:
    return f"{int(number) * UNIT[unit] * 1_000 // QUICKER}ms"


def events(count: int) -> Iterator[dict[str, Any]]:
    """Write so many events of an archive."""
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    event = {"time": at, "source": {"id": "archive-rrk", "ods": "RRK"}, "kind": "access", "outcome": "success"}
    event |= {"subject": {"id": "reader", "type": "practitioner"}, "resource": {"patient": "patient"}}
    return ({"id": f"of-the-rules-{number}", **event} for number in range(count))


def stop_detection(watched: Watched) -> None:
    """Take away a table that detection needs: its job fails, and falls behind what is recorded."""
    watched.sql("ALTER TABLE detection_state RENAME TO detection_state_of_old")
    watched.feeds.post_lines("/audit/v1/events", events(BEHIND))


def fill_the_quarantine(watched: Watched) -> None:
    """Let as many messages of one source wait as may, and send one more."""
    watched.send_syslog(UNREADABLE)
    watched.until(lambda: watched.known("governance_quarantined_messages > 0"), "a message waits unread")
    columns = "received_at, carrier, peer, reason, size, owner, sealed, attempts"
    watched.sql(
        f"INSERT INTO audit_quarantine ({columns}) SELECT {columns} FROM audit_quarantine, generate_series(2, :share)",
        share=SHARE,
    )
    watched.send_syslog(UNREADABLE)


def refuse_and_deny(watched: Watched) -> None:
    """Ask with a bad token, and ask for what nobody may have, each many times."""
    url = f"{watched.explorer.base}/access/v1/evaluation"
    with requests.Session() as http:
        for _ in range(40):
            assert http.post(url, json={}, headers=bearer("nobody"), timeout=10).status_code in {401, 429}
    denied = showcase.question() | {"resource": {"type": "study", "id": showcase.UNRELATED_STUDY}}
    watched.explorer.post("/access/v1/evaluations", {"evaluations": [denied] * 10})


@pytest.mark.timeout(4 * PATIENCE)
def test_every_rule_fires_for_its_cause_and_none_without(watched: Watched) -> None:
    named = {rule["alert"] for rule in rules()["groups"][0]["rules"]}
    watched.until(lambda: watched.known("count_over_time(up[1m]) >= 6"), "Prometheus scrapes the service")
    assert watched.look() == set(), "nothing has happened yet"

    watched.report(lost=0)
    watched.until(lambda: watched.known(f'governance_edge_decisions_lost{{edge="{EDGE}"}}'), "the edge is known")
    watched.report(lost=3)
    fill_the_quarantine(watched)
    half = socket.create_connection(("127.0.0.1", watched.syslog))
    half.sendall(b"2000 <85>1 ")
    watched.ears.close()
    stop_detection(watched)
    last = {"GovernancePartDown", "GovernanceScrapeFailing"}

    def meanwhile() -> None:
        refuse_and_deny(watched)
        watched.sql("DELETE FROM audit_checkpoint")  # again: one signed at this very moment outlives it, and stands
        with suppress(OSError):  # it is cut off by and by
            half.send(b"x")

    watched.until(lambda: named - last <= watched.look(), "what was caused has fired", meanwhile)
    half.close()

    with watched.database_away():
        watched.until(lambda: "GovernancePartDown/database" in watched.look(), "the database is missed")
    kill(watched.process)
    watched.until(lambda: named <= watched.look(), "the service is missed")
