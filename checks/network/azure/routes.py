"""Where packets go from a subnet: longest prefix first; of equal prefixes user-defined, then gateway, then system routes.

Source: "Virtual network traffic routing" (Azure Virtual Network documentation): system routes, None for private
addresses unless a user-defined 0.0.0.0/0 replaces it, network and peering routes before those that gateways learn, next
hops. "Manage network policies for private endpoints": a private endpoint's own /32 route, and what overrides it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.network.azure.arm import FAMILIES, Malformed, address, blocks, entries, key, member, name, span, text
from checks.network.azure.firewall import Firewalls
from checks.network.azure.outside import Gateway, behind
from checks.network.azure.peering import Peering
from checks.network.azure.sides import Tags
from checks.network.azure.stations import delivers, routes
from checks.network.azure.world import ROUTE_TABLE, Network, Subnet, World
from checks.network.graph import Graph, Link
from checks.network.internet import PUBLIC
from checks.network.packet import Hop
from checks.network.packets import EVERYBODY, NOBODY, Addresses, addresses

USER, LEARNED, SYSTEM = 0, 1, 2
_RESERVED = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
WIDTH = {4: 32, 6: 128}
Egress = Callable[[Subnet, int, Addresses, tuple[Hop, ...], str], Iterator[Link]]
Appliance = Callable[[Network, Subnet, int, int], tuple[str, str]]
"""The station of an address that routes lead to, and why it is not sure what becomes of packets there."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route of one family: what it matches, how specific it is, whose it is, and what it leads to."""

    held: Addresses
    length: int
    rank: int
    kind: str
    label: str
    target: Any = None
    doubt: str = ""


@dataclass
class Routing:
    """Makes the routing station of every subnet. `endpoints` are the private endpoints' addresses of each network."""

    world: World
    graph: Graph
    tags: Tags
    peerings: Mapping[str, tuple[Peering, ...]]
    gateways: Mapping[str, tuple[Gateway, ...]]
    firewalls: Firewalls
    egress: Egress
    appliance: Appliance
    endpoints: Mapping[str, list[tuple[Subnet, int, int]]] = field(default_factory=dict)

    def lower(self) -> None:
        for network in self.world.networks.values():
            for subnet in network.subnets:
                self._subnet(network, subnet)

    def _subnet(self, network: Network, subnet: Subnet) -> None:
        self.graph.station(routes(subnet.key), "subnet")
        table = self.world.of(ROUTE_TABLE).get(key(subnet.route_table)) if subnet.route_table else None
        unread = self.world.missing("route table", subnet.route_table) if subnet.route_table and table is None else ""
        unread = self.world.gapped.get(key(subnet.route_table), unread)
        shown = table.id if table is not None else subnet.id
        for family in FAMILIES:
            found = list(self._routes(network, table, family))
            diverted = "\n".join(dict.fromkeys(one.doubt for one in found if one.kind == "unknown"))
            left = EVERYBODY[family]
            for route in sorted(found, key=lambda one: (one.kind == "unknown", -one.length, one.rank, one.label)):
                taken = route.held & (left if route.kind != "unknown" else EVERYBODY[family])
                if route.kind != "unknown":
                    left -= route.held
                if not taken:
                    continue
                doubt = "\n".join(one for one in (route.doubt, unread, diverted if route.kind != "unknown" else "") if one)
                via = (Hop(shown, "route-table", (route.label,)),)
                for link in self._links(network, subnet, family, route, taken, via, doubt):
                    if link.destination is None or link.destination:
                        self.graph.link(routes(subnet.key), link, (family,))
            for peer in self.peerings.get(network.key, ()):
                if not any(peer.space.values()) or blocks(peer.prefixes)[1]:
                    why = peer.doubt or f"peering {peer.id} does not tell the addresses of its peer"
                    self.graph.link(routes(subnet.key), Link(_peer_station(self.world, network, peer), doubt=why), (family,))
            for why in (unread, network.problem):
                if why:
                    self.graph.link(routes(subnet.key), Link(unseen(network), doubt=why), (family,))

    # -- the routes of a subnet -----------------------------------------------------------------------------------

    def _routes(self, network: Network, table: Any, family: int) -> Iterator[Route]:
        own = list(self._user(table, family))
        yield from own
        replaced = any(one.length == 0 for one in own)
        for prefix in network.prefixes:
            if (found := _span(prefix, family)) is not None:
                yield Route(*found, SYSTEM, "VnetLocal", f"system route VnetLocal {prefix}")
        local = network.space[family]
        for peer in self.peerings.get(network.key, ()):
            local |= peer.space[family]
            for prefix in peer.prefixes:
                if (found := _span(prefix, family)) is not None:
                    label = f"system route VNetPeering {prefix}"
                    yield Route(found[0] & peer.space[family], found[1], SYSTEM, "VNetPeering", label, peer)
        yield from self._endpoints(network, own, family)
        if not (table is not None and member(table.data, "properties", "disableBgpRoutePropagation") is True):
            for gateway in behind(network.key, self.gateways, self.peerings):
                yield from self._learned(gateway, family, local)
        if family == 4 and not replaced:
            for prefix in _RESERVED:
                held, length = _span(prefix, 4) or (NOBODY, 0)
                if not any(held <= addresses([low_high]) for low_high in network.space[4].spans):
                    yield Route(held, length, SYSTEM, "None", f"system route None {prefix}")
        yield Route(EVERYBODY[family], 0, SYSTEM, "Internet", "system route Internet " + ("0.0.0.0/0" if family == 4 else "::/0"))

    def _learned(self, gateway: Gateway, family: int, local: Addresses) -> Iterator[Route]:
        """What a gateway leads to, but for the addresses of this network and its peers, which come first."""
        for prefix in gateway.prefixes:
            if (found := _span(prefix, family)) is not None:
                yield Route(found[0] - local, found[1], LEARNED, "gateway", f"route of {name(gateway.id)} {prefix}", gateway)
        for low, high in (gateway.possible[family] - local).spans:
            length = _length(low, high, family)
            yield Route(addresses([(low, high)]), length, LEARNED, "gateway", f"route of {name(gateway.id)}", gateway, gateway.doubt)

    def _user(self, table: Any, family: int) -> Iterator[Route]:
        for one in entries(table.data, "properties", "routes") if table is not None else ():
            properties = member(one, "properties")
            prefix, kind = text(properties, "addressPrefix"), text(properties, "nextHopType")
            label = f"{name(table.id)}/{text(one, 'name')}"
            hop = text(properties, "nextHopIpAddress")
            try:
                told, (low, high) = span(prefix)
            except Malformed:
                yield from self._tagged(prefix, kind, label, hop, family)
                continue
            if told == family:
                yield Route(addresses([(low, high)]), _length(low, high, family), USER, kind, label, hop)

    def _tagged(self, prefix: str, kind: str, label: str, hop: str, family: int) -> Iterator[Route]:
        """A route for a service tag; one that is not expanded may take any packet to a public address."""
        held = self.tags.expanded.get(prefix.lower())
        if held is None:
            yield Route(PUBLIC[family], 0, USER, "unknown", label, (kind, hop), f"route {label}: {prefix!r} is not expanded")
            return
        for low, high in held[family].spans:
            yield Route(addresses([(low, high)]), _length(low, high, family), USER, kind, label, hop)

    def _endpoints(self, network: Network, own: list[Route], family: int) -> Iterator[Route]:
        """The private endpoints' own routes. With a route table policy, a user-defined route as narrow as the network overrides them."""
        reach = {network.key, *(one.remote for one in self.peerings.get(network.key, ()))}
        for other in sorted(reach):
            kept = []
            for subnet, told, value in self.endpoints.get(other, ()):
                if told != family:
                    continue
                lengths = [
                    _length(low, high, family) for low, high in self.world.networks[other].space[family].spans if low <= value <= high
                ]
                policy = subnet.endpoint_policies in {"Enabled", "RouteTableEnabled"}
                if policy and any(value in one.held and one.length >= max(lengths, default=0) for one in own):
                    continue
                kept.append((value, value))
            if kept:
                peer = next((one for one in self.peerings.get(network.key, ()) if one.remote == other), None)
                kind = "VnetLocal" if other == network.key else "VNetPeering"
                yield Route(addresses(kept), WIDTH[family], SYSTEM, kind, "system route InterfaceEndpoint", peer)

    # -- what they lead to ----------------------------------------------------------------------------------------

    def _links(
        self, network: Network, subnet: Subnet, family: int, route: Route, held: Addresses, via: tuple[Hop, ...], doubt: str
    ) -> Iterator[Link]:
        kind = route.kind.lower()
        if kind == "unknown":
            kind, hop = route.target[0].lower(), route.target[1]
        else:
            hop = route.target if isinstance(route.target, str) else ""
        if kind == "vnetlocal":
            yield Link(delivers(network.key), destination=held & network.space[family], doubt=doubt, via=via)
        elif kind == "vnetpeering":
            yield from self._peered(network, subnet, family, route.target, held, via, doubt)
        elif kind == "internet":
            yield from self.egress(subnet, family, held & PUBLIC[family], via, doubt)
        elif kind == "gateway":
            yield Link(route.target.id, destination=held, doubt=doubt, via=via)
        elif kind == "virtualnetworkgateway":
            for gateway in behind(network.key, self.gateways, self.peerings):
                known = gateway.known[family]
                yield Link(gateway.id, destination=held & known, doubt=doubt, via=via)
                why = gateway.doubt or f"it is not known that {name(gateway.id)} leads there"
                yield Link(gateway.id, destination=held - known, doubt="\n".join(one for one in (doubt, why) if one), via=via)
        elif kind == "virtualappliance":
            yield from self._through(network, subnet, family, hop, held, via, doubt)
        elif kind != "none":
            yield Link(unseen(network), destination=held, doubt=f"route {route.label}: next hop {route.kind!r} is not known", via=via)

    def _peered(
        self, network: Network, subnet: Subnet, family: int, peer: Peering, held: Addresses, via: tuple[Hop, ...], doubt: str
    ) -> Iterator[Link]:
        to = _peer_station(self.world, network, peer)
        via = (*via, Hop(peer.id, "peering"))
        why = "\n".join(one for one in (doubt, peer.doubt) if one)
        own = peer.local[family]
        yield Link(to, source=own, destination=held, doubt=why, via=via)
        transit = NOBODY
        for gateway in self.gateways.get(network.key, ()):
            if gateway.subnet == subnet.key:
                transit |= gateway.known[family] | gateway.possible[family]
                unlent = f"whether {gateway.id} leads over {peer.id}, whose other side does not use it, is not documented"
                lent = "" if peer.gives_gateway else unlent
                yield Link(to, source=transit - own, destination=held, doubt="\n".join(one for one in (why, lent) if one), via=via)
        others = EVERYBODY[family] - own - transit
        if not peer.forwards:
            told = "does not allow forwarded traffic, which is told not to stop all of it" if peer.forwards is False else "may not allow it"
            why = "\n".join(one for one in (why, f"forwarded over {peer.id}, which {told}") if one)
        yield Link(to, source=others, destination=held, doubt=why, via=via)

    def _through(
        self, network: Network, subnet: Subnet, family: int, hop: str, held: Addresses, via: tuple[Hop, ...], doubt: str
    ) -> Iterator[Link]:
        at = address(hop)
        if at is None or at[0] != family:
            why = f"next hop {hop!r} of {via[0].allowed_by[0]} is not an address"
            yield Link(unseen(network), destination=held, doubt="\n".join(one for one in (doubt, why) if one), via=via)
            return
        near = (network.key, *(one.remote for one in self.peerings.get(network.key, ())))
        if (firewall := self.firewalls.at(at[1], near)) is not None:
            yield Link(firewall, destination=held, doubt=doubt, via=via)
            return
        own = addresses([(at[1], at[1])])
        yield from self._to_itself(network, subnet, family, held & own, via, doubt)
        station, why = self.appliance(network, subnet, *at)
        if station:
            yield Link(station, destination=held - own, doubt="\n".join(one for one in (doubt, why) if one), via=via)

    def _to_itself(self, network: Network, subnet: Subnet, family: int, own: Addresses, via: tuple[Hop, ...], doubt: str) -> Iterator[Link]:
        """What is for the appliance's own address arrives there, whether it forwards or not."""
        if local := own & network.space[family]:
            yield Link(delivers(network.key), destination=local, doubt=doubt, via=via)
        for peer in self.peerings.get(network.key, ()):
            if there := own & peer.space[family]:
                yield from self._peered(network, subnet, family, peer, there, via, doubt)


def _peer_station(world: World, network: Network, peer: Peering) -> str:
    return delivers(peer.remote) if peer.remote in world.networks else peer.remote_id or unseen(network)


def unseen(network: Network) -> str:
    """The station of what nobody knows about a network's ways: it may lead anywhere."""
    return f"unseen:{network.key}"


def _length(low: int, high: int, family: int) -> int:
    """The prefix length of a span, or of the smallest block as large."""
    return WIDTH[family] - (high - low).bit_length()


def _span(prefix: str, family: int) -> tuple[Addresses, int] | None:
    try:
        told, (low, high) = span(prefix)
    except Malformed:
        return None
    return (addresses([(low, high)]), _length(low, high, family)) if told == family else None
