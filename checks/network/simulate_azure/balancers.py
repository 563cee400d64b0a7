"""Load balancers: to which backends a packet for a frontend goes, and as what.

Sources: Azure docs, load-balancer-overview and network-security-groups-overview ("The source port and address range applied
are from the originating computer, not the load balancer. The destination port and address range are for the destination
computer"), load-balancer-ha-ports-overview (protocol All with ports 0 carries all TCP and UDP), load-balancer-floating-ip
(the frontend's address stays the destination). Every backend counts as healthy: which of them is, is state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from checks.network.packet import PORTED, TCP, UDP, Packet
from checks.network.simulate_azure.answers import Denied, Doubt
from checks.network.simulate_azure.wire import Json, key, listed, name_of, properties, read_address, reference, references, same
from checks.network.simulate_azure.world import Card, World


@dataclass(frozen=True, slots=True)
class Frontend:
    balancer: Json
    data: Json

    @property
    def id(self) -> str:
        return key(self.data.get("id"))

    @property
    def name(self) -> str:
        return str(self.balancer.get("name") or name_of(self.balancer["id"]))

    @property
    def basic(self) -> bool:
        return same((self.balancer.get("sku") or {}).get("name", "Basic"), "Basic")


@dataclass(frozen=True, slots=True)
class Backend:
    """One place that the packet may come out: `packet` as it leaves the load balancer, by `rule`."""

    card: Card
    packet: Packet
    rule: str
    floating: bool


def public_frontends(world: World, public_address: str) -> list[Frontend]:
    return [one for one in _frontends(world) if reference(properties(one.data), "publicIPAddress") == public_address]


def private_frontends(world: World, network: str, family: int, address: int) -> list[Frontend]:
    """The internal frontends with an address in a network."""
    found = []
    for one in _frontends(world):
        subnet = world.subnet(reference(properties(one.data), "subnet"))
        held = read_address(properties(one.data).get("privateIPAddress"))
        if subnet and subnet.network == network and held == (family, address):
            found.append(one)
    return found


def backends(world: World, frontend: Frontend, packet: Packet) -> list[Backend | Denied | Doubt]:
    """Where the packet may go; a denial where no rule is about it."""
    if reference(properties(frontend.data), "gatewayLoadBalancer"):
        return [Doubt(f"{frontend.name}: the gateway load balancer chained to it is not modelled")]
    if same((frontend.balancer.get("sku") or {}).get("tier", "Regional"), "Global"):
        return [Doubt(f"{frontend.name}: a cross-region load balancer is not modelled")]
    found = [*_by_rules(world, frontend, packet), *_by_nat_rules(world, frontend, packet)]
    return found or [Denied(f"{frontend.name}: no rule for {packet}")]


def _frontends(world: World) -> list[Frontend]:
    return [
        Frontend(balancer, data)
        for balancer in world.of("network.loadbalancers")
        for data in listed(properties(balancer), "frontendIPConfigurations")
    ]


def _by_rules(world: World, frontend: Frontend, packet: Packet) -> Iterator[Backend | Denied | Doubt]:
    for rule in listed(properties(frontend.balancer), "loadBalancingRules"):
        given, name = properties(rule), f"{frontend.name}/{rule.get('name')}"
        if reference(given, "frontendIPConfiguration") != frontend.id or not _takes(given, packet):
            continue
        pools = dict.fromkeys([reference(given, "backendAddressPool"), *references(given, "backendAddressPools")])
        for pool in filter(None, pools):
            for card in _members(world, frontend.balancer, pool):
                yield card if isinstance(card, Doubt) else _to(card, given, name, packet)


def _by_nat_rules(world: World, frontend: Frontend, packet: Packet) -> Iterator[Backend | Denied | Doubt]:
    for rule in listed(properties(frontend.balancer), "inboundNatRules"):
        given, name = properties(rule), f"{frontend.name}/{rule.get('name')}"
        if reference(given, "frontendIPConfiguration") != frontend.id:
            continue
        if _in_ports(given, "frontendPortRangeStart", "frontendPortRangeEnd", packet):
            yield Doubt(f"{name}: which backend a port of its range belongs to is not in the estate")
            continue
        target = reference(given, "backendIPConfiguration")
        if not target or not _takes(given, packet):
            continue
        card = world.card(target)
        yield _to(card, given, name, packet) if card else Doubt(f"{name}: {target} is not in the estate")
    for pool in listed(properties(frontend.balancer), "inboundNatPools"):
        given = properties(pool)
        if reference(given, "frontendIPConfiguration") == frontend.id and _in_ports(
            given, "frontendPortRangeStart", "frontendPortRangeEnd", packet
        ):
            yield Doubt(f"{frontend.name}/{pool.get('name')}: the interfaces of its scale set are not in the estate")


def _takes(rule: Json, packet: Packet) -> bool:
    protocol, port = str(rule.get("protocol", "")).lower(), rule.get("frontendPort")
    if protocol == "all" and port == 0:
        return packet.protocol in PORTED
    return packet.protocol in {"tcp": {TCP}, "udp": {UDP}, "all": PORTED}.get(protocol, set()) and port == packet.destination_port


def _in_ports(rule: Json, first: str, last: str, packet: Packet) -> bool:
    low, high = rule.get(first), rule.get(last)
    if not isinstance(low, int) or not isinstance(high, int) or packet.protocol not in PORTED or low == 0:
        return False
    protocol = str(rule.get("protocol", "")).lower()
    named = {"tcp": {TCP}, "udp": {UDP}}.get(protocol, PORTED)
    return packet.protocol in named and low <= packet.destination_port <= high


def _to(card: Card, rule: Json, name: str, packet: Packet) -> Backend | Denied:
    if card.family != packet.family:
        return Denied(f"{name}: {card.name} has no address of this family there")
    if (packet.source, packet.family) == (card.address, card.family):
        return Denied(f"{name}: {card.name} does not reach itself through its load balancer")
    port = rule.get("backendPort") or packet.destination_port
    floating = rule.get("enableFloatingIP") is True
    after = replace(packet, destination=packet.destination if floating else card.address, destination_port=port)
    return Backend(card, after, name, floating)


def _members(world: World, balancer: Json, pool: str) -> Iterator[Card | Doubt]:
    """The IP configurations in a backend pool: those that say so, and those that the pool names, by id or by address."""
    known = [card for card in world.cards if pool in references(properties(card.data), "loadBalancerBackendAddressPools")]
    data: Json = next((one for one in listed(properties(balancer), "backendAddressPools") if key(one.get("id")) == pool), {})
    named = references(properties(data), "backendIPConfigurations")
    for one in listed(properties(data), "loadBalancerBackendAddresses"):
        named += filter(None, [reference(properties(one), "networkInterfaceIPConfiguration")])
    doubts = []
    for identifier in dict.fromkeys(named):
        card = world.card(identifier)
        if card is None:
            doubts.append(Doubt(f"{name_of(pool)}: {identifier} is not in the estate"))
        else:
            known.append(card)
    for one in listed(properties(data), "loadBalancerBackendAddresses"):
        held = read_address(properties(one).get("ipAddress"))
        if reference(properties(one), "networkInterfaceIPConfiguration") or held is None:
            continue
        network = reference(properties(one), "virtualNetwork") or reference(properties(data), "virtualNetwork")
        cards = world.cards_at(network, *held)
        known += cards
        if not cards:
            doubts.append(Doubt(f"{name_of(pool)}: who has {properties(one).get('ipAddress')} is not in the estate"))
    yield from {card.id: card for card in known}.values()
    yield from doubts
    if scale_set := None if named else world.scale_set_naming(pool):
        yield Doubt(f"{name_of(pool)}: the interfaces of {scale_set} are not in the estate")
