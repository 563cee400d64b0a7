"""What routes lead to that is no Azure Firewall: network virtual appliances, and networks that managers connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.network.azure.admin import MANAGER
from checks.network.azure.arm import entries, key, parent, reference, text
from checks.network.azure.interfaces import Configurations
from checks.network.azure.peering import Peering
from checks.network.azure.routes import unseen
from checks.network.azure.stations import routes
from checks.network.azure.world import Network, Subnet, World
from checks.network.graph import Graph, Link, Rewrite
from checks.network.packets import Addresses, addresses

HUB_CONNECTION = "azure.network.virtualhubs.hubvirtualnetworkconnections"
CONNECTIVITY = f"{MANAGER}.connectivityconfigurations"


@dataclass
class Appliances:
    """The stations of network virtual appliances."""

    world: World
    graph: Graph
    configurations: Configurations
    peerings: Mapping[str, tuple[Peering, ...]]

    def at(self, network: Network, subnet: Subnet, family: int, value: int) -> tuple[str, str]:
        """The station of what has an address, and why it is not sure what it forwards; none where it forwards nothing.

        Source: "Virtual network traffic routing": an interface that forwards has IP forwarding enabled.
        """
        near = (network.key, *(one.remote for one in self.peerings.get(network.key, ())))
        for one in near:
            configuration = self.configurations.at.get((one, family, value))
            if configuration is None:
                continue
            if self.configurations.forwarding.get(configuration.interface) is False:
                return "", ""
            why = f"what network virtual appliance {configuration.interface} forwards is not known"
            return self._station(configuration.subnet, family, addresses([(value, value)]), why), why
        place = self.world.subnet_with(family, value, near)
        if place is None:
            return unseen(network), f"the next hop of {subnet.id} is not in a network of the estate"
        why = f"what stands in {place.id} as next hop of {subnet.id} is not known"
        return self._station(place, family, addresses([(value, value)]), why), why

    def _station(self, subnet: Subnet, family: int, own: Addresses, why: str) -> str:
        """It sends on from its subnet: as packets came, or under its own address."""
        station = f"appliance:{subnet.key}:{own.spans[0][0]}"
        if station not in self.graph.stations:
            self.graph.station(station, "appliance")
            onward = routes(subnet.key)
            self.graph.link(station, Link(onward, doubt=why), (family,))
            seen_as = Rewrite(source=own, leg="pass")
            self.graph.link(station, Link(onward, rewrite=seen_as, carries="first", labels=frozenset(), doubt=why), (family,))
        return station


def hubs(world: World) -> Mapping[str, tuple[str, str]]:
    """The virtual hub that each network is connected to, and what is not known about it."""
    found = {}
    for resource in world.of(HUB_CONNECTION).values():
        network = key(reference(resource.data, "properties", "remoteVirtualNetwork"))
        hub = parent(resource.id)
        if network in world.networks:
            found[network] = (hub, f"where virtual hub {hub} leads is not modelled")
    return found


def connectivity(world: World) -> str:
    """Why networks may be connected that are not peered: by a mesh of a network manager ("Connectivity configuration in Azure
    Virtual Network Manager": a connected group shows in no peering), or because nobody looked for managers."""
    for network in world.networks.values():
        if len(world.networks) > 1 and (why := world.looked(MANAGER, network.account, network.region)):
            return f"network managers: {why}"
    for resource in world.of(CONNECTIVITY).values():
        mesh = text(resource.data, "properties", "connectivityTopology") != "HubAndSpoke"
        direct = [text(one, "groupConnectivity") != "None" for one in entries(resource.data, "properties", "appliesToGroups")]
        if mesh or any(direct) or not direct:
            return f"connectivity configuration {resource.id} may connect networks without a peering"
    return ""
