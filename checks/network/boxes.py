"""Packets as boxes of spans, with the plainest arithmetic there is: what a cut is told in, and checked with.

Packet sets do the same faster. Nothing here uses them, so that neither can hide an error of the other.
"""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
Spans = tuple[Span, ...]
Box = tuple[Span, Span, Spans, Spans]
"""Packets of one family: (protocols, ports, source addresses, destination addresses)."""


def everybody(family: int) -> Spans:
    return ((0, 2 ** (32 if family == 4 else 128) - 1),)


def both(one: Spans, other: Spans) -> Spans:
    """What is in both; spans are sorted and apart."""
    found, at = [], 0
    for low, high in one:
        while at < len(other) and other[at][1] < low:
            at += 1
        here = at
        while here < len(other) and other[here][0] <= high:
            found.append((max(low, other[here][0]), min(high, other[here][1])))
            here += 1
    return tuple(found)


def less(one: Spans, other: Spans) -> Spans:
    """What is in one and not in the other; spans are sorted and apart."""
    found, at = [], 0
    for low, high in one:
        while at < len(other) and other[at][1] < low:
            at += 1
        here, left = at, low
        while here < len(other) and other[here][0] <= high:
            if left < other[here][0]:
                found.append((left, other[here][0] - 1))
            left = max(left, other[here][1] + 1)
            here += 1
        if left <= high:
            found.append((left, high))
    return tuple(found)


def within(boxes: Iterable[Box], other: Box) -> list[Box]:
    """What of boxes is in another."""
    found = []
    for protocols, ports, sources, ends in boxes:
        p, q = both((protocols,), (other[0],)), both((ports,), (other[1],))
        if p and q and (s := both(sources, other[2])) and (e := both(ends, other[3])):
            found.append((p[0], q[0], s, e))
    return found


def without(boxes: Iterable[Box], other: Box) -> list[Box]:
    """What of boxes is not in another."""
    found: list[Box] = []
    for box in boxes:
        if not (common := within([box], other)):
            found.append(box)
        for p, q, s, e in common:
            found += [(rest, box[1], box[2], box[3]) for rest in less((box[0],), (p,))]
            found += [(p, rest, box[2], box[3]) for rest in less((box[1],), (q,))]
            found += [(p, q, rest, box[3]) for rest in [less(box[2], s)] if rest]
            found += [(p, q, s, rest) for rest in [less(box[3], e)] if rest]
    return found
