"""Which alerts somebody may see, and which of them they asked for, as conditions of a statement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, or_
from sqlmodel import col

from governance.alerts._tables import AlertEventRow, AlertLinkRow, AlertRow, AlertVerdictRow
from governance.alerts.query import AlertQuery
from governance.vocabulary import AlertState


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see: alerts of ``ods`` (None: all), not about themselves, not about their own record."""

    id: str
    ods: str | None
    own_patient: str | None


def visible(sight: Sight) -> list[ColumnElement[bool]]:
    """Give what holds of every alert that somebody may see."""
    conditions = [~_linked("subject", sight.id)]
    if sight.own_patient is not None:
        conditions.append(or_(col(AlertRow.patient).is_(None), col(AlertRow.patient) != sight.own_patient))
    if sight.ods is not None:
        conditions.append(_linked("trust", sight.ods))
    return conditions


def filters(query: AlertQuery) -> list[ColumnElement[bool]]:
    """Give what holds of every alert that was asked for."""
    return [*_of_the_alert(query), *_of_what_it_names(query), *_of_its_review(query)]


def _of_the_alert(query: AlertQuery) -> Iterator[ColumnElement[bool]]:
    wanted: dict[Any, str | None] = {
        AlertRow.state: query.state,
        AlertRow.kind: query.kind,
        AlertRow.severity: query.severity,
        AlertRow.patient: query.patient,
        AlertRow.assignee: query.assignee,
    }
    for column, value in wanted.items():
        if value is not None:
            yield col(column) == str(value)
    if query.before is not None:
        yield col(AlertRow.number) < query.before


def _of_what_it_names(query: AlertQuery) -> Iterator[ColumnElement[bool]]:
    named = {"rule": query.rule, "trust": query.ods, "subject": query.subject, "decision": query.decision_id}
    for kind, value in named.items():
        if value is not None:
            yield _linked(kind, value)
    if query.event is not None:
        event = AlertEventRow
        yield exists().where(col(event.alert_number) == col(AlertRow.number), col(event.event_index) == query.event)


def _of_its_review(query: AlertQuery) -> Iterator[ColumnElement[bool]]:
    if query.unclosed or query.to_review or query.awaiting is not None:
        yield col(AlertRow.state) != AlertState.CLOSED.value
    if query.to_review:
        yield col(AlertRow.review_drawn).is_(True)
    if query.awaiting is not None:
        verdict = AlertVerdictRow
        yield exists().where(
            col(verdict.alert_number) == col(AlertRow.number),
            col(verdict.ods) == query.awaiting,
            col(verdict.verdict).is_(None),
        )


def _linked(kind: str, value: str) -> ColumnElement[bool]:
    link = AlertLinkRow
    of_alert = col(link.alert_number) == col(AlertRow.number)
    return exists().where(of_alert, col(link.kind) == kind, col(link.value) == value)
