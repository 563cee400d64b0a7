"""Between a VPC and the internet: internet gateways, egress-only internet gateways, gateway route tables.

Sources: VPC user guide, Internet gateways (one-to-one translation between a private address and the public one that is
associated with it), Egress-only internet gateways and Gateway route tables.
"""

from __future__ import annotations

from dataclasses import replace

from checks.model import Resource
from checks.network.packet import INTERNET, Hop
from checks.network.simulate.aws_flight import Delivered, Dropped, Entering, Flight, Handed, Online, Steps, Unknown
from checks.network.simulate.aws_inventory import INTERNET_GATEWAY, Holder, Inventory, attached, contains
from checks.network.simulate.aws_public_access import blocked
from checks.network.simulate.aws_routes import routes_for

EGRESS_ONLY = "aws.ec2.egress_only_internet_gateway"

_NOT_PUBLIC = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
)
"""What the internet routes nowhere: RFC 1918, RFC 6598, RFC 1122, RFC 3927, RFC 1112."""


def is_public(family: int, address: int) -> bool:
    """Whether the internet routes an address; of IPv6 that is 2000::/3 (IANA, IPv6 Global Unicast Address Assignments)."""
    if family == 6:
        return contains("2000::/3", 6, address)
    return not any(contains(cidr, 4, address) for cidr in _NOT_PUBLIC)


def go_online(inventory: Inventory, flight: Flight, gateway: str, vpc: str, subnet: str) -> Steps:
    """Out through an internet gateway, from a private address only with the public one in its place."""
    found, packet = inventory.find(INTERNET_GATEWAY, gateway), flight.packet
    if found is None:
        yield Unknown(f"{gateway} is not in the estate")
        return
    if not attached(found, "Attachments", vpc):
        yield Dropped(f"{gateway} is not attached to {vpc}")
        return
    natted = inventory.nat_at(vpc, packet.family, packet.source) is not None
    if barrier := blocked(inventory, vpc, subnet, outward=True, egress_only=natted):
        yield barrier
        return
    if packet.family == 4:
        public = inventory.public_of(vpc, packet.source)
        if public is None:
            yield Dropped(f"{gateway} lets out only what has a public address: {packet}")
            return
        packet = replace(packet, source=public)
    elif not is_public(6, packet.source) or inventory.interface_at(vpc, 6, packet.source) is None:
        yield Dropped(f"{gateway} lets out only public addresses of {vpc}: {packet}")
        return
    yield replace(flight.past(Hop(gateway, "internet gateway")), packet=packet, groups=frozenset(), place=Online())


def egress_only(inventory: Inventory, flight: Flight, gateway: str, vpc: str, subnet: str) -> Steps:
    """Out through an egress-only internet gateway: IPv6, and only connections that begin inside."""
    found, packet = inventory.find(EGRESS_ONLY, gateway), flight.packet
    if found is None:
        yield Unknown(f"{gateway} is not in the estate")
    elif not attached(found, "Attachments", vpc):
        yield Dropped(f"{gateway} is not attached to {vpc}")
    elif flight.answering:
        yield Dropped(f"{gateway} lets out no answers: {packet}")
    elif packet.family != 6 or not is_public(6, packet.source) or inventory.interface_at(vpc, 6, packet.source) is None:
        yield Dropped(f"{gateway} lets out only public IPv6 addresses of {vpc}: {packet}")
    elif barrier := blocked(inventory, vpc, subnet, outward=True, egress_only=True):
        yield barrier
    else:
        passed = flight.past(Hop(gateway, "egress-only internet gateway"))
        yield replace(passed, groups=frozenset(), egress_only=flight.egress_only | {vpc}, place=Online())


def online(inventory: Inventory, flight: Flight, _: Online) -> Steps:
    """In the internet: to whoever of the estate holds the destination, else away."""
    packet = flight.packet
    if not is_public(packet.family, packet.destination):
        yield Dropped(f"the internet has no way to the destination of {packet}")
        return
    holder = inventory.holder(packet.family, packet.destination)
    if holder is None:
        yield Delivered(flight, INTERNET)
    else:
        yield from _come_in(inventory, flight, holder)


def _come_in(inventory: Inventory, flight: Flight, holder: Holder) -> Steps:
    vpc, resource, packet = holder.vpc, holder.resource, flight.packet
    natted = inventory.nat_at(vpc, 4, holder.private) is not None and packet.family == 4
    through_egress_only = flight.answering and packet.family == 6 and vpc in flight.egress_only
    if barrier := blocked(inventory, vpc, holder.subnet, outward=False, egress_only=flight.answering and (natted or through_egress_only)):
        yield barrier
        return
    if through_egress_only:
        gateway = next(one for one in inventory.all(EGRESS_ONLY) if attached(one, "Attachments", vpc))
        yield flight.past(Hop(gateway.id, "egress-only internet gateway")).to(Entering(vpc, None))
        return
    found = inventory.internet_gateway_of(vpc)
    if found is None:
        yield Dropped(f"{vpc} has no internet gateway: {packet}")
        return
    if resource.data.get("DenyAllIgwTraffic") is True:
        yield Dropped(f"{resource.id} takes nothing from internet gateways: {packet}")
        return
    if packet.family == 4:
        packet = replace(packet, destination=holder.private)
    translated = replace(flight, packet=packet, groups=frozenset())
    yield from past_the_edge(inventory, translated, found, "internet gateway", vpc)


def past_the_edge(inventory: Inventory, flight: Flight, gateway: Resource, kind: str, vpc: str) -> Steps:
    """Into a VPC through a gateway, by way of the gateway's route table where it has one."""
    flight = flight.past(Hop(gateway.id, kind))
    table = inventory.edge_table_of(gateway.id)
    if table is None:
        yield flight.to(Entering(vpc, None))
        return
    ways = routes_for(inventory, table, flight.packet)
    if isinstance(ways, Dropped | Unknown):
        yield ways
        return
    for way in ways:
        if way.target == "local":
            yield flight.past(way.hop).to(Entering(vpc, None))
        elif way.kind == "NetworkInterfaceId":
            yield flight.past(way.hop).to(Handed(way.target, None))
        else:
            yield Unknown(f"what {way.target} does with {flight.packet} is not in the estate")
