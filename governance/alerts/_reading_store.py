"""Reads of alerts, whole and in few statements: the row of an alert, and one statement for all it has many of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, literal, null, union_all
from sqlalchemy import select as core_select
from sqlmodel import Session, col, func, select

from governance.alerts._filter_store import Sight, filters, visible
from governance.alerts._tables import (
    AlertEventRow,
    AlertHistoryRow,
    AlertLinkRow,
    AlertNoticeRow,
    AlertRow,
    AlertVerdictRow,
)
from governance.alerts.alert import (
    Alert,
    Case,
    Change,
    ClosedBy,
    GivenVerdict,
    HistoryEntry,
    ReviewState,
    Totals,
)
from governance.alerts.finding import Bar, Evidence, Party, Picture
from governance.alerts.query import AlertQuery
from governance.storage.upsert import chunks
from governance.vocabulary import AlertKind, AlertState, Capacity, Severity, Verdict

MAXIMUM_HISTORY = 200  # steps of one alert's history that are read; the newest
_ACT, _EVENT, _VERDICT = "act", "event", "verdict"  # beside the kinds of links, what an alert has many of


@dataclass(slots=True)
class _Parts:
    """What one alert has many of, as it is read."""

    events: list[int] = field(default_factory=list)
    links: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    history: list[HistoryEntry] = field(default_factory=list)
    wanted: set[Party] = field(default_factory=set)
    verdicts: list[GivenVerdict] = field(default_factory=list)


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
        .where(AlertNoticeRow.sequence > after, *visible(sight))
        .order_by(col(AlertNoticeRow.sequence))
        .limit(limit)
    )
    return [(sequence, Change(change), number) for sequence, change, number in session.exec(query).all()]


def matching(session: Session, sight: Sight, query: AlertQuery, limit: int) -> list[Alert]:
    """Give the alerts that match and that the viewer may see, newest first, in two statements."""
    conditions = [*visible(sight), *filters(query)]
    newest = select(AlertRow).where(*conditions).order_by(col(AlertRow.number).desc()).limit(limit)
    return _whole(session, session.exec(newest).all())


def count_by_state(session: Session, sight: Sight | None, kind: AlertKind) -> dict[tuple[str, str], int]:
    """Count alerts of a kind by (state, severity): those the viewer may see, or all of them."""
    query = (
        select(AlertRow.state, AlertRow.severity, func.count())
        .where(col(AlertRow.kind) == kind.value, *(() if sight is None else visible(sight)))
        .group_by(AlertRow.state, AlertRow.severity)
    )
    return {(state, severity): count for state, severity, count in session.exec(query).all()}


def count_reviews(session: Session, sight: Sight | None) -> dict[str, int]:
    """Count notices by their review: waiting, done, not_drawn; those the viewer may see, or all of them."""
    query = (
        select(AlertRow.review_drawn, AlertRow.state, func.count())
        .where(col(AlertRow.kind) == AlertKind.NOTICE.value, *(() if sight is None else visible(sight)))
        .group_by(col(AlertRow.review_drawn), AlertRow.state)
    )
    counted = {"done": 0, "not_drawn": 0, "waiting": 0}
    for drawn, state, count in session.exec(query).all():
        counted["not_drawn" if not drawn else "done" if state == AlertState.CLOSED else "waiting"] += count
    return counted


def names_subject(session: Session, number: int, person: str) -> bool:
    """Say whether somebody's acts are part of an alert, shown or not."""
    link = AlertLinkRow
    query = select(link.value).where(link.alert_number == number, link.kind == "subject", link.value == person)
    return session.exec(query).first() is not None


def verdicts_of(session: Session, number: int) -> tuple[frozenset[Party], tuple[GivenVerdict, ...]]:
    """Give whose verdict is wanted on an alert, and those that were given."""
    parts = _Parts()
    for row in session.exec(select(AlertVerdictRow).where(AlertVerdictRow.alert_number == number)).all():
        _take_verdict(parts, row.ods, row.capacity, row.verdict, row.reason, row.at, row.by)
    return frozenset(parts.wanted), _ordered(parts.verdicts)


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
        elif part.kind == _VERDICT:
            _take_verdict(held, part.value, part.change, part.verdict, part.comment, part.at, part.assignee)
        else:
            held.links[part.kind].append(part.value)
    return [_alert(row, parts[number]) for number, row in zip(numbers, rows, strict=True)]


def _parts_of(numbers: Sequence[int]) -> CompoundSelect[Any]:
    """Select acts, links, events and verdicts as rows of one kind; the first select names and types the columns."""
    link, event, verdict = AlertLinkRow, AlertEventRow, AlertVerdictRow
    newest = func.row_number().over(
        partition_by=col(AlertHistoryRow.alert_number), order_by=col(AlertHistoryRow.number).desc()
    )
    acts = core_select(AlertHistoryRow, newest.label("place_from_end")).where(
        col(AlertHistoryRow.alert_number).in_(numbers)
    )
    act = acts.subquery().c
    names: list[Any] = [act.alert_number, literal(_ACT).label("kind"), act.number.label("place"), act.actor]
    names[-1] = names[-1].label("value")
    words: list[Any] = [act.at, act.change, act.comment, act.assignee, act.verdict, act.ods]
    nothing = [null() for _ in words]
    links = core_select(col(link.alert_number), col(link.kind), null(), col(link.value), *nothing)
    events = core_select(col(event.alert_number), literal(_EVENT), col(event.event_index), null(), *nothing)
    given: list[Any] = [verdict.at, verdict.capacity, verdict.reason, verdict.by, verdict.verdict]
    verdicts = core_select(col(verdict.alert_number), literal(_VERDICT), null(), col(verdict.ods), *given, null())
    joined: CompoundSelect[Any] = union_all(
        core_select(*names, *words).where(act.place_from_end <= MAXIMUM_HISTORY),
        links.where(col(link.alert_number).in_(numbers), col(link.shown).is_(True)),
        events.where(col(event.alert_number).in_(numbers)),
        verdicts.where(col(verdict.alert_number).in_(numbers)),
    )
    return joined.order_by("place", "value")


def _take_verdict(
    parts: _Parts,
    ods: str,
    capacity: str,
    verdict: str | None,
    reason: str | None,
    at: datetime | None,
    by: str | None,
) -> None:
    parts.wanted.add(Party(ods, Capacity(capacity)))
    if verdict is not None and at is not None:
        parts.verdicts.append(GivenVerdict(ods, Capacity(capacity), Verdict(verdict), reason or "", at, by or ""))


def _ordered(verdicts: list[GivenVerdict]) -> tuple[GivenVerdict, ...]:
    return tuple(sorted(verdicts, key=lambda given: (given.ods, given.capacity)))


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
        case=case_of(row, frozenset(parts.wanted), _ordered(parts.verdicts)),
        subject=row.subject,
        patient=row.patient,
        grouped_under=row.grouped_under,
        evidence=evidence_of(row.evidence),
        rule_ids=named("rule"),
        subjects=named("subject"),
        trusts=named("trust"),
        events=tuple(parts.events),
        agreement_ids=named("agreement"),
        decision_ids=named("decision"),
        token_jtis=named("token"),
        history=tuple(parts.history),
        kind=AlertKind(row.kind),
        totals=Totals(row.events_total, row.decisions_total, row.tokens_total, row.subjects_total),
        review=_review_of(row, parts.history),
        picture=picture_of(row.picture),
        joined_to=row.joined_to,
    )


def _review_of(row: AlertRow, history: Sequence[HistoryEntry]) -> ReviewState | None:
    if row.review_drawn is None:
        return None
    done = next((entry for entry in reversed(history) if entry.change is Change.CLOSED), None)
    return ReviewState(row.review_drawn, row.review_due, done.at if done else None, done.actor if done else None)


def act_of(row: Any, number: int, actor: str) -> HistoryEntry:
    """Give one step of a history, from a row with its columns."""
    return HistoryEntry(
        number=number,
        at=row.at,
        actor=actor,
        change=Change(row.change),
        comment=row.comment,
        assignee=row.assignee,
        verdict=Verdict(row.verdict) if row.verdict else None,
        ods=row.ods,
    )


def evidence_of(items: Sequence[Mapping[str, Any]]) -> tuple[Evidence, ...]:
    """Give evidence from a JSON column."""
    return tuple(Evidence(**item) for item in items)


def picture_of(value: Mapping[str, Any] | None) -> Picture | None:
    """Give a picture from a JSON column; what was kept beside it for choosing among pictures is left out."""
    if value is None:
        return None
    return Picture(value["title"], value["unit"], tuple(Bar(**bar) for bar in value["bars"]))


def case_of(row: AlertRow, wanted: frozenset[Party], verdicts: tuple[GivenVerdict, ...]) -> Case:
    """Give the part of an alert that people change."""
    return Case(
        state=AlertState(row.state),
        assignee=row.assignee,
        wanted=wanted,
        verdicts=verdicts,
        ending=ClosedBy(row.ending) if row.ending else None,
        verdict=Verdict(row.verdict) if row.verdict else None,
        reason=row.reason,
    )


def number_of(row: AlertRow) -> int:
    """Give the number of a row that the database has."""
    if row.number is None:
        raise RuntimeError("the database gave the alert no number")
    return row.number
