"""One concrete packet of a flow, and its way, hop by hop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checks.network.flow import Flow, inverse
from checks.network.graph import Filter, Graph, Link, Translation
from checks.network.packet import INTERNET, PORTED, TCP, UDP, Hop, Packet
from checks.network.packets import EVERYBODY, Addresses, Span, rows, who
from checks.network.place import Place
from checks.network.walk import Arrival, Step, Walker

_LIKED = 0xC6336407  # 198.51.100.7, of TEST-NET-2 (RFC 5737)
_LIKED_PORTS = (443, 80, 22, 3389, 5432, 3306, 1433, 6379, 27017)
"""Shown where a flow has them: a witness that people recognise says more than the lowest one."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A packet as it is sent and as it arrives, at which interface or outside station, by which hops."""

    sent: Packet
    arrives: Packet
    source: str
    target: str
    hops: tuple[Hop, ...]


def witness(walker: Walker, arrival: Arrival, part: Flow, ports: Span, source: Place, target: Place) -> Witness:
    """A packet of a part of what arrived, sent from one of `ports`. The part is not empty."""
    arrives = _packet(part, ports)
    packet = arrives
    steps: list[tuple[Step, Packet]] = []
    for step in reversed(arrival.step.way()):
        packet = _before(walker, step, packet)
        steps.append((step, packet))
    steps.reverse()
    first, last = _interface(source, packet.family, packet.source), _interface(target, arrives.family, arrives.destination)
    hops = [Hop(first, _kind(source))]
    for step, at in steps:
        hops += _hops(walker.graph, step, at)
    if hops[-1].id != last:
        hops.append(Hop(last, _kind(target)))
    return Witness(packet, arrives, first, last, tuple(hops))


def _kind(place: Place) -> str:
    return place.interfaces[0].kind if place.interfaces else ("internet" if place.station == INTERNET else "outside")


def _interface(place: Place, family: int, address: int) -> str:
    found = next((one.id for one in place.interfaces if any(low <= address <= high for low, high in one.spans(family))), None)
    return found or (place.interfaces[0].id if place.interfaces else place.station)


def _packet(part: Flow, ports: Span) -> Packet:
    """A packet of a flow: TCP before UDP before others, to a well-known port where there is one."""
    candidates = list(_combined(part))
    protocols, span, sources, destinations = min(candidates, key=lambda row: (_rank(row[0]), _liked_port(row[1]) is None))
    protocol = next((number for number in (TCP, UDP) if protocols[0] <= number <= protocols[1]), protocols[0])
    port = (_liked_port(span) or max(span[0], min(1, span[1]))) if protocol in PORTED else span[0]
    source_port = _source_port(ports) if protocol in PORTED else 0
    source = _address(sources)
    return Packet(part.family, source, _address(destinations, source), protocol, source_port, port)


def _liked_port(span: Span) -> int | None:
    return next((port for port in _LIKED_PORTS if span[0] <= port <= span[1]), None)


def _rank(protocols: Span) -> int:
    return next((rank for rank, number in enumerate((TCP, UDP)) if protocols[0] <= number <= protocols[1]), 2)


def _source_port(ports: Span) -> int:
    return 49152 if ports[0] <= 49152 <= ports[1] else ports[0]


def _address(held: Addresses, other: int = -1) -> int:
    """An address of a set, and another one than the packet's other end where there is one."""
    if _LIKED in held:
        return _LIKED
    low, high = held.spans[0]
    if low != other:
        return low
    return low + 1 if low < high else held.spans[1][0] if len(held.spans) > 1 else low


def _combined(part: Flow) -> Iterator[tuple[Span, Span, Addresses, Addresses]]:
    for protocols, ports, sources in rows(part.source):
        for others, span, destinations in rows(part.destination):
            low, high = max(protocols[0], others[0]), min(protocols[1], others[1])
            first, last = max(ports[0], span[0]), min(ports[1], span[1])
            if low <= high and first <= last:
                yield (low, high), (first, last), sources, destinations


def _before(walker: Walker, step: Step, packet: Packet) -> Packet:
    """The packet as it was before a step rewrote it: of what a proxy goes on with, one that is answered."""
    rewrite = step.link.rewrite
    if rewrite is None:
        return packet
    inside = step.inside.must or step.inside.may
    parts = [(inside, step.leg.ports)]
    if rewrite.leg == "proxy":
        surely, maybe = walker.answered(step.at, step.inside, step.leg)
        parts = [*((one.flow, one.ports) for one in (*surely, *maybe)), *parts]
    source_port = packet.source_port
    for part, ports in parts:
        if rewrite.leg in {"proxy", "nat"}:
            source_port = _source_port(ports) if packet.protocol in PORTED else 0
        for protocols, span, sources, destinations in _combined(part):
            port = packet.destination_port if rewrite.port is None else span[0]
            if not (protocols[0] <= packet.protocol <= protocols[1] and span[0] <= port <= span[1]):
                continue
            source = _undone(rewrite.source, packet.source, sources)
            destination = _undone(rewrite.destination, packet.destination, destinations)
            if source is not None and destination is not None:
                return Packet(packet.family, source, destination, packet.protocol, source_port, port)
    raise AssertionError(f"{packet} did not come out of a link from {step.at} to {step.link.to}")


def _undone(how: Translation | Addresses | None, value: int, possible: Addresses) -> int | None:
    """The address that became this one, of those that are possible."""
    if isinstance(how, Addresses):
        return _address(possible)
    if how is not None:
        befores = [low + value - first for first, last, low in inverse(how) if first <= value <= last]
        return next((before for before in befores if before in possible), None)
    return value if value in possible else None


def _hops(graph: Graph, step: Step, packet: Packet) -> Iterator[Hop]:
    """What stands on one link: the filters, each with the rules that let this packet through, then what the link tells."""
    link: Link = step.link
    for group in link.filters:
        passing = [(graph.filters[id_], _passing(graph.filters[id_], step, packet)) for id_ in group]
        for held, rules in [(held, rules) for held, rules in passing if rules] or passing[:1]:
            yield Hop(held.told, held.kind, rules)
    yield from link.via


def _passing(held: Filter, step: Step, packet: Packet) -> tuple[str, ...]:
    address = packet.source if held.reads == "source" else packet.destination
    return held.passing(packet.family, step.labels, packet.source_port, packet.protocol, packet.destination_port, address)


def sources_of(arrival: Arrival, part: Flow) -> Addresses:
    """Who may have sent what arrived: of a connection that a proxy or NAT gateway made, who made the first one."""
    for step in arrival.step.way():
        if step.link.rewrite is not None and isinstance(step.link.rewrite.source, Addresses):
            first = step.inside.must or step.inside.may
            return who(first.source) if first.family == part.family else EVERYBODY[part.family]
    return who(part.source)
