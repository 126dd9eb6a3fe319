"""Intake: what others send to the log, by whichever format and transport.

Rules of this room:

1. Every format is a carrier of one use case: one rule for whose events a sender may send, one append, one set of
   counts.
2. One bad thing never costs its neighbours their record. It is named by its place, logged and counted, and kept sealed
   where its sender is not answered or could not send it better.
3. Acknowledged means durable: what was taken is in the log or in the quarantine before the sender is answered.
4. What waits in the quarantine is read again by the same rules, and waits until all of it is in the log.
5. Nothing here knows HTTP; the endpoints parse, call and render.

Example: ``taken = intake.take(SYSLOG, enumerate(frames, 1), Sender("10.1.2.3", proven=False))``, then ``taken.faults``
names the frames that are not recorded; ``intake.retry(SYSLOG)`` reads those again that had to be kept.
"""

from governance.intake.carrier import Carrier, Keeping
from governance.intake.senders import Sender
from governance.intake.syslog import SYSLOG
from governance.intake.take import Intake
from governance.intake.taken import Part, Taken

__all__ = ["SYSLOG", "Carrier", "Intake", "Keeping", "Part", "Sender", "Taken"]
