"""Inside a VPC: out of a subnet, into a subnet, to an interface."""

from __future__ import annotations

from dataclasses import replace

from checks.model import Resource
from checks.network.packet import Hop, Packet
from checks.network.simulate.aws_filters import EGRESS, INGRESS, Passage, network_acl, security_groups
from checks.network.simulate.aws_flight import Delivered, Dropped, Entering, Flight, Handed, Leaving, Steps, Unknown, answer
from checks.network.simulate.aws_gateways import onward
from checks.network.simulate.aws_inventory import (
    INTERFACE,
    SUBNET,
    Inventory,
    contains,
    group_ids,
    holds,
    in_subnet,
)
from checks.network.simulate.aws_peering import peers_of
from checks.network.simulate.aws_routes import routes_for

_HOST_SERVICES = ("169.254.0.0/16", "fd00:ec2::/32", "fe80::/10")
"""Time, metadata and name services: answered by the host, seen by neither filter nor route (VPC user guide, Security groups)."""

_FORWARDING_UNKNOWN = {"gateway_load_balancer", "gateway_load_balancer_endpoint", "network_firewall"}
_CLOSED = {"lambda": "takes no connections", "transit_gateway": "answers nothing itself"}
"""Lambda developer guide, Giving Lambda functions access to resources in a VPC: the interfaces serve outbound connections."""


def depart(inventory: Inventory, interface: Resource, flight: Flight) -> Steps:
    """A packet that an interface sends: its security groups first, then the wire of its subnet."""
    packet = flight.packet
    if any(contains(cidr, packet.family, packet.destination) for cidr in _HOST_SERVICES):
        yield Dropped(f"{packet} is for a service of the host, not for the network")
        return
    if holds(interface, packet.family, packet.destination):
        yield Delivered(flight, interface.id)
        return
    passage: Passage = ()
    if not flight.answering:
        passage = security_groups(inventory, interface, EGRESS, packet, _receiver_groups(inventory, interface, packet))
    if isinstance(passage, Dropped | Unknown):
        yield passage
        return
    subnet = interface.data.get("SubnetId")
    if subnet is None:
        yield Unknown(f"the subnet of {interface.id} is not in the estate")
        return
    yield flight.past(*passage).to(Leaving(str(subnet)))


def _receiver_groups(inventory: Inventory, interface: Resource, packet: Packet) -> frozenset[str] | None:
    """The groups of who holds the destination, in this VPC or behind a peering of the same region.

    References in egress rules do not reach over transit gateways (Introducing security group referencing for AWS Transit
    Gateway: "outbound security rules referencing over Transit Gateway aren't supported").
    """
    vpc = str(interface.data["VpcId"])
    receiver = inventory.interface_at(vpc, packet.family, packet.destination)
    if receiver is not None:
        return group_ids(receiver)
    for peer in peers_of(inventory, vpc):
        if not peer.same_region or not peer.covers(packet.family, packet.destination):
            continue
        if not peer.read:
            return None
        receiver = inventory.interface_at(peer.vpc, packet.family, packet.destination)
        return group_ids(receiver) if receiver else frozenset()
    return frozenset()


def leave(inventory: Inventory, flight: Flight, place: Leaving) -> Steps:
    """Out of a subnet: within it straight to the receiver, else past the network ACL and where the route table says.

    Sources: VPC user guide, Network ACL basics (entries count where traffic crosses the subnet's border) and Gateway route
    tables (route tables count for what goes to the subnet's router, not for what stays in the subnet).
    """
    subnet = inventory.find(SUBNET, place.subnet)
    if subnet is None:
        yield Unknown(f"{place.subnet} is not in the estate")
        return
    vpc, packet = str(subnet.data["VpcId"]), flight.packet
    if in_subnet(subnet, packet.family, packet.destination):
        yield flight.to(Entering(vpc, subnet.id))
        return
    passage = network_acl(inventory, subnet.id, EGRESS, packet)
    if isinstance(passage, Dropped | Unknown):
        yield passage
        return
    table = inventory.table_of(subnet)
    if table is None:
        yield Unknown(f"the route table of {subnet.id} is not in the estate")
        return
    ways = routes_for(inventory, table, packet)
    if isinstance(ways, Dropped | Unknown):
        yield ways
        return
    for way in ways:
        yield from onward(inventory, flight.past(*passage, way.hop), way, vpc, subnet)


def enter(inventory: Inventory, flight: Flight, place: Entering) -> Steps:
    """To whoever holds the destination in a VPC."""
    packet = flight.packet
    nat = inventory.nat_at(place.vpc, packet.family, packet.destination)
    if nat is not None:
        yield from _enter_nat(inventory, flight, place, nat)
        return
    interface = inventory.interface_at(place.vpc, packet.family, packet.destination)
    if interface is None:
        yield Dropped(f"no interface of {place.vpc} holds the destination of {packet}")
        return
    yield from arrive(inventory, flight, interface, place.subnet)


def _enter_nat(inventory: Inventory, flight: Flight, place: Entering, nat: Resource) -> Steps:
    """An answer to what a NAT gateway let out is turned back and sent on from its subnet; nothing else gets in."""
    subnet = nat.data.get("SubnetId")
    remembered = [one for one in flight.translations if one.gateway == nat.id and answer(one.outside) == flight.packet]
    if not flight.answering or not remembered:
        yield Dropped(f"{nat.id} takes no connections: {flight.packet}")
        return
    if subnet is None:
        yield Unknown(f"the subnet of {nat.id} is not in the estate")
        return
    passage: Passage = () if subnet == place.subnet else network_acl(inventory, str(subnet), INGRESS, flight.packet)
    if isinstance(passage, Dropped | Unknown):
        yield passage
        return
    back = answer(remembered[-1].inside)
    assert back is not None
    yield replace(flight, packet=back).past(*passage, Hop(nat.id, "NAT gateway")).to(Leaving(str(subnet)))


def hand(inventory: Inventory, flight: Flight, place: Handed) -> Steps:
    """To an interface that a route names. What it sends on is its software's affair, unless the packet is for itself."""
    interface = inventory.find(INTERFACE, place.interface)
    if interface is None:
        yield Unknown(f"{place.interface} is not in the estate")
        return
    if interface.data.get("InterfaceType") in {"nat_gateway", "natGateway"}:
        yield Unknown(f"what {interface.id} of a NAT gateway does with {flight.packet} is not followed")
        return
    if not holds(interface, flight.packet.family, flight.packet.destination):
        if interface.data.get("SourceDestCheck") is not False:
            yield Dropped(f"{interface.id} takes only what is for it: {flight.packet}")
            return
        yield Unknown(f"what {interface.id} makes of {flight.packet} is not in the estate")
    yield from arrive(inventory, flight, interface, place.subnet)


def arrive(inventory: Inventory, flight: Flight, interface: Resource, subnet: str | None) -> Steps:
    """At an interface: past its subnet's network ACL, if it comes from elsewhere, and past its security groups.

    `subnet` is the one the packet comes out of. An answer passes the groups of both ends: they are stateful.
    """
    packet, home, kind = flight.packet, interface.data.get("SubnetId"), str(interface.data.get("InterfaceType"))
    if kind in _FORWARDING_UNKNOWN:
        yield Unknown(f"what {interface.id} ({kind}) does with {packet} is not in the estate")
        return
    if kind in _CLOSED and not flight.answering:
        yield Dropped(f"{interface.id} ({kind}) {_CLOSED[kind]}: {packet}")
        return
    if home is None:
        yield Unknown(f"the subnet of {interface.id} is not in the estate")
        return
    if home != subnet:
        passage = network_acl(inventory, str(home), INGRESS, packet)
        if isinstance(passage, Dropped | Unknown):
            yield passage
            return
        flight = flight.past(*passage)
    if not flight.answering:
        passage = security_groups(inventory, interface, INGRESS, packet, flight.groups)
        if isinstance(passage, Dropped | Unknown):
            yield passage
            return
        flight = flight.past(*passage)
    yield Delivered(flight.past(Hop(interface.id, "interface")), interface.id)
