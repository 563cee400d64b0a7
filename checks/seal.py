"""The seal: a Merkle tree over records, and the proofs that it was only ever added to.

A record that is in the tree can be neither changed nor taken out, nor another put before it, without another root. Whoever holds
an earlier root can be shown that a later tree begins with what they hold. Source: RFC 9162, Certificate Transparency Version 2.0,
section 2.1, Merkle Trees. Hashes are SHA-256, 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

EMPTY = hashlib.sha256(b"").digest()
"""The root of the tree without leaves (RFC 9162, 2.1.1)."""


def leaf(record: bytes) -> bytes:
    """The hash of a record as a leaf. Leaves and nodes begin with another byte, so that no node passes for a leaf."""
    return hashlib.sha256(b"\x00" + record).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The roots of a tree that grows. It holds one hash for each bit that is set in its size."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        for one in leaves:
            self.add(one)

    def add(self, leaf_hash: bytes) -> None:
        """Append a leaf's hash: as many full trees of equal size are joined as the size has ones at its end."""
        held, size = leaf_hash, self.size
        while size & 1:
            held, size = node(self._peaks.pop(), held), size >> 1
        self._peaks.append(held)
        self.size += 1

    @property
    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY
        held = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            held = node(peak, held)
        return held


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over the hashes of leaves."""
    return Tree(leaves).root


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The proof that a leaf is in the tree over `leaves`: its neighbours from the bottom up (RFC 9162, 2.1.3.1).

    Raises IndexError where there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"there is no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    half = _split(len(leaves))
    if index < half:
        return [*inclusion(leaves[:half], index), root(leaves[half:])]
    return [*inclusion(leaves[half:], index - half), root(leaves[:half])]


def consistency(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """The proof that the tree over the first leaves is where the tree over all of them began (RFC 9162, 2.1.4.1).

    Raises IndexError where there is no such beginning.
    """
    if not 0 < first <= len(leaves):
        raise IndexError(f"a tree of {len(leaves)} does not begin with one of {first}")
    return _subproof(leaves, first, whole=True)


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    half = _split(len(leaves))
    if first <= half:
        return [*_subproof(leaves[:half], first, whole=whole), root(leaves[half:])]
    return [*_subproof(leaves[half:], first - half, whole=False), root(leaves[:half])]


def _split(size: int) -> int:
    """The largest power of two that is smaller than the size."""
    return 1 << (size - 1).bit_length() - 1


def includes(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether a proof shows that the leaf is in the tree of that size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, held = index, size - 1, leaf_hash
    for part in proof:
        if not last:
            return False
        if number & 1 or number == last:
            held = node(part, held)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            held = node(held, part)
        number, last = number >> 1, last >> 1
    return not last and held == expected


def extends(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the second tree begins with the first one (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    parts = [first_root, *proof] if first & (first - 1) == 0 else [*proof]
    if not parts:
        return False
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = parts[0]
    for part in parts[1:]:
        if not last:
            return False
        if number & 1 or number == last:
            old, new = node(part, old), node(part, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node(new, part)
        number, last = number >> 1, last >> 1
    return not last and old == first_root and new == second_root
