"""A real PostgreSQL of the test's own: a throwaway cluster on a free loopback port, run by the user it needs."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import create_engine, text

from governance.simulation.programs import free_port
from tests.peers.stopping import stop

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
_USER = "postgres"
# No test of ours cuts the power of this machine: what a crash of a process may lose does not depend on fsync.
_FAST = "-c max_connections=60 -c shared_buffers=64MB -c fsync=off -c full_page_writes=off -c log_min_messages=fatal"
_NEW = ("-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync")


class Cluster:
    """A throwaway cluster: started, stopped, or killed and started again where it was.

    Args:
        folder: of its own; it belongs to the user that runs it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._port = free_port()
        self.url = f"postgresql+psycopg://{_USER}@127.0.0.1:{self._port}"

    def make(self) -> None:
        """Make its files."""
        _run(
            [PROGRAMS / "initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync"], self._folder
        )

    def start(self) -> None:
        """Start it and come back when it answers."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 {_FAST}"
        log = self._folder / "log"
        _run([PROGRAMS / "pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start"], self._folder)

    def stop(self) -> None:
        """Stop it at once."""
        _run([PROGRAMS / "pg_ctl", "-D", self._data, "-m", "immediate", "stop"], self._folder)

    def kill(self) -> None:
        """Kill all of its processes, as a power cut would, and come back when they are gone."""
        postmaster = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process in (postmaster, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        while any(Path(f"/proc/{process}").exists() for process in (postmaster, *children)):
            time.sleep(0.02)


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster; gives the URL of its maintenance database without a name."""
    with killable_cluster() as made:
        yield made.url


@contextmanager
def killable_cluster() -> Iterator[Cluster]:
    """Start a cluster that may be killed, and must run again at the end."""
    if not PROGRAMS.is_dir():
        raise RuntimeError("PostgreSQL 15 is not installed; `make system` installs it")
    folder = Path(tempfile.mkdtemp(prefix="governance-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _USER, _USER)
    folder.chmod(0o700)
    try:
        made = Cluster(folder)
        made.make()
        made.start()
        try:
            yield made
        finally:
            made.stop()
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
                stopped.append(process)
                stop(process)
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
