"""Edges: the trusts' own OPAs: what they are given, what they report, and the watch over them.

Rules of this room:

1. An edge decides with our bundle. It reports itself how far behind it is, and may report for its own trust only.
2. A bundle is signed whole. An edge whose data is too old denies everything.
3. An edge's decision log is recorded or kept sealed; nothing of it is dropped.

Example: ``edges.states()`` gives for each edge whether it is current, how old its data is and what it lost.
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
