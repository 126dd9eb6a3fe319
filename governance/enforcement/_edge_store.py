"""Reading and writing the statuses of edges; no row leaves this module."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session, select

from governance.enforcement._edge_tables import EdgeStatusRow


@dataclass(frozen=True, slots=True)
class EdgeReport:
    """What an OPA says of itself and of our policy bundle.

    ``revision`` is the one it decides with, None before the first. ``code`` and ``message`` say why the newest bundle
    could not be had or activated; None when all is well. ``instance`` changes with each start, ``version`` is OPA's.
    """

    revision: str | None = None
    code: str | None = None
    message: str | None = None
    instance: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report on file: when it came, and when one last came that was up to date."""

    report: EdgeReport
    received_at: datetime
    current_at: datetime | None


def keep(session: Session, client_id: str, report: EdgeReport, at: datetime, *, current: bool) -> None:
    """Put a report in the place of the edge's last one."""
    row = session.get(EdgeStatusRow, client_id)
    before = row.current_at if row else None
    session.merge(
        EdgeStatusRow(client_id=client_id, received_at=at, current_at=at if current else before, **asdict(report))
    )


def kept(session: Session) -> Mapping[str, KeptReport]:
    """Give the last report of every edge, by client id."""
    return {
        row.client_id: KeptReport(
            EdgeReport(row.revision, row.code, row.message, row.instance, row.version), row.received_at, row.current_at
        )
        for row in session.exec(select(EdgeStatusRow))
    }
