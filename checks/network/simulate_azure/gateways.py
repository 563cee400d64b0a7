"""Virtual network gateways, and which addresses lie on-premises behind them.

Sources: Azure docs, virtual-networks-udr-overview ("Virtual network gateway: prefixes advertised from on-premises via BGP,
or configured in the local network gateway"; disableBgpRoutePropagation takes both away) and virtual-network-manage-peering
("gateway transit"). Which prefixes BGP has learned is state, not configuration: where a gateway speaks BGP, a private
address that nothing else names may lie behind it, and is doubtful. That BGP announces no public prefix and no default
route is taken for granted.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.network.simulate_azure.answers import Doubt
from checks.network.simulate_azure.peerings import links
from checks.network.simulate_azure.wire import Json, Prefix, key, listed, name_of, prefixes, properties, reference, same
from checks.network.simulate_azure.world import Network, Subnet, World


@dataclass(frozen=True, slots=True)
class Gateway:
    """`known` are the prefixes behind it that the estate tells; `open_end` says why there may be others."""

    id: str
    name: str
    subnet: str
    known: tuple[Prefix, ...]
    open_end: Doubt | None


def gateways(world: World) -> list[Gateway]:
    return [_read(world, one) for one in world.of("network.virtualnetworkgateways")]


def gateways_for(world: World, network: Network) -> list[Gateway]:
    """The gateways that a network's subnets have routes to: its own, and a peer's that it may use."""
    near = {network.id, *(link.remote.id for link in links(world, network) if link.remote and link.uses_remote_gateway)}
    return [one for one in gateways(world) if (subnet := world.subnet(one.subnet)) is not None and subnet.network in near]


def gateway_subnet(world: World, gateway: Gateway) -> Subnet | None:
    return world.subnet(gateway.subnet)


def _read(world: World, data: Json) -> Gateway:
    name = str(data.get("name") or name_of(data["id"]))
    known = prefixes(listed((properties(data).get("vpnClientConfiguration") or {}).get("vpnClientAddressPool"), "addressPrefixes"))
    open_end: Doubt | None = None
    for connection in world.of("network.connections"):
        given = properties(connection)
        if data["id"] not in {reference(given, "virtualNetworkGateway1"), reference(given, "virtualNetworkGateway2")}:
            continue
        found, doubt = _behind(world, data["id"], connection)
        known += found
        open_end = open_end or doubt
    if properties(data).get("enableBgp") is True or same(properties(data).get("gatewayType"), "ExpressRoute"):
        open_end = open_end or Doubt(f"the prefixes that gateway {name} has learned by BGP are not in the estate")
    subnets = [reference(properties(one), "subnet") for one in listed(properties(data), "ipConfigurations")]
    return Gateway(data["id"], name, next(iter(subnets), ""), tuple(known), open_end)


def _behind(world: World, gateway: str, connection: Json) -> tuple[list[Prefix], Doubt | None]:
    """The prefixes at the other end of one connection."""
    given, name = properties(connection), connection.get("name") or name_of(connection["id"])
    if same(given.get("connectionType"), "ExpressRoute"):
        return [], Doubt(f"the prefixes that connection {name} has learned by BGP are not in the estate")
    if same(given.get("connectionType"), "Vnet2Vnet"):
        ends = {reference(given, "virtualNetworkGateway1"), reference(given, "virtualNetworkGateway2")}
        return [], Doubt(f"connection {name} joins {gateway} with {' and '.join(sorted(ends - {gateway}))}, which is not modelled")
    site = given.get("localNetworkGateway2") or {}
    if not properties(site):
        site = world.resource("network.localnetworkgateways", key(site.get("id"))) or {}
    if not properties(site):
        return [], Doubt(f"the local network gateway of connection {name} is not in the estate")
    learned = (
        Doubt(f"the prefixes that connection {name} has learned by BGP are not in the estate") if given.get("enableBgp") is True else None
    )
    return prefixes(listed(properties(site).get("localNetworkAddressSpace"), "addressPrefixes")), learned


def hub_of(world: World, network: Network) -> str | None:
    """The virtual hub that a network is connected to, by name. What a hub routes is not modelled."""
    for hub in world.of("network.virtualhubs"):
        if network.id in [
            reference(properties(one), "remoteVirtualNetwork") for one in listed(properties(hub), "virtualNetworkConnections")
        ]:
            return str(hub.get("name"))
    for connection in world.of("network.virtualhubs.hubvirtualnetworkconnections"):
        if reference(properties(connection), "remoteVirtualNetwork") == network.id:
            return name_of(str(connection["id"]).rsplit("/", 2)[0])
    for link in links(world, network):
        if link.remote is None and link.near.get("useRemoteGateways") is True:
            return link.name
    return None
