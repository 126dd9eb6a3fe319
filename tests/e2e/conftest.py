"""Everything as it runs in life: each part a process of its own, on free ports, spoken to over the wire.

``running_service`` and ``archive`` last for the whole session and are for any end-to-end test: one that changes what
others rest on (an agreement, say) changes it back.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from governance.commands._demo_seed import seed_showcase
from governance.commands.simulate import SCOPES
from governance.simulation import network
from governance.simulation.archive import OWNER, Archive, holdings, running_archive, send_feeds
from governance.simulation.archive.orthanc import Orthanc
from governance.simulation.client import Surface
from governance.simulation.identity_provider import load_accounts
from governance.simulation.programs import Program, free_port
from tests.peers.identity_provider import identity_provider
from tests.worlds.region import environment_of, seed_home
from tests.worlds.running_service import ROOT, RunningService


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
