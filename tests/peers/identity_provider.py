"""The identity provider as a process of its own, on a free port of this machine."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def identity_provider(*options: str | Path) -> Iterator[str]:
    """Start the process with options and give its address; it is ended at the end."""
    command: Sequence[str | Path] = (
        sys.executable, "-m", "governance.simulation.identity_provider", "--port", "0", *options
    )  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("Identity provider at "), line
            yield line.rsplit(" ", 1)[1].strip()
        finally:
            process.terminate()
