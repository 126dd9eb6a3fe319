"""The Merkle tree of RFC 6962 and RFC 9162 section 2.1: pure functions over hashes, no input or output.

1. A leaf is SHA-256(0x00 || entry), an inner node SHA-256(0x01 || left || right); the empty tree is SHA-256("").
2. The left subtree of a tree of n > 1 leaves is always perfect and holds the largest power of two below n.
3. A perfect subtree is named by a ``Node(level, index)``: it covers leaves [index << level, (index + 1) << level).
4. Proofs are first *planned* as the perfect subtrees they need (``inclusion_plan``, ``consistency_plan``), then
   *filled* from whatever holds the hashes. A planned step may cover several perfect subtrees, joined right to left.
5. ``CompactRange`` is the growing edge of a tree: the roots of its perfect subtrees, largest first. It is enough to go
   on appending and to compute the root, and it is never longer than 64 hashes.
6. Verification answers a bool and never raises on hostile input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A perfect subtree of ``2**level`` leaves, the ``index``-th of its level from the left."""

    level: int
    index: int


NodeHash = Callable[[Node], bytes]
Step = tuple[Node, ...]


def leaf_hash(entry: bytes) -> bytes:
    """Give the hash of one leaf, 32 bytes, from the entry bytes as stored (RFC 9162 section 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Give the hash of an inner node from its two children, 32 bytes each (RFC 9162 section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def perfect_subtrees(begin: int, end: int) -> Step:
    """Split leaves [begin, end) into the perfect subtrees that RFC 6962 makes of them, left to right.

    ``begin`` must be a multiple of the range's largest power of two, which holds for every subtree of a tree.
    """
    nodes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return tuple(nodes)


def join(hashes: Sequence[bytes]) -> bytes:
    """Join the hashes of adjacent perfect subtrees, largest first, into the hash of the tree they make."""
    if not hashes:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def fill(plan: Iterable[Step], hash_of: NodeHash) -> list[bytes]:
    """Turn a plan into proof hashes by asking ``hash_of`` for every perfect subtree the plan names."""
    return [join([hash_of(node) for node in step]) for step in plan]


def inclusion_plan(index: int, size: int) -> list[Step]:
    """Name the subtrees whose hashes prove leaf ``index`` in a tree of ``size`` leaves (RFC 9162 section 2.1.3.1).

    Raises ValueError when the leaf is not in the tree.
    """
    if not 0 <= index < size:
        raise ValueError("the index is not in the tree")
    steps: list[Step] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            steps.append(perfect_subtrees(middle, end))
            end = middle
        else:
            steps.append(perfect_subtrees(begin, middle))
            begin = middle
    steps.reverse()
    return steps


def consistency_plan(old: int, new: int) -> list[Step]:
    """Name the subtrees that prove a tree of ``old`` leaves a prefix of one of ``new`` (RFC 9162 section 2.1.4.1).

    Raises ValueError unless ``0 <= old <= new``. Empty when ``old`` is 0 or equals ``new``: there is nothing to prove.
    """
    if not 0 <= old <= new:
        raise ValueError("the old size must be between 0 and the new size")
    if old in (0, new):
        return []
    steps: list[Step] = []
    begin, end = 0, new
    whole = True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            steps.append(perfect_subtrees(middle, end))
            end = middle
        else:
            steps.append(perfect_subtrees(begin, middle))
            begin = middle
            whole = False
    if not whole:
        steps.append(perfect_subtrees(begin, end))
    steps.reverse()
    return steps


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether ``proof`` shows leaf hash ``leaf`` at ``index`` of the tree of ``size`` leaves with ``root``.

    RFC 9162 section 2.1.3.2, steps 1 to 5. The caller still owes the check that ``root`` is from a signed checkpoint.
    """
    if not 0 <= index < size:
        return False
    position, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            current = node_hash(sibling, current)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and current == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Tell whether ``proof`` shows the tree of ``old`` leaves to be a prefix of the one of ``new`` leaves.

    RFC 9162 section 2.1.4.2. Both roots must come from signed checkpoints; that check is the caller's.
    """
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not proof and old_root == (EMPTY_ROOT if old == 0 else new_root)
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


class CompactRange:
    """The growing edge of a tree: its size and the hashes of its perfect subtrees, largest first."""

    __slots__ = ("frontier", "size")

    def __init__(self, size: int = 0, frontier: Iterable[bytes] = ()) -> None:
        """Take up a tree of ``size`` leaves; raises ValueError when ``frontier`` does not fit that size."""
        self.size = size
        self.frontier = list(frontier)
        if size < 0 or len(self.frontier) != size.bit_count() or any(len(h) != HASH_BYTES for h in self.frontier):
            raise ValueError("the frontier does not fit the size")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right edge."""
        carry = self.size
        while carry & 1:
            leaf = node_hash(self.frontier.pop(), leaf)
            carry >>= 1
        self.frontier.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Give the root of the tree, 32 bytes."""
        return join(self.frontier)


def root(leaves: Iterable[bytes]) -> bytes:
    """Give the root of the tree of these leaf hashes (RFC 9162 section 2.1.1)."""
    edge = CompactRange()
    for leaf in leaves:
        edge.append(leaf)
    return edge.root()


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)
