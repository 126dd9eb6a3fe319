"""Detection: a cursor over the log that turns what does not fit into alerts, with reasons a person can check.

Rules of this room:

1. It reads the log, never a live request: nobody waits for it, and it sees only what is durable.
2. Event time drives everything. The same log gives the same alerts, whatever the batches, restarts and the hour of day.
3. Explain first: an access with a recorded reason is kept with that reason. An unexplained one is neutral, not guilty.
4. A hard rule is never statistical, fires at once, and nothing legitimate around a wrong access takes it away.
5. Every finding carries its evidence: observed, expected, sample, bits, and a sentence without identifiers.
6. A deferred check waits for the watermark of its own sources, never for a clock.
7. A detector is a small pure module with a sidecar: what it says, when it is wrong, what to do, and worked examples.
8. A detector that fails becomes a finding; it is never silent and never stops the others.
9. What becomes known late is applied to what came before it: earlier looks are explained anew, and what rested on them
   is revised, by name. Where the reason may still be on its way, a look is held and judged afterwards as if in time.

Example: ``findings = Scorer(default_rules()).score(events, context, RuleMemory())``.
"""

from governance.detection.explanation.explaining import BatchExplainer
from governance.detection.explanation.explanations import Explanations, StoredLook, Told, Untold
from governance.detection.explanation.look import Explanation, ExplanationKind
from governance.detection.knowledge.context import RegionContext
from governance.detection.knowledge.links import Links
from governance.detection.knowledge.told import told_by
from governance.detection.reader.engine import DetectionEngine, Meter
from governance.detection.reader.lag import STUCK_AFTER, LagWatch, Pace
from governance.detection.reader.past.live import LivePast
from governance.detection.reader.replay import Replayed, changed_rules
from governance.detection.reader.scoring import Scorer
from governance.detection.reader.state import LATENESS, RuleMemory
from governance.detection.registry import default_rules
from governance.detection.rule import Rule
from governance.detection.sidecar import Sidecar, sidecar_of

__all__ = [
    "LATENESS",
    "STUCK_AFTER",
    "BatchExplainer",
    "DetectionEngine",
    "Explanation",
    "ExplanationKind",
    "Explanations",
    "LagWatch",
    "Links",
    "LivePast",
    "Meter",
    "Pace",
    "RegionContext",
    "Replayed",
    "Rule",
    "RuleMemory",
    "Scorer",
    "Sidecar",
    "StoredLook",
    "Told",
    "Untold",
    "changed_rules",
    "default_rules",
    "sidecar_of",
    "told_by",
]
