"""Detection: a cursor over the log that turns what does not fit into alerts, with reasons a person can check.

Rules of this room:

1. It reads the log, never a live request: nobody waits for it, and it sees only what is durable.
2. Event time drives everything. The same log gives the same alerts, whatever the batches, restarts and the hour of day.
3. Explain first: an access with a recorded reason is kept with that reason. An unexplained one is neutral, not guilty.
4. A hard rule is never statistical, fires at once, and nothing legitimate around a wrong access takes it away.
5. Every finding carries its evidence: observed, expected, sample, bits, and a sentence without identifiers.
6. A deferred check waits for the watermark, never for a clock.
7. A detector is a small pure module with a sidecar: what it says, when it is wrong, what to do, and worked examples.
8. A detector that fails becomes a finding; it is never silent and never stops the others.

Example: ``findings = Scorer(default_rules()).score(events, context, RuleMemory())``.
"""

from governance.detection.context import RegionContext
from governance.detection.engine import DetectionEngine, Meter
from governance.detection.lag import STUCK_AFTER, LagWatch, Pace
from governance.detection.links import Links
from governance.detection.registry import default_rules
from governance.detection.rule import Rule
from governance.detection.scoring import Scorer
from governance.detection.sidecar import Sidecar, sidecar_of
from governance.detection.state import LATENESS, RuleMemory

__all__ = [
    "LATENESS",
    "STUCK_AFTER",
    "DetectionEngine",
    "LagWatch",
    "Links",
    "Meter",
    "Pace",
    "RegionContext",
    "Rule",
    "RuleMemory",
    "Scorer",
    "Sidecar",
    "default_rules",
    "sidecar_of",
]
