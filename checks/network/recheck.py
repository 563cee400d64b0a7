"""Checks a cut again, from the graph and the question alone: no walk, no packet set operations, no compiled filters.

What it takes from the walk is which proxies are never answered (`Held.silent`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from checks.network.boxes import Box, Span, Spans, everybody, less, within, without
from checks.network.cut import Cut, Held
from checks.network.graph import Graph
from checks.network.outcome import EVERY_PORT, outcome
from checks.network.place import Places
from checks.network.question import Wanted

CLIENTS = (1024, 65535)


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
            if place.sends not in cut.aside and own and not all(_contained(start, ports, there) for ports in wanted.sent_from(graph)):
                yield f"what {place.sends} sends is not held"
    for one in cut.held:
        for number, link in enumerate(graph.stations[one.station].links[one.family]):
            leg = link.rewrite.leg if link.rewrite is not None else ""
            if link.carries == "reply" or link.to in cut.aside or (leg == "proxy" and number in one.silent):
                continue
            if link.rewrite is not None and one.station in stops:
                continue
            out, family = outcome(graph, link, one), (link.rewrite.family if link.rewrite is not None else 0) or one.family
            for question in asked.get((link.to, family), ()):
                arriving = within(out, question)
                for other in allowed.get((link.to, family), ()):
                    arriving = without(arriving, other)
                if any(s != e or len(s) > 1 or s[0][0] < s[0][1] for _, _, s, e in arriving):
                    yield f"what was asked about gets from {one.station} to {link.to}"
            if onward[link.to] <= cut.aside:
                continue
            next_ = held.get((link.to, family, one.labels if link.labels == "kept" else link.labels), [])
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
