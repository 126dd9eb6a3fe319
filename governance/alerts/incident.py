"""An incident while findings change it: what one more finding adds, and what a revision takes back (pure).

1. Only the part that a finding touches is in memory: its own row, and of what the incident lists, what the finding
   names. So the work for a finding does not grow with the incident.
2. The same finding found again says nothing new: every step here asks first what is there already.
3. Severity and evidence rise with findings. They fall only by a revision, to those of the findings that still stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from governance.alerts import lifecycle
from governance.alerts.alert import Case, Change, ClosedBy, Step, merge_evidence, step_of, taught, weight_of
from governance.alerts.finding import MAXIMUM_SHOWN, Evidence, Finding, Party, Revision
from governance.alerts.grouping import near, parties_of
from governance.vocabulary import AlertKind, AlertState, Severity

Link = tuple[str, str]
COUNTED = {"decision": "decisions_total", "subject": "subjects_total", "token": "tokens_total"}
BOUNDED = frozenset({"decision", "token"})  # kinds of links of which the first ones are kept
MAXIMUM_GONE = 200  # log entries that a finding remembers as taken back


@dataclass(slots=True)
class FoundState:
    """One finding of an incident, as it is now."""

    key: str
    rule: str
    severity: Severity
    evidence: tuple[Evidence, ...]
    picture: dict[str, Any] | None = None
    events: list[int] = field(default_factory=list)
    total: int = 0
    gone: list[int] = field(default_factory=list)
    standing: bool = True
    revised_at: int | None = None

    def take_back(self, revision: Revision) -> bool:
        """Take back what a revision says; says whether that changed anything."""
        before = (list(self.events), self.total, list(self.gone), self.evidence, self.severity)
        new = [index for index in sorted(set(revision.gone)) if index not in self.gone]
        listed = [index for index in new if index in self.events]
        unlisted = min(len(new) - len(listed), self.total - len(self.events))
        self.events = [index for index in self.events if index not in new]
        self.total -= len(listed) + max(unlisted, 0)
        self.gone = (self.gone + new)[-MAXIMUM_GONE:]
        if revision.evidence is not None:
            self.evidence = revision.evidence
        self.severity = revision.severity or self.severity
        self.revised_at = max(revision.index, self.revised_at or 0)
        changed = before != (self.events, self.total, self.gone, self.evidence, self.severity)
        if new and self.total <= 0 and self.standing:
            self.standing, changed = False, True
        return changed


@dataclass(slots=True)
class Incident:
    """An alert while it is changed. ``number`` is None before it was written."""

    number: int | None
    id: str
    group: str
    ordinal: int
    kind: AlertKind
    family: str
    subject: str | None
    patient: str | None
    opened_at: datetime
    latest_at: datetime
    severity: Severity
    case: Case
    evidence: tuple[Evidence, ...] = ()
    told: dict[str, tuple[float, float]] = field(default_factory=dict)
    picture: dict[str, Any] | None = None
    grouped_under: str | None = None
    joined_to: str | None = None
    steps: int = 0
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED.values(), 0))
    events_total: int = 0
    events_listed: int = 0
    newest_event: int = -1
    review_drawn: bool | None = None
    review_due: datetime | None = None
    findings: dict[str, FoundState] = field(default_factory=dict)
    events: set[int] = field(default_factory=set)
    links: set[Link] = field(default_factory=set)
    fresh_events: set[int] = field(default_factory=set)
    fresh_links: dict[Link, bool] = field(default_factory=dict)
    fresh_parties: set[Party] = field(default_factory=set)
    changed_findings: set[str] = field(default_factory=set)

    @classmethod
    def opened(cls, alert: str, group: str, ordinal: int, under: str | None, finding: Finding) -> Incident:
        """Open an incident for a finding."""
        made = cls(
            number=None,
            id=alert,
            group=group,
            ordinal=ordinal,
            kind=finding.kind,
            family=finding.family,
            subject=finding.subject,
            patient=finding.patient,
            opened_at=finding.occurred_at,
            latest_at=finding.occurred_at,
            severity=finding.severity,
            case=Case(),
            grouped_under=under,
        )
        made.absorb(finding)
        made.told = taught({}, made.evidence, anew=True)
        return made

    @property
    def closed_by_people(self) -> bool:
        """Say whether a person closed it, as against by itself."""
        return self.case.ending in {ClosedBy.REGION, ClosedBy.VERDICTS}

    def near(self, finding: Finding) -> bool:
        """Say whether a finding belongs here: it is known, or close in event time."""
        return finding.key in self.findings or near(self.opened_at, self.latest_at, finding.occurred_at)

    def has_act(self, index: int) -> bool:
        """Say whether an event belongs here already. Of more than are listed, what is older than the newest does."""
        full = self.events_total > self.events_listed
        return index in self.events or (full and index <= self.newest_event)

    def absorb(self, finding: Finding) -> tuple[Change, Step | None]:
        """Add a finding; says what became of the incident, and which step of evidence is worth telling again."""
        held = self.findings.get(finding.key)
        if held is not None and not held.standing and not _newer(finding, held):
            return Change.UNCHANGED, None
        reopened = self.case.ending is ClosedBy.WITHDRAWN
        news = self._take_finding(finding, held)
        news |= self._take_links(finding)
        news |= self._take_parties(finding)
        news |= self._take_review(finding)
        if reopened:
            self.case = lifecycle.reopen(self.case)
            self.severity, self.evidence = finding.severity, merge_evidence((), finding.evidence)
            self.told = taught({}, self.evidence, anew=True)
        severity, evidence = self.severity, merge_evidence(self.evidence, finding.evidence)
        if finding.severity.rank > severity.rank:
            severity = finding.severity
        step = step_of(self.told, self.severity, severity, finding.evidence)
        self.told = taught(self.told, finding.evidence, anew=step is not None)
        span = (min(self.opened_at, finding.occurred_at), max(self.latest_at, finding.occurred_at))
        news |= (severity, evidence, *span) != (self.severity, self.evidence, self.opened_at, self.latest_at)
        self.severity, self.evidence, (self.opened_at, self.latest_at) = severity, evidence, span
        if reopened:
            return Change.REOPENED, None
        if step is not None:
            return Change.ESCALATED, step
        return (Change.GAINED if news else Change.UNCHANGED), None

    def weigh(self, standing: Sequence[FoundState]) -> bool:
        """Weigh anew by the findings that still stand, the gravest first; says whether anything changed."""
        before = (self.severity, self.evidence, self.picture)
        if standing:
            self.severity = max((each.severity for each in standing), key=lambda severity: severity.rank)
            merged: tuple[Evidence, ...] = ()
            for each in standing:
                merged = merge_evidence(merged, each.evidence)
            self.evidence, self.picture = merged, None
            for each in standing:
                self._show(each)
            self.told = taught({}, self.evidence, anew=True)
        return before != (self.severity, self.evidence, self.picture)

    def withdraw(self, reason: str) -> None:
        """Close by itself: nothing that it rested on stands any more."""
        self.case = lifecycle.withdraw(self.case, reason)

    def join(self, other: Incident, reason: str) -> None:
        """Take up another incident of the group, which closes; the rows of the two are moved by the store."""
        gone = (self.case.ending is ClosedBy.WITHDRAWN, other.case.ending is ClosedBy.WITHDRAWN)
        assignee, wanted = self.case.assignee or other.case.assignee, self.case.wanted | other.case.wanted
        other.case = lifecycle.join(other.case, reason)
        other.joined_to = self.id
        self.case = lifecycle.derived(replace(self.case, assignee=assignee, wanted=wanted))
        self.opened_at, self.latest_at = min(self.opened_at, other.opened_at), max(self.latest_at, other.latest_at)
        if gone == (True, False):
            self.case = lifecycle.reopen(self.case)
            self.severity, self.evidence, self.told = other.severity, other.evidence, other.told
        elif gone[0] == gone[1]:
            if other.severity.rank > self.severity.rank:
                self.severity = other.severity
            self.evidence = merge_evidence(self.evidence, other.evidence)
            self.told = taught(self.told, other.evidence, anew=True)
        self.newest_event = max(self.newest_event, other.newest_event)
        self._review(other.review_drawn, other.review_due)
        if _rank(other.picture) > _rank(self.picture):
            self.picture = other.picture
        self.findings = other.findings | self.findings
        self.events |= other.events
        self.links |= other.links

    def _take_finding(self, finding: Finding, held: FoundState | None) -> bool:
        """Keep the finding, and the log entries that are new; says whether there is any news in it."""
        made = held or FoundState(finding.key, finding.rule_id, finding.severity, finding.evidence, standing=False)
        before = (replace(made), made.total)
        shared = [index for index in finding.shown if index not in made.events and index in self.events]
        everything = sorted({*made.events, *finding.shown})
        total = max(made.total, finding.total, len(everything))
        if made.standing:
            made.evidence = merge_evidence(made.evidence, finding.evidence)
            made.severity = max(made.severity, finding.severity, key=lambda severity: severity.rank)
        else:
            made.evidence, made.severity = merge_evidence((), finding.evidence), finding.severity
        new = [index for index in everything if index not in made.events]
        made.events = sorted((*made.events, *new[: MAXIMUM_SHOWN - len(made.events)]))
        made.total, made.standing = total, True
        made.gone = [index for index in made.gone if index not in finding.events]
        if finding.picture is not None:
            made.picture = asdict(finding.picture)
        self.findings[finding.key] = made
        self._show(made)
        news = made != before[0] or held is None
        if news:
            self.changed_findings.add(finding.key)
            self._take_events(finding.shown, growth=total - before[1] - len(shared))
        return news

    def _take_events(self, shown: Iterable[int], growth: int) -> None:
        fresh = [index for index in shown if index not in self.events]
        listed = fresh[: MAXIMUM_SHOWN - self.events_listed]
        self.fresh_events.update(listed)
        self.events.update(listed)
        self.events_listed += len(listed)
        self.events_total = max(self.events_total + max(growth, 0), self.events_listed)
        self.newest_event = max((self.newest_event, *fresh))

    def _take_links(self, finding: Finding) -> bool:
        fresh = sorted(links_of(finding) - self.links)
        news = False
        for kind, value in fresh:
            counter = COUNTED.get(kind)
            count = self.totals[counter] if counter else 0
            if counter and kind in BOUNDED and count >= MAXIMUM_SHOWN:
                # nobody can say whether it was counted: it is, once, while its finding has entries that are new
                self.totals[counter] += finding.key in self.changed_findings
                continue
            if counter:
                self.totals[counter] += 1
            self.links.add((kind, value))
            self.fresh_links[kind, value] = kind != "subject" or count < MAXIMUM_SHOWN
            news = True
        return news

    def _take_parties(self, finding: Finding) -> bool:
        fresh = parties_of(finding) - self.case.wanted
        if not fresh or self.closed_by_people:
            return False
        self.fresh_parties |= fresh
        if self.case.state is AlertState.CLOSED:
            self.case = replace(self.case, wanted=self.case.wanted | fresh)
        else:
            self.case = lifecycle.want(self.case, fresh)
        return True

    def _take_review(self, finding: Finding) -> bool:
        before = (self.review_drawn, self.review_due)
        if finding.review is not None:
            self._review(finding.review.drawn, finding.review.due)
        return before != (self.review_drawn, self.review_due)

    def _review(self, drawn: bool | None, due: datetime | None) -> None:
        if drawn is None:
            return
        self.review_drawn = bool(self.review_drawn) or drawn
        if drawn and due is not None:
            self.review_due = due if self.review_due is None else min(self.review_due, due)

    def _show(self, found: FoundState) -> None:
        """Show the picture of the gravest finding that has one."""
        if found.picture is None:
            return
        place = {"rank": found.severity.rank, "weight": weight_of(found.evidence), "key": found.key}
        if self.picture is None or self.picture["key"] == found.key or _rank(place) > _rank(self.picture):
            self.picture = found.picture | place


def links_of(finding: Finding) -> set[Link]:
    """Give everything that a finding names."""
    named = {
        "agreement": finding.agreement_ids,
        "decision": finding.decision_ids,
        "rule": (finding.rule_id,),
        "subject": finding.subjects or ((finding.subject,) if finding.subject else ()),
        "token": finding.token_jtis,
        "trust": finding.trusts,
    }
    return {(kind, value) for kind, values in named.items() for value in values}


def _newer(finding: Finding, held: FoundState) -> bool:
    """Say whether a finding knows more than what took it back."""
    return finding.found_at is None or held.revised_at is None or finding.found_at > held.revised_at


def _rank(picture: dict[str, Any] | None) -> tuple[int, float, str]:
    return (-1, 0.0, "") if picture is None else (picture["rank"], picture["weight"], picture["key"])
