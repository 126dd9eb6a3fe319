"""Reminders: an agreement that ends, or wants its review, is an alert 90, 30 and 7 days ahead.

Rules:

1. A reminder is raised once for each agreement, version, matter (end or review) and threshold. Everything in it follows
   from the agreement's text, so a job that runs again, or in another process, raises the same and changes nothing.
2. What counts is the tightest threshold reached: a service that starts 20 days ahead raises the reminder of 30 days,
   not that of 90 too.
3. Only an agreement that matters has reminders: active or suspended, not superseded, its day not yet come.
4. Each party's officers see it. It rises: low, then medium, then high.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from governance.agreements import Agreement, Agreements, Record
from governance.alerts import AlertService, Evidence, Finding
from governance.alerts.alert import Change
from governance.clock import LONDON, Clock
from governance.storage import Database
from governance.vocabulary import AgreementStatus, Severity

RULE = "agreement_reminder"
THRESHOLDS: tuple[tuple[int, Severity], ...] = ((7, Severity.HIGH), (30, Severity.MEDIUM), (90, Severity.LOW))  # days
_TOLD_OF = (AgreementStatus.ACTIVE, AgreementStatus.SUSPENDED)
_PAGE = 200


def reminders(records: Iterable[Record], now: datetime) -> list[Finding]:
    """Give the reminders that are due for agreements, by their order."""
    return [
        finding
        for record in records
        if record.status in _TOLD_OF and record.superseded_by is None
        for finding in _of(record.agreement, now)
    ]


class Reminders:
    """Raises what is due.

    Args:
        agreements: what is on file.
        alerts: where reminders go.
        database: opens the transaction they are raised in.
        clock: says how far ahead a day is.
    """

    def __init__(self, agreements: Agreements, alerts: AlertService, database: Database, clock: Clock) -> None:
        self._agreements = agreements
        self._alerts = alerts
        self._database = database
        self._clock = clock

    def run_once(self) -> int:
        """Raise every reminder that is due; gives how many alerts are new."""
        due = reminders(self._records(), self._clock.now())
        if not due:
            return 0
        with self._database.transaction() as session:
            return sum(raised.change is Change.OPENED for raised in self._alerts.raise_findings(session, due))

    def _records(self) -> Iterator[Record]:
        for status in _TOLD_OF:
            after: tuple[str, int] | None = None
            while True:
                page = self._agreements.list(status, after=after, limit=_PAGE)
                yield from page.records
                if (after := page.after) is None:
                    break


def _of(agreement: Agreement, now: datetime) -> Iterator[Finding]:
    effective = agreement.effective
    ending = f"The last day of agreement {agreement.id}, version {agreement.version}, is {effective.to}"
    review = f"The review of agreement {agreement.id}, version {agreement.version}, is due on {agreement.review_date}"
    matters: Sequence[tuple[str, datetime, str, str]] = (
        ("ends", effective.ends_at, ending, "Without a renewal in force, what rests on it is denied from then on."),
        ("review", agreement.review_at, review, "A change that comes out of it is a new version, signed by all."),
    )
    for matter, at, sentence, consequence in matters:
        reached = next(((days, severity) for days, severity in THRESHOLDS if _ahead(at, days) <= now < at), None)
        if reached is not None:
            days, severity = reached
            words = f"{sentence}: at most {days} days ahead. {consequence}"
            yield _finding(agreement, f"{matter}_within_{days}_days", _ahead(at, days), severity, days, words)


def _finding(
    agreement: Agreement, signal: str, since: datetime, severity: Severity, days: int, sentence: str
) -> Finding:
    return Finding(
        rule_id=RULE,
        family=RULE,
        severity=severity,
        subject=None,
        about=f"{agreement.id}/{agreement.version}/{signal}",
        occurred_at=since,
        evidence=(Evidence(signal, days, None, 0, None, sentence),),
        events=(),
        trusts=tuple(sorted(agreement.signatories)),
        agreement_ids=(agreement.id,),
    )


def _ahead(at: datetime, days: int) -> datetime:
    """Give the instant that many calendar days of London before a day begins."""
    return (at.astimezone(LONDON) - timedelta(days=days)).astimezone(at.tzinfo)
