"""Raising, reviewing and reading alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from governance.alerts import _reading_store, _store, lifecycle
from governance.alerts._filter_store import Sight
from governance.alerts._trail import reviewed_event
from governance.alerts.alert import Alert, Case, Change, HistoryEntry
from governance.alerts.finding import Finding, Revision
from governance.alerts.query import (
    MAXIMUM_PAGE,
    AlertPage,
    AlertQuery,
    EventExplanation,
    Explanations,
    Notice,
    Unmasked,
    Viewer,
    nothing_explained,
)
from governance.alerts.raising import Raised, Raising, Revised
from governance.alerts.stream import AlertStreams, StreamTiming
from governance.alerts.suppressions import Suppressions, TeamsOf, TrustsNaming, no_teams, nobody_named
from governance.alerts.unmasking import unmasked
from governance.audit import AuditLog, AuditSearch, Recorder
from governance.clock import Clock
from governance.errors import Forbidden, NotFound
from governance.storage import Database
from governance.vocabulary import AlertKind, AlertState, Capacity, Verdict


class AlertService:
    """The alerts of the region.

    Args:
        database: where alerts live.
        recorder: records every change in the transaction of the change.
        clock: says when a person acted. Alerts themselves know event time only.
        revealer: opens the identifiers of a log entry, for unmasking.
        search: finds the entries an alert rests on.
        patient_of: gives the patient pseudonym of a trust's member of staff: nobody reviews an alert on their own.
        explanations: says why those who acted may have looked, as far as it is known now.
        teams_of: gives the teams somebody of a trust is in, for suppressions.
        trusts_naming: knows whose staff, or whose team, somebody is.
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
        explanations: Explanations = nothing_explained,
        teams_of: TeamsOf = no_teams,
        trusts_naming: TrustsNaming = nobody_named,
        streams: StreamTiming | None = None,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._revealer = revealer
        self._search = search
        self._patient_of = patient_of
        self._explanations = explanations
        self.suppressions = Suppressions(
            database=database,
            recorder=recorder,
            clock=clock,
            patient_of=patient_of,
            teams_of=teams_of,
            trusts_naming=trusts_naming,
        )
        self.streams = AlertStreams(self, streams)

    def raise_findings(self, session: Session, findings: Sequence[Finding]) -> list[Raised]:
        """Take findings into their incidents, inside the caller's write transaction; one answer each, in order.

        What a suppression or a known relation in force covers is held back, and counted there. The rest goes by the
        rules of :mod:`governance.alerts.raising`. A finding that says nothing new changes nothing.

        Raises:
            Conflict: the log refused the record of a raised alert; the transaction must not be committed.
        """
        held_back = self.suppressions.hold_back(session, findings)
        taken = [finding for finding, held in zip(findings, held_back, strict=True) if held is None]
        raised = iter(Raising(session, self._recorder, self._clock.now).take_all(taken))
        return [next(raised) if held is None else Raised("", Change.SUPPRESSED) for held in held_back]

    def revise(self, session: Session, revisions: Sequence[Revision]) -> list[Revised]:
        """Take back what was learnt to be otherwise, inside the caller's write transaction.

        A finding that rests on nothing any more is withdrawn; an alert softens to what is left, or closes by itself,
        and never vanishes. What a person closed stays closed. A revision of a finding that is not known, or that says
        nothing new, changes nothing. One answer for each alert that changed.

        Raises:
            Conflict: the log refused a record; the transaction must not be committed.
        """
        return Raising(session, self._recorder, self._clock.now).revise_all(revisions)

    def suppressed(self, session: Session, finding: Finding) -> bool:
        """Say whether a suppression or a known relation in force covers a finding; counts nothing."""
        return self.suppressions.covering(session, [finding])[0] is not None

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

    def counts(self, viewer: Viewer | None = None, kind: AlertKind = AlertKind.ALERT) -> dict[tuple[str, str], int]:
        """Count what is of a kind by (state, severity): what a viewer may see, or all of it."""
        with self._database.reading() as session:
            return self.counts_in(session, viewer, kind)

    def counts_in(
        self, session: Session, viewer: Viewer | None = None, kind: AlertKind = AlertKind.ALERT
    ) -> dict[tuple[str, str], int]:
        """Count as :meth:`counts` does, in the caller's snapshot."""
        return _reading_store.count_by_state(session, None if viewer is None else self._sight(session, viewer), kind)

    def reviews_in(self, session: Session, viewer: Viewer | None = None) -> dict[str, int]:
        """Count notices by their review (waiting, done, not_drawn): those a viewer may see, or all of them."""
        return _reading_store.count_reviews(session, None if viewer is None else self._sight(session, viewer))

    def reviews(self) -> dict[str, int]:
        """Count all notices as :meth:`reviews_in` does."""
        with self._database.reading() as session:
            return self.reviews_in(session)

    def has_open_case(self, session: Session, person: str) -> bool:
        """Say whether a case about somebody's own acts still waits for a person.

        That is an alert which is not closed, or a notice that was drawn for review; other notices wait for nobody.
        """
        everybody = Sight("", None, None)
        of_person = (
            AlertQuery(unclosed=True, subject=person, kind=AlertKind.ALERT),
            AlertQuery(to_review=True, subject=person),
        )
        return any(_reading_store.matching(session, everybody, query, 1) for query in of_person)

    def names_in(self, session: Session, alert: str, person: str) -> bool:
        """Say whether an alert names somebody: as its patient, or by an act of theirs, shown or not."""
        found = _reading_store.find(session, alert)
        return found is not None and (person in {found.patient, found.subject} or _acted(session, found, person))

    def explanations_in(self, session: Session, alert: Alert) -> Mapping[int, EventExplanation]:
        """Give, for each event that an alert lists, why whoever acted may have looked, as far as it is known now."""
        known = self._explanations(session, alert.events)
        return {index: known.get(index, EventExplanation()) for index in alert.events}

    def whole(self, viewer: Viewer, alert: str) -> tuple[Alert, Mapping[int, EventExplanation]]:
        """Give one alert and the explanations of its events, of one snapshot; raises as :meth:`get`."""
        with self._database.reading() as session:
            found = self.get_in(session, viewer, alert)
            return found, self.explanations_in(session, found)

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
            lambda at, _case: HistoryEntry(0, at, viewer.id, Change.ASSIGNED, assignee=assignee),
        )

    def comment(self, viewer: Viewer, alert: str, text: str) -> Alert:
        """Add words to the history; raises as :meth:`get`, and InvalidInput without any."""
        return self._review(
            viewer,
            alert,
            lambda case: lifecycle.comment(case, text),
            lambda at, _case: HistoryEntry(0, at, viewer.id, Change.COMMENTED, comment=text.strip()),
        )

    def close(
        self, viewer: Viewer, alert: str, verdict: Verdict, reason: str, capacity: Capacity | None = None
    ) -> Alert:
        """Give the verdict of the viewer's trust, in one capacity or in all in which it is asked.

        The alert closes once nobody else's is wanted. A viewer without a trust closes it for all.

        Raises:
            NotFound, Forbidden: as :meth:`get`, or the trust is not asked.
            InvalidInput: no reason, or a capacity in which the trust is not asked.
            Conflict: it is closed, or the trust has spoken.
        """
        word = lifecycle.Word(verdict, reason, self._clock.now(), viewer.id, capacity)

        def entry(at: datetime, case: Case) -> HistoryEntry:
            change = Change.CLOSED if case.state is AlertState.CLOSED else Change.JUDGED
            return HistoryEntry(0, at, viewer.id, change, comment=reason.strip(), verdict=verdict, ods=viewer.ods)

        return self._review(viewer, alert, lambda case: lifecycle.close(case, viewer.ods, word), entry)

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
            lambda at, _case: HistoryEntry(0, at, viewer.id, Change.UNMASKED, comment=words),
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

    def _review(
        self,
        viewer: Viewer,
        alert: str,
        change: Callable[[Case], Case],
        entry: Callable[[datetime, Case], HistoryEntry],
    ) -> Alert:
        """Do one act of a person: the change, its history and its audit event are one commit."""
        now = self._clock.now()
        with self._database.transaction() as session:
            held = _store.find_locked(session, alert)
            if held is None or held.number is None:
                raise _unknown()
            self._open_to(session, viewer, _reading_store.find(session, alert))
            before, case = held.case, change(held.case)
            if case != before:
                held.case = case
                _store.save(session, [held])
                _store.add_verdicts(session, held.number, case)
            written = _store.add_history(session, held.number, entry(now, case))
            _store.add_notices(session, [(held.number, written.change)])
            reviewed = _reading_store.load(session, [held.number])[held.number]
            self._recorder.record_all_in(
                session, [reviewed_event(self._recorder, held.id, written, viewer, before, case)]
            )
            return reviewed

    def _open_to(self, session: Session, viewer: Viewer, alert: Alert | None) -> Alert:
        """Give back an alert that the viewer may see and review; raises as :meth:`get`."""
        if alert is None or (viewer.ods is not None and viewer.ods not in alert.trusts):
            raise _unknown()
        sight = self._sight(session, viewer)
        own_record = alert.patient is not None and alert.patient == sight.own_patient
        if own_record or _acted(session, alert, viewer.id):
            raise Forbidden("alert.own_case", "Nobody reviews an alert about themselves.")
        return alert

    def _sight(self, session: Session, viewer: Viewer) -> Sight:
        return Sight(viewer.id, viewer.ods, self._patient_of(session, viewer.id, viewer.ods) if viewer.person else None)


def _unknown() -> NotFound:
    return NotFound("alert.unknown", "There is no such alert.")


def _acted(session: Session, alert: Alert, person: str) -> bool:
    """Say whether somebody's acts are part of an alert; it lists some of many, and the database knows the rest."""
    listed_whole = alert.totals.subjects <= len(alert.subjects)
    return person in alert.subjects or (
        not listed_whole and _reading_store.names_subject(session, alert.number, person)
    )
