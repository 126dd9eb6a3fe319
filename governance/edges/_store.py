"""Reading and writing the statuses of edges and their alarms; no row leaves this module."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from governance.edges._tables import EdgeAlarmRow, EdgeStatusRow
from governance.storage.exclusive import exclusive

MOST = 2**31 - 1  # what the column holds on every database


@dataclass(frozen=True, slots=True)
class EdgeReport:
    """What an OPA says of itself and of our bundles.

    ``revision`` is the policy bundle it decides with, ``revocations`` that of the revocations, None before the first.
    ``code`` and ``message`` say why the newest bundle could not be had or activated; None when all is well.
    ``instance`` changes with each start, ``version`` is OPA's. ``dropped`` counts decisions that never reached its log
    since that start.
    """

    revision: str | None = None
    code: str | None = None
    message: str | None = None
    instance: str | None = None
    version: str | None = None
    revocations: str | None = None
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report on file: when it and the first of the edge came, and when one last came that was up to date.

    ``lost`` counts the decisions that the edge dropped in all its runs.
    """

    report: EdgeReport
    received_at: datetime
    current_at: datetime | None
    first_at: datetime | None
    lost: int


@dataclass(frozen=True, slots=True)
class StoredAlarm:
    """An alarm on file: see ``_tables.EdgeAlarmRow``."""

    client_id: str
    signal: str
    ods: str
    since: datetime
    measure: int
    entry: int
    ended_at: datetime | None = None
    told: bool = False


def keep(session: Session, client_id: str, report: EdgeReport, at: datetime, *, current: bool) -> None:
    """Put a report in the place of the edge's last one; what it newly dropped adds up over its runs."""
    exclusive(session, f"edge status/{client_id}")
    row = session.get(EdgeStatusRow, client_id)
    before, first, lost, dropped = (row.current_at, row.first_at, row.lost, row.dropped) if row else (None, None, 0, 0)
    if row is None or row.instance != report.instance:
        dropped = 0
    session.merge(
        EdgeStatusRow(
            client_id=client_id,
            received_at=at,
            current_at=at if current else before,
            first_at=first or at,
            lost=min(lost + max(0, report.dropped - dropped), MOST),
            **asdict(report),
        )
    )


def reports(session: Session) -> Mapping[str, StoredReport]:
    """Give the last report of every edge, by client id."""
    return {
        row.client_id: StoredReport(
            EdgeReport(row.revision, row.code, row.message, row.instance, row.version, row.revocations, row.dropped),
            row.received_at,
            row.current_at,
            row.first_at,
            row.lost,
        )
        for row in session.exec(select(EdgeStatusRow))
    }


def alarms(session: Session, *, lock: bool = False) -> list[StoredAlarm]:
    """Give the alarms that last, and those that ended and are not yet added to their alert.

    ``lock`` keeps other writers off until the commit.
    """
    if lock:
        exclusive(session, "edge alarms")
    rows = session.exec(select(EdgeAlarmRow).order_by(col(EdgeAlarmRow.client_id), col(EdgeAlarmRow.signal)))
    return [StoredAlarm(**row.model_dump()) for row in rows]


def keep_alarm(session: Session, alarm: StoredAlarm) -> None:
    """Put an alarm on file in the place of the one of its edge and signal."""
    session.merge(EdgeAlarmRow(**asdict(alarm)))


def forget_alarm(session: Session, alarm: StoredAlarm) -> None:
    """Take an alarm off file."""
    row = session.get(EdgeAlarmRow, (alarm.client_id, alarm.signal))
    if row is not None:
        session.delete(row)
