"""Reads and writes of alerts. Rows never leave this module."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, exists, insert, or_, update
from sqlmodel import Session, col, func, select

from governance.alerts._tables import (
    AlertEventRow,
    AlertHistoryRow,
    AlertLinkRow,
    AlertNoticeRow,
    AlertRow,
    AlertSequenceRow,
)
from governance.alerts.alert import Alert, Case, Change, HistoryEntry, Weight, merge_evidence
from governance.alerts.finding import Evidence, Finding
from governance.alerts.query import AlertQuery
from governance.vocabulary import AlertState, Severity, Verdict

_SEQUENCE = "notice"


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see: alerts of ``ods`` (None: all), not about themselves, not about their own record."""

    id: str
    ods: str | None
    own_patient: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """The part of a stored alert that a change starts from."""

    number: int
    id: str
    ordinal: int
    patient: str | None
    weight: Weight
    case: Case


def latest_of_group(session: Session, group: str) -> Held | None:
    """Give the newest alert of a group, locked for the transaction."""
    query = select(AlertRow).where(AlertRow.group_key == group).order_by(col(AlertRow.ordinal).desc()).limit(1)
    row = session.exec(query.with_for_update()).first()
    return None if row is None else _held(row)


def open_alert(session: Session, alert: str, group: str, ordinal: int, under: str | None, finding: Finding) -> int:
    """Write a new alert for a finding and everything it names; gives its number."""
    row = AlertRow(
        id=alert,
        group_key=group,
        ordinal=ordinal,
        family=finding.family,
        opened_at=finding.occurred_at,
        latest_at=finding.occurred_at,
        severity=finding.severity.value,
        state=AlertState.NEW.value,
        subject=finding.subject,
        patient=finding.patient,
        grouped_under=under,
        evidence=[asdict(item) for item in merge_evidence((), finding.evidence)],
    )
    session.add(row)
    session.flush()
    number = _number(row)
    add_events(session, number, finding.events)
    add_links(session, number, finding)
    return number


def unknown_events(session: Session, number: int, events: Sequence[int]) -> list[int]:
    """Give those of the events that the alert does not have yet."""
    held = session.exec(
        select(AlertEventRow.event_index).where(
            AlertEventRow.alert_number == number, col(AlertEventRow.event_index).in_(events)
        )
    ).all()
    return sorted(set(events) - set(held))


def add_events(session: Session, number: int, events: Iterable[int]) -> None:
    """Attach log entries that the alert does not have yet."""
    rows = [{"alert_number": number, "event_index": index} for index in sorted(set(events))]
    if rows:
        session.connection().execute(insert(AlertEventRow), rows)


def add_links(session: Session, number: int, finding: Finding) -> bool:
    """Attach what the finding names; says whether anything was new."""
    wanted = _links(finding)
    held = set(
        session.exec(
            select(AlertLinkRow.kind, AlertLinkRow.value).where(
                AlertLinkRow.alert_number == number, col(AlertLinkRow.value).in_({value for _, value in wanted})
            )
        ).all()
    )
    rows = [{"alert_number": number, "kind": kind, "value": value} for kind, value in sorted(wanted - held)]
    if rows:
        session.connection().execute(insert(AlertLinkRow), rows)
    return bool(rows)


def save_weight(session: Session, number: int, weight: Weight) -> None:
    """Write what a finding changed."""
    session.connection().execute(
        update(AlertRow)
        .where(col(AlertRow.number) == number)
        .values(
            severity=weight.severity.value,
            latest_at=weight.latest_at,
            evidence=[asdict(item) for item in weight.evidence],
        )
    )


def find(session: Session, alert: str, *, lock: bool = False) -> Held | None:
    """Give an alert by its id, locked for the transaction if asked."""
    query = select(AlertRow).where(AlertRow.id == alert)
    row = session.exec(query.with_for_update() if lock else query).first()
    return None if row is None else _held(row)


def in_trust(session: Session, ods: str | None, number: int) -> bool:
    """Say whether a trust is among the alert's; None stands for the region."""
    conditions = [] if ods is None else [_linked("trust", ods)]
    return session.exec(select(AlertRow.number).where(AlertRow.number == number, *conditions)).first() is not None


def names_subject(session: Session, number: int, subject: str) -> bool:
    """Say whether somebody's acts are part of the alert."""
    query = select(AlertLinkRow.value).where(
        AlertLinkRow.alert_number == number, AlertLinkRow.kind == "subject", AlertLinkRow.value == subject
    )
    return session.exec(query).first() is not None


def save_case(session: Session, number: int, case: Case) -> None:
    """Write what a person changed."""
    session.connection().execute(
        update(AlertRow)
        .where(col(AlertRow.number) == number)
        .values(
            state=case.state.value,
            assignee=case.assignee,
            verdict=case.verdict.value if case.verdict else None,
            reason=case.reason,
        )
    )


def add_history(session: Session, number: int, entry: HistoryEntry) -> HistoryEntry:
    """Write one act of a person; gives it back with the number it got."""
    row = AlertHistoryRow(
        alert_number=number,
        at=entry.at,
        actor=entry.actor,
        change=entry.change.value,
        comment=entry.comment,
        assignee=entry.assignee,
        verdict=entry.verdict.value if entry.verdict else None,
    )
    session.add(row)
    session.flush()
    return _history(row)


def add_notice(session: Session, number: int, change: Change) -> None:
    """Number one change for the stream, in commit order: the counter's row is locked until the transaction ends."""
    counter = update(AlertSequenceRow).where(col(AlertSequenceRow.name) == _SEQUENCE)
    taken = session.connection().execute(
        counter.values(value=col(AlertSequenceRow.value) + 1).returning(col(AlertSequenceRow.value))
    )
    sequence = taken.scalar()
    if sequence is None:
        sequence = 1
        session.connection().execute(insert(AlertSequenceRow).values(name=_SEQUENCE, value=sequence))
    session.connection().execute(
        insert(AlertNoticeRow).values(sequence=sequence, alert_number=number, change=change.value)
    )


def latest_notice(session: Session) -> int:
    """Give the number of the newest change, 0 when there is none."""
    return session.exec(select(func.max(AlertNoticeRow.sequence))).one() or 0


def notices_after(session: Session, sight: Sight, after: int, limit: int) -> list[tuple[int, Change, int]]:
    """Give (sequence, change, alert number) of the changes the viewer may see, oldest first."""
    query = (
        select(AlertNoticeRow.sequence, AlertNoticeRow.change, AlertNoticeRow.alert_number)
        .join(AlertRow, col(AlertRow.number) == col(AlertNoticeRow.alert_number))
        .where(AlertNoticeRow.sequence > after, *_visible(sight))
        .order_by(col(AlertNoticeRow.sequence))
        .limit(limit)
    )
    return [(sequence, Change(change), number) for sequence, change, number in session.exec(query).all()]


def numbers_matching(session: Session, sight: Sight, query: AlertQuery, limit: int) -> list[int]:
    """Give the numbers of the alerts that match and that the viewer may see, newest first."""
    conditions = [*_visible(sight), *_filters(query)]
    numbers = session.exec(
        select(AlertRow.number).where(*conditions).order_by(col(AlertRow.number).desc()).limit(limit)
    ).all()
    return [number for number in numbers if number is not None]


def count_by_state(session: Session, sight: Sight | None) -> dict[tuple[str, str], int]:
    """Count alerts by (state, severity): those the viewer may see, or all of them."""
    query = (
        select(AlertRow.state, AlertRow.severity, func.count())
        .where(*(() if sight is None else _visible(sight)))
        .group_by(AlertRow.state, AlertRow.severity)
    )
    return {(state, severity): count for state, severity, count in session.exec(query).all()}


def load(session: Session, numbers: Sequence[int]) -> dict[int, Alert]:
    """Give whole alerts by number, in four queries whatever their count."""
    if not numbers:
        return {}
    rows = session.exec(select(AlertRow).where(col(AlertRow.number).in_(numbers))).all()
    events: dict[int, list[int]] = defaultdict(list)
    for number, index in session.exec(
        select(AlertEventRow.alert_number, AlertEventRow.event_index)
        .where(col(AlertEventRow.alert_number).in_(numbers))
        .order_by(col(AlertEventRow.event_index))
    ).all():
        events[number].append(index)
    links: dict[tuple[int, str], list[str]] = defaultdict(list)
    for link in session.exec(
        select(AlertLinkRow).where(col(AlertLinkRow.alert_number).in_(numbers)).order_by(col(AlertLinkRow.value))
    ).all():
        links[link.alert_number, link.kind].append(link.value)
    history: dict[int, list[HistoryEntry]] = defaultdict(list)
    for entry in session.exec(
        select(AlertHistoryRow)
        .where(col(AlertHistoryRow.alert_number).in_(numbers))
        .order_by(col(AlertHistoryRow.number))
    ).all():
        history[entry.alert_number].append(_history(entry))
    return {number: _alert(row, events[number], links, history[number]) for row in rows for number in (_number(row),)}


def _alert(
    row: AlertRow, events: list[int], links: dict[tuple[int, str], list[str]], history: list[HistoryEntry]
) -> Alert:
    def named(kind: str) -> tuple[str, ...]:
        return tuple(links.get((_number(row), kind), ()))

    return Alert(
        id=row.id,
        number=_number(row),
        group=row.group_key,
        family=row.family,
        opened_at=row.opened_at,
        latest_at=row.latest_at,
        severity=Severity(row.severity),
        case=_case(row),
        subject=row.subject,
        patient=row.patient,
        grouped_under=row.grouped_under,
        evidence=_weight(row).evidence,
        rule_ids=named("rule"),
        subjects=named("subject"),
        trusts=named("trust"),
        events=tuple(events),
        agreement_ids=named("agreement"),
        decision_ids=named("decision"),
        token_jtis=named("token"),
        history=tuple(history),
    )


def _held(row: AlertRow) -> Held:
    return Held(_number(row), row.id, row.ordinal, row.patient, _weight(row), _case(row))


def _weight(row: AlertRow) -> Weight:
    return Weight(Severity(row.severity), row.latest_at, tuple(Evidence(**item) for item in row.evidence))


def _case(row: AlertRow) -> Case:
    return Case(
        state=AlertState(row.state),
        assignee=row.assignee,
        verdict=Verdict(row.verdict) if row.verdict else None,
        reason=row.reason,
    )


def _history(entry: AlertHistoryRow) -> HistoryEntry:
    return HistoryEntry(
        number=entry.number or 0,
        at=entry.at,
        actor=entry.actor,
        change=Change(entry.change),
        comment=entry.comment,
        assignee=entry.assignee,
        verdict=Verdict(entry.verdict) if entry.verdict else None,
    )


def _links(finding: Finding) -> set[tuple[str, str]]:
    named = {
        "agreement": finding.agreement_ids,
        "decision": finding.decision_ids,
        "rule": (finding.rule_id,),
        "subject": finding.subjects or ((finding.subject,) if finding.subject else ()),
        "token": finding.token_jtis,
        "trust": finding.trusts,
    }
    return {(kind, value) for kind, values in named.items() for value in values}


def _linked(kind: str, value: str) -> ColumnElement[bool]:
    return exists().where(
        col(AlertLinkRow.alert_number) == col(AlertRow.number),
        col(AlertLinkRow.kind) == kind,
        col(AlertLinkRow.value) == value,
    )


def _visible(sight: Sight) -> list[ColumnElement[bool]]:
    conditions = [~_linked("subject", sight.id)]
    if sight.own_patient is not None:
        conditions.append(or_(col(AlertRow.patient).is_(None), col(AlertRow.patient) != sight.own_patient))
    if sight.ods is not None:
        conditions.append(_linked("trust", sight.ods))
    return conditions


def _filters(query: AlertQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.state is not None:
        conditions.append(col(AlertRow.state) == query.state.value)
    if query.unclosed:
        conditions.append(col(AlertRow.state) != AlertState.CLOSED.value)
    if query.severity is not None:
        conditions.append(col(AlertRow.severity) == query.severity.value)
    if query.rule is not None:
        conditions.append(_linked("rule", query.rule))
    if query.ods is not None:
        conditions.append(_linked("trust", query.ods))
    if query.subject is not None:
        conditions.append(_linked("subject", query.subject))
    if query.patient is not None:
        conditions.append(col(AlertRow.patient) == query.patient)
    if query.assignee is not None:
        conditions.append(col(AlertRow.assignee) == query.assignee)
    if query.decision_id is not None:
        conditions.append(_linked("decision", query.decision_id))
    if query.event is not None:
        conditions.append(
            exists().where(
                col(AlertEventRow.alert_number) == col(AlertRow.number), col(AlertEventRow.event_index) == query.event
            )
        )
    if query.before is not None:
        conditions.append(col(AlertRow.number) < query.before)
    return conditions


def _number(row: AlertRow) -> int:
    if row.number is None:
        raise RuntimeError("the database gave the alert no number")
    return row.number
