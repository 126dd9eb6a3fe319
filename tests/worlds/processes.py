"""Processes that run the service's code side by side on one database: begun at the same moment, or held at a point.

What they run is a function at the top of a test module: it is found by its name in the other process.
"""

import multiprocessing
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from typing import Any

from governance.storage import Database

PATIENCE = 120.0  # seconds for what must happen, on a busy machine too
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["governance.audit", "governance.audit.checker", "governance.agreements"])
Work = Callable[..., Any]


def at_once(url: str, work: Work, arguments: list[tuple[Any, ...]]) -> list[Any]:
    """Run ``work(database, *arguments)`` once for each of the arguments, each in a process that begins with the others.

    Gives what each returned, in order. Fails with the trace of the first that raised.
    """
    line = SERVER.Barrier(len(arguments))
    running: list[tuple[BaseProcess, Connection]] = []
    for given in arguments:
        listening, telling = SERVER.Pipe(duplex=False)
        process = SERVER.Process(target=_work, args=(url, work, given, line, telling), daemon=True)
        process.start()
        telling.close()
        running.append((process, listening))
    heard = [_hear(listening) for _, listening in running]
    for process, listening in running:
        process.join(PATIENCE)
        listening.close()
    failed = [trace for _, trace in heard if trace is not None]
    assert not failed, failed[0]
    return [found for found, _ in heard]


@contextmanager
def held(url: str, work: Work, *arguments: Any) -> Iterator[BaseProcess]:
    """Run ``work(database, reach, *arguments)`` in a process until it calls ``reach``, and keep it there; then kill it.

    ``reach`` never returns.
    """
    listening, telling = SERVER.Pipe(duplex=False)
    process = SERVER.Process(target=_hold, args=(url, work, arguments, telling), daemon=True)
    process.start()
    telling.close()
    try:
        assert listening.poll(PATIENCE), "the process did not come as far"
        trace = listening.recv()
        assert trace is None, trace
        yield process
    finally:
        process.kill()
        process.join(PATIENCE)
        listening.close()


def _work(url: str, work: Work, given: tuple[Any, ...], line: Barrier, telling: Connection) -> None:
    database = Database(url)
    try:
        database.ping()  # so that nobody is still connecting when the others begin
        line.wait(PATIENCE)
        telling.send((work(database, *given), None))
    except Exception:  # noqa: BLE001 - the test fails for it
        line.abort()
        telling.send((None, traceback.format_exc()))
    finally:
        database.dispose()


def _hold(url: str, work: Work, given: tuple[Any, ...], telling: Connection) -> None:
    def reach() -> None:
        telling.send(None)
        threading.Event().wait()  # until killed

    try:
        work(Database(url), reach, *given)
    except Exception:  # noqa: BLE001 - the test fails for it
        telling.send(traceback.format_exc())


def _hear(listening: Connection) -> tuple[Any, str | None]:
    assert listening.poll(PATIENCE), "a process did not come to an end"
    try:
        found: tuple[Any, str | None] = listening.recv()
    except EOFError:
        return None, "a process ended without a word"
    return found
