"""What an estate holds of Azure: virtual networks with their subnets, and everything else by its id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from checks.model import GLOBAL, Asserted, Estate, Look, Place, Resource
from checks.network.azure.arm import EMPTY, Blocks, blocks, entries, joined, key, member, name, reference, text, texts

VNET = "azure.network.virtualnetworks"
NIC = "azure.network.networkinterfaces"
SCALE_SET_NIC = "azure.compute.virtualmachinescalesets.virtualmachines.networkinterfaces"
NSG = "azure.network.networksecuritygroups"
PUBLIC_IP = "azure.network.publicipaddresses"
ROUTE_TABLE = "azure.network.routetables"


@dataclass(frozen=True, eq=False)
class Subnet:
    """A subnet of a virtual network. `id` begins with the id that its network has in the estate; `network` is that one's key."""

    id: str
    network: str
    prefixes: tuple[str, ...]
    space: Blocks
    nsg: str
    route_table: str
    nat_gateway: str
    endpoint_policies: str
    outbound_access: bool | None
    data: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        return key(self.id)

    @cached_property
    def context(self) -> tuple[str, str]:
        """What the meaning of service tags depends on: the network, and the route table."""
        return self.network, key(self.route_table)

    @property
    def name(self) -> str:
        return name(self.id)

    @property
    def delegated_to(self) -> frozenset[str]:
        return frozenset(text(one, "properties", "serviceName").lower() for one in entries(self.data, "delegations"))


@dataclass(frozen=True, eq=False)
class Network:
    """A virtual network."""

    id: str
    account: str
    region: str
    prefixes: tuple[str, ...]
    space: Blocks
    subnets: tuple[Subnet, ...]
    data: Mapping[str, Any]
    problem: str
    """Why not all of its addresses are known."""

    @cached_property
    def key(self) -> str:
        return key(self.id)


@dataclass
class World:
    """An estate's Azure resources, by key, and what is wrong with them."""

    estate: Estate
    networks: dict[str, Network] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    """What is wrong with a network as a whole, so that there may be more of it than was understood."""
    _held: dict[str, dict[str, Resource]] = field(default_factory=dict)
    _tables: dict[str, Any] = field(default_factory=dict)
    _indexes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, type_: str) -> Mapping[str, Resource]:
        """The resources of a type by key, in the order of the estate."""
        if type_ not in self._held:
            self._held[type_] = {key(one.id): one for one in self.estate.of(type_)}
        return self._held[type_]

    def children(self, type_: str, of: str) -> list[Resource]:
        """The resources of a nested type whose ids stand below another's."""
        if type_ not in self._tables:
            found: dict[str, list[Resource]] = {}
            for id_, one in self.of(type_).items():
                found.setdefault("/".join(id_.split("/")[:-2]), []).append(one)
            self._tables[type_] = found
        children: list[Resource] = self._tables[type_].get(key(of), [])
        return children

    def looked(self, type_: str, account: str, region: str) -> str:
        """Why it is not sure that every resource of a type was seen; empty where it is."""
        places = [Place(account, where) for where in (region, GLOBAL)]
        for place in places:
            if gaps := self.estate.listing_gaps.get((type_, place)):
                return f"{type_} of subscription {account}: {gaps[0].message or gaps[0].reason}"
        if any(isinstance(self.estate.listing(type_, place), Look | Asserted) for place in places):
            return ""
        return f"{type_} of subscription {account}: nobody looked"

    @cached_property
    def gapped(self) -> Mapping[str, str]:
        """The resources of which something was not seen, by key, and what to say of them. What calls of their own answer (auditing, keys)
        stands under a name with a capital letter, and no network is made of it."""
        found: dict[str, str] = {}
        for (type_, _, id_, _), gaps in self.estate.resource_gaps.items():
            read = [gap for gap in gaps if gap.field is None or not gap.field[:1].isupper()]
            if type_.startswith("azure.") and read:
                found[key(id_)] = f"{read[0].field or 'what there is'} of {id_} was not seen: {read[0].message or read[0].reason}"
        return found

    def once(self, name: str, make: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
        """An index that is made when it is first asked for."""
        if name not in self._indexes:
            self._indexes[name] = make()
        return self._indexes[name]

    def missing(self, title: str, id_: str) -> str:
        """What to say of something that is referred to, and is not there."""
        return self.gapped.get(key(id_), f"{title} {id_} is not in the estate")

    @cached_property
    def every_space(self) -> Blocks:
        return joined(one.space for one in self.networks.values())

    def subnet_with(self, family: int, address: int, networks: Iterable[str]) -> Subnet | None:
        """The subnet of some networks that holds an address."""
        for one in networks:
            for subnet in self.networks[one].subnets if one in self.networks else ():
                if address in subnet.space[family]:
                    return subnet
        return None

    @cached_property
    def public_addresses(self) -> Mapping[str, Resource]:
        return self.of(PUBLIC_IP)


def read(estate: Estate) -> World:
    """The world of an estate. Nothing raises: what is malformed is left out and stands in its doubts."""
    world = World(estate)
    for resource in estate.of(VNET):
        network = _network(world, resource)
        world.networks[network.key] = network
        world.subnets.update({one.key: one for one in network.subnets})
    return world


def _network(world: World, resource: Resource) -> Network:
    properties = member(resource.data, "properties")
    prefixes = texts(properties, "addressSpace", "addressPrefixes")
    space, wrong = blocks(prefixes)
    told = [f"address space of {resource.id}: {one}" for one in wrong]
    if why := world.gapped.get(key(resource.id)):
        told.append(why)
    if not prefixes:
        told.append(f"virtual network {resource.id} tells no address space")
    subnets = []
    for one in entries(properties, "subnets"):
        subnet, problems = _subnet(resource.id, one)
        told += [f"subnet {subnet.id}: {problem}" for problem in problems]
        subnets.append(subnet)
    if not isinstance(member(properties, "subnets"), list | tuple):
        told.append(f"virtual network {resource.id} does not tell its subnets")
    world.doubts += told
    return Network(resource.id, resource.account, resource.region, prefixes, space, tuple(subnets), resource.data, "\n".join(told))


def _subnet(network: str, data: Mapping[str, Any]) -> tuple[Subnet, tuple[str, ...]]:
    properties = member(data, "properties")
    properties = properties if isinstance(properties, Mapping) else {}
    single = text(properties, "addressPrefix")
    prefixes = tuple(dict.fromkeys([*([single] if single else []), *texts(properties, "addressPrefixes")]))
    space, wrong = blocks(prefixes) if prefixes else (EMPTY, ("tells no address prefix",))
    outbound = properties.get("defaultOutboundAccess")
    id_ = f"{network}/subnets/{text(data, 'name') or name(text(data, 'id'))}"
    return Subnet(
        id_,
        key(network),
        prefixes,
        space,
        reference(properties, "networkSecurityGroup"),
        reference(properties, "routeTable"),
        reference(properties, "natGateway"),
        text(properties, "privateEndpointNetworkPolicies"),
        outbound if isinstance(outbound, bool) else None,
        properties,
    ), wrong
