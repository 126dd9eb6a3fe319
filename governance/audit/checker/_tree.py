"""The checker's own Merkle tree (RFC 9162 section 2.1), written apart from the log's on purpose.

1. It is built by levels of 256, as tiles are, and keeps the root of every finished tile of every level.
2. It can give the root at any size up to the last leaf it was shown, so every checkpoint is compared on the way.
"""

from __future__ import annotations

from hashlib import sha256

WIDTH = 256
HASH = 32


def hash_leaf(entry: bytes) -> bytes:
    """Give SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def reduce_pairs(level: list[bytes]) -> bytes:
    """Give the root of 2**k hashes by joining neighbours until one is left."""
    while len(level) > 1:
        level = [sha256(b"\x01" + level[at] + level[at + 1]).digest() for at in range(0, len(level), 2)]
    return level[0]


def binary_parts(level: list[bytes]) -> list[bytes]:
    """Cut hashes into runs of falling powers of two, as the binary form of their number, and give each run's root."""
    parts, start = [], 0
    for bit in reversed(range(len(level).bit_length())):
        length = 1 << bit
        if len(level) & length:
            parts.append(reduce_pairs(level[start : start + length]))
            start += length
    return parts


class TileTree:
    """A tree that grows leaf by leaf and remembers the roots of its full tiles."""

    def __init__(self) -> None:
        self.size = 0
        self.open: list[list[bytes]] = [[]]  # per level, the hashes of the tile that is still being filled
        self.full: list[list[bytes]] = []  # per level, the root of every full tile

    def add(self, leaf: bytes) -> list[tuple[int, int, list[bytes]]]:
        """Add a leaf; gives the tiles that became full by it: level, number, their 256 hashes."""
        self.size += 1
        self.open[0].append(leaf)
        return self._close_full() if len(self.open[0]) == WIDTH else []

    def _close_full(self) -> list[tuple[int, int, list[bytes]]]:
        closed, level = [], 0
        while len(self.open[level]) == WIDTH:
            hashes, self.open[level] = self.open[level], []
            if level == len(self.full):
                self.full.append([])
                self.open.append([])
            closed.append((level, len(self.full[level]), hashes))
            root = reduce_pairs(hashes)
            self.full[level].append(root)
            level += 1
            self.open[level].append(root)
        return closed

    def frontier(self) -> list[bytes]:
        """Give the roots of the perfect subtrees that make up the tree, largest first."""
        return [part for level in reversed(self.open) for part in binary_parts(level)]

    def root(self) -> bytes:
        """Give the root of the tree; SHA-256 of nothing when it is empty."""
        parts = self.frontier()
        if not parts:
            return sha256(b"").digest()
        root = parts.pop()
        while parts:
            root = sha256(b"\x01" + parts.pop() + root).digest()
        return root
