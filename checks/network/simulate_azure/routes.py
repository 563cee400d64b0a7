"""Which way a packet takes out of a subnet.

Source: Azure docs, virtual-networks-udr-overview. The longest prefix wins; of equal prefixes a user-defined route comes
before one of a gateway, and that before a system route; system routes of the network and its peerings come before even
more specific ones of a gateway. System routes: the address space stays inside, peered space, 0.0.0.0/0 to the internet,
the private ranges to nowhere, which a user-defined 0.0.0.0/0 takes away ("Azure removed the routes for the 10.0.0.0/8,
192.168.0.0/16, and 100.64.0.0/10 address prefixes"). An explicit prefix comes before a service tag of the same prefix.
disable-private-endpoint-network-policy: a private endpoint is a /32 route in its network and the peered ones, which, where
the endpoint's subnet says so, gives way to user-defined routes at least as long as the network's own prefix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

from checks.network.simulate_azure.answers import Doubt
from checks.network.simulate_azure.filters import follows_policy
from checks.network.simulate_azure.gateways import gateways_for, hub_of
from checks.network.simulate_azure.peerings import links
from checks.network.simulate_azure.platform import STAND_IN
from checks.network.simulate_azure.tags import expand
from checks.network.simulate_azure.wire import Json, Prefix, covers, is_public, listed, name_of, properties, read_prefix, reference, same
from checks.network.simulate_azure.world import Card, Network, Subnet, World

LOCAL, PEERING, ENDPOINT, GATEWAY = "VnetLocal", "VNetPeering", "InterfaceEndpoint", "VirtualNetworkGateway"
APPLIANCE, INTERNET_HOP, NOWHERE = "VirtualAppliance", "Internet", "None"
USER, TAGGED, LEARNED, SYSTEM = range(4)

_UNROUTED = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
_EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))

# virtual-network-service-endpoints-overview and service-tags-overview: the routes of a service endpoint are the prefixes of
# the service's tag, in some regions.
_SERVICE_TAGS = {
    "microsoft.storage": "Storage",
    "microsoft.sql": "Sql",
    "microsoft.keyvault": "AzureKeyVault",
    "microsoft.azurecosmosdb": "AzureCosmosDB",
    "microsoft.servicebus": "ServiceBus",
    "microsoft.eventhub": "EventHub",
    "microsoft.web": "AppService",
    "microsoft.containerregistry": "AzureContainerRegistry",
    "microsoft.azureactivedirectory": "AzureActiveDirectory",
}


@dataclass(frozen=True, slots=True)
class Route:
    """`target` is the id of the peered network or gateway, or the address of an appliance."""

    name: str
    hop: str
    prefix: Prefix
    source: int
    target: str = ""


def choose_route(world: World, subnet: Subnet, family: int, address: int, *, user: bool = True) -> Route | Doubt:
    """The route for an address out of a subnet; without `user`, as if the subnet had no route table."""
    network, table = world.network_of(subnet), _table(world, subnet) if user else {}
    if isinstance(table, Doubt):
        return table
    routes = [*_user_routes(world, table), *_system_routes(world, network)]
    if properties(table).get("disableBgpRoutePropagation") is not True:
        routes += _gateway_routes(world, network)
    if any(route.source == USER and route.prefix == _EVERYWHERE[0] for route in routes):
        routes = [route for route in routes if not (route.source == SYSTEM and route.hop == NOWHERE)]
    routes = _without_overridden_endpoints(world, routes)
    if doubt := _unread(world, network, subnet, table, routes, family, address):
        return doubt
    covering = [route for route in routes if covers(route.prefix, family, address)]
    if any(route.source == SYSTEM and route.hop in {LOCAL, PEERING} for route in covering):
        covering = [route for route in covering if route.source != LEARNED]
    best = min(covering, key=lambda route: (-route.prefix.prefixlen, route.source), default=None)
    return best or Route("system/None", NOWHERE, _EVERYWHERE[family == 6], SYSTEM)


def _table(world: World, subnet: Subnet) -> Json | Doubt:
    identifier = reference(properties(subnet.data), "routeTable")
    if not identifier:
        return {}
    return world.resource("network.routetables", identifier) or Doubt(f"route table {identifier} is not in the estate")


def diverting(world: World, subnet: Subnet) -> str | None:
    """A user-defined route that may be for the public address of a service, which nobody knows: one for some public
    addresses, or for a service tag."""
    table = _table(world, subnet)
    for one in [] if isinstance(table, Doubt) else listed(properties(table), "routes"):
        destination = str(properties(one).get("addressPrefix", ""))
        prefix = read_prefix(destination)
        if prefix is None or (prefix.prefixlen > 0 and is_public(prefix.version, int(prefix.network_address))):
            return destination
    return None


def _user_routes(world: World, table: Json) -> Iterator[Route]:
    owner = table.get("name") or name_of(str(table.get("id", "")))
    for one in listed(properties(table), "routes"):
        given, name = properties(one), f"{owner}/{one.get('name')}"
        hop = next((kind for kind in (LOCAL, GATEWAY, APPLIANCE, INTERNET_HOP, NOWHERE) if same(given.get("nextHopType"), kind)), "")
        destination, target = str(given.get("addressPrefix", "")), str(given.get("nextHopIpAddress") or "")
        if prefix := read_prefix(destination):
            yield Route(name, hop, prefix, USER, target)
        for each in [] if prefix else expand(world, destination) or []:
            yield Route(name, hop, each, TAGGED, target)


def _system_routes(world: World, network: Network) -> Iterator[Route]:
    for prefix in network.space:
        yield Route("system/VnetLocal", LOCAL, prefix, SYSTEM, network.id)
    near = [network.id]
    for link in links(world, network):
        near.append(link.remote_id)
        for prefix in link.prefixes:
            yield Route(f"system/VNetPeering {link.name}", PEERING, prefix, SYSTEM, link.id)
    for card in _endpoints(world, near):
        yield Route("system/InterfaceEndpoint", ENDPOINT, _alone(card), SYSTEM, card.id)
    for prefix in _EVERYWHERE:
        yield Route("system/Internet", INTERNET_HOP, prefix, SYSTEM)
    for prefix in map(ip_network, _UNROUTED):
        if not any(
            own.version == 4 and int(own.prefixlen) <= prefix.prefixlen and covers(own, 4, int(prefix.network_address))
            for own in network.space
        ):
            yield Route("system/None", NOWHERE, prefix, SYSTEM)


def _gateway_routes(world: World, network: Network) -> Iterator[Route]:
    for gateway in gateways_for(world, network):
        for prefix in gateway.known:
            yield Route("system/VirtualNetworkGateway", GATEWAY, prefix, LEARNED, gateway.id)


def _endpoints(world: World, near: list[str]) -> list[Card]:
    held = [card for card in world.cards if card.endpoint]
    return [card for card in held if (subnet := world.subnet(card.subnet)) is not None and subnet.network in near]


def _alone(card: Card) -> Prefix:
    return ip_network(IPv4Address(card.address) if card.family == 4 else IPv6Address(card.address))


def _without_overridden_endpoints(world: World, routes: list[Route]) -> list[Route]:
    """Without the endpoints that give way to a user-defined route. One shorter than the network's own prefix changes nothing
    even so: the network's and the peerings' routes are longer."""
    kept = []
    for route in routes:
        card = world.card(route.target) if route.hop == ENDPOINT else None
        subnet = world.subnet(card.subnet) if card else None
        if card and subnet and follows_policy(subnet, "routetableenabled"):
            user = [one for one in routes if one.source in {USER, TAGGED} and covers(one.prefix, card.family, card.address)]
            if user:
                continue
        kept.append(route)
    return kept


def _unread(world: World, network: Network, subnet: Subnet, table: Json, routes: list[Route], family: int, address: int) -> Doubt | None:
    """What the estate does not tell and that could change the route."""
    covering = sorted(
        (route for route in routes if covers(route.prefix, family, address)), key=lambda one: (-one.prefix.prefixlen, one.source)
    )
    best = covering[0] if covering else None
    if best and best.prefix.prefixlen == best.prefix.max_prefixlen:
        return None
    inside = any(route.source == SYSTEM and route.hop in {LOCAL, PEERING} for route in covering)
    spread = properties(table).get("disableBgpRoutePropagation") is not True
    settled = bool(best and best.source == USER and is_public(family, address))
    if spread and not inside and not settled and (hub := hub_of(world, network)):
        # A hub may announce any prefix, 0.0.0.0/0 too (virtual-wan/about-virtual-hub-routing).
        return Doubt(f"the routes that virtual hub {hub} announces to {network.name} are not modelled")
    if not is_public(family, address) and not inside and (group := _connected_group(world)):
        return Doubt(f"whether {network.name} is in the connected group of {group} is not in the estate")
    if not is_public(family, address):
        ends = [gateway.open_end for gateway in gateways_for(world, network) if gateway.open_end]
        return ends[0] if ends and spread and not inside else None
    for one in listed(properties(table), "routes"):
        destination = str(properties(one).get("addressPrefix", ""))
        if read_prefix(destination) is None and expand(world, destination) is None:
            return Doubt(f"service tag {destination} is not expanded in the estate")
    if best and best.hop == INTERNET_HOP:
        return None
    if (family, address) == (4, STAND_IN):
        return None  # which service is meant is known, and that it has no service endpoint here
    for service in listed(properties(subnet.data), "serviceEndpoints"):
        tag = _SERVICE_TAGS.get(str(service.get("service", "")).lower().removesuffix(".global"), "")
        expanded = expand(world, tag) if tag else None
        if expanded is None or any(covers(prefix, family, address) for prefix in expanded):
            return Doubt(f"whether the service endpoint {service.get('service')} of {subnet.name} is for this address is not in the estate")
    return None


def _connected_group(world: World) -> str | None:
    """A connectivity configuration that joins networks without peerings (virtual-network-manager/faq, "connected group")."""
    for one in world.of("network.networkmanagers.connectivityconfigurations"):
        groups = listed(properties(one), "appliesToGroups")
        if same(properties(one).get("connectivityTopology"), "Mesh") or any(
            same(each.get("groupConnectivity"), "DirectlyConnected") for each in groups
        ):
            return str(one.get("name") or name_of(one["id"]))
    return None


def user_gateway(world: World, network: Network) -> str:
    """The gateway that a user-defined route to VirtualNetworkGateway means: a VPN gateway, own or a peer's."""
    near = {gateway.id for gateway in gateways_for(world, network)}
    for data in world.of("network.virtualnetworkgateways"):
        if data["id"] in near and not same(properties(data).get("gatewayType"), "ExpressRoute"):
            return str(data["id"])
    return ""
