"""A failing job is counted and tried again; it takes nothing down with it."""

import threading

from governance.jobs import Job, Ticker
from governance.telemetry import Metrics


def test_jobs_run_fail_and_stop() -> None:
    metrics = Metrics()
    ran, failed = threading.Event(), threading.Event()

    def works() -> bool:
        ran.set()
        return False

    def breaks() -> bool:
        failed.set()
        raise RuntimeError("on purpose")

    ticker = Ticker([Job("works", 0.01, works), Job("breaks", 0.01, breaks)], metrics)
    ticker.start()
    assert ran.wait(5)
    assert failed.wait(5)
    ticker.stop()
    text = metrics.render("text/plain")[0].decode()
    assert 'governance_job_runs_total{result="ok",task="works"}' in text
    assert 'governance_job_runs_total{result="failed",task="breaks"}' in text
    assert not any(thread.name.startswith("job-") for thread in threading.enumerate())
