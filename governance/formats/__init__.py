"""Wire formats of the audit: what a sender wrote becomes events, or a fault that names the part at fault.

Rules of this room:

1. Pure: bytes and values in, events or :class:`~governance.errors.InvalidInput` out. No clock, no socket, no table.
2. Liberal in dialect, strict in meaning: any spelling real senders use is read, but a code, a time, an outcome or a
   trust that cannot be made out is a fault and never a guess.
3. No fault repeats a value: values identify people.
4. Sizes are bounded before anything is parsed, and a document type declaration is refused.
5. Reading the same bytes twice gives the same event ids, so a message sent again is a duplicate, not a second access.

Example: ``events = parse_message(xml, context)`` reads one DICOM audit message; InvalidInput names its faults.
"""

from governance.formats._assemble import AGREEMENT, DECISION, JTI, TOKEN
from governance.formats._message import Context
from governance.formats._references import NHS_SYSTEM, is_pseudonym, patient_reference
from governance.formats.dicom import parse_message
from governance.formats.fhir import bundle_entries, parse_audit_event
from governance.formats.fhir_out import build_audit_event
from governance.formats.fhir_xml import resource_from_xml
from governance.formats.native import event_items, event_lines, parse_event, parse_line, render
from governance.formats.syslog import Frame, Framer, Framing, SyslogMessage, parse_syslog

__all__ = [
    "AGREEMENT",
    "DECISION",
    "JTI",
    "NHS_SYSTEM",
    "TOKEN",
    "Context",
    "Frame",
    "Framer",
    "Framing",
    "SyslogMessage",
    "build_audit_event",
    "bundle_entries",
    "event_items",
    "event_lines",
    "is_pseudonym",
    "parse_audit_event",
    "parse_event",
    "parse_line",
    "parse_message",
    "parse_syslog",
    "patient_reference",
    "render",
    "resource_from_xml",
]
