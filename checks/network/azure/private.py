"""Private endpoints and private link services.

Sources (Azure Private Link documentation): "What is a private endpoint?": one way only, approved connections only;
"Manage network policies for private endpoints": without them no network security group and no route stands before one;
"What is Azure Private Link service?": the provider sees its own NAT addresses as the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from checks.model import Resource
from checks.network.azure.arm import FAMILIES, address, entries, key, member, reference, references, resource_type, text, texts
from checks.network.azure.balancers import frontend_station
from checks.network.azure.interfaces import Configurations
from checks.network.azure.stations import Classes, Spot, Standing, usable
from checks.network.azure.world import Subnet, World
from checks.network.graph import Graph, Link, Rewrite
from checks.network.packet import INTERNET, Hop
from checks.network.packets import EVERYBODY, Addresses, addresses

ENDPOINT = "azure.network.privateendpoints"
SERVICE = "azure.network.privatelinkservices"
_CLOSED = frozenset({"Pending", "Rejected", "Disconnected"})
FILTERED = frozenset({"Enabled", "NetworkSecurityGroupEnabled"})


@dataclass
class Endpoints:
    """Puts private endpoints into their subnets."""

    world: World
    graph: Graph
    configurations: Configurations
    classes: Classes
    held: dict[str, list[tuple[Subnet, int, int]]] = field(default_factory=dict)
    """By network, (subnet, family, address): what has a route of its own."""
    seen: set[str] = field(default_factory=set)
    """Interfaces that a private endpoint or private link service has."""
    _consumers: list[tuple[Resource, list[Spot], Resource]] = field(default_factory=list)

    def lower(self) -> None:
        for resource in self.world.of(ENDPOINT).values():
            subnet = self.world.subnets.get(key(reference(resource.data, "properties", "subnet")))
            if subnet is None:
                self.graph.doubts.append(f"private endpoint {resource.id} stands in a subnet that is not in the estate")
                continue
            self._endpoint(resource, subnet)
        for resource in self.world.of(SERVICE).values():
            self.seen |= {key(one) for one in references(resource.data, "properties", "networkInterfaces")}

    def services(self) -> None:
        """What leads to private link services, once the frontends of load balancers are there."""
        for service, spots, endpoint in self._consumers:
            self._consumes(service, spots, endpoint)
        for resource in self.world.of(SERVICE).values():
            self._service(resource)

    def _endpoint(self, resource: Resource, subnet: Subnet) -> None:
        properties = member(resource.data, "properties")
        interfaces = [key(one) for one in references(properties, "networkInterfaces")]
        self.seen |= set(interfaces)
        own = self._addresses(properties, interfaces, subnet)
        targets, state = _connections(properties)
        doubt = "" if own else f"the address of private endpoint {resource.id} was not seen"
        if state not in {"Approved", *_CLOSED}:
            doubt = doubt or f"private endpoint {resource.id} does not tell whether its connection is approved"
        groups = frozenset(key(one) for one in references(properties, "applicationSecurityGroups"))
        places = own or [(family, value) for family, value, _ in usable(subnet, self.configurations.taken.get(subnet.key, {}))]
        known = next((one for id_ in interfaces if (one := self.configurations.resource(id_)) is not None), resource)
        standing = Standing(
            known.id, ENDPOINT, "private-endpoint", resource.account, resource.region, subnet, "",
            tuple((family, value, groups) for family, value in places),
            ((ENDPOINT, resource.id), *((resource_type(one), one) for one in targets)),
            tags=resource.tags, filtered=subnet.endpoint_policies in FILTERED, receives=state not in _CLOSED, sends=False, answers=True,
            where=doubt,
        )  # fmt: skip
        spots = self.classes.add(standing)
        for family, value in places:
            self.held.setdefault(subnet.network, []).append((subnet, family, value))
        for target in targets:
            service = self.world.of(SERVICE).get(key(target))
            if service is not None:
                self._consumers.append((service, spots, resource))
            elif resource_type(target) == SERVICE:
                self.graph.doubts.append(f"{self.world.missing('private link service', target)}, which {resource.id} leads to")

    def _addresses(self, properties: Any, interfaces: list[str], subnet: Subnet) -> list[tuple[int, int]]:
        held = [one for id_ in interfaces for one in self.configurations.by_interface.get(id_, ())]
        found = [(one.family, one.address) for one in held if one.subnet is subnet]
        told = [text(one, "properties", "privateIPAddress") for one in entries(properties, "ipConfigurations")]
        told += [one for config in entries(properties, "customDnsConfigs") for one in texts(config, "ipAddresses")]
        return list(dict.fromkeys([*found, *(at for one in told if (at := address(one)) is not None and at[1] in subnet.space[at[0]])]))

    # -- private link services ------------------------------------------------------------------------------------

    def _consumes(self, service: Resource, spots: list[Spot], endpoint: Resource) -> None:
        """What comes to an endpoint goes on to the service's load balancer, from the service's own addresses."""
        station = self.graph.interfaces[
            next(id_ for id_, one in self.graph.interfaces.items() if (ENDPOINT, endpoint.id) in one.owners)
        ].station
        hop = (Hop(service.id, "private-link-service"),)
        for family in {one.family for one in spots}:
            own = _sources(service, family)
            for to, destination in self._fronts(service, family):
                rewrite = Rewrite(source=own, destination=destination, leg="pass")
                self.graph.link(station, Link(to, rewrite=rewrite, carries="first", labels=frozenset(), via=hop), (family,))

    def _service(self, resource: Resource) -> None:
        """Consumers whose endpoints nobody read: Front Door's among them, which the internet comes through."""
        unread = []
        for one in entries(resource.data, "properties", "privateEndpointConnections"):
            consumer = reference(one, "properties", "privateEndpoint")
            status = text(one, "properties", "privateLinkServiceConnectionState", "status")
            if status not in _CLOSED and key(consumer) not in self.world.of(ENDPOINT):
                unread.append(consumer or text(one, "name"))
        if not unread:
            return
        why = f"private link service {resource.id} is used by {', '.join(unread)}, which is not in the estate"
        self.graph.station(resource.id, "private-link-service")
        self.graph.outside[resource.id] = f"consumers of private link service {resource.id}"
        self.graph.networks[resource.id] = {family: _sources(resource, family) for family in FAMILIES}
        for family in FAMILIES:
            own = _sources(resource, family)
            for to, destination in self._fronts(resource, family):
                known = Rewrite(source=own, destination=destination, leg="pass")
                self.graph.link(resource.id, Link(to, rewrite=known, carries="first", labels=frozenset()), (family,))
                self.graph.link(INTERNET, Link(to, rewrite=known, carries="first", doubt=why), (family,))

    def _fronts(self, service: Resource, family: int) -> Iterator[tuple[str, Addresses]]:
        for told in references(service.data, "properties", "loadBalancerFrontendIpConfigurations"):
            station = frontend_station(told)
            if station not in self.graph.stations:
                self.graph.doubts.append(f"{self.world.missing('load balancer frontend', told)}, which {service.id} leads to")
            self.graph.station(station, "load-balancer")
            yield station, EVERYBODY[family]


def _sources(service: Resource, family: int) -> Addresses:
    told = [address(text(one, "properties", "privateIPAddress")) for one in entries(service.data, "properties", "ipConfigurations")]
    return addresses((at[1], at[1]) for at in told if at is not None and at[0] == family) or EVERYBODY[family]


def _connections(properties: Any) -> tuple[tuple[str, ...], str]:
    """The resources that an endpoint leads to, and the state of its connection."""
    targets, state = [], ""
    for name in ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections"):
        for one in entries(properties, name):
            if target := text(one, "properties", "privateLinkServiceId"):
                targets.append(target)
            told = text(one, "properties", "privateLinkServiceConnectionState", "status")
            state = told if state != "Approved" else state
    return tuple(dict.fromkeys(targets)), state
