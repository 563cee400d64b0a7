"""What lies behind virtual network gateways: on-premises networks, and clients of a point-to-site VPN.

Sources: Azure VPN Gateway documentation ("About VPN Gateway settings": local network gateways; point-to-site address
pools), "Virtual network traffic routing": with BGP the prefixes are known to the gateway alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.model import Resource
from checks.network.azure.arm import EMPTY, Blocks, blocks, entries, key, member, reference, text, texts, without
from checks.network.azure.peering import Peering
from checks.network.azure.world import World

GATEWAY = "azure.network.virtualnetworkgateways"
CONNECTION = "azure.network.connections"
LOCAL_GATEWAY = "azure.network.localnetworkgateways"

PRIVATE, _ = blocks(("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
"""RFC 1918, RFC 6598, RFC 4193."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A virtual network gateway. `known` are the addresses surely behind it; with `doubt`, any of `possible` may be, too."""

    id: str
    network: str
    subnet: str
    prefixes: tuple[str, ...]
    known: Blocks
    possible: Blocks
    doubt: str

    @property
    def title(self) -> str:
        return f"on-premises behind {self.id}"


def gateways(world: World) -> Mapping[str, tuple[Gateway, ...]]:
    """The gateways of each network that something may lie behind."""
    found: dict[str, list[Gateway]] = {}
    for resource in world.of(GATEWAY).values():
        subnets = [reference(one, "properties", "subnet") for one in entries(resource.data, "properties", "ipConfigurations")]
        subnet = world.subnets.get(key(next((one for one in subnets if one), "")))
        if subnet is None:
            world.doubts.append(f"virtual network gateway {resource.id} stands in a subnet that is not in the estate")
            continue
        if (gateway := _gateway(world, resource, subnet.key, subnet.network)) is not None:
            found.setdefault(subnet.network, []).append(gateway)
    return {network: tuple(held) for network, held in found.items()}


def _gateway(world: World, resource: Resource, subnet: str, network: str) -> Gateway | None:
    properties = member(resource.data, "properties")
    prefixes = texts(properties, "vpnClientConfiguration", "vpnClientAddressPool", "addressPrefixes")
    doubts = []
    if not_looked := world.looked(CONNECTION, resource.account, resource.region):
        doubts.append(f"what {resource.id} is connected to: {not_looked}")
    for connection in world.of(CONNECTION).values():
        ends = [reference(connection.data, "properties", f"virtualNetworkGateway{number}") for number in (1, 2)]
        if key(resource.id) not in map(key, ends):
            continue
        local_id = reference(connection.data, "properties", "localNetworkGateway2")
        local = world.of(LOCAL_GATEWAY).get(key(local_id))
        inline = member(connection.data, "properties", "localNetworkGateway2")
        told = texts(local.data if local is not None else inline, "properties", "localNetworkAddressSpace", "addressPrefixes")
        if told:
            prefixes += told
        elif local_id and local is None:
            doubts.append(world.missing("local network gateway", local_id))
        if text(connection.data, "properties", "connectionType") != "IPsec" or not local_id:
            doubts.append(f"connection {connection.id} does not tell the addresses behind it")
        elif member(connection.data, "properties", "enableBgp") is not False:
            doubts.append(f"connection {connection.id} may learn addresses by BGP")
    space = world.networks[network].space
    behind_it, wrong = blocks(prefixes)
    doubts += wrong
    known = without(behind_it, space)
    if not doubts and not any(known.values()):
        return None
    possible = without(without(PRIVATE, known), space) if doubts else EMPTY
    return Gateway(resource.id, network, subnet, prefixes, known, possible, "\n".join(dict.fromkeys(doubts)))


def behind(network: str, held: Mapping[str, tuple[Gateway, ...]], peerings: Mapping[str, tuple[Peering, ...]]) -> tuple[Gateway, ...]:
    """The gateways that a network's packets may leave by: its own, or those of a peer that it uses."""
    found = list(held.get(network, ()))
    for one in peerings.get(network, ()):
        if one.uses_gateway and any(back.gives_gateway and back.remote == network for back in peerings.get(one.remote, ())):
            found += held.get(one.remote, ())
    return tuple(found)
