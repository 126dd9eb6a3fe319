"""The random audit: a few of the unexplained looks that raised no alert, drawn and reviewed like one.

What no detector sees, no detector can count. Of looks drawn at random, people say which were wrong, and from that
follows how many of all the others were: the one miss rate that does not rest on the detectors themselves.

Rules of this room:

1. A look is drawn by a keyed hash of its log index: nobody can foresee the draw, and the same log gives the same draw.
2. A day is drawn once, when it is seven days old: by then late reasons have come and alerts were raised.
3. Each trust chooses its rate; a day is drawn at the rate that was in the log when its last look was.
4. The officers of the trust whose staff looked say what they find, once, with a reason. Nobody judges their own look,
   or a look at their own record.
5. The miss rate is shown with its Wilson interval and with what was left out, never alone.
6. Draws, verdicts and rates are in the audit log, in the same transaction.

Example: ``sampling.draw_in(session, day, looks)``, where ``looks`` are the unexplained ones of that day.
"""

from governance.detection.sampling.draw import Candidate, draw
from governance.detection.sampling.estimate import MissRate, miss_rate
from governance.detection.sampling.sampling import Drawn, SampleQuery, Sampling, Summary

__all__ = ["Candidate", "Drawn", "MissRate", "SampleQuery", "Sampling", "Summary", "draw", "miss_rate"]
