"""Network interfaces: of virtual machines and scale sets, read into what stands in a subnet.

Sources: ARM references of networkInterfaces and virtualMachineScaleSets; "Public IP addresses" (Azure Virtual Network
documentation): a Standard address is closed to inbound traffic until a network security group allows it, a Basic one
is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.model import Resource
from checks.network.azure.arm import address, entries, key, member, parent, reference, references, resource_type, text, whole
from checks.network.azure.stations import Standing, usable
from checks.network.azure.world import NIC, SCALE_SET_NIC, Subnet, World
from checks.network.packets import Addresses, addresses

SCALE_SET = "azure.compute.virtualmachinescalesets"
MACHINE = "azure.compute.virtualmachines"


@dataclass(frozen=True, slots=True)
class Configuration:
    """One IP configuration of a network interface."""

    id: str
    interface: str
    subnet: Subnet
    family: int
    address: int
    groups: frozenset[str]
    public_ip: str
    pools: tuple[str, ...]
    nat_rules: tuple[str, ...]


@dataclass
class Configurations:
    """The IP configurations of a world, and what was wrong with those that are left out."""

    world: World
    all: list[Configuration] = field(default_factory=list)
    by_id: dict[str, Configuration] = field(default_factory=dict)
    by_interface: dict[str, list[Configuration]] = field(default_factory=dict)
    by_pool: dict[str, list[Configuration]] = field(default_factory=dict)
    by_nat_rule: dict[str, list[Configuration]] = field(default_factory=dict)
    at: dict[tuple[str, int, int], Configuration] = field(default_factory=dict)
    """By (network, family, address)."""
    groups: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    taken: dict[str, dict[int, Addresses]] = field(default_factory=dict)
    forwarding: dict[str, bool | None] = field(default_factory=dict)
    """Whether an interface may forward what is not for it."""
    endpoints: set[str] = field(default_factory=set)
    """The interfaces of private endpoints and private link services, which are not machines'."""
    lost: list[tuple[Resource, Subnet | None, str]] = field(default_factory=list)
    """Interfaces of which some address is not known: where they stand, and why."""

    def __post_init__(self) -> None:
        held: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for resource in self.resources():
            for configuration in self._read(resource):
                self.all.append(configuration)
                self.by_id[key(configuration.id)] = configuration
                self.by_interface.setdefault(configuration.interface, []).append(configuration)
                for pool in configuration.pools:
                    self.by_pool.setdefault(pool, []).append(configuration)
                for rule in configuration.nat_rules:
                    self.by_nat_rule.setdefault(rule, []).append(configuration)
                self.at[configuration.subnet.network, configuration.family, configuration.address] = configuration
                held.setdefault((configuration.subnet.key, configuration.family), []).append((configuration.address, configuration.address))
                for group in configuration.groups:
                    self.groups.setdefault(group, []).append((configuration.family, configuration.address))
        for (subnet, family), spans in held.items():
            self.taken.setdefault(subnet, {})[family] = addresses(spans)

    def resource(self, id_: str) -> Resource | None:
        """The network interface of a key."""
        return self.world.of(NIC).get(id_) or self.world.of(SCALE_SET_NIC).get(id_)

    def resources(self) -> Iterator[Resource]:
        yield from self.world.of(NIC).values()
        yield from self.world.of(SCALE_SET_NIC).values()

    def _read(self, resource: Resource) -> Iterator[Configuration]:
        properties = member(resource.data, "properties")
        if reference(properties, "privateEndpoint") or reference(properties, "privateLinkService"):
            self.endpoints.add(key(resource.id))
        forwards = member(properties, "enableIPForwarding")
        self.forwarding[key(resource.id)] = forwards if isinstance(forwards, bool) else None
        held = list(entries(properties, "ipConfigurations"))
        if not held:
            self.lost.append((resource, None, f"network interface {resource.id} tells no IP configuration"))
        for one in held:
            inner = member(one, "properties")
            subnet_id = reference(inner, "subnet")
            subnet, at = self.world.subnets.get(key(subnet_id)), address(text(inner, "privateIPAddress"))
            if subnet is None:
                why = self.world.missing("subnet", subnet_id) if subnet_id else "tells no subnet"
                self.lost.append((resource, None, f"network interface {resource.id}: {why}"))
            elif at is not None and at[1] not in subnet.space[at[0]]:
                self.lost.append((resource, None, f"network interface {resource.id}: its address is not in {subnet.id}"))
            elif at is None:
                self.lost.append((resource, subnet, f"network interface {resource.id} tells no private address"))
            else:
                yield Configuration(
                    text(one, "id") or f"{resource.id}/ipConfigurations/{text(one, 'name')}",
                    key(resource.id),
                    subnet,
                    *at,
                    frozenset(key(id_) for id_ in references(inner, "applicationSecurityGroups")),
                    reference(inner, "publicIPAddress"),
                    _keys(inner, "loadBalancerBackendAddressPools", "applicationGatewayBackendAddressPools"),
                    _keys(inner, "loadBalancerInboundNatRules"),
                )


def standing(world: World, resource: Resource, configurations: list[Configuration], public: Mapping[int, int]) -> Standing:
    """A network interface as it stands in its subnet. Its machine's tags count as its own."""
    properties = member(resource.data, "properties")
    machine = reference(properties, "virtualMachine") or _machines(world).get(key(resource.id), "")
    held = world.of(MACHINE).get(key(machine))
    tags = resource.tags
    if held is not None:
        tags = {**held.tags, **tags} if tags is not None and held.tags is not None else None
    return Standing(
        resource.id,
        resource.type,
        "network-interface",
        resource.account,
        resource.region,
        configurations[0].subnet,
        reference(properties, "networkSecurityGroup"),
        tuple((one.family, one.address, one.groups) for one in configurations),
        tuple(_machine(machine)) if machine else (),
        public,
        tags,
    )


def _machines(world: World) -> Mapping[str, str]:
    """The machine of each interface, as machines tell it."""

    def told() -> Mapping[str, str]:
        return {
            key(id_): machine.id
            for machine in world.of(MACHINE).values()
            for id_ in references(machine.data, "properties", "networkProfile", "networkInterfaces")
        }

    return world.once("machines", told)


def _machine(id_: str) -> Iterator[tuple[str, str]]:
    yield resource_type(id_) or MACHINE, id_
    if "/virtualmachinescalesets/" in key(id_):
        yield SCALE_SET, parent(id_)


def lost(configurations: Configurations, resource: Resource, subnet: Subnet, why: str) -> Standing:
    """A network interface whose address nobody knows: it may have any that is free."""
    nsg = reference(resource.data, "properties", "networkSecurityGroup")
    own = usable(subnet, configurations.taken.get(subnet.key, {}))
    return Standing(
        resource.id, resource.type, "network-interface", resource.account, resource.region, subnet, nsg, own,
        tags=resource.tags, where=why, grouped=False,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Profile:
    """One IP configuration of a scale set, whose machines' own interfaces are not in the estate."""

    standing: Standing
    pools: tuple[str, ...]
    nat_pools: tuple[str, ...]
    public: Mapping[str, Any] | None


def profiles(world: World, configurations: Configurations) -> Iterator[Profile]:
    """The scale sets of which not every machine's interface is in the estate."""
    seen: dict[str, set[str]] = {}
    for resource in configurations.resources():
        machine = key(reference(resource.data, "properties", "virtualMachine"))
        at, found, _ = (machine or key(resource.id)).partition("/virtualmachines/")
        if found:
            seen.setdefault(at, set()).add(machine or key(parent(resource.id)))
    for resource in world.of(SCALE_SET).values():
        properties = member(resource.data, "properties")
        capacity = whole(resource.data, "sku", "capacity")
        flexible = text(properties, "orchestrationMode") == "Flexible"
        if capacity == 0 or flexible or (capacity is not None and len(seen.get(key(resource.id), ())) >= capacity):
            continue
        told = entries(properties, "virtualMachineProfile", "networkProfile", "networkInterfaceConfigurations")
        for configuration in told:
            yield from _profiles(world, configurations, resource, configuration)


def _profiles(world: World, configurations: Configurations, resource: Resource, configuration: Mapping[str, Any]) -> Iterator[Profile]:
    for one in entries(configuration, "properties", "ipConfigurations"):
        inner = member(one, "properties")
        subnet = world.subnets.get(key(reference(inner, "subnet")))
        if subnet is None:
            missing = world.missing("subnet", reference(inner, "subnet"))
            world.doubts.append(f"scale set {resource.id}: {missing}")
            continue
        groups = frozenset(key(id_) for id_ in references(inner, "applicationSecurityGroups"))
        free = usable(subnet, configurations.taken.get(subnet.key, {}))
        family = 6 if text(inner, "privateIPAddressVersion") == "IPv6" else 4
        own = tuple((of, value, groups) for of, value, _ in free if of == family)
        if not own:
            continue
        id_ = f"{resource.id}/networkInterfaceConfigurations/{text(configuration, 'name')}/{text(one, 'name')}"
        nsg = reference(configuration, "properties", "networkSecurityGroup")
        why = f"which addresses the machines of scale set {resource.id} have was not seen"
        public = member(inner, "publicIPAddressConfiguration")
        yield Profile(
            Standing(
                id_, SCALE_SET, "network-interface", resource.account, resource.region, subnet, nsg, own,
                ((SCALE_SET, resource.id),), tags=resource.tags, where=why,
            ),
            _keys(inner, "loadBalancerBackendAddressPools", "applicationGatewayBackendAddressPools"),
            _keys(inner, "loadBalancerInboundNatPools"),
            public if isinstance(public, Mapping) else None,
        )  # fmt: skip


def _keys(data: Any, *names: str) -> tuple[str, ...]:
    return tuple(key(id_) for one in names for id_ in references(data, one))
