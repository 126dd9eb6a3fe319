"""Lets a real program stand still, as one does whose machine hangs: alive, its port open, and without an answer."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_LIMIT = 10.0  # seconds
_STILL = frozenset("TtZX")  # stopped, or at its end: a child that nobody has waited for does nothing more


def stop(process: int) -> None:
    """Stop a process, and come back once all its threads stand still: until then one may answer what came before."""
    os.kill(process, signal.SIGSTOP)
    until = time.monotonic() + _LIMIT
    while not all(state in _STILL for state in _states(process)):
        assert time.monotonic() < until, f"process {process} goes on after SIGSTOP"
        time.sleep(0.001)


def _states(process: int) -> list[str]:
    """Give the state of each thread; what comes after the name, which may hold anything, in proc(5)'s stat."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended meanwhile
            found.append(task.read_text().rpartition(")")[2].split()[0])
    return found
