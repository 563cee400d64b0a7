"""The graph and the packet simulator, made from the same data by different hands, say the same of every packet."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from random import Random

import pytest

from checks.network.flow import flow
from checks.network.graph import NO_LABELS, Graph
from checks.network.packet import ICMP, ICMPV6, INTERNET, PORTED, TCP, UDP, Packet
from checks.network.packets import Addresses, PacketSet, addresses, packets, who
from checks.network.simulate.aws import Simulator
from checks.network.walk import Arrival, Start, Walker
from tests.checks.network.aws.asking import estate, lowered
from tests.checks.network.aws.random_worlds import PORTS, Maker

WORLDS, PACKETS = 60, 40
CLIENTS = {4: ["203.0.113.7", "8.8.8.8"], 6: ["2a00::7"]}
ON_PREMISES = "172.20.0.9"


def chosen(graph: Graph, random: Random) -> Packet | None:
    """A packet between two places that are there."""
    family = random.choice([4, 4, 4, 6])
    known = [one for port in graph.interfaces.values() for one in port.addresses[family]]
    known += [one for port in graph.interfaces.values() for one in port.public] if family == 4 else []
    known += [int(ip_address(one)) for one in CLIENTS[family]] + ([int(ip_address(ON_PREMISES))] if family == 4 else [])
    echo = (ICMP, 8 << 8) if family == 4 else (ICMPV6, 128 << 8)
    protocol, port = random.choice([*((TCP, one) for one in PORTS), (TCP, 443), (UDP, 53), echo, (50, 0)])
    source_port = random.choice([40000, 50000]) if protocol in PORTED else 0
    source, destination = random.choice(known), random.choice(known)
    return Packet(family, source, destination, protocol, source_port, port) if source != destination else None


def starts(graph: Graph, packet: Packet) -> Iterator[tuple[str, Start]]:
    """Where that could be sent from."""
    sent = flow(packet.family, one(packet, packet.source), one(packet, packet.destination))
    for port in graph.interfaces.values():
        if packet.source in port.addresses[packet.family] and not port.id.startswith(("eni-lb", "eni-vpce")):
            yield port.id, Start(port.sends, port.station, sent, port.labels)
    if any(packet.source == int(ip_address(client)) for client in CLIENTS[packet.family]):
        yield INTERNET, Start(INTERNET, INTERNET, sent, NO_LABELS)
    if packet.source == int(ip_address(ON_PREMISES)):
        for station in graph.outside:
            if station.startswith(("vgw-", "tgw-attach-vpn")):
                yield station, Start(station, station, sent, NO_LABELS)


def one(packet: Packet, address: int) -> PacketSet:
    ports = (packet.destination_port,) * 2
    return packets(addresses([(address, address)]), (packet.protocol, packet.protocol), ports)


def places(graph: Graph, arrival: Arrival, there: Addresses, family: int) -> list[str]:
    """The interfaces, or the network outside, that a flow came to."""
    at = [
        port.id
        for port in graph.interfaces.values()
        if port.station == arrival.station and any(own in there for own in port.addresses[family])
    ]
    return at or [arrival.station] * (arrival.station in graph.outside)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_the_graph_and_the_simulator_agree(seed: int) -> None:
    held = estate(Maker(seed).world().resources)
    graph, simulator, random = lowered(held), Simulator(held), Random(seed)
    ours = {public for port in graph.interfaces.values() for public in (*port.public, *port.addresses[6])}
    for _ in range(PACKETS):
        packet = chosen(graph, random)
        for at, start in starts(graph, packet) if packet else ():
            walker = Walker(graph, (packet.source_port, packet.source_port))
            surely: dict[str, bool] = {}
            maybe: set[str] = set()
            for arrival in walker.arrivals(start):
                for place in places(graph, arrival, who(arrival.flow.must.destination), packet.family) if arrival.flow.must else ():
                    answers, _ = walker.answered(arrival.station, arrival.flow, arrival.leg)
                    surely[place] = surely.get(place, False) or bool(answers and arrival.legs_answered)
                maybe.update(places(graph, arrival, who(arrival.flow.may.destination), packet.family))
            if packet.destination in ours:
                surely.pop(INTERNET, None)
            surely.pop(at, None)
            trace = simulator.send(packet, at)
            delivered: dict[str, bool] = {}
            for delivery in trace.deliveries:
                delivered[delivery.at] = delivered.get(delivery.at, False) or delivery.reply
            delivered.pop(at, None)
            told = f"{packet} from {at}: {surely} or {maybe}, {trace}"
            assert surely.keys() <= delivered.keys(), told
            assert trace.unknown or delivered.keys() <= maybe, told
            if packet.protocol == TCP:
                assert all(delivered[place] == answered for place, answered in surely.items()), told
