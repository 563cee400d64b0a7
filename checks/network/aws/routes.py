"""Route tables: the longest prefix wins, so each route has what no longer one takes.

VPC user guide, Route priority: among equal prefixes a static route wins over one by prefix list, and that over a
propagated one; of several prefix lists with the same block and different targets one is chosen at random. A route
whose target is gone is a `blackhole` and drops; so does one to an interface that checks source and destination. A table that is associated with a gateway directs what comes in there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from checks.functions.declare import DataError
from checks.model import Place, Resource
from checks.network.aws.interfaces import ENDPOINT
from checks.network.aws.lists import PrefixLists
from checks.network.aws.reading import cidr, known_objects, objects, text
from checks.network.aws.view import INTERFACE, ROUTES, View
from checks.network.graph import Link, Rewrite
from checks.network.packet import Hop
from checks.network.packets import EVERYBODY, NOBODY, Addresses, Span, addresses

LOCAL = "local"
_TARGETS = (
    "EgressOnlyInternetGatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "LocalGatewayId", "CarrierGatewayId",
    "CoreNetworkArn", "OdbNetworkArn", "GatewayId", "NetworkInterfaceId", "InstanceId",
)  # fmt: skip
"""The members that name a route's target (EC2 API reference, Route); an instance's route names its interface too."""
_PRECEDENCE = {"EnableVgwRoutePropagation": 2, "Advertisement": 2}
NAT64: Span = cidr("64:ff9b::/96")[1]
"""IPv4 addresses as those IPv6 hosts write them that a NAT gateway translates for (VPC user guide, DNS64 and NAT64)."""


@dataclass(frozen=True, slots=True)
class Route:
    """One prefix of a route. `rank` orders what has the same prefix; `target` is empty where it drops."""

    family: int
    span: Span
    rank: int
    target: str
    name: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What a route has after longer prefixes took theirs."""

    family: int
    space: Addresses
    target: str
    name: str
    doubt: str


def parts(routes: list[Route], unclear: str, *, also_local: bool = True) -> Iterator[Part]:
    """The routes, disjoint. `unclear` says why any packet may yet go another way (an unresolved prefix list), `also_local`
    whether that could take a VPC's own addresses. What a route in doubt would take may still go by a shorter prefix."""
    taken, shaky = {4: NOBODY, 6: NOBODY}, {4: NOBODY, 6: NOBODY}
    blocks: dict[tuple[int, int, Span], list[Route]] = {}
    for route in routes:
        blocks.setdefault((route.span[1] - route.span[0], route.family, route.span), []).append(route)
    for (_, family, span), held in sorted(blocks.items()):
        whole = addresses([span])
        space = whole - taken[family]
        best = [one for one in held if one.rank == min(one.rank for one in held)]
        several = len({one.target for one in best}) > 1
        for route in sorted(best, key=lambda one: one.name) if several else best[:1]:
            doubt = route.doubt or (unclear if also_local or route.target != LOCAL else "")
            if several:
                doubt = doubt or f"which of several routes to the same block is taken is not known: {route.name}"
            yield from _split(route, space, shaky[family], doubt)
        if all(one.doubt for one in best):
            shaky[family] |= whole
        else:
            taken[family] |= whole


def _split(route: Route, space: Addresses, shaky: Addresses, doubt: str) -> Iterator[Part]:
    if firm := space - shaky:
        yield Part(route.family, firm, route.target, route.name, doubt)
    if loose := space & shaky:
        why = f"whether a longer prefix takes what {route.name} would is not known"
        yield Part(route.family, loose, route.target, route.name, doubt or why)


@dataclass
class Routes:
    """Lowers every route table."""

    view: View
    lists: PrefixLists

    def lower(self) -> None:
        used = {station for station in self.view.graph.stations if station.startswith("rt:")}
        for table in self.view.all(ROUTES):
            if f"rt:{table.id}" in used:
                self._lower(table)

    def _lower(self, table: Resource) -> None:
        station, vpc = f"rt:{table.id}", text(table.data, "VpcId")
        why = self.view.gap(table, "Routes")
        if not why and table.data.get("Routes") is None:
            why = f"the routes of {table.id} were not seen"
        try:
            objects(table.data, "Routes")
        except DataError as error:
            why = f"the routes of {table.id} cannot be read: {error}"
        if why:
            self.view.link(station, Link(self.view.elsewhere(vpc), doubt=why))
            return
        routes, unclear, listed = self.read(table)
        services = {one.id for one in self.view.all(ENDPOINT) if text(one.data, "VpcEndpointType") == "Gateway"}
        also_local = any(target not in services for target, _ in listed)
        for part in parts(routes, unclear, also_local=also_local):
            self._link(station, vpc, table.id, part, table.place)
        self._unseen_local(station, vpc, table.id, routes)
        for target, name in listed:
            for family in (4, 6):
                self._link(station, vpc, table.id, Part(family, EVERYBODY[family], target, name, unclear), table.place)

    def _unseen_local(self, station: str, vpc: str, table: str, routes: list[Route]) -> None:
        """Every table has routes for its VPC's own blocks (VPC user guide, Route table concepts): one without was not seen whole."""
        network = self.view.networks.get(vpc)
        if network is None or network.resource is None or network.doubt:
            return
        for family, space in network.space.items():
            own = [route.span for route in routes if route.family == family and addresses([route.span]) <= space]
            if missing := space - addresses(own):
                doubt = f"the local route of {table} was not seen"
                self.view.link(station, Link(self.view.deliver(vpc), destination=missing, doubt=doubt), (family,))

    def read(self, table: Resource) -> tuple[list[Route], str, list[tuple[str, str]]]:
        """(routes, why there may be others, targets of prefix lists that nobody resolved)."""
        routes: list[Route] = []
        unclear, listed = "", []
        for route in known_objects(table.data, "Routes"):
            target = next((text(route, name) for name in _TARGETS if text(route, name)), "")
            block = next((route[name] for name in ("DestinationCidrBlock", "DestinationIpv6CidrBlock") if route.get(name)), None)
            name = f"{table.id} {block or text(route, 'DestinationPrefixListId')} -> {target or 'nothing'}"
            state = text(route, "State")
            doubt = (
                "" if state in {"active", "blackhole"} else f"whether a route is in effect is not known: {name} is {state or 'in no state'}"
            )
            goes_to = "" if state == "blackhole" else target or f"the target of {name}"
            rank = _PRECEDENCE.get(text(route, "Origin"), 0)
            if block is None and text(route, "DestinationPrefixListId"):
                resolved = self.lists.get(text(route, "DestinationPrefixListId"), table.place)
                if resolved.doubt:
                    unclear = resolved.doubt
                    listed.append((goes_to, name))
                    continue
                routes += [Route(family, span, max(rank, 1), goes_to, name, doubt) for family, span in resolved.blocks]
                continue
            try:
                family, span = cidr(block)
            except DataError as error:
                unclear = f"a route of {table.id} cannot be read: {error}"
                listed.append((goes_to, name))
                continue
            routes.append(Route(family, span, rank, goes_to, name, doubt))
        return routes, unclear, listed

    def _link(self, station: str, vpc: str, table: str, part: Part, place: Place) -> None:
        if not part.target:
            return
        via = (Hop(table, "route-table", (part.name,)),)
        if part.target == LOCAL:
            self.view.link(station, Link(self.view.deliver(vpc), destination=part.space, doubt=part.doubt, via=via), (part.family,))
            return
        appliance = self.view.find(INTERFACE, part.target)
        if appliance is not None and appliance.data.get("SourceDestCheck") is True:
            return
        exits = self.view.exits.get(vpc, {}).get(part.target)
        if exits is None and part.target in self.view.dead:
            return
        if exits is None:
            exits = [((4, 6), self._unmodelled(vpc, part.target, place))]
        for families, link in exits:
            if part.family not in families:
                continue
            space = part.space if link.destination is None else part.space & link.destination
            if space:
                onward = replace(link, destination=space, doubt=part.doubt or link.doubt, via=(*via, *link.via))
                self.view.link(station, onward, (part.family,))

    def _unmodelled(self, vpc: str, target: str, place: Place) -> Link:
        """Where a route leads whose target is no gateway that is known: through an appliance, or who knows where."""
        view = self.view
        if target.startswith(("eni-", "i-")):
            return Link(view.elsewhere(vpc), doubt=f"what the appliance {target} does with packets is not modelled")
        if target.startswith("vpce-"):
            return self._endpoint(vpc, target)
        for prefix, (title, type_) in _KINDS.items():
            if target.startswith(prefix):
                doubt = (
                    f"{view.unseen(type_, title, target, place)}: where it leads is not known"
                    if type_
                    else f"the {title} {target} is not modelled"
                )
                return Link(view.everywhere(), doubt=doubt)
        return Link(view.everywhere(), doubt=f"the route target {target} is not known by name")

    def _endpoint(self, vpc: str, target: str) -> Link:
        """A gateway endpoint ends at its service; behind a Gateway Load Balancer's or a firewall's stands an appliance."""
        view = self.view
        endpoint = view.find(ENDPOINT, target)
        kind = text(endpoint.data, "VpcEndpointType") if endpoint else ""
        if endpoint is not None and kind == "Gateway":
            title = f"{text(endpoint.data, 'ServiceName') or 'a service'} through {target}"
            return Link(view.outside(target, title), rewrite=Rewrite(leg="pass"), carries="first")
        for firewall in view.all("aws.networkfirewall.firewall"):
            if target in repr(firewall.data):
                return Link(view.elsewhere(vpc), doubt=f"what the Network Firewall {firewall.id} at {target} lets pass is not modelled")
        what = "the Gateway Load Balancer endpoint" if kind == "GatewayLoadBalancer" else "the endpoint"
        return Link(view.elsewhere(vpc), doubt=f"what the appliance behind {what} {target} does with packets is not modelled")

    def diverted(self) -> dict[str, tuple[Mapping[int, Addresses], str]]:
        """Per gateway with a route table of its own: the addresses it does not hand to its VPC, and what it hands them to."""
        found: dict[str, tuple[Mapping[int, Addresses], str]] = {}
        for table in self.view.all(ROUTES):
            gateways = [text(one, "GatewayId") for one in known_objects(table.data, "Associations") if text(one, "GatewayId")]
            if not gateways:
                continue
            aside = dict(EVERYBODY)
            names: list[str] = []
            if table.data.get("Routes") is not None and not self.view.gap(table, "Routes"):
                routes, unclear, _ = self.read(table)
                for part in parts(routes, unclear):
                    if part.target == LOCAL and not part.doubt:
                        aside[part.family] -= part.space
                    else:
                        names.append(part.target)
            for gateway in gateways:
                found[gateway] = (aside, " or ".join(dict.fromkeys(names)) or f"the routes of {table.id}, which were not seen")
        return found


_KINDS: Mapping[str, tuple[str, str]] = {
    "igw-": ("internet gateway", "aws.ec2.internet_gateway"),
    "eigw-": ("egress-only internet gateway", "aws.ec2.egress_only_internet_gateway"),
    "nat-": ("NAT gateway", "aws.ec2.nat_gateway"),
    "pcx-": ("peering connection", "aws.ec2.vpc_peering_connection"),
    "tgw-": ("transit gateway", "aws.ec2.transit_gateway_vpc_attachment"),
    "vgw-": ("virtual private gateway", "aws.ec2.vpn_gateway"),
    "lgw-": ("local gateway", ""),
    "cagw-": ("carrier gateway", ""),
    "arn:": ("core network", ""),
}
