"""Edges: the trusts' own OPAs: what they are given, what they tell us, and the watch over them.

Rules of this room:

1. An edge decides with our bundle; how far behind it is, it says itself, and we believe it only for its own trust.
2. A bundle is signed whole. An edge that has heard nothing for too long denies everything.
3. An edge's decision log is recorded or kept sealed; nothing of it is dropped.
"""

from governance.edges._store import EdgeReport
from governance.edges.alarms import EdgeLimits
from governance.edges.bundles import Bundles
from governance.edges.edges import Edges, EdgeState
from governance.edges.intake import DECISION_LOG
from governance.edges.watch import EdgeWatch

__all__ = [
    "DECISION_LOG",
    "Bundles",
    "EdgeLimits",
    "EdgeReport",
    "EdgeState",
    "EdgeWatch",
    "Edges",
]
