"""The log's history beside the requests: signed, entered into the log, checked whole, and an alert when it fails."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from governance.alerts import Alert, AlertQuery, Viewer
from governance.audit import Subject
from governance.audit.checker import open_reader, read_key, verify
from governance.audit.signer import ed25519_valid
from governance.bootstrap import Services
from governance.clock import FixedClock
from governance.errors import Conflict
from governance.jobs.history import HistoryWatch
from governance.jobs.log_check import BETWEEN, RESTS, LogCheck
from governance.vocabulary import AlertState, EventKind, Severity, SubjectType, Verdict
from tests.worlds.log import erase

OFFICER = Viewer("s-officer", "QHL", person=True)
Sql = Callable[[str], None]


@pytest.fixture
def watch(services: Services) -> HistoryWatch:
    infrastructure = services.infrastructure
    return HistoryWatch(
        log=infrastructure.audit,
        recorder=infrastructure.recorder,
        alerts=services.uses.alerts,
        database=infrastructure.database,
        clock=infrastructure.clock,
        organisation=infrastructure.settings.organisation,
    )


@pytest.fixture
def check(services: Services, watch: HistoryWatch) -> LogCheck:
    infrastructure = services.infrastructure
    return LogCheck(
        log=infrastructure.audit,
        open_reader=lambda: open_reader(infrastructure.database.url),
        opens=infrastructure.vault.opens,
        rows_key=infrastructure.vault.rows_key,
        kept=infrastructure.kept_note,
        clock=infrastructure.clock,
        report=watch.report,
        settle=watch.settle,
    )


@pytest.fixture
def sql(services: Services) -> Sql:
    """Run one statement against the store as an intruder would."""

    def run(statement: str) -> None:
        with services.infrastructure.database.transaction() as session:
            session.connection().execute(text(statement))

    return run


def record(services: Services, times: int) -> None:
    recorder = services.infrastructure.recorder
    recorder.record_all([recorder.event(EventKind.CONFIG, detail={"number": number}) for number in range(times)])


def alerts(services: Services) -> list[Alert]:
    return list(services.uses.alerts.list(OFFICER, AlertQuery(rule="log_history")).alerts)


def entered(services: Services) -> list[int]:
    held = services.infrastructure.audit.read(0, 10_000)
    return [int(str(one.detail["size"])) for one in held if one.kind is EventKind.RECORDING]


def whole_pass(check: LogCheck, services: Services) -> str | None:
    """Step until a pass has ended; gives its fault."""
    for _ in range(100):
        check.step()
        if check._reader is None:
            break
    progress = services.infrastructure.audit.check_progress()
    assert progress is not None
    return progress.fault


class TestSigning:
    def test_one_signing_is_entered_at_the_start_and_one_an_hour_and_none_each(
        self, services: Services, watch: HistoryWatch, clock: FixedClock
    ) -> None:
        for _ in range(5):
            record(services, 3)
            watch.sign()
        assert entered(services) == [3]
        clock.advance(timedelta(minutes=59))
        watch.sign()
        assert entered(services) == [3]
        clock.advance(timedelta(minutes=1))
        watch.sign()
        assert len(entered(services)) == 2

    def test_one_that_is_refused_is_one_critical_alert_and_a_word_in_readiness(
        self, services: Services, watch: HistoryWatch, client: FlaskClient, sql: Sql
    ) -> None:
        record(services, 3)
        watch.sign()
        assert client.get("/readyz").json["parts"]["log_history"] is True  # type: ignore[index]
        sql("DELETE FROM audit_checkpoint")
        for _ in range(3):
            with pytest.raises(Conflict):
                watch.sign()
        (alert,) = alerts(services)
        assert (alert.severity, alert.trusts) == (Severity.CRITICAL, ("QHL",))
        assert alert.evidence[0].sentence.startswith("The chain of signings is not whole: the checkpoint of its newest")
        answer = client.get("/readyz")
        assert answer.status_code == 200  # decisions are made and recorded all the same
        assert answer.json["parts"]["log_history"] is False  # type: ignore[index]
        assert b'governance_ready{part="log_history"} 0.0' in services.infrastructure.metrics.render("")[0]

    def test_a_fault_that_comes_back_is_a_new_alert_after_the_last_was_closed(
        self, services: Services, watch: HistoryWatch, clock: FixedClock
    ) -> None:
        watch.report("signing_refused", "The log does not extend what was signed.")
        (alert,) = alerts(services)
        services.uses.alerts.close(OFFICER, alert.id, Verdict.UNCLEAR, "looked at")
        clock.advance(timedelta(minutes=1))
        watch.sign()
        watch.report("signing_refused", "The log does not extend what was signed.")
        assert sorted(alert.case.state is AlertState.CLOSED for alert in alerts(services)) == [False, True]


class TestTheWholeLog:
    def test_it_is_checked_a_page_at_a_time_and_says_how_far_it_is(
        self, services: Services, check: LogCheck, client: FlaskClient
    ) -> None:
        assert client.get("/readyz").json["history"] == "The whole log was not checked yet."  # type: ignore[index]
        record(services, 5_000)
        services.infrastructure.audit.sign_checkpoint()
        check.step()
        record(services, 10)  # what comes meanwhile is for the next pass
        services.infrastructure.audit.sign_checkpoint()
        word = client.get("/readyz").json["history"]  # type: ignore[index]
        assert word == "The first check of the whole log is at 40 %."
        assert b"governance_log_checked_entries 2048.0" in services.infrastructure.metrics.render("")[0]
        assert whole_pass(check, services) is None
        progress = services.infrastructure.audit.check_progress()
        assert progress is not None
        assert progress.whole_size == 5_000
        assert "found whole at 2026-11-24 12:00:00 UTC" in client.get("/readyz").json["history"]  # type: ignore[index]
        assert b"governance_log_check_age_seconds 0.0" in services.infrastructure.metrics.render("")[0]

    def test_what_it_finds_is_an_alert_and_a_word_until_a_pass_finds_nothing(
        self, services: Services, check: LogCheck, client: FlaskClient, clock: FixedClock, sql: Sql
    ) -> None:
        record(services, 40)
        services.infrastructure.audit.sign_checkpoint()
        sql("UPDATE audit_entry SET outcome = 'major' WHERE \"index\" = 17")
        assert "Entry 17 was altered" in str(whole_pass(check, services))
        (alert,) = alerts(services)
        assert alert.severity is Severity.CRITICAL
        assert "First bad entry: 17." in alert.evidence[0].sentence
        assert client.get("/readyz").json["parts"]["log_history"] is False  # type: ignore[index]
        sql("UPDATE audit_entry SET outcome = 'success' WHERE \"index\" = 17")
        clock.advance(BETWEEN)
        assert whole_pass(check, services) is None
        assert client.get("/readyz").json["parts"]["log_history"] is True  # type: ignore[index]

    def test_a_second_fault_after_a_whole_pass_is_a_second_alert(
        self, services: Services, check: LogCheck, clock: FixedClock, sql: Sql
    ) -> None:
        record(services, 40)
        services.infrastructure.audit.sign_checkpoint()
        for outcome in ("major", "success", "serious"):
            sql(f"UPDATE audit_entry SET outcome = '{outcome}' WHERE \"index\" = 17")
            assert (whole_pass(check, services) is None) is (outcome == "success")
            for alert in alerts(services):
                if alert.case.state is not AlertState.CLOSED:
                    services.uses.alerts.close(OFFICER, alert.id, Verdict.UNCLEAR, "looked at")
            clock.advance(BETWEEN)
        assert len(alerts(services)) == 2

    def test_a_pass_begins_some_time_after_the_last(
        self, services: Services, check: LogCheck, clock: FixedClock
    ) -> None:
        record(services, 3)
        services.infrastructure.audit.sign_checkpoint()
        whole_pass(check, services)
        began = services.infrastructure.audit.check_progress()
        clock.advance(BETWEEN - timedelta(seconds=1))
        check.step()
        assert services.infrastructure.audit.check_progress() == began

    def test_a_check_whose_steps_take_long_rests_longer(
        self, services: Services, check: LogCheck, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(services, 3)
        services.infrastructure.audit.sign_checkpoint()
        seconds = count(step=20)
        monkeypatch.setattr("governance.jobs.log_check.monotonic", lambda: next(seconds))
        whole_pass(check, services)
        began = services.infrastructure.audit.check_progress()
        clock.advance(timedelta(seconds=RESTS * 20 - 1))
        check.step()
        assert services.infrastructure.audit.check_progress() == began
        clock.advance(timedelta(seconds=1))
        check.step()
        assert services.infrastructure.audit.check_progress() != began

    def test_a_key_destroyed_while_it_runs_is_no_fault(self, services: Services, check: LogCheck) -> None:
        infrastructure = services.infrastructure
        record(services, 3_000)
        person = Subject("user-1", SubjectType.PRACTITIONER)
        infrastructure.recorder.record(EventKind.LOGIN, subject=person)
        infrastructure.audit.sign_checkpoint()
        check.step()
        with infrastructure.database.transaction() as session:
            owner = infrastructure.pseudonymiser.subject("user-1")
            erase(session, infrastructure.vault, infrastructure.recorder, infrastructure.clock, owner)
        assert whole_pass(check, services) is None


def test_the_hours_signings_are_checked_too(services: Services, watch: HistoryWatch, sql: Sql) -> None:
    record(services, 10)
    watch.sign()
    record(services, 10)
    watch.sign()
    sql("DELETE FROM audit_checkpoint WHERE size BETWEEN 1 AND 15")
    sql("DELETE FROM audit_signing WHERE size BETWEEN 1 AND 15")
    reader = open_reader(services.infrastructure.database.url)
    report = verify(reader, [read_key(services.infrastructure.audit.verifier_key())], ed25519_valid)
    reader.close()
    assert report.status == 3
    assert any("Signing 1 is missing." in line for line in report.lines())
