"""An outsider's way, from the API's answers to the verdict: what they are handed, and the program they are served."""

import subprocess
import sys
from pathlib import Path

import pytest

from governance.audit.signer import NoteSigner
from governance.formats import parse_event
from tests.worlds.audit_callers import AuditWorld
from tests.worlds.audit_messages import NATIVE, NHS

FILES = ("entry", "proof", "opening")


def handed_out(world: AuditWorld, folder: Path) -> str:
    """Put into an empty folder what an auditor gets here; gives the verifier key, which comes another way."""
    (index,) = world.record(parse_event(NATIVE, world.clock.now()))
    as_file = world.by("rrk") | {"Accept": "text/plain"}
    proof = world.client.get(f"/audit/v1/events/{index}/proof", headers=as_file)
    entry = world.client.get(f"/audit/v1/events/{index}/entry", headers=world.by("rrk"))
    program = world.client.get("/log/verify.py")
    assert [answer.status_code for answer in (proof, entry, program)] == [200, 200, 200]
    assert program.content_type == "text/x-python; charset=utf-8"
    opened = world.log.open_field(world.log.entry(index), "patient")
    assert opened is not None
    contents = (entry.get_data(), proof.get_data(), opened.text().encode(), program.get_data())
    for name, content in zip((*FILES, "verify.py"), contents, strict=True):
        (folder / name).write_bytes(content)
    settings = world.services.infrastructure.settings
    return NoteSigner.from_seed(settings.log_origin, settings.log_signing_key.get_secret_value()).verifier_key()


def verdict(folder: Path, key: str) -> tuple[int, str]:
    command = [sys.executable, "-I", "-S", "verify.py", "--key", key, "entry", "proof", "--opening", "opening"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def test_what_is_served_convinces_somebody_who_has_nothing_else(world: AuditWorld, tmp_path: Path) -> None:
    folder = tmp_path / "outside"
    folder.mkdir()
    key = handed_out(world, folder)
    status, said = verdict(folder, key)
    assert (status, said.startswith("HOLDS: "), f'its sealed field patient is "{NHS}"' in said) == (0, True, True)
    for name in FILES:
        assert NHS.encode() not in (folder / name).read_bytes() or name == "opening"


@pytest.mark.parametrize("name", [*FILES, "key"])
def test_whatever_is_changed_is_refused_in_one_line(world: AuditWorld, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "outside"
    folder.mkdir()
    key = handed_out(world, folder)
    if name == "key":
        key = NoteSigner.from_seed(key.partition("+")[0], b"another key than the log's".ljust(32)).verifier_key()
    else:
        content = bytearray((folder / name).read_bytes())
        content[content.rindex(b'"') if name == "opening" else len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
    status, said = verdict(folder, key)
    assert (status, said.startswith("REFUSED: "), said.count("\n")) == (1, True, 1)
