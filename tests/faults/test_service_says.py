"""Whatever a serving process says on standard error is JSON, line by line, and redacted: libraries' words too."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from governance.simulation.programs import free_port
from tests.worlds.basics import demo_environment
from tests.worlds.running_service import ROOT, eventually

NUMBER = "9990000018"
PATIENCE = 60.0  # seconds for what must happen, on a busy machine too
SERVE = "from governance.cli import main; main(['serve'])"
LOUD = f'''
"""The entry of a service whose process says what libraries and Python itself say."""

import gc, logging, os, sys, threading, warnings


class Broken:
    def __del__(self):
        raise ValueError("cleaning up {NUMBER}")


def fail():
    raise RuntimeError("a thread failed over {NUMBER}\\nin two lines")


def application():
    from governance.server import begin

    made = begin(os.environ)
    warnings.warn("deprecated {NUMBER}", stacklevel=1)
    logging.getLogger("some.library").warning("Retrying %s", "/studies?PatientID={NUMBER}")
    logging.getLogger("some.library").debug("GET /studies?PatientID={NUMBER}")
    logging.getLogger("sqlalchemy.pool").error("Exception during reset", exc_info=ValueError("{NUMBER}"))
    logging.getLogger("asyncio").error("two\\nlines")
    logging.getLogger("a.library").warning("%d too few", "one", "two")
    thread = threading.Thread(target=fail, name="loud")
    thread.start()
    thread.join()
    Broken()
    gc.collect()
    return made
'''


@contextmanager
def serving(folder: Path, **changes: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Serve with the entry of the test's folder; gives the address and the process."""
    url = f"http://127.0.0.1:{free_port()}"
    given = demo_environment(f"sqlite:///{folder}/says.sqlite", url) | {"GOVERNANCE_PORT": url.rpartition(":")[2]}
    environ = os.environ | given | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "always"} | changes
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen([sys.executable, "-c", SERVE], cwd=folder, env=environ, stdout=out, stderr=err)
        try:
            yield url, process
        finally:
            process.kill()
            process.wait(PATIENCE)


def said(folder: Path) -> list[dict[str, Any]]:
    """Give what was said, each line read as JSON."""
    return [json.loads(line) for line in (folder / "err").read_text().splitlines()]


def test_every_line_is_json_and_redacted(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(LOUD)
    with serving(tmp_path, GOVERNANCE_LOG_LEVEL="DEBUG", GOVERNANCE_WORKERS="1") as (url, process):
        eventually(lambda: _answers(url, process), "an answer")
        assert requests.get(f"{url}/alerts/v1/alerts", timeout=PATIENCE).status_code == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    lines = said(tmp_path)
    assert (tmp_path / "out").read_text() == ""
    assert NUMBER not in (tmp_path / "err").read_text()
    assert all({"event", "level", "module", "time"} <= line.keys() for line in lines)
    by_module = {line["module"]: line for line in lines}
    assert "deprecated [redacted]" in by_module["py.warnings"]["event"]
    assert by_module["some.library"]["event"] == "Retrying /studies?PatientID=[redacted]"
    assert "ValueError: [redacted]" in by_module["sqlalchemy.pool"]["exception"]
    assert by_module["asyncio"]["event"] == "two\nlines"
    assert "_granian" in by_module
    events = [line["event"] for line in lines]
    assert events[0] == "serving"
    assert [line["of"] for line in lines if line["event"] == "log line not made"] == ["a.library"]
    uncaught = {line["where"]: line["exception"] for line in lines if line["event"] == "uncaught error"}
    assert uncaught.keys() == {"loud", "clean-up"}
    assert "a thread failed over [redacted]\nin two lines" in uncaught["loud"]
    (refused,) = [line for line in lines if line["event"] == "request"]
    assert (refused["route"], refused["status"], refused["client"]) == ("/alerts/v1/alerts", 401, None)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_worker_that_cannot_start_says_why_in_a_line(tmp_path: Path, workers: str) -> None:
    tenant = tmp_path / "no-tenant"
    tenant.mkdir()
    (tmp_path / "app.py").write_text((ROOT / "app.py").read_text())
    with serving(tmp_path, GOVERNANCE_TENANTS=str(tenant), GOVERNANCE_WORKERS=workers) as (_, process):
        assert process.wait(PATIENCE) != 0
    lines = said(tmp_path)
    failed = [line for line in lines if line["event"] == "not started"]
    assert failed
    assert {line["reason"] for line in failed} == {"configuration.invalid"}
    assert any(line["module"] == "_granian" for line in lines)


def _answers(url: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "the service ended"
    try:
        return requests.get(f"{url}/healthz", timeout=PATIENCE).ok
    except requests.ConnectionError:
        return False
