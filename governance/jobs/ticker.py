"""Runs jobs at their intervals, each in a thread of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from governance.storage.patience import left
from governance.telemetry import Metrics, get_logger
from governance.threads import VitalThreads, is_fault

_log = get_logger(__name__)
_JOIN = 15.0  # seconds a stop waits for the running calls of all jobs together
_BACK_OFF = 8  # a failing job waits up to this many times its interval
_LONGEST = 86_400.0  # seconds a job waits at most, whatever its interval: a thread cannot wait for ever so long


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of background work.

    ``run`` does a bounded amount and says whether there is more to do: such a job runs again at once.
    ``interval`` is in seconds.
    """

    name: str
    interval: float
    run: Callable[[], bool]


class Ticker:
    """Starts and stops a set of jobs.

    Args:
        jobs: what runs.
        metrics: counts the runs.
        threads: those that the process cannot be without; each job's is one of them.
    """

    def __init__(self, jobs: Sequence[Job], metrics: Metrics, threads: VitalThreads | None = None) -> None:
        self._jobs = tuple(jobs)
        self._metrics = metrics
        self._vital = threads or VitalThreads()
        metrics.begin("governance_job_runs", ((job.name, result) for job in jobs for result in ("failed", "ok")))
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start every job in a thread of its own."""
        for job in self._jobs:
            self._threads.append(self._vital.start(f"job-{job.name}", partial(self._loop, job)))

    def halt(self) -> None:
        """Start no other call from now on."""
        self._stopping.set()

    def stop(self) -> None:
        """Let running calls finish and start no other; a call that takes too long is left to end with the process."""
        self.halt()
        until = time.monotonic() + left(_JOIN)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                _log.error("job left running", thread=thread.name)
        self._threads.clear()

    def _loop(self, job: Job) -> None:
        failures = 0
        while not self._stopping.is_set():
            busy = False
            try:
                busy = job.run()
                failures = 0
                self._metrics.job_ran(job=job.name, result="ok")
            except BaseException as error:
                if not is_fault(error):
                    raise
                failures += 1  # rule 1: counted and logged, never fatal
                self._metrics.job_ran(job=job.name, result="failed")
                _log.exception("job failed", job=job.name, error_type=type(error).__name__)
            if not busy:
                self._stopping.wait(_pause(job.interval, failures))


def _pause(interval: float, failures: int) -> float:
    """Give the seconds until the next run; an interval that is no finite number becomes the longest wait."""
    wanted = interval * min(2 ** min(failures, _BACK_OFF), _BACK_OFF)
    return wanted if wanted < _LONGEST else _LONGEST
