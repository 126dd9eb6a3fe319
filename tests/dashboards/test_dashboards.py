"""The dashboards speak of metrics that exist, and a real Prometheus that scrapes the service can answer all of them."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client import CollectorRegistry

from governance.bootstrap import build
from governance.commands._demo_home import DemoHome
from governance.commands._demo_seed import seed_agreements, seed_network, seed_showcase
from governance.commands.simulate import SCOPES
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.simulation import network, showcase
from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials
from governance.simulation.identity_provider import load_accounts
from governance.simulation.programs import Program, free_port
from governance.telemetry import Metrics, Snapshot
from governance.telemetry.metrics import State
from tests.peers.prometheus import SHIPPED as RULES
from tests.peers.prometheus import prometheus as run_prometheus

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "dashboards" / "grafana" / "imaging-governance.json"
TOKEN = "a-token-for-scraping-only"
JOB = "imaging-governance"
ENTER = 60.0  # seconds until something must have been scraped
QUESTION: dict[str, Any] = {
    "subject": {
        "type": "practitioner",
        "id": showcase.REPORTER,
        "properties": {"role": "consultant_radiologist", "ods": "RKB", "assurance": 3},
    },
    "action": {"name": "read"},
    "resource": {"type": "study", "id": showcase.SHARED_STUDY},
}


def expressions() -> list[str]:
    """Give every PromQL expression of the dashboard, its variables filled in."""
    panels = json.loads(GRAFANA.read_text())["panels"]
    return [target["expr"].replace("$job", JOB) for panel in panels for target in panel["targets"]]


def test_the_dashboard_is_whole() -> None:
    dashboard = json.loads(GRAFANA.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {variable["name"] for variable in dashboard["templating"]["list"]} == {"datasource", "job"}
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"]


def test_dashboards_and_rules_name_only_metrics_that_exist() -> None:
    metrics = Metrics()
    metrics.watch(lambda: Snapshot(0, 0, 0.0, 0), "test")
    known = {family.name for family in metrics.registry.collect()}
    rules = yaml.safe_load((RULES / "governance.rules.yaml").read_text())
    texts = expressions() + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    named = {name for text in texts for name in re.findall(r"\bgovernance_[a-z_]+", text)}
    assert named
    assert {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in named} <= known


def test_what_two_servers_tell_of_one_database_is_taken_once() -> None:
    state = CollectorRegistry()
    state.register(State(lambda: Snapshot(check_age=1.0)))
    stored = {family.name for family in state.collect()}
    rules = yaml.safe_load((RULES / "governance.rules.yaml").read_text())
    texts = expressions() + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    once = re.compile(r"(?:max|min) (?:without \(instance\)|by \([a-z_]+\)) \((?:delta\()?(governance_[a-z_]+)")
    own = {"governance_ready"}  # a rule tells of the process that is not ready
    for text in texts:
        named = [name for name in re.findall(r"\bgovernance_[a-z_]+", text) if name in stored - own]
        assert [name for name in once.findall(text) if name in stored - own] == named, text


def test_every_rule_says_what_to_do() -> None:
    rules = yaml.safe_load((RULES / "governance.rules.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert {"summary", "description", "runbook"} <= rule["annotations"].keys(), rule["alert"]
            page, _, anchor = rule["annotations"]["runbook"].partition("#")
            text = (ROOT / page).read_text()
            headings = {
                re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-") for line in text.splitlines()
            }
            assert not anchor or anchor in headings, rule["alert"]


@pytest.mark.peer
def test_promtool_accepts_and_tests_the_rules() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not installed; `make system` installs it"
    for command in (["check", "rules", "governance.rules.yaml"], ["test", "rules", "governance.rules.test.yaml"]):
        done = subprocess.run([promtool, *command], cwd=RULES, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DemoHome]:
    """Run the service as a process, with a little traffic of every kind behind it."""
    home = DemoHome(tmp_path / "home", f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:9")
    home.folder.mkdir()
    environment = home.environment() | {"GOVERNANCE_METRICS_TOKEN": TOKEN}
    made = build(from_environment(environment))
    runtime = Runtime(made)
    runtime.start(jobs=False)
    today = datetime.now(UTC).date()
    seed_network(made, home, load_accounts())
    seed_agreements(made, home, today)
    runtime.stop()
    command = [sys.executable, "app.py", "serve"]
    log = tmp_path / "service.log"
    with Program("service", command, log=log, environ=os.environ | environment, folder=ROOT) as program:
        program.await_answer(f"{home.service}/readyz")
        feeds = Surface(home.service, Credentials.read(home.credential_file(network.FEEDS)), SCOPES)
        seed_showcase(feeds, load_accounts(), today)
        explorer = Surface(home.service, Credentials.read(home.credential_file(network.EXPLORER)), ["access.evaluate"])
        assert explorer.post("/access/v1/evaluation", QUESTION)["decision"] is True
        denied = QUESTION | {"resource": {"type": "study", "id": showcase.UNRELATED_STUDY}}
        assert explorer.post("/access/v1/evaluation", denied)["decision"] is False
        yield home


@pytest.fixture
def prometheus(service: DemoHome, tmp_path: Path) -> Iterator[str]:
    """Run Prometheus with the example's configuration against the service; gives its address."""
    with run_prometheus(tmp_path, service.service, TOKEN, RULES / "governance.rules.yaml", "1s") as address:
        yield address


def ask(prometheus: str, expression: str) -> list[dict[str, Any]]:
    """Ask Prometheus; an expression it cannot take fails the test."""
    answer = requests.get(f"{prometheus}/api/v1/query", params={"query": expression}, timeout=10).json()
    assert answer["status"] == "success", f"{expression}: {answer}"
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def until(prometheus: str, expression: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + ENTER
    while not (found := ask(prometheus, expression)):
        assert time.monotonic() < deadline, f"nothing for {expression}"
        time.sleep(0.2)
    return found


@pytest.mark.peer
def test_a_real_prometheus_scrapes_the_service_and_answers_every_panel(prometheus: str) -> None:
    until(prometheus, f'rate(governance_decisions_total{{job="{JOB}"}}[5m])')
    assert ask(prometheus, f'up{{job="{JOB}"}}')[0]["value"][1] == "1"
    assert until(prometheus, 'up{job="stranger"}')[0]["value"][1] == "0"
    empty = [expression for expression in expressions() if not ask(prometheus, expression)]
    assert not [
        e for e in empty if "governance_log_" in e or "governance_decisions" in e or "governance_agreements" in e
    ]
    effects = {found["metric"]["effect"] for found in ask(prometheus, "governance_decisions_total")}
    assert effects == {"permit", "deny"}
    ready = ask(prometheus, f'governance_ready{{job="{JOB}"}}')
    assert ready
    assert all(found["value"][1] == "1" for found in ready)


@pytest.mark.peer
def test_no_label_carries_an_identifier(prometheus: str) -> None:
    until(prometheus, f'governance_http_requests_total{{job="{JOB}"}}')
    series = requests.get(f"{prometheus}/api/v1/series", params={"match[]": f'{{job="{JOB}"}}'}, timeout=10).json()[
        "data"
    ]
    values = {value for labels in series for value in labels.values()}
    assert values
    for value in values:
        assert not re.search(r"[0-9]{10}|[0-9]+(\.[0-9]+){5}|^[pst]-[a-z2-7]{26}$|eyJ|radiologist\.", value), value


@pytest.mark.peer
def test_the_rules_are_loaded_and_healthy(prometheus: str) -> None:
    groups = requests.get(f"{prometheus}/api/v1/rules", timeout=10).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 8
    assert all(rule["health"] in {"ok", "unknown"} for rule in rules)
