"""The order in which an Azure estate becomes stations and links."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from checks.model import Estate, Resource
from checks.network.azure.admin import Admin
from checks.network.azure.appliances import Appliances, connectivity, hubs
from checks.network.azure.applications import Applications
from checks.network.azure.arm import FAMILIES, key, member, reference, resource_type
from checks.network.azure.balancers import Balancers
from checks.network.azure.doors import Doors
from checks.network.azure.entries import Entrances, Publics
from checks.network.azure.firewall import Firewalls
from checks.network.azure.firewall import Lowering as FirewallLowering
from checks.network.azure.groups import Filters, members_of
from checks.network.azure.interfaces import Configuration, Configurations, lost, profiles, standing
from checks.network.azure.outside import PRIVATE, Gateway, gateways
from checks.network.azure.peering import Peering, peerings
from checks.network.azure.private import ENDPOINT, FILTERED, Endpoints
from checks.network.azure.routes import Routing, unseen
from checks.network.azure.services import Services
from checks.network.azure.sides import PLATFORM, Tags
from checks.network.azure.stations import ANYWHERE, Classes, Spot, Standing, delivers, routes, subnet_station
from checks.network.azure.world import Network, read
from checks.network.graph import Graph, Link, Rewrite
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET
from checks.network.packets import EVERYBODY

CONNECTED = "azure-connected"
"""The station of networks that network managers may have connected, without a peering."""


@dataclass
class Lowered:
    """One estate on its way into a graph."""

    estate: Estate
    graph: Graph
    spots: dict[str, list[Spot]] = field(default_factory=dict)
    pools: dict[str, list[Spot]] = field(default_factory=dict)
    nat_pools: dict[str, list[Spot]] = field(default_factory=dict)
    outside: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = read(self.estate)
        self.peerings = peerings(self.world)
        self.gateways = gateways(self.world)
        self.connected = connectivity(self.world)
        self.hubs = hubs(self.world)
        self.tags = Tags(self.world, self.peerings, self.gateways, self.connected, self.hubs)
        self.configurations = Configurations(self.world)
        self.filters = Filters(self.world, self.tags, self.graph, members_of(self.configurations.groups))
        self.admin = Admin(self.world, self.filters)
        self.classes = Classes(self.graph, self.filters, self.admin)
        self.publics = Publics(self.world)
        self.firewalls = Firewalls(self.world)
        self.entrances = Entrances(self.world, self.graph, self.publics, self.admin, self.firewalls)

    def lower(self) -> None:
        self.graph.station(INTERNET, "internet", ends=True)
        others = {family: len(links) for family, links in self.graph.stations[INTERNET].links.items()}
        self._lower()
        self._without_platform(others)

    def _without_platform(self, others: dict[int, int]) -> None:
        """The host's address is public, and nobody on the internet has it ("What is IP address 168.63.129.16?")."""
        for family, links in self.graph.stations[INTERNET].links.items():
            elsewhere = EVERYBODY[family] - PLATFORM[family]
            links[others[family] :] = [
                replace(link, source=elsewhere if link.source is None else link.source & elsewhere) if family == 4 else link
                for link in links[others[family] :]
            ]

    def _lower(self) -> None:
        self._stations()
        endpoints = Endpoints(self.world, self.graph, self.configurations, self.classes)
        self._interfaces(endpoints)
        self._profiles()
        Balancers(self.world, self.graph, self.configurations, self.entrances, self.spots, self.pools, self.nat_pools).lower()
        endpoints.services()
        Applications(self.world, self.graph, self.configurations, self.classes, self.publics).lower()
        FirewallLowering(self.world, self.graph, self.filters, self.firewalls).lower()
        Services(self.world, self.graph, self.tags, self.configurations, self.classes).lower()
        appliances = Appliances(self.world, self.graph, self.configurations, self.peerings)
        Routing(
            self.world, self.graph, self.tags, self.peerings, self.gateways, self.firewalls, self.entrances.egress, appliances.at,
            endpoints.held,
        ).lower()  # fmt: skip
        Doors(self.world, self.graph, self.configurations, self.classes, self.peerings).lower()
        self.classes.finish()
        self.entrances.finish()
        self.graph.doubts += [one for one in dict.fromkeys(self.world.doubts) if one not in self.graph.doubts]

    # -- networks -------------------------------------------------------------------------------------------------

    def _stations(self) -> None:
        self.graph.station(ANYWHERE, "unknown")
        for network in self.world.networks.values():
            self.graph.station(delivers(network.key), "virtual-network")
            self.graph.station(unseen(network), "unknown")
            self.graph.networks[network.id] = network.space
            for subnet in network.subnets:
                self.graph.station(subnet_station(subnet.key), "subnet")
                self.graph.station(routes(subnet.key), "subnet")
                self.graph.networks[subnet.id] = subnet.space
                for family in FAMILIES:
                    if subnet.space[family]:
                        link = Link(subnet_station(subnet.key), destination=subnet.space[family])
                        self.graph.link(delivers(network.key), link, (family,))
        for held in self.gateways.values():
            for gateway in held:
                self._outside(gateway)
        for network in self.world.networks.values():
            for peer in self.peerings[network.key]:
                if peer.remote not in self.world.networks:
                    self._unread_peer(network, peer)
        for network in self.world.networks.values():
            self._unseen(network)
            if hub := self.hubs.get(network.key):
                self._behind_hub(network, *hub)
        self._anywhere()
        if self.connected:
            self._connected()

    def _outside(self, gateway: Gateway) -> None:
        """What lies behind a gateway comes in by the gateway's subnet."""
        self.graph.station(gateway.id, "virtual-network-gateway", ends=True)
        self.graph.outside[gateway.id] = gateway.title
        self.outside[gateway.id] = None
        self.graph.networks[gateway.id] = {family: gateway.known[family] | gateway.possible[family] for family in FAMILIES}
        for family in FAMILIES:
            for held, doubt in ((gateway.known[family], ""), (gateway.possible[family], gateway.doubt)):
                if held:
                    self.graph.link(gateway.id, Link(routes(gateway.subnet), source=held, doubt=doubt), (family,))

    def _unread_peer(self, network: Network, peer: Peering) -> None:
        """A peer that nobody read: it may send, and it may hold an entrance that leads here."""
        if not peer.remote_id:
            return
        self.graph.station(peer.remote_id, "virtual-network", ends=True)
        self.outside[peer.remote_id] = None
        self.graph.outside.setdefault(peer.remote_id, f"virtual network {peer.remote_id}, which is not in the estate")
        known = self.graph.networks.get(peer.remote_id, {4: EVERYBODY[4] - EVERYBODY[4], 6: EVERYBODY[6] - EVERYBODY[6]})
        there = peer.space if any(peer.space.values()) else PRIVATE
        self.graph.networks[peer.remote_id] = {family: known[family] | there[family] for family in FAMILIES}
        for family in FAMILIES:
            inside = peer.local[family]
            if not inside:
                continue
            self.graph.link(peer.remote_id, Link(delivers(network.key), destination=inside, labels=None, doubt=peer.doubt), (family,))
            through = Rewrite(source=peer.space[family] or EVERYBODY[family], destination=inside, leg="proxy")
            link = Link(delivers(network.key), destination=PUBLIC[family], rewrite=through, carries="first", labels=None, doubt=peer.doubt)
            self.graph.link(INTERNET, link, (family,))

    def _behind_hub(self, network: Network, hub: str, why: str) -> None:
        """A virtual hub may lead anywhere, and anything may come from it."""
        self.graph.station(hub, "virtual-hub", ends=True)
        self.graph.outside.setdefault(hub, f"what virtual hub {hub} connects")
        self.graph.networks.setdefault(hub, PRIVATE)
        self.graph.link(hub, Link(delivers(network.key), labels=None, doubt=why))
        for subnet in network.subnets:
            self.graph.link(routes(subnet.key), Link(hub, doubt=why))
        for family in FAMILIES:
            if network.space[family]:
                through = Rewrite(source=PRIVATE[family], destination=network.space[family], leg="proxy")
                link = Link(delivers(network.key), destination=PUBLIC[family], rewrite=through, carries="first", labels=None, doubt=why)
                self.graph.link(INTERNET, link, (family,))

    def _unseen(self, network: Network) -> None:
        """Where a next hop leads that nobody knows: anywhere."""
        why = f"where packets of {network.id} go from there is not known"
        self.graph.link(unseen(network), Link(ANYWHERE, doubt=why))

    def _anywhere(self) -> None:
        """What comes here is in doubt already."""
        for network in self.world.networks.values():
            self.graph.link(ANYWHERE, Link(delivers(network.key)))
        for station in (INTERNET, *self.outside):
            self.graph.link(ANYWHERE, Link(station))

    def _connected(self) -> None:
        """Networks that network managers may have connected, without a peering."""
        self.graph.station(CONNECTED, "unknown")
        for network in self.world.networks.values():
            for family in FAMILIES:
                link = Link(delivers(network.key), destination=network.space[family], doubt=self.connected)
                self.graph.link(CONNECTED, link, (family,))
                elsewhere = self.world.every_space[family] - network.space[family]
                for subnet in network.subnets:
                    if elsewhere:
                        self.graph.link(routes(subnet.key), Link(CONNECTED, destination=elsewhere, doubt=self.connected), (family,))

    # -- what stands in them --------------------------------------------------------------------------------------

    def _interfaces(self, endpoints: Endpoints) -> None:
        endpoints.lower()
        for resource in self.configurations.resources():
            id_ = key(resource.id)
            if id_ in endpoints.seen or not (held := self.configurations.by_interface.get(id_, [])):
                continue
            if id_ in self.configurations.endpoints:
                self._unread_endpoint(resource, held)
                continue
            public = {}
            for configuration in held:
                at = self.publics.read(configuration.public_ip).address if configuration.public_ip else None
                if at is not None and at[0] == configuration.family:
                    public[at[1]] = configuration.address
            told = standing(self.world, resource, held, public)
            if why := self.world.gapped.get(id_):
                told = replace(told, where=why, grouped=False)
            spots = self.classes.add(told)
            self._half_seen(spots, why or "")
            for configuration in held:
                spot = next(one for one in spots if one.family == configuration.family and configuration.address in one.held)
                self.spots.setdefault(key(configuration.id), []).append(spot)
                if configuration.public_ip:
                    self.entrances.configuration(configuration, spot)
        for resource, subnet, why in self.configurations.lost:
            if subnet is None or resource.id in self.graph.interfaces:
                continue
            if (found := lost(self.configurations, resource, subnet, why)).addresses:
                self.classes.add(found)

    def _half_seen(self, spots: list[Spot], why: str) -> None:
        """An interface of which something was not seen may have a public address."""
        for spot in spots if why else ():
            rewrite = Rewrite(destination=spot.held)
            link = Link(spot.station, destination=PUBLIC[spot.family], rewrite=rewrite, carries="first", doubt=why)
            self.graph.link(INTERNET, link, (spot.family,))

    def _unread_endpoint(self, resource: Resource, held: list[Configuration]) -> None:
        """The interface of a private endpoint that is not in the estate; one of a private link service takes nothing in."""
        endpoint = reference(member(resource.data, "properties"), "privateEndpoint")
        if not endpoint:
            return
        self.classes.add(
            Standing(
                resource.id, ENDPOINT, "private-endpoint", resource.account, resource.region, held[0].subnet, "",
                tuple((one.family, one.address, one.groups) for one in held), ((resource_type(endpoint) or ENDPOINT, endpoint),),
                tags=resource.tags, filtered=held[0].subnet.endpoint_policies in FILTERED, sends=False, answers=True,
                where=self.world.missing("private endpoint", endpoint),
            )
        )  # fmt: skip

    def _profiles(self) -> None:
        for one in profiles(self.world, self.configurations):
            spots = self.classes.add(one.standing)
            for pool in one.pools:
                self.pools.setdefault(pool, []).extend(spots)
            for pool in one.nat_pools:
                self.nat_pools.setdefault(pool, []).extend(spots)
            if one.public is not None:
                for spot in spots:
                    self.entrances.profile(spot, one.public)
