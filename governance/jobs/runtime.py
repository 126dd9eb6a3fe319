"""What runs beside the requests of a process: the log's writer, the jobs, the syslog listener."""

import atexit
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial

from governance.audit.checker import open_reader
from governance.bootstrap import Services
from governance.errors import Unavailable
from governance.intake.syslog import record_cuts, take_frames
from governance.intake.syslog_server import SyslogLimits, SyslogServer
from governance.jobs.facts import keep_facts
from governance.jobs.history import HistoryWatch
from governance.jobs.leadership import Leadership
from governance.jobs.log_check import PAGE, LogCheck
from governance.jobs.opa import watch_opa
from governance.jobs.reminders import Reminders
from governance.jobs.ticker import Job, Ticker
from governance.telemetry import get_logger

_HOUSEKEEPING = 60.0  # seconds between two runs of what is not urgent
_EDGES = 15.0  # seconds between two looks at the state of the edges
_INQUIRIES = 5.0  # seconds until somebody who is asked is written to
_REMINDERS = 3600.0  # seconds between two looks at what ends or wants its review
_REFUSALS = 5.0  # seconds until a window of refusals that is over is closed in the log
_POLICY_REFRESH = 0.2  # seconds until waiting OPAs hear what another process changed; a decision looks itself
_LEADING = 1.0  # seconds until the jobs of a worker that ended go on in another
_log = get_logger(__name__)


class Runtime:
    """What runs beside the requests of a process: the log's writer, the jobs, the syslog listener."""

    def __init__(self, services: Services) -> None:
        under = services.infrastructure
        self._services = services
        self._leadership = Leadership(under.settings.shared_folder)
        self._ticker = Ticker(_jobs(services, self._leadership, self._listen), under.metrics, under.vital)
        self._syslog = _syslog(services)
        self._port = threading.Lock()  # the syslog port is opened once, and never again once it is closed
        self._listening = False
        self._beginning = threading.Lock()
        self._begun = False

    def start(self, *, jobs: bool = True) -> None:
        """Start the writer, and with ``jobs`` everything else; all of it is stopped at exit."""
        self._services.infrastructure.audit.start()
        atexit.register(self.stop)
        if jobs:
            self.start_jobs()

    def start_jobs(self) -> None:
        """Start what works and listens beside the requests; raises OSError when the syslog port cannot be had."""
        self._listen()
        self._ticker.start()

    def begin_stop(self) -> None:
        """Begin to stop, once: answer whoever waits for news, start no job, take in what syslog senders sent.

        Comes back when the last is done, which takes as long as :attr:`SyslogLimits.drain` and little more.
        """
        with self._beginning:
            if self._begun:
                return
            self._begun = True
            with ExitStack() as last_first:
                last_first.callback(self._close_syslog)
                last_first.callback(self._ticker.halt)
                last_first.callback(self._services.uses.bundles.stop)
                last_first.callback(self._services.uses.alerts.streams.stop)

    def stop(self) -> None:
        """Stop in the order that loses nothing: streams and listeners first, then jobs, then the writer drains.

        A step that fails keeps none of the later ones from being taken.

        None of it waits beyond what the calling thread may wait (:func:`~governance.storage.patience.ending_at`).

        Raises:
            Unavailable: the log could not be drained, or what is owed to it not be recorded, in time.
        """
        atexit.unregister(self.stop)
        infrastructure, uses = self._services.infrastructure, self._services.uses
        with ExitStack() as last_first:
            last_first.callback(infrastructure.database.dispose)
            last_first.callback(infrastructure.audit.close)
            last_first.callback(infrastructure.refusals.flush, everything=True)
            last_first.callback(uses.intake.flush, everything=True)
            last_first.callback(self._leadership.release)
            last_first.callback(self._give_lease_back)
            last_first.callback(self._ticker.stop)
            last_first.callback(self.begin_stop)

    def _give_lease_back(self) -> None:
        """Let another process take detection over at once; a lease that cannot be given back runs out by itself."""
        try:
            self._services.uses.detection.release()
        except Unavailable as error:
            _log.warning("lease not given back", reason=error.reason)

    def _close_syslog(self) -> None:
        with self._port:
            syslog, self._syslog = self._syslog, None
        if syslog is not None and self._listening:
            syslog.close()

    def _listen(self) -> bool:
        """Open the syslog port if this worker leads and has not yet."""
        with self._port:
            if self._syslog is not None and not self._listening and self._leadership.held():
                self._syslog.start()
                self._listening = True
        return False


def _jobs(services: Services, leadership: Leadership, listen: Callable[[], bool]) -> list[Job]:
    settings = services.infrastructure.settings

    checkpoint, check_log = _history(services)

    def detect() -> bool:
        detection = services.uses.detection
        return detection.run_once() >= detection.batch  # what comes meanwhile can come together

    def refresh() -> bool:
        services.registers.agreements.refresh()
        return False

    def remind() -> bool:
        Reminders(
            services.registers.agreements,
            services.uses.alerts,
            services.infrastructure.database,
            services.infrastructure.clock,
        ).run_once()
        return False

    def renew() -> bool:
        services.registers.tokens.refresh_keys()
        services.uses.bundles.refresh()
        return False

    def watch() -> bool:
        services.uses.edge_watch.run_once()
        return False

    def housekeep() -> bool:
        infrastructure, registers = services.infrastructure, services.registers
        now = infrastructure.database.now(infrastructure.clock.now())  # what is forgotten is forgotten for everybody
        registers.agreements.expire_due(now)
        registers.tokens.forget_expired(now)
        _forget(services, now)
        keep_facts(infrastructure, now)
        return False

    def led(run: Callable[[], bool]) -> Callable[[], bool]:
        """Run a job in one worker only: the others would only do it again."""
        return lambda: leadership.held() and run()

    return [
        *_watched_opa(services),
        Job("checkpoint", settings.checkpoint_interval, led(checkpoint)),
        Job("log_check", PAGE / settings.log_check_pace, led(check_log)),
        Job("detection", settings.detection_interval, led(detect)),
        Job("policy", _POLICY_REFRESH, refresh),
        Job("revocations", _POLICY_REFRESH, renew),
        Job("edges", _EDGES, led(watch)),
        Job("refusals", _REFUSALS, partial(_tell_refusals, services)),
        Job("housekeeping", _HOUSEKEEPING, led(housekeep)),
        Job("reminders", _REMINDERS, led(remind)),
        Job("inquiries", _INQUIRIES, led(partial(_write_to_people, services))),
        Job("syslog", _LEADING, listen),
    ]


def _tell_refusals(services: Services) -> bool:
    """Record what was refused since the last time: requests, and messages that nobody could read."""
    services.infrastructure.refusals.flush()
    services.uses.intake.flush()
    return False


def _write_to_people(services: Services) -> bool:
    """Remind of questions, close those that are over, and send what is due."""
    tended = services.uses.inquiry_tending.run_once()
    return services.uses.inquiry_outbox.run_once() or tended


def _forget(services: Services, now: datetime) -> None:
    """Drop the facts whose time is over."""
    with services.infrastructure.database.transaction() as session:
        services.registers.relationships.purge_opt_outs(session, now)
        services.registers.emergency.forget(session, now)
        services.uses.explanations.purge(session, now)


def _watched_opa(services: Services) -> list[Job]:
    """Give the job that holds an OPA to what was put there; none where the embedded engine decides."""
    opa, settings = services.uses.opa, services.infrastructure.settings
    return [] if opa is None else [Job("opa", settings.opa_check_interval / 2, partial(watch_opa, opa, services))]


def _history(services: Services) -> tuple[Callable[[], bool], Callable[[], bool]]:
    """Give the jobs that sign the log and that check the whole of it."""
    infrastructure = services.infrastructure
    watch = HistoryWatch(
        log=infrastructure.audit,
        recorder=infrastructure.recorder,
        alerts=services.uses.alerts,
        database=infrastructure.database,
        clock=infrastructure.clock,
        organisation=infrastructure.settings.organisation,
    )
    check = LogCheck(
        log=infrastructure.audit,
        open_reader=lambda: open_reader(
            infrastructure.settings.database_url.get_secret_value(), infrastructure.settings.database_work_timeout
        ),
        opens=infrastructure.vault.opens,
        rows_key=infrastructure.vault.rows_key,
        kept=infrastructure.kept_note,
        clock=infrastructure.clock,
        report=watch.report,
        settle=watch.settle,
    )

    def sign() -> bool:
        watch.sign()
        return False

    def step() -> bool:
        check.step()
        return False

    return sign, step


def _syslog(services: Services) -> SyslogServer | None:
    under = services.infrastructure
    settings = under.settings
    if settings.syslog_port is None:
        return None
    return SyslogServer(
        (settings.syslog_host, settings.syslog_port),
        take_frames(services.uses.intake),
        SyslogLimits(settings.syslog_connections, settings.syslog_peer_connections),
        clock=under.clock,
        threads=under.vital,
        counted=under.metrics.syslog_ended,
        told=lambda cuts: record_cuts(under.recorder, cuts),
    )
