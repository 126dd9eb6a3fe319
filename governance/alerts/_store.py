"""Writes of alerts, and the part of one that a change starts from. Rows never leave; ``_reading_store`` reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from governance.alerts._reading_store import act_of, case_of, number_of, weight_of
from governance.alerts._tables import (
    AlertEventRow,
    AlertHistoryRow,
    AlertLinkRow,
    AlertNoticeRow,
    AlertRow,
    AlertSequenceRow,
)
from governance.alerts.alert import Case, Change, HistoryEntry, Weight, merge_evidence
from governance.alerts.finding import Finding
from governance.storage.upsert import chunks, count_up, insert_for_key
from governance.vocabulary import AlertState

_SEQUENCE = "notice"


@dataclass(frozen=True, slots=True)
class Held:
    """The part of a stored alert that a change starts from."""

    number: int
    id: str
    ordinal: int
    weight: Weight
    case: Case


def latest_of_group(session: Session, group: str) -> Held | None:
    """Give the newest alert of a group, locked for the transaction."""
    query = select(AlertRow).where(AlertRow.group_key == group).order_by(col(AlertRow.ordinal).desc()).limit(1)
    row = session.exec(query.with_for_update()).first()
    return None if row is None else _held(row)


def open_alert(
    session: Session, alert: str, group: str, ordinal: int, under: str | None, finding: Finding
) -> int | None:
    """Write a new alert for a finding and everything it names; gives its number, None when it was there already."""
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
    key = insert_for_key(session, AlertRow, row.model_dump(exclude={"number"}))
    if key is None:
        return None
    number = int(key[0])
    add_events(session, number, finding.events)
    add_links(session, number, finding)
    return number


def unknown_events(session: Session, number: int, events: Sequence[int]) -> list[int]:
    """Give those of the events that the alert does not have yet."""
    unknown = set(events)
    for some in chunks(events):
        named = col(AlertEventRow.event_index).in_(some)
        held = session.exec(select(AlertEventRow.event_index).where(AlertEventRow.alert_number == number, named)).all()
        unknown.difference_update(held)
    return sorted(unknown)


def add_events(session: Session, number: int, events: Iterable[int]) -> None:
    """Attach log entries that the alert does not have yet."""
    rows = [{"alert_number": number, "event_index": index} for index in sorted(set(events))]
    if rows:
        session.connection().execute(insert(AlertEventRow), rows)


def add_links(session: Session, number: int, finding: Finding) -> bool:
    """Attach what the finding names; says whether anything was new."""
    new = _links(finding)
    for some in chunks(sorted({value for _, value in new})):
        named = col(AlertLinkRow.value).in_(some)
        held = select(AlertLinkRow.kind, AlertLinkRow.value).where(AlertLinkRow.alert_number == number, named)
        new.difference_update(session.exec(held).all())
    rows = [{"alert_number": number, "kind": kind, "value": value} for kind, value in sorted(new)]
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


def find_locked(session: Session, alert: str) -> Held | None:
    """Give the part of an alert that a change starts from, by the alert's id, locked for the transaction."""
    row = session.exec(select(AlertRow).where(AlertRow.id == alert).with_for_update()).first()
    return None if row is None else _held(row)


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
    return act_of(row, row.number or 0, row.actor)


def add_notice(session: Session, number: int, change: Change) -> None:
    """Number one change for the stream, in commit order: the counter's row is locked until the transaction ends."""
    sequence = count_up(session, AlertSequenceRow, {"name": _SEQUENCE}, "value")
    session.connection().execute(
        insert(AlertNoticeRow).values(sequence=sequence, alert_number=number, change=change.value)
    )


def _held(row: AlertRow) -> Held:
    return Held(number_of(row), row.id, row.ordinal, weight_of(row), case_of(row))


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
