"""Who is behind an alert's pseudonyms: opened from the log entries the alert rests on."""

from __future__ import annotations

from typing import Protocol

from governance.alerts.alert import Alert
from governance.alerts.query import Unmasked
from governance.audit.event import Identity, RecordedEvent

MAXIMUM_ENTRIES = 20  # log entries tried: the subject and the patient are nearly always in the first


class Revealer(Protocol):
    """Reads a log entry and opens its sealed identifiers."""

    def entry(self, index: int) -> RecordedEvent:
        """Give the entry at an index; raises NotFound."""
        ...

    def reveal(self, event: RecordedEvent) -> Identity:
        """Open what is sealed; a field is None when its owner's key was destroyed."""
        ...


def unmasked(revealer: Revealer, alert: Alert) -> Unmasked:
    """Find the identifiers of an alert's subject and patient in its own log entries.

    A service's id is not a person's and is given as it stands.
    """
    subject: str | None = None
    patient: str | None = None
    for index in alert.events[:MAXIMUM_ENTRIES]:
        event = revealer.entry(index)
        identity = revealer.reveal(event)
        if event.subject is not None and event.subject.id == alert.subject:
            subject = subject or identity.subject
        if event.resource is not None and event.resource.patient == alert.patient:
            patient = patient or identity.patient
    if subject is None and alert.subject is not None and not alert.subject.startswith("s-"):
        subject = alert.subject
    return Unmasked(subject, patient)
