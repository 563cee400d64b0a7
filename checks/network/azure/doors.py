"""Every construct that packets may come into a virtual network by: modelled, or a doubt where one is or nobody looked.

A row says what a listing that nobody completed leaves open. What the table does not name, and stands in a subnet, is an
occupant: it may receive, send, and let the internet in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from checks.model import Resource
from checks.network.azure.applications import GATEWAY as APPLICATION_GATEWAY
from checks.network.azure.arm import FAMILIES, SERVICES, SOMEWHERE, entries, key, parent, reference, resource_type, strings, text
from checks.network.azure.balancers import BALANCER
from checks.network.azure.firewall import FIREWALL
from checks.network.azure.interfaces import SCALE_SET, Configurations
from checks.network.azure.outside import GATEWAY
from checks.network.azure.peering import Peering
from checks.network.azure.private import ENDPOINT, SERVICE
from checks.network.azure.services import KINDS
from checks.network.azure.stations import ANYWHERE, Classes, Standing, delivers, out_of, routes, usable
from checks.network.azure.world import NIC, NSG, PUBLIC_IP, ROUTE_TABLE, SCALE_SET_NIC, VNET, Network, Subnet, World
from checks.network.azure_types import TYPES
from checks.network.graph import Graph, Interface, Labels, Link, Rewrite
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET, TCP
from checks.network.packets import EVERYBODY, addresses, packets

NOWHERE = "azure-nowhere"
"""The station of interfaces that stand in no network of the estate."""
BASTION = "azure.network.bastionhosts"
SITE = "azure.web.sites"


@dataclass(frozen=True, slots=True)
class Door:
    """An entry construct. `keeps`: the client's address stays; else packets come from an address of the network.
    `subnet`: it stands only in a subnet of this name, so a network without one has none. `elsewhere`: it may lead to what
    stands in no network, such as the public endpoint of a server."""

    type: str
    title: str
    keeps: bool = False
    subnet: str = ""
    elsewhere: bool = False


DOORS = (
    Door(BALANCER, "load balancers", keeps=True, elsewhere=True),
    Door(APPLICATION_GATEWAY, "application gateways", elsewhere=True),
    Door(FIREWALL, "firewalls", subnet="azurefirewallsubnet"),
    Door(BASTION, "bastion hosts"),
    Door(GATEWAY, "virtual network gateways", subnet="gatewaysubnet"),
    Door(SERVICE, "private link services, which Front Door comes through"),
    Door("azure.apimanagement.service", "API Management services"),
    Door("azure.web.hostingenvironments", "App Service environments"),
    Door("azure.app.managedenvironments", "Container Apps environments"),
    Door("azure.containerservice.managedclusters", "Kubernetes clusters"),
    Door("azure.containerinstance.containergroups", "container groups"),
    Door("azure.sql.managedinstances", "SQL managed instances"),
)
"""Modelled elsewhere: public IP addresses (told by the interfaces that have them), peerings (told by networks; a virtual
hub is a peer that is not in the estate), network managers' connectivity, App Service integration (sends only)."""

_KNOWN = frozenset({
    VNET, NIC, NSG, PUBLIC_IP, ROUTE_TABLE, SCALE_SET_NIC, SCALE_SET, BALANCER, APPLICATION_GATEWAY, FIREWALL, GATEWAY, SERVICE, ENDPOINT,
    BASTION, *KINDS, "azure.network.natgateways", "azure.network.serviceendpointpolicies", "azure.network.publicipprefixes",
    "azure.network.connections", "azure.network.networkmanagers.networkgroups.staticmembers", "azure.compute.virtualmachines",
    "azure.network.applicationsecuritygroups", "azure.network.servicetags", "azure.network.networkwatchers.flowlogs",
    "azure.sql.servers.virtualnetworkrules",
})  # fmt: skip
_ENTRIES = frozenset(door.type for door in DOORS)
_SEEN_TO = frozenset({VNET, NIC, SCALE_SET_NIC, NSG, ROUTE_TABLE, "azure.compute.virtualmachines", *KINDS})
"""Types whose gaps are doubts where they stand."""
_NOT_PLACES = frozenset(
    {"networkacls", "virtualnetworkrules", "networkruleset", "networkrulesets", "subnets", "privateendpointconnections"}
)
"""Members that name subnets which are let in, or are governed, not stood in."""


@dataclass
class Doors:
    """Doubts about what may come in."""

    world: World
    graph: Graph
    configurations: Configurations
    classes: Classes
    peerings: Mapping[str, tuple[Peering, ...]]

    def lower(self) -> None:
        for network in self.world.networks.values():
            self._not_looked(network)
        for resource in self.world.of(BASTION).values():
            self._bastion(resource)
        for type_ in sorted(self.world.estate.resources):
            if type_.startswith("azure.") and type_ not in _KNOWN:
                for resource in self.world.of(type_).values():
                    self._occupies(resource)
        for subnet in self.world.subnets.values():
            self._unread(subnet)
        self._known_by_gaps()
        for resource, _, why in self.configurations.lost:
            if resource.id not in self.graph.interfaces:
                self._nowhere(resource, why)

    # -- what nobody looked at ------------------------------------------------------------------------------------

    def _half_seen(self, account: str) -> list[str]:
        """What was not seen of things that could let something in."""
        return [
            self.world.gapped[key(id_)]
            for type_, of, id_, _ in self.world.estate.resource_gaps
            if of == account
            and key(id_) in self.world.gapped
            and type_ not in _SEEN_TO
            and (type_ in _ENTRIES or type_.startswith(("azure.network.", "azure.compute.")))
        ]

    def _known_by_gaps(self) -> None:
        """What exists, and where it stands nobody knows: of it there is a gap, and nothing else."""
        for type_, _, id_, _ in sorted(self.world.estate.resource_gaps):
            if type_ in TYPES and key(id_) in self.world.gapped and key(id_) not in self.world.of(type_):
                self.graph.doubts.append(self.world.gapped[key(id_)])

    def _not_looked(self, network: Network) -> None:
        names = {subnet.name.lower() for subnet in network.subnets}
        half = self._half_seen(network.account)
        missing: dict[bool, list[str]] = {True: [*half, *([network.problem] if network.problem else [])], False: half}
        for door in DOORS:
            if door.subnet and door.subnet not in names:
                continue
            if why := self.world.looked(door.type, network.account, network.region):
                missing[door.keeps].append(f"{door.title}: {why}")
                if door.elsewhere:
                    self.graph.doubts.append(f"{door.title}: {why}")
        for type_ in (NIC, SCALE_SET, ENDPOINT):
            if why := self.world.looked(type_, network.account, network.region):
                self.graph.doubts.append(why)
        for family in FAMILIES:
            space = network.space[family]
            if not space:
                continue
            for keeps, doubts in missing.items():
                if not doubts:
                    continue
                rewrite = Rewrite(destination=space) if keeps else Rewrite(source=space, destination=space, leg="proxy")
                told: Labels | Literal["kept"] = "kept" if keeps else None
                link = Link(
                    delivers(network.key),
                    destination=PUBLIC[family],
                    rewrite=rewrite,
                    carries="first",
                    labels=told,
                    doubt="\n".join(doubts),
                )
                self.graph.link(INTERNET, link, (family,))
                if keeps:
                    self.graph.link(delivers(network.key), replace(link, destination=space), (family,))
                    continue
                for peer in self.peerings.get(network.key, ()):
                    if peer.remote in self.world.networks and peer.space[family]:
                        further = Rewrite(source=space, destination=peer.space[family], leg="proxy")
                        self.graph.link(INTERNET, replace(link, to=delivers(peer.remote), rewrite=further), (family,))

    # -- what is there, and not modelled --------------------------------------------------------------------------

    def _bastion(self, resource: Resource) -> None:
        """Lets in who signs in at Azure; from its subnet, or as the Developer SKU, from within the network it names."""
        why = f"bastion host {resource.id} lets in who signs in"
        subnets = [reference(one, "properties", "subnet") for one in entries(resource.data, "properties", "ipConfigurations")]
        found = False
        for subnet in (self.world.subnets.get(key(one)) for one in subnets):
            if subnet is not None:
                found = True
                self._enters(routes(subnet.key), subnet.space[4], why)
        network = self.world.networks.get(key(reference(resource.data, "properties", "virtualNetwork")))
        if not found and network is not None:
            self._enters(delivers(network.key), network.space[4], why)

    def _enters(self, station: str, source: Any, why: str, family: int = 4, *, tcp: bool = True) -> None:
        """The internet may come in here, as a proxy of these addresses, and go on to every network."""
        everywhere = self.world.every_space[family]
        if not source or not everywhere:
            return
        which = packets(EVERYBODY[family], (TCP, TCP)) if tcp else None
        rewrite = Rewrite(source=source, destination=everywhere, leg="proxy")
        link = Link(station, destination=PUBLIC[family], packets=which, rewrite=rewrite, carries="first", labels=None, doubt=why)
        self.graph.link(INTERNET, link, (family,))

    def _occupies(self, resource: Resource) -> None:
        """Something of a kind that is not modelled, wherever its data name a subnet."""
        for subnet in _subnets(self.world, resource.data):
            if resource.type == SITE or resource.type.startswith(f"{SITE}."):
                if resource.type == SITE:
                    self._occupant(subnet, resource.id, resource.type, f"{resource.id} sends from {subnet.id}", resource, receives=False)
                continue
            why = f"{resource.id} stands in {subnet.id}, and what it lets through is not known"
            self._occupant(subnet, resource.id, resource.type, why, resource)

    def _unread(self, subnet: Subnet) -> None:
        """IP configurations that a subnet names, and that belong to nothing in the estate."""
        owners: dict[str, str] = {}
        for one in entries(subnet.data, "ipConfigurations"):
            id_ = text(one, "id")
            owner = parent(id_)
            if not id_ or key(id_) in self.configurations.by_id:
                continue
            machine, found, _ = key(owner).partition("/virtualmachines/")
            known = key(owner) in self.world.of(resource_type(owner)) or (found and machine in self.world.of(SCALE_SET))
            if not known:
                owners.setdefault(key(owner), owner)
        for owner in owners.values():
            why = f"{owner} stands in {subnet.id}, and is not in the estate"
            self._occupant(subnet, owner, resource_type(owner), why, None)

    def _occupant(self, subnet: Subnet, id_: str, type_: str, why: str, resource: Resource | None, *, receives: bool = True) -> None:
        if id_ in self.graph.interfaces:
            return
        network = self.world.networks[subnet.network]
        own = usable(subnet, self.configurations.taken.get(subnet.key, {}))
        if not own:
            return
        standing = Standing(
            id_, type_, "unknown", resource.account if resource else network.account, resource.region if resource else network.region,
            subnet, "", own, tags=resource.tags if resource else None, receives=receives, where=why, grouped=False,
        )  # fmt: skip
        for spot in self.classes.add(standing):
            if receives:
                rewrite = Rewrite(destination=spot.held)
                link = Link(spot.station, destination=PUBLIC[spot.family], rewrite=rewrite, carries="first", doubt=why)
                self.graph.link(INTERNET, link, (spot.family,))
                self._enters(routes(subnet.key), subnet.space[spot.family], why, spot.family, tcp=False)

    def _nowhere(self, resource: Resource, why: str) -> None:
        """An interface that stands in no subnet of the estate: anything may come to it."""
        station = f"in:{key(resource.id)}"
        self.graph.station(station, "network-interface", ends=True, sends=out_of(station))
        self.graph.station(out_of(station), "network-interface")
        machine = reference(resource.data, "properties", "virtualMachine")
        self.graph.interfaces[resource.id] = Interface(
            resource.id, resource.type, "network-interface", resource.account, resource.region, "", "", station, out_of(station),
            {4: (SOMEWHERE,), 6: ()}, owners=((resource_type(machine), machine),) if machine else (), tags=resource.tags,
        )  # fmt: skip
        here = Rewrite(destination=addresses([(SOMEWHERE, SOMEWHERE)]), leg="pass")
        if NOWHERE not in self.graph.stations:
            self.graph.station(NOWHERE, "unknown")
            for at in (INTERNET, SERVICES, *(delivers(one) for one in self.world.networks)):
                self.graph.link(at, Link(NOWHERE, doubt="an interface stands in no network of the estate", carries="first"), (4,))
        self.graph.link(NOWHERE, Link(station, rewrite=here, carries="first", doubt=why), (4,))
        anyone = Rewrite(source=EVERYBODY[4], leg="pass")  # which address it sends from, filters may ask, and nobody knows
        self.graph.link(out_of(station), Link(ANYWHERE, rewrite=anyone, carries="first", labels=None, doubt=why), (4,))
        elsewhere = Rewrite(source=PUBLIC[4], leg="pass")
        self.graph.link(out_of(station), Link(NOWHERE, rewrite=elsewhere, carries="first", labels=None, doubt=why), (4,))
        somewhere = Rewrite(source=PUBLIC[4], destination=addresses([(SOMEWHERE, SOMEWHERE)]), leg="pass")
        self.graph.link(out_of(station), Link(SERVICES, rewrite=somewhere, carries="first", labels=None, doubt=why), (4,))


def _subnets(world: World, data: Any) -> Iterator[Subnet]:
    """The subnets that data name as a place."""
    seen: dict[str, None] = {}
    for one in strings(_places(data)):
        id_ = key(one)
        if "/subnets/" in id_ and id_ in world.subnets:
            seen.setdefault(id_)
    yield from (world.subnets[id_] for id_ in seen)


def _places(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {name: _places(value) for name, value in data.items() if name.lower() not in _NOT_PLACES}
    if isinstance(data, list | tuple):
        return [_places(one) for one in data]
    return data
