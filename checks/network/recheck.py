"""Checks a cut again, from the graph and the question alone: no walk, no packet set operations, no compiled filters.

What it takes from the walk is which proxies are never answered (`Held.silent`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from checks.network.boxes import Box, Span, Spans, both, everybody, less, within, without
from checks.network.cut import Cut, Held
from checks.network.graph import Filter, Graph, Link
from checks.network.packets import Addresses, Layer, PacketSet

if TYPE_CHECKING:
    from checks.network.answer import Wanted
    from checks.network.place import Places

EVERY_PROTOCOL, EVERY_PORT, CLIENTS = (0, 255), (0, 65535), (1024, 65535)


Allowed = Mapping[tuple[str, int], Sequence[Box]]
"""What may arrive, though it was asked about, by station and family."""


def recheck(
    graph: Graph,
    cut: Cut,
    sources: Places,
    targets: Places,
    wanted: Wanted,
    allowed: Allowed | None = None,
    stops: frozenset[str] = frozenset(),
) -> str:
    """Why a cut does not prove that nothing wanted gets from the sources to the targets; nothing if it does.

    What is `allowed` may; and what stations among `stops` send on rewritten is not looked at.
    """
    return next(_complaints(graph, cut, sources, targets, wanted, allowed or {}, stops), "")


def _complaints(
    graph: Graph, cut: Cut, sources: Places, targets: Places, wanted: Wanted, allowed: Allowed, stops: frozenset[str]
) -> Iterator[str]:
    held: dict[object, list[Held]] = {}
    for one in cut.held:
        held.setdefault((one.station, one.family, one.labels), []).append(one)
    asked: dict[tuple[str, int], list[Box]] = {}
    for place in targets.held:
        for family, own in place.addresses.items():
            asked.setdefault((place.station, family), []).extend(
                (protocols, ports, everybody(family), own.spans) for protocols in wanted.protocols for ports in wanted.ports
            )
    onward = {
        id_: {link.to for links in one.links.values() for link in links if link.carries != "reply"} for id_, one in graph.stations.items()
    }
    for id_ in cut.aside:
        if onward.get(id_, set()) - cut.aside or any(goal.station == id_ for goal in targets.held):
            yield f"{id_} leads to where was asked about"
    for place in sources.held:
        for family, own in place.addresses.items():
            start: list[Box] = [(protocols, EVERY_PORT, own.spans, everybody(family)) for protocols in wanted.protocols]
            there = held.get((place.sends, family, place.labels), [])
            if place.sends not in cut.aside and own and not all(_contained(start, ports, there) for ports in wanted.source_ports):
                yield f"what {place.sends} sends is not held"
    for one in cut.held:
        for number, link in enumerate(graph.stations[one.station].links[one.family]):
            leg = link.rewrite.leg if link.rewrite is not None else ""
            if link.carries == "reply" or link.to in cut.aside or (leg == "proxy" and number in one.silent):
                continue
            if link.rewrite is not None and one.station in stops:
                continue
            out = outcome(graph, link, one)
            for question in asked.get((link.to, one.family), ()):
                arriving = within(out, question)
                for other in allowed.get((link.to, one.family), ()):
                    arriving = without(arriving, other)
                if any(s != e or len(s) > 1 or s[0][0] < s[0][1] for _, _, s, e in arriving):
                    yield f"what was asked about gets from {one.station} to {link.to}"
            if onward[link.to] <= cut.aside:
                continue
            next_ = held.get((link.to, one.family, one.labels if link.labels == "kept" else link.labels), [])
            same = [other for other in next_ if other.ports == one.ports]
            if out and not (_contained(out, CLIENTS, next_) if leg in {"proxy", "nat"} else _contained(out, one.ports, same)):
                yield f"what gets from {one.station} to {link.to} is not held there"


def _contained(boxes: list[Box], ports: Span, there: list[Held]) -> bool:
    """Whether packets are held for each of these source ports."""
    left: Spans = (ports,)
    for span in {one.ports for one in there}:
        rest = boxes
        for other in [box for one in there if one.ports == span for box in one.boxes]:
            rest = without(rest, other)
        left = left if rest else less(left, (span,))
    return not left


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
        return tuple((a - low + to, b - low + to) for low, high, to in how for a, b in both(spans, ((low, high),)))
    return spans
