"""What the alert pages tell: the filters of the list, and one alert with its events and its chain."""

from dataclasses import dataclass

from governance.alerts import Alert, AlertQuery
from governance.console._chain import Step
from governance.console._context import chains, visible_events
from governance.console._names import trust_names
from governance.console._rows import EventRow, row_of
from governance.vocabulary import AlertState, Severity

EVENTS = 25  # events of an alert shown on its page; the newest


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One alert, the newest of the events it rests on that the viewer's trust may see, and its chain of authority."""

    alert: Alert
    rows: tuple[EventRow, ...]
    hidden: int
    chain: tuple[Step, ...]


def alert_page_of(alert: Alert) -> AlertPage:
    """Assemble the page of an alert for the viewer of this request."""
    events = visible_events(alert.events, EVENTS)
    names = trust_names()
    return AlertPage(
        alert=alert,
        rows=tuple(row_of(event, names) for event in events),
        hidden=len(alert.events) - len(events),
        chain=chains().of_alert(alert, events),
    )


def query_of(state: str | None, severity: str | None, before: int | None) -> AlertQuery:
    """Turn the filters of the list into a query; an unknown value filters nothing but closed alerts."""
    wanted = AlertState(state) if state in set(AlertState) else None
    return AlertQuery(
        state=wanted,
        unclosed=wanted is None and state != "all",
        severity=Severity(severity) if severity in set(Severity) else None,
        before=before,
    )
