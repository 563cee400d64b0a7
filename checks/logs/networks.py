"""Whether an address lies in networks, asked of the two signed halves in which a table holds it (see `address_parts`).

A few networks are ranges of integers, which are halved until few are left. Of many, those of one length are a single `IN` over
what is before the rest of the address: a range each makes an expression that Spark takes minutes to plan (measured: 5,000).
"""

from __future__ import annotations

import functools
import operator
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

import ibis

from checks.functions.ranges import Range, Ranges
from checks.logs.table import signed

_ALL: Final = 2**64 - 1
_LEAF: Final = 4
"""Ranges that are asked one after the other, below which halving them costs more than it saves."""
_MANY: Final = 64
"""Ranges from which on they are asked as networks."""

Place = tuple[int, int]
"""The two halves of an address, without a sign."""


def within_v4(ranges: Ranges, high: Any, low: Any) -> Any:
    """Ranges of 32 bits, in order; of the halves, the lower one holds them."""
    if len(ranges) < _MANY:
        return _search([((0, first), (0, last)) for first, last in ranges], high, low)
    return _any(_listed(_networks(ranges), low))


def within_v6(ranges: Ranges, high: Any, low: Any) -> Any:
    """Ranges of 128 bits, in order."""
    if len(ranges) < _MANY:
        return _halved(ranges, high, low)
    networks = list(_networks(ranges))
    wide = ((first >> 64, size - 64) for first, size in networks if size >= 64)
    narrow = tuple((first, first + 2**size - 1) for first, size in networks if size < 64)
    return _any([*_listed(wide, high), _halved(narrow, high, low)])


def _networks(ranges: Ranges) -> Iterator[tuple[int, int]]:
    """The fewest networks that make up the ranges: the first address, and how many bits come after what all of one share."""
    for first, last in ranges:
        at = first
        while at <= last:
            size = min((at & -at).bit_length() - 1 if at else 128, (last - at + 1).bit_length() - 1)
            yield at, size
            at += 2**size


def _listed(networks: Iterable[tuple[int, int]], half: Any) -> Iterator[Any]:
    """Whether a half begins as one of the networks does: for each length, whether it is among so many integers."""
    sizes: dict[int, list[int]] = defaultdict(list)
    for first, size in networks:
        sizes[size].append(signed(first))
    for size, firsts in sorted(sizes.items()):
        yield (half & ibis.literal(signed(_ALL - (2**size - 1)), "int64")).isin([ibis.literal(first, "int64") for first in firsts])


def _any(conditions: Iterable[Any]) -> Any:
    return functools.reduce(operator.or_, conditions, ibis.literal(False, "boolean"))


def _halved(ranges: Ranges, high: Any, low: Any) -> Any:
    return _search([(divmod(first, 2**64), divmod(last, 2**64)) for first, last in _by_sign(ranges)], high, low)


def _by_sign(ranges: Ranges) -> list[Range]:
    """The ranges in the order of the signed upper half, none of which changes its sign on the way."""
    middle = 2**127
    lower = [(first, min(last, middle - 1)) for first, last in ranges if first < middle]
    upper = [(max(first, middle), last) for first, last in ranges if last >= middle]
    return upper + lower


def _search(ranges: list[tuple[Place, Place]], high: Any, low: Any) -> Any:
    """Whether an address lies in one of the ranges, which are in order: halved until few are left."""
    if len(ranges) <= _LEAF:
        return _any(_inside(first, last, high, low) for first, last in ranges)
    middle = len(ranges) // 2
    start_high, start_low = ranges[middle][0]
    before = (high < signed(start_high)) | ((high == signed(start_high)) & _below(start_low, low))
    return ibis.cases((before, _search(ranges[:middle], high, low)), else_=_search(ranges[middle:], high, low))


def _inside(first: Place, last: Place, high: Any, low: Any) -> Any:
    (from_high, from_low), (to_high, to_low) = first, last
    if from_high == to_high:
        return (high == signed(from_high)) & _between(from_low, to_low, low)
    if (from_low, to_low) == (0, _ALL):
        return high.between(signed(from_high), signed(to_high))
    return (
        ((high == signed(from_high)) & _between(from_low, _ALL, low))
        | ((high > signed(from_high)) & (high < signed(to_high)))
        | ((high == signed(to_high)) & _between(0, to_low, low))
    )


def _between(first: int, last: int, low: Any) -> Any:
    """Whether a lower half, read without a sign, lies between the two: read with one, the upper half of them comes first."""
    if signed(first) <= signed(last):
        return low.between(signed(first), signed(last))
    return (low >= signed(first)) | (low <= signed(last))


def _below(limit: int, low: Any) -> Any:
    return ibis.literal(False, "boolean") if limit == 0 else _between(0, limit - 1, low)
