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
    return tuple((max(a, c), min(b, d)) for a, b in one for c, d in other if a <= d and c <= b)


def less(one: Spans, other: Spans) -> Spans:
    for c, d in other:
        one = tuple((low, high) for a, b in one for low, high in ((a, min(b, c - 1)), (max(a, d + 1), b)) if low <= high)
    return one


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
