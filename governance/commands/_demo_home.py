"""The demo's home folder: random keys made on the first start, credentials of its services, and its settings."""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.simulation.credentials import Credentials, write_private

_KEY = 32  # bytes
FOLDER = Path(".demo")
_TENANT = Path(__file__).resolve().parents[2] / "docs" / "examples" / "tenants" / "meeting_rooms"
URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class DemoHome:
    """A folder that only its owner can read, and where the demo's parts answer."""

    folder: Path
    service: str
    identity: str
    mail_port: int = 8025

    def environment(self) -> dict[str, str]:
        """Give the settings of the demo profile; its keys are random and made once."""
        port = self.service.rsplit(":", 1)[1]
        base = {
            "profile": "demo",
            "issuer": self.service,
            "organisation": "QHL",
            "database_url": f"sqlite:///{self.folder.resolve()}/demo.sqlite",
            "port": port,
            "log_level": "WARNING",
            "tenants": str(_TENANT),
            "mail_host": "127.0.0.1",
            "mail_port": str(self.mail_port),
            "mail_tls": "none",
            "mail_sender": "governance@region.example",
        }
        return {f"GOVERNANCE_{name.upper()}": value for name, value in (base | self._secrets()).items()}

    def credentials(self, client_ids: Sequence[str]) -> Mapping[str, Credentials]:
        """Give the credentials of every service, making those that are missing."""
        found: dict[str, Credentials] = {}
        for client_id in client_ids:
            path = self.credential_file(client_id)
            if not path.exists():
                Credentials.made(client_id).write(path)
            found[client_id] = Credentials.read(path)
        return found

    def credential_file(self, client_id: str) -> Path:
        """Give where a service's key is kept."""
        return self.folder / "clients" / f"{client_id}.json"

    def mail_folder(self) -> Path:
        """Give where the demo's mail is kept."""
        return self.folder.resolve() / "mail"

    def signatories(self) -> Path:
        """Give where the keys of the agreements' signatories are kept."""
        return self.folder / "signatories.json"

    def _secrets(self) -> dict[str, str]:
        path = self.folder / "secrets.json"
        if not path.exists():
            from governance.settings import KEYS  # here, so that a look at the folder does not load the settings

            made = {name: base64.b64encode(secrets.token_bytes(_KEY)).decode() for name in KEYS}
            write_private(path, json.dumps(made))
        found: dict[str, str] = json.loads(path.read_text())
        return found
