"""What the alert pages show: the filters of the list, and one alert with its events and its chain."""

from dataclasses import dataclass

from governance.alerts import Alert, AlertQuery
from governance.alerts import AlertPage as Listed
from governance.console._asking import Question, questions_of
from governance.console._chain import Step
from governance.console._context import chains, snapshot
from governance.console._guard import viewer
from governance.console._names import trust_names
from governance.console._rows import EventRow, row_of
from governance.vocabulary import AlertState, Severity
from governance.web.services import current_services

EVENTS = 25  # events of an alert shown on its page; the newest


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One alert, the newest of the events it rests on that the viewer's trust may see, and its chain of authority.

    ``older`` counts those that are not shown, ``others`` the events that concern other trusts only.
    """

    alert: Alert
    rows: tuple[EventRow, ...]
    older: int
    others: int
    chain: tuple[Step, ...]
    questions: tuple[Question, ...] = ()


def alert_page_of(alert_id: str) -> AlertPage:
    """Assemble the page of an alert for the viewer of this request; raises as :meth:`AlertService.get` does."""
    with snapshot() as session:
        alert = current_services().uses.alerts.get_in(session, viewer(), alert_id)
        chain, rests_on = chains(session), set(alert.events)
        gathered = chain.gather(alert.events, EVENTS, alert.decision_ids, alert.token_jtis)
        own = [event for event in reversed(gathered.events) if event.index in rests_on][:EVENTS]
        steps = chain.of_alert(alert, {event.index for event in own}, gathered)
        questions = questions_of(session, alert.id)
    names = trust_names()
    return AlertPage(
        alert=alert,
        rows=tuple(row_of(event, names) for event in own),
        older=gathered.seen - len(own),
        others=len(alert.events) - gathered.seen,
        chain=steps,
        questions=questions,
    )


def alert_of(alert_id: str) -> Alert:
    """Give an alert to a page that shows none of its events; raises as :meth:`AlertService.get` does."""
    with snapshot() as session:
        return current_services().uses.alerts.get_in(session, viewer(), alert_id)


def alerts_of(query: AlertQuery, most: int) -> Listed:
    """Give a page of the list for the viewer of this request."""
    with snapshot() as session:
        return current_services().uses.alerts.list_in(session, viewer(), query, most)


def query_of(state: str | None, severity: str | None, before: int | None) -> AlertQuery:
    """Turn the filters of the list into a query; an unknown value filters nothing but closed alerts."""
    wanted = AlertState(state) if state in set(AlertState) else None
    return AlertQuery(
        state=wanted,
        unclosed=wanted is None and state != "all",
        severity=Severity(severity) if severity in set(Severity) else None,
        before=before,
    )
