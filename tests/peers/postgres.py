"""A real PostgreSQL of the test's own: a throwaway cluster on a free loopback port, run by the user it needs."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import create_engine, text

from governance.simulation.programs import free_port

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
_USER = "postgres"
# No test of ours cuts the power of this machine: what a crash of a process may lose does not depend on fsync.
_FAST = "-c max_connections=60 -c shared_buffers=64MB -c fsync=off -c full_page_writes=off -c log_min_messages=fatal"


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster; gives the URL of its maintenance database without a name."""
    if not PROGRAMS.is_dir():
        raise RuntimeError("PostgreSQL 15 is not installed; `make system` installs it")
    folder = Path(tempfile.mkdtemp(prefix="governance-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _USER, _USER)
    folder.chmod(0o700)
    port = free_port()
    data = folder / "data"
    try:
        _run([PROGRAMS / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync"], folder)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 {_FAST}"
        _run([PROGRAMS / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"], folder)
        try:
            yield f"postgresql+psycopg://{_USER}@127.0.0.1:{port}"
        finally:
            _run([PROGRAMS / "pg_ctl", "-D", data, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def administer(server: str, statement: str) -> None:
    """Run a statement outside any transaction on the maintenance database."""
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@contextmanager
def silent(server: str) -> Iterator[None]:
    """Stop every process of a cluster in its tracks for the block: its connections stay open and say nothing."""
    engine = create_engine(f"{server}/postgres")
    with engine.connect() as connection:
        data = Path(str(connection.execute(text("SHOW data_directory")).scalar_one()))
    engine.dispose()
    postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
    stopped = []
    try:
        for process in (postmaster, *_children(postmaster)):  # who makes the others first
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(process, signal.SIGSTOP)
                stopped.append(process)
        yield
    finally:
        for process in stopped:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def _children(parent: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def _run(command: Sequence[str | Path], folder: Path) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["runuser", "-u", _USER, "--", *words]
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
