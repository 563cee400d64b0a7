"""What Azure's network does with one concrete packet.

A second implementation beside the prover, to check the prover's witnesses: it follows one packet through ARM's JSON rule
by rule and route by route, knows no sets of packets, and shares nothing with the prover but the packet itself. Where several
things may happen to a packet (which backend of a load balancer it is given) all of them are in the trace.
"""

from __future__ import annotations

from typing import TypeVar

from checks.network.packet import INTERNET, Delivery, Packet, Trace
from checks.network.simulate_azure.edge import from_internet
from checks.network.simulate_azure.gateways import Gateway, gateways
from checks.network.simulate_azure.inside import from_gateway, from_interface
from checks.network.simulate_azure.steps import Arrived, Scenery
from checks.network.simulate_azure.travel import Travel
from checks.network.simulate_azure.walk import Ended, walk
from checks.network.simulate_azure.wire import answer_to, key
from checks.network.simulate_azure.world import Source, World

_T = TypeVar("_T")


class AzureSimulator:
    """Sends packets through the Azure resources of an estate."""

    def __init__(self, estate: Source) -> None:
        self._world = World(estate)

    def send(self, packet: Packet, at: str) -> Trace:
        """Follow a packet from `at`: `internet`, an interface's ARM id, or a virtual network gateway's (from on-premises).

        From an interface the source is one of its private addresses; from the internet the destination is a public address
        of the estate. The first packet of a connection: nothing remembers an earlier one. `unknown` names whatever is
        missing from the estate or not modelled and stood in the way; by that way nothing is delivered.
        """
        ended = self._follow(Scenery(self._world), packet, at)
        deliveries, unknown = [], list(ended.unknown)
        for arrived in ended.arrived:
            answered, doubts = self._answered(arrived, packet, at)
            deliveries.append(Delivery(arrived.at, arrived.travel.packet, arrived.travel.hops, answered))
            unknown += [] if answered else [f"answer from {arrived.at}: {doubt}" for doubt in doubts]
        return Trace(_once(deliveries), _once(ended.dropped), _once(unknown))

    def _answered(self, arrived: Arrived, sent: Packet, origin: str) -> tuple[bool, list[str]]:
        """Whether an answer comes back as one, and what could not be told of it."""
        scenery = Scenery(self._world, arrived.travel.made, key(origin))
        back = self._follow(scenery, answer_to(arrived.travel.packet), arrived.at)
        returned = any(one.at == key(origin) and one.travel.packet == answer_to(sent) for one in back.arrived)
        return returned, back.unknown

    def _follow(self, scenery: Scenery, packet: Packet, at: str) -> Ended:
        travel, gateway = Travel(packet), self._gateway(at)
        if key(at) == INTERNET:
            return walk(scenery, from_internet(scenery, travel))
        if gateway:
            return walk(scenery, from_gateway(scenery, travel, gateway))
        return walk(scenery, from_interface(scenery, travel, key(at)))

    def _gateway(self, at: str) -> Gateway | None:
        return next((one for one in gateways(self._world) if one.id == key(at)), None)


def _once(items: list[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(items))
