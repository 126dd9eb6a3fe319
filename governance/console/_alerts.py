"""What the alert pages show: the filters of the list, and one alert with its events and its chain."""

from collections import Counter
from dataclasses import dataclass

from governance.alerts import Alert, AlertQuery
from governance.alerts import AlertPage as Listed
from governance.console._asking import Question, questions_of
from governance.console._chain import Step
from governance.console._context import chains, reasons, snapshot
from governance.console._guard import viewer
from governance.console._names import trust_names
from governance.console._picture import Drawing, drawing_of
from governance.console._rows import EventRow, row_of
from governance.vocabulary import AlertKind, AlertState, Severity
from governance.web.services import current_services

AWAITING = "awaiting"  # of the viewer's own trust
EVENTS = 25  # events of an alert shown on its page; the newest


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One alert, the newest of the events it rests on that the viewer's trust may see, and its chain of authority.

    ``older`` counts those that are not shown, ``others`` the events that concern other trusts only, ``unlisted`` those
    that the alert counts and does not list. ``explained`` says how many of the listed events have which explanation.
    """

    alert: Alert
    rows: tuple[EventRow, ...]
    older: int
    others: int
    unlisted: int
    explained: tuple[tuple[str, int], ...]
    drawing: Drawing | None
    chain: tuple[Step, ...]
    questions: tuple[Question, ...] = ()


def alert_page_of(alert_id: str) -> AlertPage:
    """Assemble the page of an alert for the viewer of this request; raises as :meth:`AlertService.get` does."""
    with snapshot() as session:
        alerts = current_services().uses.alerts
        alert = alerts.get_in(session, viewer(), alert_id)
        explained = Counter(one.kind for one in alerts.explanations_in(session, alert).values())
        chain, rests_on = chains(session), set(alert.events)
        gathered = chain.gather(alert.events, EVENTS, alert.decision_ids, alert.token_jtis)
        own = [event for event in reversed(gathered.events) if event.index in rests_on][:EVENTS]
        steps = chain.of_alert(alert, {event.index for event in own}, gathered)
        why = reasons(session, own)
        questions = questions_of(session, alert.id)
    names = trust_names()
    return AlertPage(
        alert=alert,
        rows=tuple(row_of(event, names, why) for event in own),
        older=gathered.seen - len(own),
        others=len(alert.events) - gathered.seen,
        unlisted=alert.totals.events - len(alert.events),
        explained=tuple(sorted(explained.items())),
        drawing=drawing_of(alert.picture),
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
    """Turn the filters of the list of alerts into a query; an unknown value filters nothing but closed alerts."""
    wanted = AlertState(state) if state in set(AlertState) else None
    return AlertQuery(
        kind=AlertKind.ALERT,
        state=wanted,
        unclosed=wanted is None and state not in {"all", AWAITING},
        awaiting=viewer().ods if state == AWAITING else None,
        severity=Severity(severity) if severity in set(Severity) else None,
        before=before,
    )


def notices_query_of(review: str | None, before: int | None) -> AlertQuery:
    """Turn the filter of the list of notices into a query: those to review, unless all are asked for."""
    return AlertQuery(kind=AlertKind.NOTICE, to_review=review != "all", before=before)
