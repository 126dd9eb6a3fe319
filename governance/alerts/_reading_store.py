"""Reads of alerts, whole and in few statements: the row of an alert, and one statement for all it has many of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, exists, literal, null, or_, union_all
from sqlalchemy import select as core_select
from sqlmodel import Session, col, func, select

from governance.alerts._tables import AlertEventRow, AlertHistoryRow, AlertLinkRow, AlertNoticeRow, AlertRow
from governance.alerts.alert import Alert, Case, Change, HistoryEntry, Weight
from governance.alerts.finding import Evidence
from governance.alerts.query import AlertQuery
from governance.storage.upsert import chunks
from governance.vocabulary import AlertState, Severity, Verdict

_ACT, _EVENT = "act", "event"  # beside the kinds of links, what an alert has many of


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see: alerts of ``ods`` (None: all), not about themselves, not about their own record."""

    id: str
    ods: str | None
    own_patient: str | None


@dataclass(slots=True)
class _Parts:
    """What one alert has many of, as it is read."""

    events: list[int] = field(default_factory=list)
    links: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    history: list[HistoryEntry] = field(default_factory=list)


def find(session: Session, alert: str) -> Alert | None:
    """Give a whole alert by its id, in two statements."""
    return next(iter(_whole(session, session.exec(select(AlertRow).where(AlertRow.id == alert)).all())), None)


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


def matching(session: Session, sight: Sight, query: AlertQuery, limit: int) -> list[Alert]:
    """Give the alerts that match and that the viewer may see, newest first, in two statements."""
    conditions = [*_visible(sight), *_filters(query)]
    newest = select(AlertRow).where(*conditions).order_by(col(AlertRow.number).desc()).limit(limit)
    return _whole(session, session.exec(newest).all())


def count_by_state(session: Session, sight: Sight | None) -> dict[tuple[str, str], int]:
    """Count alerts by (state, severity): those the viewer may see, or all of them."""
    query = (
        select(AlertRow.state, AlertRow.severity, func.count())
        .where(*(() if sight is None else _visible(sight)))
        .group_by(AlertRow.state, AlertRow.severity)
    )
    return {(state, severity): count for state, severity, count in session.exec(query).all()}


def alerted(session: Session, indexes: Sequence[int]) -> set[int]:
    """Give those of some log indexes that an alert rests on."""
    found: set[int] = set()
    for some in chunks(indexes):
        found.update(
            session.exec(select(AlertEventRow.event_index).where(col(AlertEventRow.event_index).in_(some))).all()
        )
    return found


def load(session: Session, numbers: Sequence[int]) -> dict[int, Alert]:
    """Give whole alerts by number, in two statements for every 500 of them."""
    found: dict[int, Alert] = {}
    for some in chunks(numbers):
        rows = session.exec(select(AlertRow).where(col(AlertRow.number).in_(some))).all()
        found |= {alert.number: alert for alert in _whole(session, rows)}
    return found


def _whole(session: Session, rows: Sequence[AlertRow]) -> list[Alert]:
    """Give the alerts of rows, in their order, with everything they have many of, read by one statement."""
    numbers = [number_of(row) for row in rows]
    parts: dict[int, _Parts] = defaultdict(_Parts)
    for part in session.connection().execute(_parts_of(numbers)) if numbers else ():
        held = parts[part.alert_number]
        if part.kind == _EVENT:
            held.events.append(part.place)
        elif part.kind == _ACT:
            held.history.append(act_of(part, part.place, part.value))
        else:
            held.links[part.kind].append(part.value)
    return [_alert(row, parts[number]) for number, row in zip(numbers, rows, strict=True)]


def _parts_of(numbers: Sequence[int]) -> CompoundSelect[Any]:
    """Select acts, links and events of alerts as rows of one kind; the first select names and types the columns."""
    act, link, event = AlertHistoryRow, AlertLinkRow, AlertEventRow
    names: list[Any] = [
        col(act.alert_number),
        literal(_ACT).label("kind"),
        col(act.number).label("place"),
        col(act.actor).label("value"),
    ]
    words: list[Any] = [col(act.at), col(act.change), col(act.comment), col(act.assignee), col(act.verdict)]
    nothing = [null() for _ in words]
    links = core_select(col(link.alert_number), col(link.kind), null(), col(link.value), *nothing)
    events = core_select(col(event.alert_number), literal(_EVENT), col(event.event_index), null(), *nothing)
    joined: CompoundSelect[Any] = union_all(
        core_select(*names, *words).where(col(act.alert_number).in_(numbers)),
        links.where(col(link.alert_number).in_(numbers)),
        events.where(col(event.alert_number).in_(numbers)),
    )
    return joined.order_by("place", "value")


def _alert(row: AlertRow, parts: _Parts) -> Alert:
    def named(kind: str) -> tuple[str, ...]:
        return tuple(parts.links.get(kind, ()))

    return Alert(
        id=row.id,
        number=number_of(row),
        group=row.group_key,
        family=row.family,
        opened_at=row.opened_at,
        latest_at=row.latest_at,
        severity=Severity(row.severity),
        case=case_of(row),
        subject=row.subject,
        patient=row.patient,
        grouped_under=row.grouped_under,
        evidence=weight_of(row).evidence,
        rule_ids=named("rule"),
        subjects=named("subject"),
        trusts=named("trust"),
        events=tuple(parts.events),
        agreement_ids=named("agreement"),
        decision_ids=named("decision"),
        token_jtis=named("token"),
        history=tuple(parts.history),
    )


def act_of(row: Any, number: int, actor: str) -> HistoryEntry:
    """Give one act of a person, from a row with its columns."""
    return HistoryEntry(
        number=number,
        at=row.at,
        actor=actor,
        change=Change(row.change),
        comment=row.comment,
        assignee=row.assignee,
        verdict=Verdict(row.verdict) if row.verdict else None,
    )


def weight_of(row: AlertRow) -> Weight:
    """Give the part of an alert that findings change."""
    return Weight(Severity(row.severity), row.latest_at, tuple(Evidence(**item) for item in row.evidence))


def case_of(row: AlertRow) -> Case:
    """Give the part of an alert that people change."""
    return Case(
        state=AlertState(row.state),
        assignee=row.assignee,
        verdict=Verdict(row.verdict) if row.verdict else None,
        reason=row.reason,
    )


def number_of(row: AlertRow) -> int:
    """Give the number of a row that the database has."""
    if row.number is None:
        raise RuntimeError("the database gave the alert no number")
    return row.number


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
