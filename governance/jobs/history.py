"""The log's history: signed steadily, entered into the log itself each hour, and an alert as soon as it does not hold.

1. A signing that is refused is a critical alert of the organisation that runs the service. It rests on an event of its
   own, so the same fault is raised once, and a new one after a person closed the last alert.
2. At each start and once an hour the newest signing is also an entry of the log: whoever holds a later part of the log
   holds a word about the earlier. Not each signing: an entry makes the next one, and that would never end.
"""

from datetime import datetime, timedelta

from governance.alerts import AlertService, Evidence, Finding
from governance.audit import AuditLog, Recorder
from governance.audit.event import JsonValue
from governance.clock import Clock
from governance.errors import Conflict
from governance.storage import Database, to_microseconds
from governance.telemetry import get_logger
from governance.vocabulary import EventKind, Outcome, Severity

RULE = "log_history"
ENTERED_EVERY = timedelta(hours=1)
_log = get_logger(__name__)


class HistoryWatch:
    """Signs the log and raises what is wrong with its history.

    Args:
        log: what is signed.
        recorder: enters a signing into the log, and records a fault.
        alerts: takes the faults.
        database: opens the transaction a fault is raised in.
        clock: dates a fault, and says when the next entry is due.
        organisation: whose officers see the alert.
    """

    def __init__(
        self,
        *,
        log: AuditLog,
        recorder: Recorder,
        alerts: AlertService,
        database: Database,
        clock: Clock,
        organisation: str,
    ) -> None:
        self._log = log
        self._recorder = recorder
        self._alerts = alerts
        self._database = database
        self._clock = clock
        self._organisation = organisation
        self._entered_at: datetime | None = None
        self._raised: set[str] = set()

    def sign(self) -> None:
        """Sign the log, and enter the signing into it when that is due; raises Conflict when it was refused."""
        try:
            self._log.sign_checkpoint()
            self._enter()
        except Conflict as fault:
            self.report("signing_refused", fault.detail)
            raise
        self.settle("signing_refused")

    def report(self, signal: str, sentence: str) -> None:
        """Raise a fault of the history, once as long as it stands."""
        _log.error("log history does not hold", signal=signal, fault=sentence)
        if signal in self._raised:
            return
        now = self._clock.now()
        index = self._recorder.record(
            EventKind.SECURITY_ALERT,
            Outcome.SERIOUS,
            id=f"{RULE}/{signal}/{to_microseconds(now)}",
            time=now,
            detail={"rule": RULE, "signal": signal, "fault": sentence},
        )
        with self._database.transaction() as session:
            self._alerts.raise_findings(session, [self._finding(signal, sentence, now, index)])
        self._raised.add(signal)

    def settle(self, signal: str) -> None:
        """Take note that a fault does not stand any more: the next one is raised again."""
        self._raised.discard(signal)

    def _enter(self) -> None:
        now = self._clock.now()
        if self._entered_at is not None and now - self._entered_at < ENTERED_EVERY:
            return
        held = self._log.newest_signing()
        if held is None:
            return
        record, digest = held.record, held.digest.hex()
        detail: dict[str, JsonValue] = {
            "signing": record.number,
            "size": record.size,
            "root": record.root.hex(),
            "record": digest,
        }
        self._recorder.record(EventKind.RECORDING, id=f"signing/{digest}", time=record.signed_at, detail=detail)
        self._entered_at = now

    def _finding(self, signal: str, sentence: str, now: datetime, index: int) -> Finding:
        words = f"{sentence} Stop, keep a copy of the database, and run verify-log."
        return Finding(
            rule_id=RULE,
            family=RULE,
            severity=Severity.CRITICAL,
            subject=None,
            about=self._organisation,
            occurred_at=now,
            evidence=(Evidence(signal, "does not hold", "holds", 0, None, words),),
            events=(index,),
            trusts=(self._organisation,),
        )
