"""Programs that run beside this one: started, waited for by asking, and ended whatever happens.

1. A program is ready when it answers, never after a number of seconds.
2. It is asked to stop first and killed only when it does not.
3. On Linux the kernel ends it when its owner dies without a chance to (``setpriv --pdeathsig``).
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

START = 60.0  # seconds a program may take to answer
STOP = 25.0  # seconds a program may take to stop; longer than the service's own drain
_PAUSE = 0.05  # seconds between two questions
_TAIL = 2_000  # characters of a log that a failure shows


class ProgramFailed(Exception):
    """A program ended, or did not answer in time; the message ends with the last of its log."""


class Program:
    """A child process, running from the start to :meth:`stop`; a context manager.

    Args:
        name: what people call it.
        command: the program and its arguments.
        log: file that takes its output; the owner's own output when there is none.
        environ: its whole environment; the owner's when there is none.
        folder: its working directory.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path | None = None,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.name = name
        self._log = log
        with ExitStack() as stack:
            output = stack.enter_context(log.open("ab")) if log is not None else None
            self._process = subprocess.Popen(  # noqa: S603 - programs of the demo and the tests
                [*_leash(), *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output is not None else None,
                env=dict(os.environ if environ is None else environ),
                cwd=folder,
            )

    @property
    def pid(self) -> int:
        """Give the process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Say whether it still runs."""
        return self._process.poll() is None

    def await_answer(self, url: str, *, auth: tuple[str, str] | None = None, seconds: float = START) -> None:
        """Wait until a URL answers with success.

        Raises:
            ProgramFailed: it ended, or ``seconds`` have passed.
        """
        deadline = time.monotonic() + seconds
        while self.running and time.monotonic() < deadline:
            try:
                if requests.get(url, auth=auth, timeout=2).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(_PAUSE)
        trouble = "does not answer" if self.running else f"ended with status {self._process.returncode}"
        raise ProgramFailed(f"{self.name} {trouble}. {self._tail()}".rstrip())

    def stop(self, seconds: float = STOP) -> None:
        """Ask it to stop (SIGTERM) and wait; kill it when it does not. Stopping twice is harmless."""
        if self.running:
            self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tail(self) -> str:
        if self._log is None or not self._log.exists():
            return ""
        return self._log.read_text(errors="replace")[-_TAIL:].strip()


def free_port() -> int:
    """Give a TCP port of the loopback address that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _leash() -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()
