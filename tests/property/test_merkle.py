"""The Merkle tree against a naive reading of RFC 9162, over random trees; published vectors; the checker's own tree."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.audit import merkle
from governance.audit.checker._tree import TileTree

# The test vectors of Certificate Transparency's reference implementation.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(size)]


def naive_split(size: int) -> int:
    half = 1
    while half * 2 < size:
        half *= 2
    return half


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    half = naive_split(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:half]) + naive_root(leaves[half:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    half = naive_split(len(leaves))
    if index < half:
        return [*naive_path(index, leaves[:half]), naive_root(leaves[half:])]
    return [*naive_path(index - half, leaves[half:]), naive_root(leaves[:half])]


def naive_subproof(old: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162 section 2.1.4.1, word for word."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    half = naive_split(len(leaves))
    if old <= half:
        return [*naive_subproof(old, leaves[:half], whole), naive_root(leaves[half:])]
    return [*naive_subproof(old - half, leaves[half:], False), naive_root(leaves[:half])]


def hash_of(leaves: list[bytes]) -> merkle.NodeHash:
    def of(node: merkle.Node) -> bytes:
        return naive_root(leaves[node.index << node.level : (node.index + 1) << node.level])

    return of


SIZES = st.integers(1, 300)


@st.composite
def inside(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(SIZES)
    return draw(st.integers(0, size - 1)), size


@st.composite
def two_sizes(draw: st.DrawFn) -> tuple[int, int]:
    new = draw(SIZES)
    return draw(st.integers(1, new)), new


def test_published_vectors() -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]
    assert [merkle.root(leaves[: size + 1]).hex() for size in range(8)] == ROOTS
    assert merkle.root([]) == merkle.EMPTY_ROOT == sha256(b"").digest()


@given(st.integers(0, 600))
def test_the_root_is_that_of_the_standard(size: int) -> None:
    leaves = leaves_of(size)
    assert merkle.root(leaves) == naive_root(leaves)


@given(inside())
def test_inclusion_proofs_are_those_of_the_standard_and_hold(case: tuple[int, int]) -> None:
    index, size = case
    leaves = leaves_of(size)
    proof = merkle.fill(merkle.inclusion_plan(index, size), hash_of(leaves))
    assert proof == naive_path(index, leaves)
    assert merkle.verify_inclusion(leaves[index], index, size, proof, naive_root(leaves))


@given(inside(), st.data())
def test_a_damaged_inclusion_proof_never_holds(case: tuple[int, int], data: st.DataObject) -> None:
    index, size = case
    leaves = leaves_of(size)
    root, proof = naive_root(leaves), naive_path(index, leaves)
    other = data.draw(st.integers(-2, size + 2).filter(lambda value: value != index))
    assert not merkle.verify_inclusion(leaves[index], other, size, proof, root)
    assert not merkle.verify_inclusion(sha256(b"x").digest(), index, size, proof, root)
    assert not merkle.verify_inclusion(leaves[index], index, size, [*proof, root], root)
    assert not merkle.verify_inclusion(leaves[index], index, size, proof, sha256(root).digest())
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        damaged = [*proof[:place], sha256(proof[place]).digest(), *proof[place + 1 :]]
        assert not merkle.verify_inclusion(leaves[index], index, size, damaged, root)
        assert not merkle.verify_inclusion(leaves[index], index, size, proof[:-1], root)


@given(two_sizes())
def test_consistency_proofs_are_those_of_the_standard_and_hold(case: tuple[int, int]) -> None:
    old, new = case
    leaves = leaves_of(new)
    proof = merkle.fill(merkle.consistency_plan(old, new), hash_of(leaves))
    assert proof == naive_subproof(old, leaves, True)
    assert merkle.verify_consistency(old, new, proof, naive_root(leaves[:old]), naive_root(leaves))


@given(two_sizes(), st.data())
def test_a_rewritten_past_is_never_consistent(case: tuple[int, int], data: st.DataObject) -> None:
    old, new = case
    leaves = leaves_of(new)
    rewritten = list(leaves)
    rewritten[data.draw(st.integers(0, old - 1))] = sha256(b"rewritten").digest()
    proof = merkle.fill(merkle.consistency_plan(old, new), hash_of(rewritten))
    assert not merkle.verify_consistency(old, new, proof, naive_root(leaves[:old]), naive_root(rewritten))
    assert not merkle.verify_consistency(old, new, [*proof, proof[-1]] if proof else [b""], b"", b"")


@given(st.integers(-5, 70), st.integers(-5, 70), st.lists(st.binary(max_size=40), max_size=8))
def test_verification_never_raises_on_hostile_input(first: int, second: int, proof: list[bytes]) -> None:
    junk = sha256(b"junk").digest()
    assert merkle.verify_inclusion(junk, first, second, proof, b"") is False
    assert merkle.verify_consistency(first, second, proof, b"one", b"two") is False


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5)])
def test_impossible_plans_are_refused(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="size"):
        merkle.consistency_plan(old, new)
    with pytest.raises(ValueError, match="index"):
        merkle.inclusion_plan(old, new)


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_compact_range_goes_on_where_it_was_left(first: int, more: int) -> None:
    leaves = leaves_of(first + more)
    edge = merkle.CompactRange()
    for leaf in leaves[:first]:
        edge.append(leaf)
    resumed = merkle.CompactRange(edge.size, edge.frontier)
    for leaf in leaves[first:]:
        resumed.append(leaf)
    assert (resumed.size, resumed.root()) == (first + more, naive_root(leaves))


@pytest.mark.parametrize(("size", "frontier"), [(-1, []), (1, []), (3, [b"x" * 32]), (1, [b"short"]), (0, [b"x" * 32])])
def test_a_frontier_that_does_not_fit_is_refused(size: int, frontier: list[bytes]) -> None:
    with pytest.raises(ValueError, match="frontier"):
        merkle.CompactRange(size, frontier)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1200))
def test_the_checkers_tree_agrees_with_the_logs(size: int) -> None:
    theirs, ours = TileTree(), merkle.CompactRange()
    for leaf in leaves_of(size):
        theirs.add(leaf)
        ours.append(leaf)
    assert theirs.root() == ours.root()
    assert theirs.frontier() == ours.frontier
