"""The gateway: nginx with ``auth_request``, configured from the files beside this module."""

import base64
import os
import pwd
import re
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from governance.simulation.archive import needs
from governance.simulation.credentials import write_private
from governance.simulation.programs import Program, ProgramFailed

_FILES = ("nginx.conf", "enforcement.conf", "lists.conf")
_PLACE = re.compile(r"\{\{([a-z_]+)\}\}")
_PLAIN = re.compile(r"[A-Za-z0-9 ._:/=+@-]+")  # what may stand in nginx's configuration without a meaning of its own


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """What the gateway must know.

    Args:
        folder: its own.
        port: where it listens, on the loopback address.
        service: base URL of the service that decides.
        client_id: the archive, as it is registered with the service.
        enforcement_key: the key of the archive's enforcement point.
        archive: host and port of the archive.
        archive_credential: user and password of the archive (HTTP Basic).
        lists: whether lists of the whole archive are asked of the service, which filters them.
    """

    folder: Path
    port: int
    service: str
    client_id: str
    enforcement_key: str = field(repr=False)
    archive: str
    archive_credential: tuple[str, str] = field(repr=False)
    lists: bool = False

    @property
    def host(self) -> str:
        """Give its host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """Give its base URL."""
        return f"http://{self.host}"

    def start(self) -> Program:
        """Write the configuration, start nginx and wait until it answers; raises ProgramFailed."""
        server = needs.nginx()
        if server is None:
            raise ProgramFailed("nginx is not installed.")
        (self.folder / "temporary").mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in gateway_configuration(self).items():
            write_private(self.folder / name, text)
        log = self.folder / "nginx.log"
        program = Program("nginx", [server, "-e", log, "-c", self.folder / "nginx.conf"], log=log)
        try:
            program.await_answer(f"{self.address}/healthz")
        except BaseException:
            program.stop()
            raise
        return program


def gateway_configuration(plan: GatewayPlan) -> dict[str, str]:
    """Give the configuration files by name; raises ValueError for a value that would be more than a value."""
    values = {
        "folder": str(plan.folder.resolve()),
        "governance": urlsplit(plan.service).netloc,
        "archive": plan.archive,
        "archive_credential": base64.b64encode(":".join(plan.archive_credential).encode()).decode(),
        "public_host": plan.host,
        "client_id": plan.client_id,
        "enforcement_key": plan.enforcement_key,
    }
    strange = sorted(name for name, value in values.items() if not _PLAIN.fullmatch(value))
    if strange:
        raise ValueError(f"cannot be written into nginx's configuration: {', '.join(strange)}")
    values["user"] = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    values["lists"] = f'include "{values["folder"]}/lists.conf";' if plan.lists else ""
    folder = resources.files(__package__ or "")
    files = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _FILES}
    return {name: _PLACE.sub(lambda place: values[place[1]], text) for name, text in files.items()}
