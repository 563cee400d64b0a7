"""The graph and the packet simulator, made from the same hub and spokes by different hands, say the same of every packet."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from checks.model import Resource
from checks.network.flow import flow
from checks.network.graph import NO_LABELS, Graph
from checks.network.packet import INTERNET, TCP, Packet
from checks.network.packets import Addresses, PacketSet, addresses, packets, who
from checks.network.simulate_azure import AzureSimulator
from checks.network.walk import Arrival, Start, Walker
from tests.checks.network.azure.arm_world import lowered
from tests.checks.network.azure.random_hubs import Hub
from tests.checks.network.simulate_azure.azure_world import estate

WORLDS, PACKETS = 100, 40


def graph_of(things: list[Resource]) -> Graph:
    """With ids in the case in which the simulator writes them."""
    graph = lowered(*things)
    graph.interfaces = {id_.lower(): one for id_, one in graph.interfaces.items()}
    return graph


def start(graph: Graph, packet: Packet, at: str) -> Start:
    sent = flow(packet.family, one(packet, packet.source), one(packet, packet.destination))
    if (port := graph.interfaces.get(at)) is not None:
        return Start(port.sends, port.station, sent, port.labels)
    station = next(id_ for id_ in graph.outside if id_.lower() == at)
    return Start(graph.stations[station].sends or station, station, sent, NO_LABELS)


def one(packet: Packet, address: int) -> PacketSet:
    return packets(addresses([(address, address)]), (packet.protocol,) * 2, (packet.destination_port,) * 2)


def places(graph: Graph, arrival: Arrival, there: Addresses, family: int) -> list[str]:
    """The interfaces, or the network outside, that a flow came to."""
    at = [
        id_
        for id_, port in graph.interfaces.items()
        if port.station == arrival.station and any(own in there for own in port.addresses[family])
    ]
    return at or [arrival.station.lower()] * (arrival.station in graph.outside)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_the_graph_and_the_simulator_agree(seed: int) -> None:
    hub = Hub(seed)
    graph, simulator = graph_of(hub.things), AzureSimulator(estate(*hub.things))
    ours = {int(ip_address(one)) for one in (*hub.public, *hub.inside)}
    for at, packet in hub.packets(PACKETS):
        walker = Walker(graph, (packet.source_port, packet.source_port))
        surely: dict[str, bool] = {}
        maybe: dict[str, bool] = {}
        for arrival in walker.arrivals(start(graph, packet, at)):
            sure, perhaps = walker.answered(arrival.station, arrival.flow, arrival.leg)
            for place in places(graph, arrival, who(arrival.flow.must.destination), 4) if arrival.flow.must else ():
                surely[place] = surely.get(place, False) or bool(sure and arrival.legs_answered)
            for place in places(graph, arrival, who(arrival.flow.may.destination), 4):
                maybe[place] = maybe.get(place, False) or bool(perhaps)
        if packet.destination in ours:
            surely.pop(INTERNET, None)
        surely.pop(at, None)
        trace = simulator.send(packet, at)
        delivered: dict[str, bool] = {}
        for delivery in trace.deliveries:
            delivered[delivery.at] = delivered.get(delivery.at, False) or delivery.reply
        delivered.pop(at, None)
        told = f"{packet} from {at}: {surely} or {maybe}, {trace}"
        assert trace.unknown or surely.keys() <= delivered.keys(), told
        assert delivered.keys() <= maybe.keys(), told
        if packet.protocol == TCP:
            assert all(maybe[place] for place, answered in delivered.items() if answered), told
            assert trace.unknown or all(delivered[place] for place, answered in surely.items() if answered), told
