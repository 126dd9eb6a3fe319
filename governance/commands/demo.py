"""The demo: the region's service, its identity providers and some days of its life, with one command."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import requests

from governance.bootstrap import build
from governance.commands._demo_home import DemoHome
from governance.commands._demo_seed import seed_agreements, seed_network, seed_showcase
from governance.commands.simulate import SCOPES, play
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.simulation import network, region, showcase
from governance.simulation.client import Surface
from governance.simulation.credentials import Credentials
from governance.simulation.identity_provider import load_accounts
from governance.simulation.incidents import KINDS
from governance.simulation.player import Plan
from governance.telemetry import configure

_START = 90.0  # seconds a part may take to answer
_STOP = 30.0  # seconds a part may take to stop
_ROOT = Path(__file__).resolve().parents[2]


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path(".demo"), show_default=True)
@click.option("--port", default=8080, show_default=True, help="Port of the service.")
@click.option("--identity-port", default=8081, show_default=True, help="Port of the identity providers.")
@click.option("--days", type=click.IntRange(0, 90), default=5, show_default=True, help="Days of history to play.")
@click.option("--archive", is_flag=True, help="Also run a real archive (Orthanc) behind nginx.")
def demo(folder: Path, port: int, identity_port: int, days: int, archive: bool) -> None:
    """Serve the demo region: fifteen trusts, their agreements, and a few days of their work to look at."""
    home = DemoHome(folder, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{identity_port}")
    os.environ.update(home.environment())
    fresh = _seed(home)
    parts = [
        _part("governance.simulation.identity_provider", "--port", str(identity_port), "--demo"),
        _part("app", "serve"),
    ]
    try:
        _wait(f"{home.service}/readyz", parts)
        surface = Surface(home.service, Credentials.read(home.credential_file(network.FEEDS)), SCOPES)
        today = datetime.now(UTC).date()
        seed_showcase(surface, load_accounts(), today)
        if fresh and days:
            click.echo(f"Answering at {home.service}; playing {days} days of the region into it.")
            play(surface, _plan(days))
        if archive:
            parts.append(_part("governance.commands.archive", str(folder), home.service))
        _banner(home, archive)
        _watch(parts)
    finally:
        _stop(parts)


@click.command("demo-token")
@click.option("--folder", type=click.Path(path_type=Path), default=Path(".demo"), show_default=True)
@click.option("--url", default="http://127.0.0.1:8080", show_default=True)
def demo_token(folder: Path, url: str) -> None:
    """Print a bearer token of the demo's explorer: it may ask for decisions and read everything."""
    scopes = [scope.value for scope in network.EXPLORER_SCOPES]
    credentials = Credentials.read(DemoHome(folder, url, "").credential_file(network.EXPLORER))
    click.echo(Surface(url, credentials, scopes).bearer())


def _seed(home: DemoHome) -> bool:
    """Register and sign everything that needs the host itself; says whether the log was empty."""
    configure("WARNING")
    home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = build(from_environment(os.environ))
    runtime = Runtime(made)
    runtime.start(jobs=False)
    try:
        fresh = made.audit.tree_head()[0] == 0
        seed_network(made, home, load_accounts())
        seed_agreements(made, home, made.clock.now().date())
    finally:
        runtime.stop()
    return fresh


def _plan(days: int) -> Plan:
    return Plan(
        trusts=tuple(trust.ods for trust in region.trusts()),
        first_day=datetime.now(UTC).date() - timedelta(days=days),
        days=days,
        staff_per_trust=14,
        patients_per_trust=80,
        examinations=8,
        incidents=tuple(sorted(KINDS)),
    )


def _part(module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, cwd=_ROOT, env=os.environ)  # noqa: S603 - our own modules


def _wait(url: str, parts: list["subprocess.Popen[bytes]"]) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline:
        if any(part.poll() is not None for part in parts):
            raise click.ClickException("A part of the demo stopped; is another demo running on these ports?")
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise click.ClickException(f"{url} does not answer.")


def _watch(parts: list["subprocess.Popen[bytes]"]) -> None:
    """Wait until somebody stops the demo or a part ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while all(part.poll() is None for part in parts):
            time.sleep(0.5)
    except KeyboardInterrupt:
        click.echo("Stopping.")


def _stop(parts: list["subprocess.Popen[bytes]"]) -> None:
    for part in parts:
        if part.poll() is None:
            part.send_signal(signal.SIGTERM)
    for part in parts:
        try:
            part.wait(_STOP)
        except subprocess.TimeoutExpired:
            part.kill()


def _banner(home: DemoHome, archive: bool) -> None:
    question = json.dumps(_QUESTION, separators=(",", ":"))
    click.echo(
        f"""
The demo region answers at {home.service}

  Console     {home.service}/console/  choose University Hospitals Birmingham, then Helen Sharpe (privacy officer);
              University Hospitals Coventry and Warwickshire has Martin Croft; Jas Gill at Birmingham is the SOC
  API         {home.service}/docs

One line gets a decision:

  curl -s {home.service}/access/v1/evaluation -H "Authorization: Bearer $(.venv/bin/python app.py demo-token)" \\
    -H 'Content-Type: application/json' -d '{question}'
{_ARCHIVE if archive else ""}
Ctrl-C stops it. Its data and keys are in {home.folder}/; delete the folder to begin again."""
    )


_ARCHIVE = """
  Archive     http://127.0.0.1:8090/dicom-web  a real Orthanc behind nginx; docs/integrators.md reads from it
"""
_QUESTION = {
    "subject": {
        "type": "practitioner",
        "id": showcase.REPORTER,
        "properties": {"role": "consultant_radiologist", "ods": "RKB", "assurance": 3},
    },
    "action": {"name": "read"},
    "resource": {"type": "study", "id": showcase.SHARED_STUDY},
    "context": {"purpose": "TREAT"},
}
