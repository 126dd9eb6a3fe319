"""Raising, reviewing and reading alerts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from governance.alerts import _reading_store, _store, lifecycle
from governance.alerts._trail import raised_event, reviewed_event
from governance.alerts.alert import Alert, Case, Change, HistoryEntry, absorb
from governance.alerts.finding import Finding
from governance.alerts.grouping import alert_id, group_key
from governance.alerts.query import MAXIMUM_PAGE, AlertPage, AlertQuery, Notice, Unmasked, Viewer
from governance.alerts.stream import AlertStreams, StreamTiming
from governance.alerts.unmasking import unmasked
from governance.audit import AuditLog, AuditSearch, Recorder
from governance.clock import Clock
from governance.errors import Forbidden, NotFound
from governance.storage import Database
from governance.vocabulary import AlertState, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Raised:
    """What a finding did: which alert it went to and what changed there."""

    alert: str
    change: Change


class AlertService:
    """The alerts of the region.

    Args:
        database: where alerts live.
        recorder: records every change in the transaction of the change.
        clock: says when a person acted. Alerts themselves know event time only.
        revealer: opens the identifiers of a log entry, for unmasking.
        search: finds the entries an alert rests on.
        patient_of: gives the patient pseudonym of a trust's member of staff: nobody reviews an alert on their own.
        streams: how streams are paced.
    """

    def __init__(
        self,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        revealer: AuditLog,
        search: AuditSearch,
        patient_of: Callable[[Session, str, str | None], str | None],
        streams: StreamTiming | None = None,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._revealer = revealer
        self._search = search
        self._patient_of = patient_of
        self.streams = AlertStreams(self, streams)

    def raise_findings(self, session: Session, findings: Sequence[Finding]) -> list[Raised]:
        """Take findings into their incidents, inside the caller's write transaction; one answer each, in order.

        The open alert of the same incident gains what is new; a closed one is left alone and a new alert names it.
        A finding that says nothing new changes nothing. Alerts are locked before the stream's counter, and the counter
        before the log, as reviews do: two writers never wait for each other.

        Raises:
            Conflict: the log refused the record of a raised alert; the transaction must not be committed.
        """
        raised = [self._take(session, finding) for finding in findings]
        events = []
        for finding, (done, number, severity) in zip(findings, raised, strict=True):
            if done.change is not Change.UNCHANGED:
                _store.add_notice(session, number, done.change)
            if done.change in {Change.OPENED, Change.ESCALATED}:
                events.append(raised_event(self._recorder, done.alert, done.change, severity, finding))
        self._recorder.record_all_in(session, events)
        return [done for done, _, _ in raised]

    def list(self, viewer: Viewer, query: AlertQuery, limit: int = 50) -> AlertPage:
        """Give the alerts that match and that the viewer may see, newest first, ``limit`` (1 to 200) at a time."""
        with self._database.reading() as session:
            return self.list_in(session, viewer, query, limit)

    def list_in(self, session: Session, viewer: Viewer, query: AlertQuery, limit: int = 50) -> AlertPage:
        """Give a page as :meth:`list` does, in the caller's snapshot."""
        limit = min(max(limit, 1), MAXIMUM_PAGE)
        found = _reading_store.matching(session, self._sight(session, viewer), query, limit + 1)
        page = tuple(found[:limit])
        return AlertPage(page, page[-1].number if len(found) > limit else None)

    def counts(self, viewer: Viewer | None = None) -> dict[tuple[str, str], int]:
        """Count the alerts by (state, severity): those a viewer may see, or all of them."""
        with self._database.reading() as session:
            return self.counts_in(session, viewer)

    def counts_in(self, session: Session, viewer: Viewer | None = None) -> dict[tuple[str, str], int]:
        """Count as :meth:`counts` does, in the caller's snapshot."""
        return _reading_store.count_by_state(session, None if viewer is None else self._sight(session, viewer))

    def get(self, viewer: Viewer, alert: str) -> Alert:
        """Give one alert; raises NotFound out of sight, Forbidden when it is about the viewer."""
        with self._database.reading() as session:
            return self.get_in(session, viewer, alert)

    def get_in(self, session: Session, viewer: Viewer, alert: str) -> Alert:
        """Give one alert in the caller's snapshot; raises as :meth:`get`."""
        return self._open_to(session, viewer, _reading_store.find(session, alert))

    def alerted_in(self, session: Session, indexes: Sequence[int]) -> set[int]:
        """Give those of some log indexes that an alert rests on, whoever may see it."""
        return _reading_store.alerted(session, indexes)

    def assign(self, viewer: Viewer, alert: str, assignee: str) -> Alert:
        """Put somebody (a pseudonym) in charge; raises as :meth:`get`, and Conflict once closed."""
        return self._review(
            viewer,
            alert,
            lambda case: lifecycle.assign(case, assignee),
            lambda at: HistoryEntry(0, at, viewer.id, Change.ASSIGNED, assignee=assignee),
        )

    def comment(self, viewer: Viewer, alert: str, text: str) -> Alert:
        """Add words to the history; raises as :meth:`get`, and InvalidInput without any."""
        return self._review(
            viewer,
            alert,
            lambda case: lifecycle.comment(case, text),
            lambda at: HistoryEntry(0, at, viewer.id, Change.COMMENTED, comment=text.strip()),
        )

    def close(self, viewer: Viewer, alert: str, verdict: Verdict, reason: str) -> Alert:
        """Conclude the review; raises as :meth:`get`, InvalidInput without a reason, Conflict when already closed."""
        return self._review(
            viewer,
            alert,
            lambda case: lifecycle.close(case, verdict, reason),
            lambda at: HistoryEntry(0, at, viewer.id, Change.CLOSED, comment=reason.strip(), verdict=verdict),
        )

    def unmask(self, viewer: Viewer, alert: str, reason: str) -> Unmasked:
        """Give the identifiers behind an alert, and record who asked and why before anything is shown.

        Raises:
            InvalidInput: no reason.
            NotFound, Forbidden: as :meth:`get`; a service never unmasks.
        """
        if not viewer.person:
            raise Forbidden("alert.unmask_person_only", "Only a signed-in person may see who is behind an alert.")
        words = lifecycle.words(reason, "/reason")
        seen = self._review(
            viewer,
            alert,
            lambda case: case,
            lambda at: HistoryEntry(0, at, viewer.id, Change.UNMASKED, comment=words),
        )
        return unmasked(self._revealer, self._search, viewer, seen)

    def latest_notice(self) -> int:
        """Give the sequence number of the newest change; 0 before the first."""
        with self._database.reading() as session:
            return _reading_store.latest_notice(session)

    def notices(self, viewer: Viewer, after: int, limit: int = 100) -> tuple[Notice, ...]:
        """Give the changes after a sequence number that the viewer may see, oldest first.

        Several changes of one alert are given once, as the last of them: an alert is shown as it is now.
        """
        with self._database.reading() as session:
            found = _reading_store.notices_after(session, self._sight(session, viewer), after, limit)
            latest = {number: (sequence, change) for sequence, change, number in found}
            loaded = _reading_store.load(session, list(latest))
        ordered = sorted((sequence, change, number) for number, (sequence, change) in latest.items())
        return tuple(Notice(sequence, change, loaded[number]) for sequence, change, number in ordered)

    def _take(self, session: Session, finding: Finding) -> tuple[Raised, int, Severity]:
        group = group_key(finding)
        held = _store.latest_of_group(session, group)
        if held is None:
            return self._open(session, group, 0, None, finding)
        fresh = _store.unknown_events(session, held.number, finding.events)
        if held.case.state is AlertState.CLOSED:
            if not fresh:
                return Raised(held.id, Change.UNCHANGED), held.number, held.weight.severity
            return self._open(session, group, held.ordinal + 1, held.id, finding)
        _store.add_events(session, held.number, fresh)
        linked = _store.add_links(session, held.number, finding)
        weight = absorb(held.weight, finding)
        if weight != held.weight:
            _store.save_weight(session, held.number, weight)
        if weight.severity is not held.weight.severity:
            change = Change.ESCALATED
        else:
            change = Change.GAINED if fresh or linked or weight != held.weight else Change.UNCHANGED
        return Raised(held.id, change), held.number, weight.severity

    def _open(
        self, session: Session, group: str, ordinal: int, under: str | None, finding: Finding
    ) -> tuple[Raised, int, Severity]:
        alert = alert_id(group, ordinal)
        number = _store.open_alert(session, alert, group, ordinal, under, finding)
        if number is None:  # another writer opened it a moment ago: the finding goes there
            return self._take(session, finding)
        return Raised(alert, Change.OPENED), number, finding.severity

    def _review(
        self,
        viewer: Viewer,
        alert: str,
        change: Callable[[Case], Case],
        entry: Callable[[datetime], HistoryEntry],
    ) -> Alert:
        """Do one act of a person: the change, its history and its audit event are one commit."""
        now = self._clock.now()
        with self._database.transaction() as session:
            held = self._locked(session, viewer, alert)
            case = change(held.case)
            if case != held.case:
                _store.save_case(session, held.number, case)
            written = _store.add_history(session, held.number, entry(now))
            _store.add_notice(session, held.number, written.change)
            reviewed = _reading_store.load(session, [held.number])[held.number]
            self._recorder.record_all_in(session, [reviewed_event(self._recorder, held.id, written, viewer)])
            return reviewed

    def _locked(self, session: Session, viewer: Viewer, alert: str) -> _store.Held:
        """Lock an alert for a change by somebody who may review it; raises as :meth:`get`."""
        held = _store.find_locked(session, alert)
        if held is None:
            raise _unknown()
        self._open_to(session, viewer, _reading_store.find(session, alert))
        return held

    def _open_to(self, session: Session, viewer: Viewer, alert: Alert | None) -> Alert:
        """Give back an alert that the viewer may see and review; raises as :meth:`get`."""
        if alert is None or (viewer.ods is not None and viewer.ods not in alert.trusts):
            raise _unknown()
        sight = self._sight(session, viewer)
        own_record = alert.patient is not None and alert.patient == sight.own_patient
        if own_record or viewer.id in alert.subjects:
            raise Forbidden("alert.own_case", "Nobody reviews an alert about themselves.")
        return alert

    def _sight(self, session: Session, viewer: Viewer) -> _reading_store.Sight:
        return _reading_store.Sight(
            viewer.id, viewer.ods, self._patient_of(session, viewer.id, viewer.ods) if viewer.person else None
        )


def _unknown() -> NotFound:
    return NotFound("alert.unknown", "There is no such alert.")
