"""The Merkle tree as stored: full tiles, and the leaves and tile roots that no full tile holds yet.

1. Only the hashes that a plan needs are read: at most one tile for each eight levels of the tree, and its right edge.
2. Node ``(level, index)`` of the tree lives in tile level ``level // 8``: it is the root of ``2**(level % 8)`` of
   its hashes.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from governance.audit import _store, merkle
from governance.audit._sequencer import TILE_WIDTH
from governance.audit.merkle import HASH_BYTES, Node, Step

TILE_HEIGHT = 8


class StoredTree:
    """Reads node hashes of the tree of ``size`` leaves; every tile is read once in the life of the object."""

    def __init__(self, session: Session, size: int) -> None:
        self._session = session
        self.size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def fill(self, plan: Sequence[Step]) -> list[bytes]:
        """Give the proof hashes of a plan (``merkle.inclusion_plan``, ``merkle.consistency_plan``)."""
        return merkle.fill(plan, self.node)

    def node(self, node: Node) -> bytes:
        """Give the hash of a perfect subtree; raises LookupError when the store does not hold what it is made of."""
        level, height = divmod(node.level, TILE_HEIGHT)
        start = node.index << height
        return merkle.root(self.hashes(level, start, start + (1 << height)))

    def hashes(self, level: int, start: int, stop: int) -> list[bytes]:
        """Give hashes [start, stop) of a tile level, all inside one tile; raises LookupError when some are missing."""
        number = start // TILE_WIDTH
        offset = number * TILE_WIDTH
        tile = self._tile(level, number)
        found = tile[start - offset : stop - offset]
        if len(found) != stop - start:
            raise LookupError("the store lacks hashes of its own tree")
        return found

    def _tile(self, level: int, number: int) -> list[bytes]:
        key = (level, number)
        if key not in self._tiles:
            joined = _store.full_tile(self._session, level, number)
            if joined is None:
                start = number * TILE_WIDTH
                self._tiles[key] = _store.hashes(self._session, level, start, start + TILE_WIDTH)
            else:
                self._tiles[key] = [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
        return self._tiles[key]
