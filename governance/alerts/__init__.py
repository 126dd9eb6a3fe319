"""Alerts: what a person should look at, why, and what they concluded.

Rules of this room:

1. An alert is an incident, not an event: findings of one kind and family, of the same subject and patient (or trust, or
   service), close to each other in event time, go to one alert, whatever their number and order (``grouping``).
2. Two kinds: an alert wants a verdict; a notice tells, is no accusation, and counts as none. Of notices those that were
   drawn for review wait for a person.
3. Alerts are built from event time and log indexes only, so the same log gives the same alerts, ids included.
4. An alert never vanishes and loses no event. What is learnt later takes findings back: it softens to what is left, or
   closes by itself, with its history. What a person closed stays closed.
5. Each trust concerned gives its own verdict in its capacity; the state follows from them. What is found later opens a
   new alert that names the settled one; the same act opens none.
6. A suppression has a scope, an owner, a reason and an end, holds back what concerns its trust alone, and counts it.
   Some findings are never held back.
7. Whatever an alert has many of is bounded and counted; the work for a finding does not grow with its alert.
8. Nobody sees or reviews an alert about their own acts or their own record.
9. An officer of a trust sees the alerts that concern their trust; only a caller without a trust sees the region.
10. Every change is in the audit log, in the same transaction. Free text of a person stays with the alert.
11. Alerts speak in pseudonyms. Unmasking needs a reason, is recorded before anything is shown, and only people may.

Example: ``alerts.close(viewer, alert_id, Verdict.JUSTIFIED, "on call that night")`` gives a trust's verdict.
"""

from governance.alerts.alert import Alert, Case, Change, ClosedBy, GivenVerdict, HistoryEntry, Totals
from governance.alerts.finding import Bar, Evidence, Finding, Party, Picture, Review, Revision
from governance.alerts.grouping import group_key
from governance.alerts.query import (
    AlertPage,
    AlertQuery,
    EventExplanation,
    Explanations,
    Notice,
    StatedReason,
    Unmasked,
    Viewer,
)
from governance.alerts.raising import Raised, Revised
from governance.alerts.service import AlertService
from governance.alerts.stream import AlertStream, AlertStreams, StreamTiming
from governance.alerts.suppressions import NewSuppression, Suppression, SuppressionKind, Suppressions

__all__ = [
    "Alert",
    "AlertPage",
    "AlertQuery",
    "AlertService",
    "AlertStream",
    "AlertStreams",
    "Bar",
    "Case",
    "Change",
    "ClosedBy",
    "EventExplanation",
    "Evidence",
    "Explanations",
    "Finding",
    "GivenVerdict",
    "HistoryEntry",
    "NewSuppression",
    "Notice",
    "Party",
    "Picture",
    "Raised",
    "Review",
    "Revised",
    "Revision",
    "StatedReason",
    "StreamTiming",
    "Suppression",
    "SuppressionKind",
    "Suppressions",
    "Totals",
    "Unmasked",
    "Viewer",
    "group_key",
]
