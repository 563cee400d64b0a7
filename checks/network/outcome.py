"""What may come out of a link, read from it and its filters, box by box: for checking a cut, without packet sets."""

from __future__ import annotations

from collections.abc import Iterator

from checks.network.boxes import Box, Span, Spans, both, everybody, within, without
from checks.network.cut import Held
from checks.network.graph import Filter, Graph, Link
from checks.network.packets import Addresses, Layer, PacketSet

EVERY_PROTOCOL, EVERY_PORT = (0, 255), (0, 65535)


def outcome(graph: Graph, link: Link, one: Held) -> list[Box]:
    """What may come out of a link, of what is held where it begins."""
    every = everybody(one.family)
    source, destination = (every if own is None else own.spans for own in (link.source, link.destination))
    boxes = within(one.boxes, (EVERY_PROTOCOL, EVERY_PORT, source, destination))
    if link.packets is not None:
        boxes = [box for p, q, _ in _rows(link.packets) for box in within(boxes, (p, q, every, every))]
    for group in link.filters:
        boxes = [box for id_ in group for box in passed(graph.filters[id_], one, boxes)]
    if (change := link.rewrite) is None:
        return boxes
    port = (change.port, change.port) if isinstance(change.port, int) else change.port
    changed = [(p, port or q, _moved(s, change.source), _moved(e, change.destination)) for p, q, s, e in boxes]
    return [box for box in changed if box[2] and box[3]]


def passed(filter_: Filter, one: Held, boxes: list[Box]) -> list[Box]:
    """The most that a filter lets through: what may be allowed is, what may not be denied is not."""
    found: list[Box] = []
    every = everybody(one.family)
    for rule in filter_.rules:
        sender = rule.sender is None or (one.labels is not None and rule.sender in one.labels)
        low, high = rule.source_ports
        may = (sender or one.labels is None) and low <= one.ports[1] and one.ports[0] <= high
        must = sender and not rule.doubt and low <= one.ports[0] and one.ports[1] <= high
        for p, q, who in _rows(rule.matches[one.family]) if one.family in rule.matches else ():
            other = (p, q, who, every) if filter_.reads == "source" else (p, q, every, who)
            found += within(boxes, other) if rule.allows and may else []
            boxes = without(boxes, other) if filter_.ordered and must else boxes
    return found


def _rows(matches: PacketSet) -> Iterator[tuple[Span, Span, Spans]]:
    for low, high, by_port in matches.spans:
        for first, last, who in by_port.spans if isinstance(by_port, Layer) else ():
            assert isinstance(who, Addresses)
            yield (low, high), (first, last), who.spans


def _moved(spans: Spans, how: object) -> Spans:
    if isinstance(how, Addresses):
        return how.spans
    if isinstance(how, tuple):
        return tuple(sorted((a - low + to, b - low + to) for low, high, to in how for a, b in both(spans, ((low, high),))))
    return spans
