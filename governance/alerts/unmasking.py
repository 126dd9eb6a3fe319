"""Who is behind an alert's pseudonyms, and why the glass was broken: opened from the entries the alert rests on.

Each is looked for in all of them, newest first, until it is found: "cannot be shown" is true when it is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from governance.alerts.alert import Alert
from governance.alerts.query import StatedReason, Unmasked, Viewer
from governance.audit import AuditLog, AuditSearch, Opening, Query
from governance.audit.event import Identity, RecordedEvent

MAXIMUM_REASONS = 25  # reasons shown at once; the newest


def unmasked(log: AuditLog, search: AuditSearch, viewer: Viewer, alert: Alert) -> Unmasked:
    """Find the identifiers of an alert's subject and patient, and the reasons given, in its own log entries.

    A service's id is not a person's and is returned unchanged. Of the reasons, the viewer gets those of events that
    concern their trust.
    """
    subject: str | None = None
    patient: str | None = None
    if alert.subject is not None:
        subject = _opened(log, search.among(alert.events, Query(subject=alert.subject)), alert.subject).subject
        if subject is None and not alert.subject.startswith("s-"):
            subject = alert.subject
    if alert.patient is not None:
        patient = _opened(log, search.among(alert.events, Query(patient=alert.patient)), alert.patient).patient
    seen = search.among(alert.events, Query(trust=viewer.ods))
    emergencies = list(islice((event for event in seen if event.break_glass), MAXIMUM_REASONS + 1))
    shown = emergencies[:MAXIMUM_REASONS]
    reasons = [StatedReason(event.index, log.reveal(event).break_glass_reason) for event in shown]
    openings = tuple(_openings(log, search, viewer, alert, shown))
    return Unmasked(subject, patient, tuple(reasons), len(emergencies) > MAXIMUM_REASONS, openings)


def _openings(
    log: AuditLog, search: AuditSearch, viewer: Viewer, alert: Alert, emergencies: Iterable[RecordedEvent]
) -> Iterator[Opening]:
    """Open what is shown, a field at a time, in entries that the viewer's trust may read and so hand to others."""
    found: list[tuple[RecordedEvent, str]] = []
    for field, owner, query in (
        ("subject", alert.subject, Query(subject=alert.subject, trust=viewer.ods)),
        ("patient", alert.patient, Query(patient=alert.patient, trust=viewer.ods)),
    ):
        event = None if owner is None else _naming(search.among(alert.events, query), owner)
        if event is not None:
            found.append((event, field))
    found += [(event, "break_glass_reason") for event in emergencies]
    for event, field in found:
        opening = log.open_field(event, field)
        if opening is not None:
            yield opening


def _naming(events: Iterable[RecordedEvent], owner: str) -> RecordedEvent | None:
    """Give the newest event that holds what its owner's identifiers are."""
    return next((event for event in events if any(part.owner == owner for part in event.sealed)), None)


def _opened(log: AuditLog, events: Iterable[RecordedEvent], owner: str) -> Identity:
    """Open the newest event that holds what its owner's identifiers are; one whose key was destroyed stays closed."""
    event = _naming(events, owner)
    return Identity() if event is None else log.reveal(event)
