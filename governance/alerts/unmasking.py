"""Who is behind an alert's pseudonyms: opened from the log entries the alert rests on."""

from __future__ import annotations

from governance.alerts.alert import Alert
from governance.alerts.query import Unmasked
from governance.audit import AuditLog

MAXIMUM_ENTRIES = 20  # log entries tried: the subject and the patient are nearly always in the first


def unmasked(log: AuditLog, alert: Alert) -> Unmasked:
    """Find the identifiers of an alert's subject and patient in its own log entries.

    A service's id is not a person's and is returned unchanged.
    """
    subject: str | None = None
    patient: str | None = None
    for index in alert.events[:MAXIMUM_ENTRIES]:
        event = log.entry(index)
        identity = log.reveal(event)
        if event.subject is not None and event.subject.id == alert.subject:
            subject = subject or identity.subject
        if event.resource is not None and event.resource.patient == alert.patient:
            patient = patient or identity.patient
    if subject is None and alert.subject is not None and not alert.subject.startswith("s-"):
        subject = alert.subject
    return Unmasked(subject, patient)
