"""As whom an interface, or a service in a subnet, goes out to the internet.

Sources: Azure docs, nat-overview ("Virtual appliance UDR / VPN Gateway / ExpressRoute >> NAT gateway >> Instance-level public
IP address on a virtual machine >> Load balancer outbound rules >> default system route"; TCP and UDP only), nat-gateway-resource (IPv6 with StandardV2; ARM NatGateway: publicIpAddressesV6, sourceVirtualNetwork),
load-balancer-outbound-connections (outbound rules; load balancing rules unless disableOutboundSnat; "When using a standard
internal load balancer, an ephemeral IP address isn't used"), default-outbound-access (IPv4; not in a subnet with
defaultOutboundAccess false; not where a load balancer or another interface's public address stands for it).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from checks.network.packet import PORTED, TCP, UDP, Packet
from checks.network.simulate_azure.answers import Denied, Doubt
from checks.network.simulate_azure.wire import Json, listed, name_of, properties, read_address, reference, references, same
from checks.network.simulate_azure.world import Card, PublicAddress, Subnet, World

UNTOLD = int(IPv4Address("198.18.0.1"))
"""Stands for the address of default outbound access, which belongs to Microsoft and is in no estate: one that RFC 2544 keeps
from being anybody's."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The source address that the internet sees, and what gives it."""

    id: str
    kind: str
    address: int


def exit_of_subnet(world: World, subnet: Subnet, packet: Packet) -> Exit | Denied | Doubt | None:
    """The NAT gateway of the subnet or of its network; None where there is none, or none for the packet's family."""
    identifier = reference(properties(subnet.data), "natGateway")
    whole = [one["id"] for one in world.of("network.natgateways") if reference(properties(one), "sourceVirtualNetwork") == subnet.network]
    if not identifier and not whole:
        return None
    data = world.resource("network.natgateways", identifier or whole[0])
    if data is None:
        return Doubt(f"NAT gateway {identifier} is not in the estate")
    addresses = references(properties(data), "publicIpAddresses" if packet.family == 4 else "publicIpAddressesV6")
    if packet.family == 6 and not addresses and not listed(properties(data), "publicIpPrefixesV6"):
        return None
    if packet.protocol not in {TCP, UDP}:
        return Denied(f"{name_of(data['id'])}: a NAT gateway carries TCP and UDP only")
    for one in addresses:
        if found := world.public_address(one):
            return Exit(data["id"], "nat-gateway", found.address)
    return Doubt(f"the public addresses of NAT gateway {name_of(data['id'])} are not in the estate")


def exit_of_card(world: World, card: Card, subnet: Subnet, packet: Packet) -> Exit | Denied | Doubt:
    if found := exit_of_subnet(world, subnet, packet):
        return found
    if card.public_address:
        public = world.public_address(card.public_address)
        if public is None:
            return Doubt(f"public address {card.public_address} is not in the estate")
        return Exit(public.id, "public-ip", public.address)
    for pool in references(properties(card.data), "loadBalancerBackendAddressPools"):
        if world.resource("network.loadbalancers", pool.rsplit("/", 2)[0]) is None:
            return Doubt(f"the load balancer of {pool} is not in the estate")
    if found := _exit_by_balancer(world, card, packet):
        return found
    return _default_exit(world, card, subnet, packet)


def _exit_by_balancer(world: World, card: Card, packet: Packet) -> Exit | Denied | Doubt | None:
    """Through a load balancer's frontend; denied where a Standard one stands for the interface without giving a way out."""
    standard = False
    for balancer in world.of("network.loadbalancers"):
        pools = _pools_of(balancer, card)
        if not pools:
            continue
        standard = standard or not same((balancer.get("sku") or {}).get("name", "Basic"), "Basic")
        for frontend in _outbound_frontends(balancer, pools):
            public = reference(properties(frontend), "publicIPAddress")
            if not public:
                continue
            if packet.protocol not in PORTED:
                return Doubt(f"whether {balancer.get('name')} translates the source of protocol {packet.protocol} is not documented")
            found = world.public_address(public)
            if found is None:
                return Doubt(f"public address {public} is not in the estate")
            if found.family == packet.family:
                return Exit(balancer["id"], "load-balancer", found.address)
    return Denied(f"{card.name}: its Standard load balancer gives no way out") if standard else None


def _pools_of(balancer: Json, card: Card) -> list[str]:
    mine = references(properties(card.data), "loadBalancerBackendAddressPools")
    return [pool for pool in references(properties(balancer), "backendAddressPools") if pool in mine]


def _outbound_frontends(balancer: Json, pools: list[str]) -> list[Json]:
    given = properties(balancer)
    wanted: list[str] = []
    for rule in listed(given, "outboundRules"):
        if reference(properties(rule), "backendAddressPool") in pools:
            wanted += references(properties(rule), "frontendIPConfigurations")
    for rule in listed(given, "loadBalancingRules"):
        if reference(properties(rule), "backendAddressPool") in pools and properties(rule).get("disableOutboundSnat") is not True:
            wanted.append(reference(properties(rule), "frontendIPConfiguration"))
    return [one for one in listed(given, "frontendIPConfigurations") if str(one.get("id", "")).lower() in wanted]


def _default_exit(world: World, card: Card, subnet: Subnet, packet: Packet) -> Exit | Denied | Doubt:
    if packet.family == 6:
        return Denied(f"{card.name}: IPv6 has no default outbound access")
    if properties(subnet.data).get("defaultOutboundAccess") is False:
        return Denied(f"{card.name}: {subnet.name} is a private subnet, without default outbound access")
    machine = reference(properties(card.interface_data), "virtualMachine")
    siblings = [one for one in world.cards if machine and reference(properties(one.interface_data), "virtualMachine") == machine]
    if any(one.public_address for one in [*siblings, *world.cards_of(card.interface)]):
        return Denied(f"{card.name}: another public address of its machine takes default outbound access away")
    if packet.protocol not in PORTED:
        return Doubt(f"whether default outbound access carries protocol {packet.protocol} is not documented")
    return Exit(subnet.id, "default-outbound-access", UNTOLD)


def public_of(world: World, configurations: list[Json], family: int) -> PublicAddress | None:
    """The first public address that a service's frontends or IP configurations have."""
    for one in configurations:
        found = world.public_address(reference(properties(one), "publicIPAddress"))
        if found and found.family == family:
            return found
    return None


def private_of(configurations: list[Json]) -> tuple[int, int] | None:
    """The first private address of a service's IP configurations, as family and number."""
    for one in configurations:
        if found := read_address(properties(one).get("privateIPAddress")):
            return found
    return None
