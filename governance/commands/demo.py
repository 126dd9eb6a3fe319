"""The demo: the region's service, its identity providers and some days of its life, with one command."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from governance.bootstrap import build
from governance.commands._demo_home import FOLDER, URL, DemoHome
from governance.commands._demo_seed import seed_agreements, seed_network, seed_showcase
from governance.commands.simulate import SCOPES, play
from governance.jobs import Runtime
from governance.settings import from_environment
from governance.simulation import network, region, showcase
from governance.simulation.archive import missing
from governance.simulation.client import Surface, SurfaceError
from governance.simulation.credentials import Credentials
from governance.simulation.identity_provider import load_accounts
from governance.simulation.incidents import KINDS
from governance.simulation.player import Plan
from governance.simulation.programs import Program, ProgramFailed
from governance.telemetry import configure

_LOOK = 0.5  # seconds between two looks at the parts
_ROOT = Path(__file__).resolve().parents[2]
_FOCUS = "RRK"  # where incidents happen: its privacy officer is whom the banner names
_SLOWEST = "break_glass_without_follow_up"  # found after three days: played on the first


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
@click.option("--port", default=8080, show_default=True, help="Port of the service.")
@click.option("--identity-port", default=8081, show_default=True, help="Port of the identity providers.")
@click.option("--mail-port", default=8025, show_default=True, help="Port of the mail server that keeps every message.")
@click.option("--days", type=click.IntRange(0, 90), default=5, show_default=True, help="Days of history to play.")
@click.option("--archive", is_flag=True, help="Also run a real archive (Orthanc) behind nginx.")
@click.option("--archive-port", default=8090, show_default=True, help="Port of the archive's gateway.")
def demo(
    folder: Path, port: int, identity_port: int, mail_port: int, days: int, archive: bool, archive_port: int
) -> None:
    """Serve the demo region: fifteen trusts, their agreements, and a few days of their work to look at."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if archive:
        _check_archive()
    home = DemoHome(folder, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{identity_port}", mail_port)
    os.environ.update(home.environment())
    fresh = _seed(home)
    try:
        with _parts(home, identity_port, archive_port if archive else None, days if fresh else 0) as parts:
            _banner(home, archive_port if archive else None)
            while all(part.running for part in parts):
                time.sleep(_LOOK)
            ended = ", ".join(part.name for part in parts if not part.running)
            raise click.ClickException(f"A part of the demo stopped: {ended}")
    except ProgramFailed as error:
        raise click.ClickException(f"{error} Is another demo running on these ports?") from None
    except SurfaceError as error:
        raise click.ClickException(f"The region's days could not be played: {error}") from None
    except KeyboardInterrupt:
        click.echo("Stopping.")


def _check_archive() -> None:
    """Refuse to begin without what the archive needs."""
    lacking = ", ".join(missing())
    if lacking:
        raise click.ClickException(f"The archive needs {lacking}; `make demo-archive` installs what is missing.")


@contextmanager
def _parts(home: DemoHome, identity_port: int, archive_port: int | None, days: int) -> Iterator[Sequence[Program]]:
    """Run the parts, send what the demo shows, and stop the parts whatever happens; raises ProgramFailed."""
    with ExitStack() as stack:
        mail = ("--mail-port", str(home.mail_port), "--mail-folder", str(home.mail_folder()))
        identity = ("governance.simulation.identity_provider", "--port", str(identity_port), "--demo", *mail)
        parts = [
            stack.enter_context(_part("The identity provider", *identity)),
            stack.enter_context(_part("The service", "app", "serve")),
        ]
        parts[0].await_answer(home.identity)
        parts[1].await_answer(f"{home.service}/readyz")
        surface = Surface(home.service, Credentials.read(home.credential_file(network.FEEDS)), SCOPES)
        seed_showcase(surface, load_accounts(), datetime.now(UTC).date())
        if days:
            click.echo(f"Answering at {home.service}; playing {days} days of the region into it.")
            play(surface, _plan(days))
        if archive_port is not None:
            archive = ("governance.commands.archive", str(home.folder), home.service, "--port", str(archive_port))
            parts.append(stack.enter_context(_part("The archive", *archive)))
            parts[-1].await_answer(f"http://127.0.0.1:{archive_port}/healthz")
        yield parts


def _part(name: str, module: str, *arguments: str) -> Program:
    return Program(name, [sys.executable, "-m", module, *arguments], folder=_ROOT)


def _seed(home: DemoHome) -> bool:
    """Register and sign everything that needs the host itself; says whether the log was empty."""
    configure("WARNING")
    home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = build(from_environment(os.environ))
    runtime = Runtime(made)
    runtime.start(jobs=False)
    try:
        fresh = made.infrastructure.audit.tree_head()[0] == 0
        seed_network(made, home, load_accounts())
        seed_agreements(made, home, made.infrastructure.clock.now().date())
    finally:
        runtime.stop()
    return fresh


def _plan(days: int) -> Plan:
    now = datetime.now(UTC)
    return Plan(
        trusts=tuple(trust.ods for trust in region.trusts()),
        first_day=now.date() - timedelta(days=days),
        days=days,
        staff_per_trust=14,
        patients_per_trust=80,
        examinations=8,
        incidents=tuple(sorted(KINDS, key=lambda kind: kind != _SLOWEST)),
        focus=_FOCUS,
        until=now,
    )


def _banner(home: DemoHome, archive_port: int | None) -> None:
    question = json.dumps(showcase.question(), separators=(",", ":"))
    elsewhere = "" if home.folder == FOLDER else f" --folder {home.folder}"
    elsewhere += "" if home.service == URL else f" --url {home.service}"
    click.echo(
        f"""
The demo region answers at {home.service}

  Console     {home.service}/console/  choose University Hospitals Birmingham, then Helen Sharpe (privacy officer);
              University Hospitals Coventry and Warwickshire has Martin Croft; Jas Gill at Birmingham is the SOC
  Mail        {home.identity}/mail  what the demo sends to people: ask about the alert of the decoy record, whose
              subject, Dr Alan Brookes at Birmingham, answers by the link in the mail
  API         {home.service}/docs

One line gets a decision:

  curl -s {home.service}/access/v1/evaluation \\
    -H "Authorization: Bearer $(.venv/bin/python app.py demo-token{elsewhere})" \\
    -H 'Content-Type: application/json' -d '{question}'
{_ARCHIVE.format(port=archive_port) if archive_port else ""}
Ctrl-C stops it. Its data and keys are in {home.folder}/; delete the folder to begin again."""
    )


_ARCHIVE = """
  Archive     http://127.0.0.1:{port}/dicom-web  a real Orthanc behind nginx: docs/integrators.md
"""
