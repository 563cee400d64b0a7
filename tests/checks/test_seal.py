"""The Merkle tree of the seal: published vectors, a tree built the slow way, and proofs that stand only for what they are of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import seal

RECORDS = [
    bytes.fromhex(text) for text in ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Inputs and roots that implementations of Certificate Transparency test themselves against (its reference implementation,
merkle_tree_test)."""
AUDIT_5_OF_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
LEAVES = [seal.leaf(record) for record in RECORDS]
trees = st.integers(1, 40).map(lambda size: [seal.leaf(str(number).encode()) for number in range(size)])


def slow(leaves: Sequence[bytes]) -> bytes:
    """The definition, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    half = max(1 << power for power in range(8) if 1 << power < len(leaves))
    return hashlib.sha256(b"\x01" + slow(leaves[:half]) + slow(leaves[half:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert seal.root(LEAVES[:size]).hex() == ROOTS[size]


def test_an_inclusion_proof_is_that_of_certificate_transparency() -> None:
    assert [part.hex() for part in seal.inclusion(LEAVES, 5)] == AUDIT_5_OF_8


def test_the_proofs_of_seven_leaves_are_those_of_the_rfc() -> None:
    """The example of RFC 9162, 2.1.5, with its names."""
    a, b, c, d, e, f, j = LEAVES[:7]
    g, h, i = seal.node(a, b), seal.node(c, d), seal.node(e, f)
    k, l = seal.node(g, h), seal.node(i, j)  # noqa: E741 - the RFC's names
    seven = LEAVES[:7]
    assert seal.inclusion(seven, 0) == [b, h, l]
    assert seal.inclusion(seven, 3) == [c, g, l]
    assert seal.inclusion(seven, 4) == [f, j, k]
    assert seal.inclusion(seven, 6) == [i, k]
    assert seal.consistency(seven, 3) == [c, d, g, l]
    assert seal.consistency(seven, 4) == [l]
    assert seal.consistency(seven, 6) == [i, j, k]


@given(trees)
def test_the_growing_tree_has_the_root_of_the_definition(leaves: list[bytes]) -> None:
    assert seal.root(leaves) == slow(leaves)


@given(trees, st.data())
def test_what_is_in_the_tree_is_proven_and_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root, size = seal.inclusion(leaves, index), seal.root(leaves), len(leaves)
    assert seal.includes(leaves[index], index, size, proof, root)
    assert not seal.includes(seal.leaf(b"another"), index, size, proof, root)
    for wrong in {*range(-1, size + 1)} - {index}:
        assert not seal.includes(leaves[index], wrong, size, proof, root)
    assert not seal.includes(leaves[index], index, size, [*proof, seal.EMPTY], root)
    if proof:
        assert not seal.includes(leaves[index], index, size, proof[:-1], root)


@given(trees, st.data())
def test_a_tree_that_was_added_to_is_proven_and_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    first = data.draw(st.integers(1, len(leaves)))
    proof, old, new, size = seal.consistency(leaves, first), seal.root(leaves[:first]), seal.root(leaves), len(leaves)
    assert seal.extends(first, old, size, new, proof)
    assert not seal.extends(first, seal.EMPTY, size, new, proof)
    assert not seal.extends(first, old, size, seal.EMPTY, proof)
    assert not seal.extends(first, old, size, new, [*proof, seal.EMPTY])
    changed = data.draw(st.integers(0, first - 1))
    forged = [seal.leaf(b"another") if number == changed else one for number, one in enumerate(leaves)]
    assert not seal.extends(first, old, size, seal.root(forged), seal.consistency(forged, first))


@pytest.mark.parametrize("first", [-1, 0, 4])
def test_there_is_no_proof_of_a_beginning_that_there_is_not(first: int) -> None:
    with pytest.raises(IndexError):
        seal.consistency(LEAVES[:3], first)
    assert not seal.extends(first, seal.EMPTY, 3, seal.root(LEAVES[:3]), [])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_proof_of_a_leaf_that_there_is_not(index: int) -> None:
    with pytest.raises(IndexError):
        seal.inclusion(LEAVES[:3], index)
