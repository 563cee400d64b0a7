"""Where a route table sends a packet.

Sources: VPC user guide, Route priority (longest prefix; static before propagated; a static CIDR before a prefix list,
and either before what is propagated); EC2 API reference, Route.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checks.model import Resource
from checks.network.packet import Hop, Packet
from checks.network.simulate.aws_flight import Dropped, Unknown
from checks.network.simulate.aws_inventory import Entry, Inventory, contains, prefix_length

_TARGETS = (
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "EgressOnlyInternetGatewayId",
    "NetworkInterfaceId",
    "InstanceId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
    "GatewayId",
)
"""A route to an instance names its interface too; NetworkInterfaceId stands first of the two."""

_STATIC, _LISTED, _PROPAGATED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Route:
    """One way on: the member that names the target, the target, and the hop to remember."""

    kind: str
    target: str
    hop: Hop


def routes_for(inventory: Inventory, table: Resource, packet: Packet) -> tuple[Route, ...] | Dropped | Unknown:
    """The routes that a packet may take: all that are as good as the best one, for which of them is taken AWS does not say."""
    if table.data.get("Routes") is None:
        return Unknown(f"the routes of {table.id} are not in the estate")
    best: tuple[int, int] | None = None
    chosen: list[tuple[Entry, str]] = []
    for route in table.data["Routes"]:
        for destination in _destinations(inventory, route, packet.family):
            if isinstance(destination, Unknown):
                return Unknown(f"{table.id}: {destination.why}")
            if not contains(destination, packet.family, packet.destination):
                continue
            rank = (-prefix_length(destination), _preference(route))
            if best is None or rank < best:
                best, chosen = rank, []
            if rank == best:
                chosen.append((route, destination))
    if not chosen:
        return Dropped(f"{table.id} has no route for {packet}")
    ways = []
    for route, destination in chosen:
        if route.get("State") == "blackhole":
            continue
        kind = next((name for name in _TARGETS if route.get(name)), None)
        if kind is None:
            return Unknown(f"the target of the route {destination} of {table.id} is not known")
        target = str(route[kind])
        ways.append(Route(kind, target, Hop(table.id, "route table", (f"{table.id} route {destination} -> {target}",))))
    return tuple(ways) if ways else Dropped(f"the route {chosen[0][1]} of {table.id} is a blackhole")


def _destinations(inventory: Inventory, route: Entry, family: int) -> Iterator[str | Unknown]:
    for member in ("DestinationCidrBlock", "DestinationIpv6CidrBlock"):
        if route.get(member):
            yield str(route[member])
    listed = route.get("DestinationPrefixListId")
    if listed:
        cidrs = inventory.prefix_list(str(listed), family)
        if cidrs is None:
            yield Unknown(f"the entries of {listed} are not in the estate")
        else:
            yield from cidrs


def _preference(route: Entry) -> int:
    if route.get("Origin") == "EnableVgwRoutePropagation":
        return _PROPAGATED
    return _LISTED if route.get("DestinationPrefixListId") else _STATIC
