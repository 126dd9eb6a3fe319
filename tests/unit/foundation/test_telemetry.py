"""Logs redact before they write; traces are carried on; metrics keep their conventions."""

import inspect
import io
import json
import logging
import sys
from collections.abc import Callable
from typing import NoReturn

import pytest
import structlog

from governance.telemetry import Metrics, Snapshot, configure, get_logger
from governance.telemetry.tracing import continue_trace
from governance.threads import dropped

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"


def test_a_log_line_never_holds_an_identifier_or_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO")
    get_logger("test").warning(
        "refused 999 000 0018 and 1.2.840.113619.2.5.1762583153",
        patient="anything",
        access_token="secret",
        detail={"note": f"token {JWT}", "study_uid": "1.2.3"},
        several=["9990000018", 7],
    )
    structlog.reset_defaults()
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert line["event"] == "refused [redacted] and [redacted]"
    assert line["patient"] == line["access_token"] == "[redacted]"
    assert line["detail"] == {"note": "token [redacted]", "study_uid": "[redacted]"}
    assert line["several"] == ["[redacted]", 7]


def test_a_trace_is_taken_up_with_a_span_of_its_own() -> None:
    sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    trace = continue_trace(sent, lambda count: "ab" * count)
    assert trace.header == f"00-0af7651916cd43dd8448eb211c80319c-{'ab' * 8}-01"


@pytest.mark.parametrize("header", [None, "", "00-0-0-01", f"00-{'0' * 32}-{'1' * 16}-01", "ff-" + "a" * 60])
def test_a_broken_trace_begins_a_new_one(header: str | None) -> None:
    assert continue_trace(header, lambda count: "cd" * count).trace_id == "cd" * 16


def test_metrics_follow_the_conventions() -> None:
    metrics = Metrics()
    metrics.watch(
        lambda: Snapshot(10, 8, 1.5, 6, {("new", "high"): 2}, {"active": 3}, queued=5, ready={"database": True}), "1"
    )
    metrics.decided(
        effect="deny", purpose="TREAT", action="read", reasons=["agreement.none"], endpoint="t", seconds=0.01
    )
    body, content_type = metrics.render("text/plain")
    text = body.decode()
    assert content_type.startswith("text/plain")
    assert 'governance_denials_total{reason="agreement.none"} 1.0' in text
    assert 'governance_alerts{severity="high",state="new"} 2.0' in text
    assert "governance_detection_lag_entries 4.0" in text
    assert "governance_log_queued_events 5.0" in text
    for family in metrics.registry.collect():
        if family.type == "counter" and family.name.startswith("governance_"):
            assert all(s.name.endswith(("_total", "_created")) for s in family.samples)


class Unshowable:
    """What cannot be made into a line."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


class Broken(io.StringIO):
    """What cannot be written to, as a pipe that nobody reads any more."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("stream", [Broken, io.StringIO])
def test_a_line_that_cannot_be_written_or_made_is_dropped_and_counted(
    stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream())
    if stream is io.StringIO:
        sys.stderr.close()
    configure("INFO")
    try:
        before = dropped().get("log", 0)
        get_logger("test").error("one")
        get_logger("test").info("two", value=Unshowable())
        logging.getLogger("a library").error("three")
        assert dropped()["log"] == before + 3
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()


def test_every_count_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [name for name, method in vars(Metrics).items() if inspect.isfunction(method) and name[0] != "_"]
    assert [name for name in counts if not hasattr(vars(Metrics)[name], "__wrapped__")] == ["begin", "watch", "render"]
    metrics, before = Metrics(), dropped().get("metric", 0)
    monkeypatch.setattr("prometheus_client.Counter.inc", raiser(OSError))
    metrics.log_committed(result="ok")
    assert dropped()["metric"] == before + 1
    monkeypatch.undo()
    text = metrics.render("text/plain")[0].decode()
    assert 'governance_observations_dropped_total{kind="metric"} 1.0' in text


def raiser(error: type[BaseException]) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


def test_a_method_that_somebody_made_up_is_no_label() -> None:
    metrics = Metrics()
    for method in ("GET", "FOO123", "get", "9990000018", ""):
        metrics.http_answered(route="/healthz", method=method, status=200, seconds=0.01)
    lines = [line for line in metrics.render("text/plain")[0].decode().splitlines() if "http_requests_total{" in line]
    assert sorted(lines) == [
        'governance_http_requests_total{method="GET",route="/healthz",status="200"} 1.0',
        'governance_http_requests_total{method="other",route="/healthz",status="200"} 4.0',
    ]


def test_a_counter_begins_at_nothing_for_each_value_that_is_known() -> None:
    metrics = Metrics()
    metrics.begin("governance_tokens", [("exchange", "issued"), ("exchange", "refused")])
    metrics.begin("governance_list_rows", [])
    text = metrics.render("text/plain")[0].decode()
    assert 'governance_tokens_total{grant="exchange",outcome="refused"} 0.0' in text
    metrics.token_requested(grant="exchange", outcome="refused")
    text = metrics.render("text/plain")[0].decode()
    assert 'governance_tokens_total{grant="exchange",outcome="refused"} 1.0' in text
