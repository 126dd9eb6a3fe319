"""Alerts: what a person should look at, why, and what they concluded.

Rules of this room:

1. An alert is an incident, not an event: findings of the same family, subject, patient (or trust, or service) and week
   of event time go to one alert, whatever their number and order.
2. Alerts are built from event time and log indexes only, so the same log gives the same alerts, ids included.
3. An alert gains evidence and events; it never loses any, and its severity never falls.
4. The review is a state machine: new -> investigating -> closed with a verdict and a reason. A closed alert stays
   closed; what is found later opens a new alert that names it.
5. Nobody sees or reviews an alert about their own acts or their own record.
6. An officer of a trust sees the alerts that concern their trust; only a caller without a trust sees the region.
7. Every change is in the audit log, in the same transaction. Free text of a person stays with the alert.
8. Alerts speak in pseudonyms. Unmasking needs a reason, is recorded before anything is shown, and only people may.

Example: ``alerts.close(viewer, alert_id, Verdict.JUSTIFIED, "on call that night")`` ends the review of an alert.
"""

from governance.alerts.alert import Alert, Case, Change, HistoryEntry
from governance.alerts.finding import Evidence, Finding, Revision
from governance.alerts.grouping import group_key, window_start
from governance.alerts.query import AlertPage, AlertQuery, Notice, StatedReason, Unmasked, Viewer
from governance.alerts.service import AlertService, Raised
from governance.alerts.stream import AlertStream, AlertStreams, StreamTiming

__all__ = [
    "Alert",
    "AlertPage",
    "AlertQuery",
    "AlertService",
    "AlertStream",
    "AlertStreams",
    "Case",
    "Change",
    "Evidence",
    "Finding",
    "HistoryEntry",
    "Notice",
    "Raised",
    "Revision",
    "StatedReason",
    "StreamTiming",
    "Unmasked",
    "Viewer",
    "group_key",
    "window_start",
]
