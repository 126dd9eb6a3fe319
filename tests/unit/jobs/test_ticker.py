"""A job's thread outlives whatever its run and its interval do."""

import math
import threading

import pytest

from governance.jobs.ticker import Job, Ticker
from governance.telemetry import Metrics
from governance.threads import VitalThreads


@pytest.mark.parametrize("interval", [math.inf, math.nan, 1e300, threading.TIMEOUT_MAX])
def test_an_interval_that_cannot_be_waited_for_does_not_end_the_job(
    interval: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, died = threading.Event(), threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: died.set())

    def run() -> bool:
        ran.set()
        raise RuntimeError

    ticker = Ticker([Job("long", interval, run)], Metrics())
    ticker.start()
    try:
        assert ran.wait(10)
        assert not died.wait(0.3)
    finally:
        ticker.stop()


class Panic(BaseException):
    """As libraries written in Rust raise it: no ``Exception``."""


def test_a_job_that_panics_is_counted_and_tried_again() -> None:
    metrics, again, threads = Metrics(), threading.Event(), VitalThreads()
    runs = iter(range(3))

    def run() -> bool:
        if next(runs, None) is None:
            again.set()
        raise Panic

    ticker = Ticker([Job("panics", 0.01, run)], metrics, threads)
    ticker.start()
    assert again.wait(30)
    ticker.stop()
    assert threads.dead == ()
    assert 'governance_job_runs_total{result="failed",task="panics"}' in metrics.render("text/plain")[0].decode()


def test_a_job_that_ends_its_thread_is_a_lost_thread() -> None:
    threads, lost = VitalThreads(), threading.Event()
    threads.on_death(lambda *_: lost.set())

    def run() -> bool:
        raise SystemExit

    ticker = Ticker([Job("ends", 0.01, run)], Metrics(), threads)
    ticker.start()
    assert lost.wait(30)
    assert threads.dead == ("job-ends",)
    ticker.stop()
