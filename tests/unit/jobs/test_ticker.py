"""A job's thread outlives whatever its run and its interval do."""

import math
import threading

import pytest

from governance.jobs.ticker import Job, Ticker
from governance.telemetry import Metrics


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
