"""Orthanc: its configuration, its process, and storing files in it."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from governance.simulation.archive import needs
from governance.simulation.archive.files import DicomFile
from governance.simulation.credentials import write_private
from governance.simulation.programs import Program, ProgramFailed

ROOT = "/dicom-web/"
_USER = "gateway"
_TIMEOUT = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Orthanc:
    """An Orthanc of this machine: where it keeps its files, its port, and the password that only the gateway gets."""

    folder: Path
    port: int
    password: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def address(self) -> str:
        """Give host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def credential(self) -> tuple[str, str]:
        """Give user and password (HTTP Basic)."""
        return _USER, self.password

    def configuration(self) -> dict[str, Any]:
        """Give the configuration (rule 1 of the package); Orthanc 1.10 has no setting for the address to listen on."""
        return {
            "Name": "Archive",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "HttpPort": self.port,
            "HttpDescribeErrors": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {_USER: self.password},
            "DicomServerEnabled": False,
            "OrthancExplorerEnabled": False,
            "ExecuteLuaEnabled": False,
            "SaveJobs": False,
            "Plugins": [str(needs.dicomweb_plugin())],
            "DicomWeb": {"Enable": True, "Root": ROOT, "EnableWado": False},
        }

    def start(self) -> Program:
        """Start it and wait until it answers; raises ProgramFailed."""
        server = needs.orthanc()
        if server is None:
            raise ProgramFailed("Orthanc is not installed.")
        path = self.folder / "orthanc.json"
        write_private(path, json.dumps(self.configuration(), indent=2))
        program = Program("Orthanc", [server, path], log=self.folder / "orthanc.log")
        try:
            program.await_answer(f"http://{self.address}/system", auth=self.credential)
        except BaseException:
            program.stop()
            raise
        return program

    def store(self, files: Iterable[DicomFile]) -> None:
        """Put files in; one that is there already stays as it is. Raises requests.HTTPError."""
        for file in files:
            answer = requests.post(
                f"http://{self.address}/instances",
                data=file.path.read_bytes(),
                auth=self.credential,
                timeout=_TIMEOUT,
            )
            answer.raise_for_status()
