"""What Azure's network does with one concrete packet.

A second implementation beside the prover, to check the prover's witnesses: it follows one packet through ARM's JSON rule
by rule and route by route, knows no sets of packets, and shares nothing with the prover but the packet itself. Where several
things may happen to a packet (which backend of a load balancer it is given) all of them are in the trace.
"""

from __future__ import annotations

from typing import TypeVar

from checks.network.packet import INTERNET, Delivery, Packet, Trace
from checks.network.simulate_azure.edge import from_azure, from_internet
from checks.network.simulate_azure.gateways import Gateway, gateways
from checks.network.simulate_azure.inside import from_gateway, from_interface, from_service
from checks.network.simulate_azure.middleboxes import from_application_gateway
from checks.network.simulate_azure.platform import AZURE, service
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
        """Follow a packet from `at`: `internet`, `azure` (any Azure service), the ARM id of an interface or of a database server
        in a subnet, or a virtual network gateway's (from on-premises).

        From an interface the source is one of its private addresses; from the internet the destination is a public address
        of the estate. The first packet of a connection: nothing remembers an earlier one. `unknown` names whatever is
        missing from the estate or not modelled and stood in the way; by that way nothing is delivered.
        """
        scenery = Scenery(self._world)
        ways = [self._follow(scenery, packet, at)]
        deliveries: list[Delivery] = []
        for ended in ways:
            for arrived in ended.arrived:
                answered, doubts = self._answered(arrived, packet, at)
                deliveries.append(Delivery(arrived.at, arrived.travel.packet, arrived.travel.hops, answered))
                ended.unknown += [] if answered else [f"answer from {arrived.at}: {doubt}" for doubt in doubts]
                if arrived.onward and answered:
                    ways.append(walk(scenery, arrived.onward))
                elif arrived.onward:
                    ended.dropped.append(f"{arrived.at}: the sender is not answered, so nothing goes on")
        unknown = [why for ended in ways for why in ended.unknown]
        return Trace(_once(deliveries), _once([why for ended in ways for why in ended.dropped]), _once(unknown))

    def _answered(self, arrived: Arrived, sent: Packet, origin: str) -> tuple[bool, list[str]]:
        """Whether an answer comes back as one, and what could not be told of it."""
        scenery = Scenery(self._world, arrived.travel.made, key(origin))
        at, seen = arrived.by or (arrived.at, arrived.travel.packet)
        back = self._follow(scenery, answer_to(seen), at)
        returned = any(one.at == key(origin) and one.travel.packet == answer_to(sent) for one in back.arrived)
        return returned, back.unknown

    def _follow(self, scenery: Scenery, packet: Packet, at: str) -> Ended:
        travel, gateway = Travel(packet), self._gateway(at)
        if key(at) == INTERNET:
            return walk(scenery, from_internet(scenery, travel))
        if key(at) == AZURE:
            return walk(scenery, from_azure(scenery, travel))
        if gateway:
            return walk(scenery, from_gateway(scenery, travel, gateway))
        if one := service(self._world, at):
            return walk(scenery, from_service(scenery, travel, one))
        if self._world.resource("network.applicationgateways", at):
            return walk(scenery, from_application_gateway(scenery, travel, key(at)))
        return walk(scenery, from_interface(scenery, travel, key(at)))

    def _gateway(self, at: str) -> Gateway | None:
        return next((one for one in gateways(self._world) if one.id == key(at)), None)


def _once(items: list[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(items))
