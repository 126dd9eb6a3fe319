"""The watch over the edges: a fault of one becomes an alert of its trust, and its end is added to that alert.

1. Each beginning and end is one event of the audit log, by this service; the alert rests on the beginning. So a new
   fault opens a new alert after a person closed the last one, and the same fault opens none.
2. First the event and the alarm are on file in one commit, then the alert is raised and that is noted in another: an
   alert is locked before the log. After a crash between the two the next run raises it.
3. An end adds to the open alert and to no other; only a person closes an alert.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from governance.alerts import AlertService
from governance.alerts.alert import Change
from governance.audit import Recorder
from governance.clock import Clock
from governance.edges import _store as store
from governance.edges import alarms as edge_alarms
from governance.edges._store import StoredAlarm
from governance.edges.alarms import Alarm, EdgeLimits
from governance.edges.edges import Edges
from governance.storage import Database, to_microseconds
from governance.vocabulary import EventKind, Outcome


class EdgeWatch:
    """Looks at every edge and raises what changed.

    Args:
        edges: gives their states.
        alerts: takes the faults.
        recorder: records each beginning and end.
        database: opens the transactions.
        clock: dates an end.
        limits: what is expected of an edge.
    """

    def __init__(
        self,
        *,
        edges: Edges,
        alerts: AlertService,
        recorder: Recorder,
        database: Database,
        clock: Clock,
        limits: EdgeLimits,
    ) -> None:
        self._edges = edges
        self._alerts = alerts
        self._recorder = recorder
        self._database = database
        self._clock = clock
        self._limits = limits

    def run_once(self) -> int:
        """Raise what changed since the last run; gives how many alerts are new."""
        now = self._clock.now()
        standing = {
            (alarm.client_id, alarm.signal): alarm
            for alarm in edge_alarms.standing(self._edges.states(), self._limits, now)
        }
        with self._database.reading() as session:
            stored = store.alarms(session)
        if any(True for _ in _changes(standing, stored)):
            self._record(standing, now)
        elif all(alarm.told for alarm in stored):
            return 0
        return self._raise()

    def _record(self, standing: dict[tuple[str, str], Alarm], now: datetime) -> None:
        with self._database.transaction() as session:
            for alarm, held in list(_changes(standing, store.alarms(session, lock=True))):
                index = self._record_change(session, alarm or held, now, over=alarm is None)
                if alarm is not None:
                    at = (alarm.client_id, alarm.signal, alarm.ods, alarm.since, alarm.measure)
                    store.keep_alarm(session, StoredAlarm(*at, entry=index))
                elif held is not None:
                    store.keep_alarm(session, replace(held, ended_at=now, told=False))

    def _raise(self) -> int:
        with self._database.transaction() as session:
            untold = [alarm for alarm in store.alarms(session, lock=True) if not alarm.told]
            found = [edge_alarms.finding(alarm, self._limits) for alarm in untold]
            raised = self._alerts.raise_findings(session, found)
            for alarm in untold:
                if alarm.ended_at is None:
                    store.keep_alarm(session, replace(alarm, told=True))
                else:
                    store.forget_alarm(session, alarm)
        return sum(one.change is Change.OPENED for one in raised)

    def _record_change(self, session: Session, alarm: Alarm | StoredAlarm | None, now: datetime, *, over: bool) -> int:
        assert alarm is not None  # noqa: S101 - a change has one or the other
        step = "over" if over else alarm.measure
        since = to_microseconds(alarm.since)
        return self._recorder.record_in(
            session,
            EventKind.SECURITY_ALERT,
            Outcome.SUCCESS if over else Outcome.SERIOUS,
            id=f"edge/{alarm.client_id}/{alarm.signal}/{since}/{step}",
            time=now if over else alarm.since,
            detail={"edge": alarm.client_id, "over": over, "rule": edge_alarms.RULE, "signal": alarm.signal},
        )


def _changes(
    standing: dict[tuple[str, str], Alarm], stored: list[StoredAlarm]
) -> Iterator[tuple[Alarm, StoredAlarm | None] | tuple[None, StoredAlarm]]:
    """Give what began or grew with what was on file of it, and what ended."""
    held = {(alarm.client_id, alarm.signal): alarm for alarm in stored}
    for key, alarm in standing.items():
        before = held.get(key)
        if before is None or before.ended_at is not None or alarm.measure > before.measure:
            yield alarm, before
    for key, old in held.items():
        if key not in standing and old.ended_at is None and old.signal != edge_alarms.LOST:
            yield None, old
