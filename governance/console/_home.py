"""What the first page shows: how much is open, what waits for the viewer, and whether the log is being signed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from governance.agreements import Agreements, Record
from governance.alerts import Alert, AlertQuery, AlertService, Viewer
from governance.audit.log import AuditLog, LogState
from governance.vocabulary import AgreementStatus, AlertKind, AlertState, Severity

SOON = timedelta(days=60)  # an agreement that ends within this wants its renewal started
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Count:
    """How many alerts of a severity are not closed."""

    severity: Severity
    open: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the first page; ``reviews`` counts the notices that wait for a review, apart from alerts."""

    counts: tuple[Count, ...]
    reviews: int
    mine: tuple[Alert, ...]
    urgent: tuple[Alert, ...]
    ending: tuple[Record, ...]
    log: LogState

    @property
    def nothing(self) -> bool:
        """Say whether nothing waits for anybody: no alert, no review, and no agreement that ends soon."""
        return not (self.mine or self.reviews or self.ending or any(count.open for count in self.counts))


def overview(
    session: Session,
    alerts: AlertService,
    agreements: Agreements,
    log: AuditLog,
    viewer: Viewer,
    ods: str,
    now: datetime,
) -> Overview:
    """Give the first page of a viewer.

    Args:
        session: the snapshot of the page.
        alerts: the alerts.
        agreements: the agreements.
        log: the audit log.
        viewer: who looks.
        ods: the viewer's trust, whose agreements are shown.
        now: the present instant.
    """
    counted = alerts.counts_in(session, viewer)
    severities = sorted(Severity, key=lambda severity: -severity.rank)
    return Overview(
        counts=tuple(Count(severity, _open(counted, severity)) for severity in severities),
        reviews=alerts.reviews_in(session, viewer)["waiting"],
        mine=alerts.list_in(session, viewer, AlertQuery(unclosed=True, assignee=viewer.id), _LISTED).alerts,
        urgent=_urgent(session, alerts, viewer),
        ending=_ending(session, agreements, ods, now),
        log=log.state_in(session),
    )


def _open(counted: dict[tuple[str, str], int], severity: Severity) -> int:
    return sum(counted.get((state.value, severity.value), 0) for state in AlertState if state is not AlertState.CLOSED)


def _urgent(session: Session, alerts: AlertService, viewer: Viewer) -> tuple[Alert, ...]:
    """Give new alerts that nobody has taken, the gravest first."""
    found: list[Alert] = []
    for severity in (Severity.CRITICAL, Severity.HIGH):
        query = AlertQuery(kind=AlertKind.ALERT, state=AlertState.NEW, severity=severity)
        found += alerts.list_in(session, viewer, query, _LISTED - len(found)).alerts if len(found) < _LISTED else ()
    return tuple(found)


def _ending(session: Session, agreements: Agreements, ods: str, now: datetime) -> tuple[Record, ...]:
    active = agreements.all_in(session, AgreementStatus.ACTIVE, ods)
    soon = [record for record in active if now <= record.agreement.effective.ends_at < now + SOON]
    return tuple(sorted(soon, key=lambda record: record.agreement.effective.ends_at))
