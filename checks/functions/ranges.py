"""Sets of integers as sorted, disjoint, merged ranges: what addresses and ports are counted in."""

from __future__ import annotations

from collections.abc import Iterable

Range = tuple[int, int]
"""First and last, both inside."""

Ranges = tuple[Range, ...]


def merge(ranges: Iterable[Range]) -> Ranges:
    """Sort, and join what overlaps or touches."""
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def intersect(left: Ranges, right: Ranges) -> Ranges:
    """What lies in both; both must be merged."""
    common: list[Range] = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            common.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(common)


def subtract(left: Ranges, right: Ranges) -> Ranges:
    """What lies in the first and not in the second; both must be merged."""
    rest: list[Range] = []
    for start, last in left:
        first = start
        for cut_first, cut_last in right:
            if cut_last < first or cut_first > last:
                continue
            if cut_first > first:
                rest.append((first, cut_first - 1))
            first = cut_last + 1
        if first <= last:
            rest.append((first, last))
    return tuple(rest)


def size(ranges: Ranges) -> int:
    """How many integers lie in merged ranges."""
    return sum(last - first + 1 for first, last in ranges)
