"""Taking findings into their incidents, and taking them back: one call is one part of a write transaction.

1. Findings are taken one after the other, in the order given, as if each came alone: how a log is cut into batches, and
   a restart in the middle, change nothing.
2. What they may belong to is read before, for all of them, and written after, for all of them.
3. A finding goes, in this order: to the alert that has its act already; to the open alert that has the finding, or is
   close; else to a new one. A new one names the settled alert that it continues.
4. Nothing re-opens what a person closed, and no verdict is stretched over a new act: an alert on which somebody gave
   one takes no new act.
5. One writer raises or revises at a time, in all processes; alerts are locked before the stream's counter, and that
   before the log, as reviews do: two writers never wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from governance.alerts import _joining_store, _store, lifecycle
from governance.alerts._trail import raised_event, stepped_event, with_history
from governance.alerts.alert import Change, HistoryEntry, Step
from governance.alerts.finding import Finding, Revision
from governance.alerts.grouping import alert_id, group_key
from governance.alerts.incident import Incident
from governance.audit import Event, Recorder
from governance.storage.exclusive import exclusive
from governance.vocabulary import SYSTEM, AlertState

MATTER = "alerts"
_WEIGHT = {Change.OPENED: 4, Change.REOPENED: 3, Change.WITHDRAWN: 3, Change.JOINED: 3, Change.ESCALATED: 2}
_JOINED = "A later event showed that this is part of an earlier alert, which holds it now."


@dataclass(frozen=True, slots=True)
class Raised:
    """What a finding did: which alert it went to and what changed there.

    ``alert`` is empty when a suppression held the finding back (``Change.SUPPRESSED``).
    """

    alert: str
    change: Change


@dataclass(frozen=True, slots=True)
class Revised:
    """What a revision did to one alert."""

    alert: str
    change: Change


class Raising:
    """One call's worth of changes by findings and revisions.

    Args:
        session: the caller's write transaction.
        recorder: makes the audit events, and records them at the end.
        now: gives the instant of what happens by itself and has no event time of its own.
    """

    def __init__(self, session: Session, recorder: Recorder, now: Callable[[], datetime]) -> None:
        self._session = session
        self._recorder = recorder
        self._now = now
        self._groups: dict[str, list[Incident]] = defaultdict(list)
        self._ordinals: dict[str, int] = {}
        self._touched: dict[str, Incident] = {}
        self._told: dict[str, Change] = {}
        self._events: list[Event] = []
        self._steps: list[tuple[Incident, HistoryEntry, int]] = []  # with the place of its event

    def take_all(self, findings: Sequence[Finding]) -> list[Raised]:
        """Take findings; one answer each, in order. Raises Conflict when the log refuses a record."""
        if not findings:
            return []
        exclusive(self._session, MATTER)
        self._groups.update(_store.incidents_for(self._session, findings))
        self._ordinals = _store.next_ordinals(self._session, sorted(self._groups))
        raised = [self._take(finding) for finding in findings]
        self._finish()
        return raised

    def revise_all(self, revisions: Sequence[Revision]) -> list[Revised]:
        """Take back what was learnt to be otherwise; one answer for each alert that a revision touched, in order."""
        if not revisions:
            return []
        exclusive(self._session, MATTER)
        incidents = _store.revised_by(self._session, [revision.key for revision in revisions])
        reasons: dict[str, Revision] = {}
        for revision in revisions:
            for incident in incidents:
                found = incident.findings.get(revision.key)
                if found is not None and found.take_back(revision):
                    incident.changed_findings.add(revision.key)
                    reasons[incident.id] = revision
        changed = [incident for incident in incidents if incident.id in reasons]
        _store.save(self._session, changed)
        revised = [Revised(one.id, self._soften(one, reasons[one.id])) for one in changed]
        self._finish()
        return revised

    def _take(self, finding: Finding) -> Raised:
        group = self._groups[group_key(finding)]
        close = [incident for incident in group if incident.near(finding)]
        settled = [incident for incident in close if lifecycle.settled(incident.case) and not incident.joined_to]
        if (known := _same_act(settled, finding)) is not None:
            if known.closed_by_people:
                return Raised(known.id, Change.UNCHANGED)
            return self._absorb(known, finding)
        unsettled = [incident for incident in close if not lifecycle.settled(incident.case)]
        if not unsettled:
            return self._open(group, settled[-1].id if settled else None, finding)
        root = unsettled[0]
        for other in unsettled[1:]:
            self._join(root, other, finding.occurred_at)
        return self._absorb(root, finding)

    def _open(self, group: list[Incident], under: str | None, finding: Finding) -> Raised:
        key = group_key(finding)
        ordinal = self._ordinals.get(key, 0)
        self._ordinals[key] = ordinal + 1
        made = Incident.opened(alert_id(key, ordinal), key, ordinal, under, finding)
        group.append(made)
        self._note(made, Change.OPENED)
        self._events.append(raised_event(self._recorder, made, finding))
        return Raised(made.id, Change.OPENED)

    def _absorb(self, incident: Incident, finding: Finding) -> Raised:
        change, step = incident.absorb(finding)
        if change is not Change.UNCHANGED:
            self._note(incident, change)
        if change in {Change.ESCALATED, Change.REOPENED}:
            words = _named(step) if step else "It was found again, or more was found."
            self._step(incident, change, finding.occurred_at, words, step)
        return Raised(incident.id, change)

    def _join(self, root: Incident, other: Incident, at: datetime) -> None:
        """Make two open incidents one: the one opened first holds it all from now on."""
        self._write()
        root.join(other, _JOINED)
        _joining_store.take_up(self._session, root, other)
        self._note(root, Change.GAINED)
        self._note(other, Change.JOINED)
        self._step(other, Change.JOINED, at, _JOINED, None)

    def _soften(self, incident: Incident, revision: Revision) -> Change:
        """Give an alert what its findings still weigh; close it when nothing is left; leave what a person closed."""
        at = revision.at or self._now()
        change = Change.SOFTENED
        if incident.case.state is not AlertState.CLOSED and incident.number is not None:
            standing = _store.standing(self._session, incident.number)
            incident.weigh(standing)
            if not standing:
                incident.withdraw(revision.reason)
                change = Change.WITHDRAWN
        self._note(incident, change)
        self._step(incident, change, at, revision.reason, None)
        return change

    def _note(self, incident: Incident, change: Change) -> None:
        self._touched[incident.id] = incident
        held = self._told.get(incident.id, Change.UNCHANGED)
        if _WEIGHT.get(change, 1) >= (_WEIGHT.get(held, 1) if held is not Change.UNCHANGED else 0):
            self._told[incident.id] = change

    def _step(self, incident: Incident, change: Change, at: datetime, words: str, step: Step | None) -> None:
        incident.steps += 1
        self._steps.append((incident, HistoryEntry(0, at, SYSTEM, change, comment=words), len(self._events)))
        # the event says how things stand at this step: a later finding of this call may change them again
        self._events.append(stepped_event(self._recorder, incident, change, at, step))

    def _write(self) -> None:
        """Write what was changed so far."""
        touched = list(self._touched.values())
        _store.open_all(self._session, [incident for incident in touched if incident.number is None])
        _store.save(self._session, touched)

    def _finish(self) -> None:
        """Write everything; the stream's counter is locked last but one, the log last."""
        self._write()
        for incident, entry, place in self._steps:
            if incident.number is not None:
                written = _store.add_history(self._session, incident.number, entry)
                self._events[place] = with_history(self._events[place], written)
        told = [(self._touched[alert].number, change) for alert, change in self._told.items()]
        _store.add_notices(self._session, [(number, change) for number, change in told if number is not None])
        self._recorder.record_all_in(self._session, self._events)


def _same_act(settled: Sequence[Incident], finding: Finding) -> Incident | None:
    """Give the newest settled alert when the finding rests on no act but those of settled alerts."""
    if finding.events:
        known = all(any(incident.has_act(index) for incident in settled) for index in finding.shown)
    else:
        known = True  # it rests on no act: there is nothing new in it
    return settled[-1] if settled and known else None


def _named(step: Step) -> str:
    """Say a step in words."""
    if step.what == "severity":
        return "What was found since is more severe."
    return f"The signal {step.signal} is at least twice what was told of it."
