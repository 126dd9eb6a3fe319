"""Impact: what would have been decided otherwise under other terms or another policy.

Rules of this room:

1. It replays what the log holds and changes nothing: no record, no token, no term.
2. A decision that cannot be replayed is counted and named, never left out of the sum.

Example: ``impact.analyse(Question(changes, since, until)).changes`` says whose access would change.
"""

from governance.impact.impact import ImpactAnalysis, ImpactReport, Question

__all__ = [
    "ImpactAnalysis",
    "ImpactReport",
    "Question",
]
