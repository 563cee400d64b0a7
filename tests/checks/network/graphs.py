"""Small made-up path graphs, and one packet followed through them the plainest way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from checks.network.graph import NO_LABELS, Filter, Graph, Interface, Labels, Link, Rewrite, Rule, Station
from checks.network.packet import ICMP, TCP, UDP
from checks.network.packets import EVERYBODY, PORTS, Addresses, Span, addresses, has, packets
from checks.network.place import Place, Places
from checks.network.walk import EPHEMERAL

STATIONS = ("a", "b", "c", "d", "e")
ADDRESSES = 6
PROTOCOLS = (ICMP, TCP, UDP)
DESTINATION_PORTS = (0, 22, 80, 8 * 256)
SOURCE_PORTS = (1024, 2000, 40000)
LABELS = ("red", "blue")


@dataclass(frozen=True, slots=True)
class Making:
    """What may occur in a made-up graph."""

    doubts: bool = True
    proxies: bool = True
    ports: bool = True
    """Links that send to another port."""
    source_ports: bool = True


def some(chance: random.Random) -> Addresses:
    low = chance.randrange(ADDRESSES)
    high = chance.randrange(low, ADDRESSES)
    other = chance.randrange(ADDRESSES)
    return addresses([(low, high), (other, other)])


def matches(chance: random.Random) -> dict[int, object]:
    protocols: Span = chance.choice([(0, 255), (TCP, TCP), (TCP, UDP), (ICMP, ICMP)])
    ports: Span = chance.choice([(0, PORTS), (22, 22), (0, 80), (80, 3000), (1024, PORTS), (2000, 39999)])
    who = EVERYBODY[4] if chance.random() < 0.3 else some(chance)
    return {family: packets(who, protocols, ports) for family in (4, 6) if chance.random() < 0.9}


def rule(chance: random.Random, number: int, making: Making) -> Rule:
    return Rule(
        f"rule-{number}",
        matches(chance),  # type: ignore[arg-type]
        allows=chance.random() < 0.7,
        sender=chance.choice(LABELS) if chance.random() < 0.2 else None,
        source_ports=chance.choice([(0, 1999), (2000, PORTS), (0, PORTS)]) if making.source_ports else (0, PORTS),
        doubt="unresolved" if making.doubts and chance.random() < 0.15 else "",
    )


def filter_(chance: random.Random, id_: str, making: Making) -> Filter:
    rules = tuple(rule(chance, number, making) for number in range(chance.randrange(1, 5)))
    stateful, ordered = chance.random() < 0.5, chance.random() < 0.5
    if not stateful:
        rules = tuple(replace(one, sender=None, source_ports=(0, PORTS)) for one in rules)
    return Filter(id_, "filter", chance.choice(["source", "destination"]), stateful, ordered, rules)


def rewrite(chance: random.Random, making: Making) -> Rewrite:
    shift = chance.randrange(ADDRESSES)
    low = chance.randrange(ADDRESSES)
    translation = ((low, ADDRESSES, shift),)
    source = chance.choice([None, None, translation, some(chance)])
    destination = chance.choice([None, None, translation, some(chance)])
    legs: list[Literal["", "proxy", "nat", "pass"]] = ["", "", "nat", "pass", *(["proxy"] * 3 if making.proxies else [])]
    port = chance.choice([22, 80]) if making.ports and chance.random() < 0.3 else None
    return Rewrite(source, destination, port, chance.choice(legs))


def link(chance: random.Random, filters: list[str], making: Making) -> Link:
    groups = tuple(tuple(chance.sample(filters, chance.choice([1, 1, 2]))) for _ in range(chance.choice([0, 1, 1, 2])))
    labels: Labels | Literal["kept"] = chance.choice(["kept", "kept", "kept", NO_LABELS, frozenset({"red"}), None])
    return Link(
        chance.choice(STATIONS),
        groups,
        some(chance) if chance.random() < 0.2 else None,
        some(chance) if chance.random() < 0.2 else None,
        packets(EVERYBODY[4], (TCP, UDP), (0, 100)) if chance.random() < 0.15 else None,
        rewrite(chance, making) if chance.random() < 0.25 else None,
        chance.choice(["both", "both", "both", "first", "reply"]),
        labels,
        "may not be there" if making.doubts and chance.random() < 0.1 else "",
    )


def made(seed: int, making: Making | None = None) -> Graph:
    """A graph of five stations, whose addresses, ports and protocols are few. IPv4 only."""
    making = making or Making()
    chance = random.Random(seed)
    graph = Graph()
    pools: dict[tuple[str, bool], list[str]] = {}
    for number in range(6):
        one = filter_(chance, f"filter-{number}", making)
        graph.filters[one.id] = one
        pools.setdefault((one.reads, one.stateful), []).append(one.id)
    for id_ in STATIONS:
        graph.stations[id_] = Station(id_, "station", ends=chance.random() < 0.7, sends=chance.choice(["", "", *STATIONS]))
    for id_ in STATIONS:
        for _ in range(chance.randrange(1, 4)):
            alike = chance.choice([pool for pool in pools.values() if len(pool) > 1] or [["filter-0"] * 2])
            graph.link(id_, link(chance, alike, making), (4,))
    return graph


def place(graph: Graph, station: str, labels: Labels = NO_LABELS) -> Place:
    own = {4: addresses([(0, ADDRESSES * 2)])}
    interface = Interface(station, "test", "interface", "1", "here", "net", "sub", station, station, {4: tuple(range(ADDRESSES * 2))})
    return Place(station, graph.stations[station].sends or station, own, labels, (interface,))


def places(graph: Graph, *stations: str, labels: Labels = NO_LABELS) -> Places:
    return Places(" ".join(stations), tuple(place(graph, station, labels) for station in stations))


# -- one packet, followed --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """A packet: source, destination, protocol, source port, destination port."""

    source: int
    destination: int
    protocol: int
    source_port: int
    port: int


Kleene = bool | None
"""None: not known."""


def either(held: list[Kleene]) -> Kleene:
    return True if True in held else None if None in held else False


def lets(one: Filter, labels: Labels, at: Point) -> Kleene:
    """Whether a filter lets a packet through."""
    address = at.source if one.reads == "source" else at.destination
    possible: set[bool] = set()
    for held in one.rules:
        if not has(held.matches.get(4, packets(addresses([]))), at.protocol, at.port, address):
            continue
        if not held.source_ports[0] <= at.source_port <= held.source_ports[1]:
            continue
        if held.sender is not None and labels is not None and held.sender not in labels:
            continue
        sure = not held.doubt and not (held.sender is not None and labels is None)
        if one.ordered:
            possible.add(held.allows)
            if sure:
                break
        elif held.allows:
            possible.add(True)
            if sure:
                return True
    else:
        possible.add(False)
    return possible.pop() if len(possible) == 1 else None


def takes(graph: Graph, one: Link, labels: Labels, at: Point, *, first: bool) -> Kleene:
    """Whether a packet goes by a link."""
    if (one.source is not None and at.source not in one.source) or (one.destination is not None and at.destination not in one.destination):
        return False
    if one.packets is not None and not has(one.packets, at.protocol, at.port, at.source):
        return False
    sure: Kleene = None if one.doubt else True
    for group in one.filters:
        filters = [graph.filters[id_] for id_ in group]
        if not first and any(held.stateful for held in filters):
            continue
        verdict = either([lets(held, labels, at) for held in filters])
        if verdict is False:
            return False
        sure = sure and verdict
    return sure


def rewritten(one: Rewrite | None, at: Point) -> Iterator[Point]:
    """The packets that one may become."""
    if one is None:
        yield at
        return
    for source in _become(one.source, at.source):
        for destination in _become(one.destination, at.destination):
            yield Point(source, destination, at.protocol, at.source_port, at.port if one.port is None else one.port)


def _become(how: object, value: int) -> list[int]:
    if how is None:
        return [value]
    if isinstance(how, Addresses):
        return [address for low, high in how.spans for address in range(low, high + 1)]
    assert isinstance(how, tuple)
    return [value - low + becomes for low, high, becomes in how if low <= value <= high]


@dataclass(frozen=True, slots=True)
class Came:
    """A packet that came to a station, and where replies to it are awaited."""

    at: str
    packet: Point
    labels: Labels
    home: str
    began: bool


def arrivals(graph: Graph, start: str, home: str, labels: Labels, packet: Point) -> tuple[set[tuple[str, Point]], set[tuple[str, Point]]]:
    """Where one packet surely comes to an end, and where it may: (station, packet as it arrives), source port aside."""
    surely, maybe = (_reached(graph, Came(start, packet, labels, home, False), sure=sure) for sure in (True, False))
    return surely, maybe


def _reached(graph: Graph, start: Came, *, sure: bool) -> set[tuple[str, Point]]:
    found: set[tuple[str, Point]] = set()
    seen: set[Came] = set()
    todo = [start]
    while todo:
        came = todo.pop()
        if came in seen:
            continue
        seen.add(came)
        if graph.stations[came.at].ends and came.began:
            found.add((came.at, replace(came.packet, source_port=0)))
        for one in graph.stations[came.at].links[4]:
            verdict = takes(graph, one, came.labels, came.packet, first=True)
            if one.carries == "reply" or verdict is False or (sure and verdict is None):
                continue
            leg = one.rewrite.leg if one.rewrite else ""
            if leg == "proxy" and came.began and not is_answered(graph, came, sure=sure):
                continue
            labels = came.labels if one.labels == "kept" else one.labels
            home = came.home if not leg else "" if leg == "pass" else came.at
            ports = SOURCE_PORTS if leg in {"proxy", "nat"} else (came.packet.source_port,)
            for after in rewritten(one.rewrite, came.packet):
                todo += [Came(one.to, replace(after, source_port=port), labels, home, True) for port in ports]
    return found


def is_answered(graph: Graph, came: Came, *, sure: bool) -> bool:
    """Whether some reply gets home: to some source port that filters tell no apart from the packet's."""
    if not came.home:
        return True
    packet = came.packet
    if packet.protocol == ICMP and packet.port != 8 * 256:
        return False
    cuts = [*graph.source_port_cuts, PORTS + 1]
    low = max(cut for cut in cuts if cut <= packet.source_port)
    high = min(cut for cut in cuts if cut > packet.source_port) - 1
    low, high = max(low, EPHEMERAL[0]), min(high, EPHEMERAL[1])
    ports = [0] if packet.protocol == ICMP else [port for port in (1024, 2000, 3000, 3001, 39999, 40000, PORTS) if low <= port <= high]
    sends = graph.stations[came.at].sends or came.at
    return any(_home(graph, sends, came.home, Point(packet.destination, packet.source, packet.protocol, 0, port), sure) for port in ports)


def _home(graph: Graph, sends: str, home: str, sent: Point, sure: bool) -> bool:
    seen: set[tuple[str, Point]] = set()
    todo = [(sends, sent, True)]
    while todo:
        at, packet, first = todo.pop()
        if at == home and not (first and at == sends):
            return True
        if (at, packet) in seen:
            continue
        seen.add((at, packet))
        for one in graph.stations[at].links[4]:
            if one.carries == "first" or (one.rewrite is not None and one.rewrite.leg):
                continue
            verdict = takes(graph, one, None, packet, first=False)
            if verdict is False or (sure and verdict is None):
                continue
            todo += [(one.to, replace(after, port=packet.port), False) for after in rewritten(one.rewrite, packet)]
    return False
