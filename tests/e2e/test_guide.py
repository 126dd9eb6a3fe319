"""What the pages tell integrators and the SOC to type is typed: a service's own token, a feed, what was refused."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.worlds.running_service import ROOT, TIMEOUT, RunningService

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("e2e")]


def blocks(page: str, language: str, word: str) -> str:
    """Give the one block of a page's code, of a language, that has a word."""
    found = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    (block,) = (block for block in found if word in block)
    return str(block)


def shell(folder: Path, commands: str) -> str:
    """Run shell commands in a folder, with this Python as python3, and give what they print."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", "-euo", "pipefail", "-c", commands]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def client(client_id: str, ods: str, scopes: list[str], key: dict[str, Any]) -> dict[str, Any]:
    keys = {"keys": [key | {"kid": f"{client_id}-1"}]}
    return {"client_id": client_id, "ods": ods, "name": client_id, "kind": "service", "jwks": keys, "scopes": scopes}


def test_a_service_gets_a_token_as_the_guide_says_and_the_soc_reads_what_was_refused(
    running_service: RunningService, tmp_path: Path
) -> None:
    key = json.loads(shell(tmp_path, blocks("integrators.md", "sh", "openssl genpkey")))
    assert oct((tmp_path / "feeds-rrk.pem").stat().st_mode & 0o777) == "0o600"
    for name in ("office-rrk", "soc"):
        shutil.copy(tmp_path / "feeds-rrk.pem", tmp_path / f"{name}.pem")
    network = tmp_path / "network.yaml"  # JSON is YAML
    rows = [
        client("feeds-rrk", "RRK", ["context.write"], key),
        client("office-rrk", "RRK", ["federation.write"], key),
        client("soc", "QHL", ["audit.read", "alerts.read"], key),
    ]
    network.write_text(json.dumps({"clients": rows}))
    loaded = running_service.command("federation", "load", str(network))
    assert loaded.returncode == 0, loaded.stderr
    (tmp_path / "service_token.py").write_text(blocks("integrators.md", "python", "client_credentials"))
    used = blocks("integrators.md", "sh", "FEEDS=$(").replace("https://governance.example", running_service.url)
    bad = {"Authorization": "Bearer no.such.token"}
    assert requests.get(f"{running_service.url}/audit/v1/events", headers=bad, timeout=TIMEOUT).status_code == 401
    form = {"grant_type": "client_credentials", "client_id": "soc"}
    assert requests.post(f"{running_service.url}/oauth/token", data=form, timeout=TIMEOUT).status_code == 401
    callback = f"{running_service.url}/console/sign-in/callback?code=c&state=s"
    assert requests.get(callback, timeout=TIMEOUT, allow_redirects=False).status_code >= 400
    fed, *pages = json_values(shell(tmp_path, f"{used}\n{blocks('soc.md', 'sh', 'refused()')}"))
    assert (fed["accepted"], fed["rejected"]) == (1, [])
    found = [event for page in pages for event in page["events"]]
    assert {event["detail"]["act"] for event in found} == {"refuse"}
    assert {event["kind"] for event in found} >= {"token", "node_auth", "login"}


def json_values(text: str) -> list[Any]:
    """Read JSON values that stand one after the other."""
    decoder, values, at = json.JSONDecoder(), [], 0
    while at < len(text.rstrip()):
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        values.append(value)
    return values
