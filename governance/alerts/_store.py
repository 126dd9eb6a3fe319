"""Writes of incidents, set-based, and the part of them that a change starts from. Rows never leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlmodel import Session, col, func, select

from governance.alerts._reading_store import evidence_of, number_of, verdicts_of
from governance.alerts._tables import (
    AlertEventRow,
    AlertFindingRow,
    AlertHistoryRow,
    AlertLinkRow,
    AlertNoticeRow,
    AlertRow,
    AlertSequenceRow,
    AlertVerdictRow,
)
from governance.alerts.alert import Case, Change, ClosedBy, HistoryEntry, weight_of
from governance.alerts.finding import Finding, Party
from governance.alerts.grouping import CLOSENESS, group_key
from governance.alerts.incident import COUNTED, FoundState, Incident, links_of
from governance.storage.upsert import chunks, count_up, upsert
from governance.vocabulary import AlertKind, AlertState, Capacity, Severity, Verdict

_SEQUENCE = "notice"
_NUMBERS = 100  # alerts asked about in one statement beside a list of values
_STRONGEST = 50  # findings that an alert is weighed by; the gravest


def incidents_for(session: Session, findings: Sequence[Finding]) -> dict[str, list[Incident]]:
    """Give the incidents that findings may belong to, by group and in the order of opening, locked.

    Those that are close in event time, and those that have the finding. Each has in memory what the findings name.
    """
    by_group: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_group[group_key(finding)].append(finding)
    numbers: set[int] = set()
    since = min(finding.occurred_at for finding in findings) - CLOSENESS
    until = max(finding.occurred_at for finding in findings) + CLOSENESS
    for some in chunks(sorted(by_group)):
        close = (col(AlertRow.latest_at) >= since, col(AlertRow.opened_at) <= until)
        numbers.update(_some_numbers(session, select(AlertRow.number).where(col(AlertRow.group_key).in_(some), *close)))
    for some in chunks(sorted({finding.key for finding in findings})):
        numbers.update(session.exec(select(AlertFindingRow.alert_number).where(col(AlertFindingRow.key).in_(some))))
    found = locked(session, sorted(numbers))
    _load_findings(session, found, [finding.key for finding in findings])
    _load_events(session, found, sorted({index for finding in findings for index in finding.shown}))
    _load_links(session, found, by_group)
    gathered: dict[str, list[Incident]] = {group: [] for group in by_group}
    for incident in sorted(found.values(), key=lambda one: one.ordinal):
        gathered.setdefault(incident.group, []).append(incident)
    return gathered


def next_ordinals(session: Session, groups: Sequence[str]) -> dict[str, int]:
    """Give how many alerts each group has had."""
    made: dict[str, int] = {}
    for some in chunks(groups):
        query = select(AlertRow.group_key, func.max(AlertRow.ordinal)).where(col(AlertRow.group_key).in_(some))
        made |= {group: int(newest) + 1 for group, newest in session.exec(query.group_by(AlertRow.group_key)).all()}
    return made


def revised_by(session: Session, keys: Sequence[str]) -> list[Incident]:
    """Give the alerts that have findings of these keys, with them, locked and in the order of opening."""
    numbers: set[int] = set()
    for some in chunks(keys):
        numbers.update(session.exec(select(AlertFindingRow.alert_number).where(col(AlertFindingRow.key).in_(some))))
    found = locked(session, sorted(numbers))
    _load_findings(session, found, keys)
    return [found[number] for number in sorted(found)]


def locked(session: Session, numbers: Sequence[int]) -> dict[int, Incident]:
    """Give alerts by number, with their verdicts, locked for the transaction in the order of their numbers."""
    found: dict[int, Incident] = {}
    for some in chunks(numbers):
        query = select(AlertRow).where(col(AlertRow.number).in_(some)).order_by(col(AlertRow.number))
        rows = session.exec(query.with_for_update().execution_options(populate_existing=True)).all()
        given: dict[int, set[Party]] = defaultdict(set)
        wanted = select(AlertVerdictRow).where(col(AlertVerdictRow.alert_number).in_(some))
        spoken: set[int] = set()
        for verdict in session.exec(wanted).all():
            given[verdict.alert_number].add(Party(verdict.ods, Capacity(verdict.capacity)))
            if verdict.verdict is not None:
                spoken.add(verdict.alert_number)
        for row in rows:
            number = number_of(row)
            made = _incident(row, frozenset(given[number]))
            if number in spoken:
                made.case = _case(row, *verdicts_of(session, number))
            found[number] = made
    return found


def find_locked(session: Session, alert: str) -> Incident | None:
    """Give the part of an alert that a change starts from, by the alert's id, locked for the transaction."""
    number = session.exec(select(AlertRow.number).where(AlertRow.id == alert)).first()
    return None if number is None else locked(session, [number])[number]


def standing(session: Session, number: int) -> list[FoundState]:
    """Give the findings of an alert that still stand, the gravest ``_STRONGEST`` of them."""
    row = AlertFindingRow
    query = select(row).where(row.alert_number == number, col(row.standing).is_(True))
    order = (col(row.rank).desc(), col(row.weight).desc(), col(row.key))
    return [_found(one) for one in session.exec(query.order_by(*order).limit(_STRONGEST)).all()]


def open_all(session: Session, incidents: Sequence[Incident]) -> None:
    """Write new alerts and give them their numbers."""
    if not incidents:
        return
    rows = [
        _values(one) | {"id": one.id, "group_key": one.group, "ordinal": one.ordinal, "family": one.family}
        | {"kind": one.kind.value, "subject": one.subject, "patient": one.patient, "grouped_under": one.grouped_under}
        for one in incidents
    ]  # fmt: skip
    session.connection().execute(insert(AlertRow), rows)
    numbers: dict[str, int] = {}
    for some in chunks([one.id for one in incidents]):
        named = select(AlertRow.id, AlertRow.number).where(col(AlertRow.id).in_(some))
        numbers |= {name: number for name, number in session.exec(named).all() if number is not None}
    for one in incidents:
        one.number = numbers[one.id]


def save(session: Session, incidents: Iterable[Incident]) -> None:
    """Write what findings and people changed: one statement for each kind of row, however many there are of it."""
    changed = [one for one in incidents if one.number is not None]
    if changed:
        table: Any = AlertRow.__table__  # type: ignore[attr-defined]
        statement = update(table).where(table.c.number == bindparam("of_number"))
        session.connection().execute(statement, [_values(one) | {"of_number": one.number} for one in changed])
    findings, events, links, parties = [], [], [], []
    for one in changed:
        of = {"alert_number": one.number}
        findings += [of | _finding_values(one.findings[key]) for key in sorted(one.changed_findings)]
        events += [of | {"event_index": index} for index in sorted(one.fresh_events)]
        fresh = sorted(one.fresh_links.items())
        links += [of | {"kind": kind, "value": value, "shown": shown} for (kind, value), shown in fresh]
        parties += [of | {"ods": party.ods, "capacity": party.capacity.value} for party in sorted(one.fresh_parties)]
        one.changed_findings, one.fresh_events, one.fresh_links, one.fresh_parties = set(), set(), {}, set()
    upsert(session, AlertFindingRow, findings)
    for model, rows in ((AlertEventRow, events), (AlertLinkRow, links), (AlertVerdictRow, parties)):
        if rows:
            session.connection().execute(insert(model), rows)


def add_verdicts(session: Session, number: int, case: Case) -> None:
    """Write the verdicts of a case."""
    rows = [
        {"alert_number": number, "ods": one.ods, "capacity": one.capacity.value, "verdict": one.verdict.value}
        | {"reason": one.reason, "at": one.at, "by": one.by}
        for one in case.verdicts
    ]
    upsert(session, AlertVerdictRow, rows)


def add_history(session: Session, number: int, entry: HistoryEntry) -> HistoryEntry:
    """Write one step of an alert's history; gives it back with the number it got."""
    row = AlertHistoryRow(
        alert_number=number,
        at=entry.at,
        actor=entry.actor,
        ods=entry.ods,
        change=entry.change.value,
        comment=entry.comment,
        assignee=entry.assignee,
        verdict=entry.verdict.value if entry.verdict else None,
    )
    session.add(row)
    session.flush()
    return HistoryEntry(
        row.number or 0, entry.at, entry.actor, entry.change, entry.comment, entry.assignee, entry.verdict, entry.ods
    )


def add_notices(session: Session, changes: Sequence[tuple[int, Change]]) -> None:
    """Number changes for the stream, in commit order: the counter's row is locked until the transaction ends."""
    if not changes:
        return
    last = count_up(session, AlertSequenceRow, {"name": _SEQUENCE}, "value", by=len(changes))
    first = last - len(changes) + 1
    rows = [
        {"sequence": first + place, "alert_number": number, "change": change.value}
        for place, (number, change) in enumerate(changes)
    ]
    session.connection().execute(insert(AlertNoticeRow), rows)


def _some_numbers(session: Session, query: Any) -> list[int]:
    return [number for number in session.exec(query).all() if number is not None]


def _load_findings(session: Session, found: Mapping[int, Incident], keys: Sequence[str]) -> None:
    for some in chunks(sorted(set(keys)) if found else ()):
        for row in session.exec(select(AlertFindingRow).where(col(AlertFindingRow.key).in_(some))).all():
            if row.alert_number in found:
                found[row.alert_number].findings[row.key] = _found(row)


def _load_events(session: Session, found: Mapping[int, Incident], indexes: Sequence[int]) -> None:
    row = AlertEventRow
    for some in chunks(indexes if found else ()):
        held = select(row.alert_number, row.event_index).where(col(row.event_index).in_(some))
        for number, index in session.exec(held).all():
            if number in found:
                found[number].events.add(index)


def _load_links(session: Session, found: Mapping[int, Incident], by_group: Mapping[str, Sequence[Finding]]) -> None:
    row = AlertLinkRow
    for numbers in chunks(sorted(found), _NUMBERS):
        findings = [one for number in numbers for one in by_group.get(found[number].group, ())]
        values = sorted({value for finding in findings for _, value in links_of(finding)})
        for some in chunks(values):
            named = (col(row.alert_number).in_(numbers), col(row.value).in_(some))
            for number, kind, value in session.exec(select(row.alert_number, row.kind, row.value).where(*named)).all():
                found[number].links.add((kind, value))


def _incident(row: AlertRow, wanted: frozenset[Party]) -> Incident:
    return Incident(
        number=number_of(row),
        id=row.id,
        group=row.group_key,
        ordinal=row.ordinal,
        kind=AlertKind(row.kind),
        family=row.family,
        subject=row.subject,
        patient=row.patient,
        opened_at=row.opened_at,
        latest_at=row.latest_at,
        severity=Severity(row.severity),
        case=_case(row, wanted, ()),
        evidence=evidence_of(row.evidence),
        told={signal: (float(told[0]), float(told[1])) for signal, told in row.told.items()},
        picture=row.picture,
        grouped_under=row.grouped_under,
        joined_to=row.joined_to,
        steps=row.steps,
        totals={name: getattr(row, name) for name in COUNTED.values()},
        events_total=row.events_total,
        events_listed=row.events_listed,
        newest_event=row.newest_event,
        review_drawn=row.review_drawn,
        review_due=row.review_due,
    )


def _case(row: AlertRow, wanted: frozenset[Party], verdicts: Any) -> Case:
    return Case(
        state=AlertState(row.state),
        assignee=row.assignee,
        wanted=wanted,
        verdicts=verdicts,
        ending=ClosedBy(row.ending) if row.ending else None,
        verdict=Verdict(row.verdict) if row.verdict else None,
        reason=row.reason,
    )


def _values(one: Incident) -> dict[str, Any]:
    """Give the columns of an alert that change."""
    return {
        "opened_at": one.opened_at,
        "latest_at": one.latest_at,
        "severity": one.severity.value,
        "state": one.case.state.value,
        "ending": one.case.ending.value if one.case.ending else None,
        "assignee": one.case.assignee,
        "verdict": one.case.verdict.value if one.case.verdict else None,
        "reason": one.case.reason,
        "joined_to": one.joined_to,
        "evidence": [asdict(item) for item in one.evidence],
        "told": {signal: list(told) for signal, told in one.told.items()},
        "picture": one.picture,
        "steps": one.steps,
        "events_total": one.events_total,
        "events_listed": one.events_listed,
        "newest_event": one.newest_event,
        "review_drawn": one.review_drawn,
        "review_due": one.review_due,
        **one.totals,
    }


def _found(row: AlertFindingRow) -> FoundState:
    return FoundState(
        key=row.key,
        rule=row.rule,
        severity=Severity(row.severity),
        evidence=evidence_of(row.evidence),
        picture=row.picture,
        events=list(row.events),
        total=row.total,
        gone=list(row.gone),
        standing=row.standing,
        revised_at=row.revised_at,
    )


def _finding_values(found: FoundState) -> dict[str, Any]:
    return {
        "key": found.key,
        "rule": found.rule,
        "severity": found.severity.value,
        "rank": found.severity.rank,
        "weight": weight_of(found.evidence),
        "standing": found.standing,
        "evidence": [asdict(item) for item in found.evidence],
        "picture": found.picture,
        "events": found.events,
        "total": found.total,
        "gone": found.gone,
        "revised_at": found.revised_at,
    }
