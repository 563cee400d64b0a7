"""The targets that a route can name, and what each does with a packet."""

from __future__ import annotations

from dataclasses import replace

from checks.model import Resource
from checks.network.packet import ICMP, PORTED, TCP, UDP, Hop, Packet
from checks.network.simulate.aws_filters import INGRESS, Passage, network_acl
from checks.network.simulate.aws_flight import (
    Delivered,
    Dropped,
    Entering,
    Flight,
    Handed,
    Leaving,
    Steps,
    Translation,
    Unknown,
)
from checks.network.simulate.aws_internet import egress_only, go_online
from checks.network.simulate.aws_inventory import NAT, Inventory, attached, number
from checks.network.simulate.aws_peering import across
from checks.network.simulate.aws_routes import Route
from checks.network.simulate.aws_transit import board

VPN_GATEWAY, ENDPOINT = "aws.ec2.vpn_gateway", "aws.ec2.vpc_endpoint"

_NATTED = {TCP, UDP, ICMP}
_FIRST_NAT_PORT = 1024
"""NAT gateway basics: a NAT gateway carries TCP, UDP and ICMP; it uses the ports 1024-65535."""


def onward(inventory: Inventory, flight: Flight, way: Route, vpc: str, subnet: Resource) -> Steps:
    """What becomes of a packet that a route of a subnet sends to a target."""
    target = way.target
    match way.kind:
        case "GatewayId" if target == "local":
            yield flight.to(Entering(vpc, subnet.id))
        case "GatewayId" if target.startswith("igw-"):
            yield from go_online(inventory, flight, target, vpc, subnet.id)
        case "GatewayId" if target.startswith("vgw-"):
            yield from _out_by_vpn(inventory, flight, target, vpc)
        case "GatewayId" if target.startswith("vpce-"):
            yield from _to_endpoint(inventory, flight, target, vpc)
        case "NatGatewayId":
            yield from _through_nat(inventory, flight, target, vpc, subnet.id)
        case "EgressOnlyInternetGatewayId":
            yield from egress_only(inventory, flight, target, vpc, subnet.id)
        case "VpcPeeringConnectionId":
            yield from across(inventory, flight, target, vpc)
        case "TransitGatewayId":
            yield from board(inventory, flight, target, vpc, subnet)
        case "NetworkInterfaceId":
            yield flight.to(Handed(target, subnet.id))
        case _:
            yield Unknown(f"what {target} does with {flight.packet} is not followed")


def _through_nat(inventory: Inventory, flight: Flight, gateway: str, vpc: str, subnet_id: str) -> Steps:
    """Into a NAT gateway's subnet, past its network ACL, and out of it again from the gateway's own address.

    Sources: VPC user guide, NAT gateways and NAT gateway basics (no security group; its subnet's network ACL counts).
    """
    nat, packet = inventory.find(NAT, gateway), flight.packet
    if nat is None:
        yield Unknown(f"{gateway} is not in the estate")
        return
    if nat.data.get("VpcId") != vpc or nat.data.get("State", "available") != "available":
        yield Dropped(f"{gateway} is not an available NAT gateway of {vpc}")
        return
    if packet.family != 4:
        yield Unknown(f"what {gateway} does with IPv6 is not followed: {packet}")
        return
    if flight.answering:
        yield Dropped(f"{gateway} sends an answer on as if it were of another: {packet}")
        return
    if packet.protocol not in _NATTED:
        yield Dropped(f"{gateway} carries TCP, UDP and ICMP only: {packet}")
        return
    home, entries = nat.data.get("SubnetId"), nat.data.get("NatGatewayAddresses") or ()
    entry = next((one for one in entries if one.get("IsPrimary")), None) or next(iter(entries), None)
    if home is None or entry is None or not entry.get("PrivateIp"):
        yield Unknown(f"the subnet and address of {gateway} are not in the estate")
        return
    passage: Passage = () if home == subnet_id else network_acl(inventory, str(home), INGRESS, packet)
    if isinstance(passage, Dropped | Unknown):
        yield passage
        return
    outside = replace(packet, source=number(entry["PrivateIp"]), source_port=nat_port(packet))
    yield replace(
        flight.past(*passage, Hop(gateway, "NAT gateway")),
        packet=outside,
        groups=frozenset(),
        translations=(*flight.translations, Translation(gateway, packet, outside)),
        place=Leaving(str(home)),
    )


def nat_port(packet: Packet) -> int:
    """A source port of a range that starts at 1024: the packet's own where it is in it."""
    return max(packet.source_port, _FIRST_NAT_PORT) if packet.protocol in PORTED else packet.source_port


def _out_by_vpn(inventory: Inventory, flight: Flight, gateway: str, vpc: str) -> Steps:
    """Through a virtual private gateway to the networks behind it."""
    found = inventory.find(VPN_GATEWAY, gateway)
    if found is None:
        yield Unknown(f"{gateway} is not in the estate")
    elif not attached(found, "VpcAttachments", vpc):
        yield Dropped(f"{gateway} is not attached to {vpc}")
    else:
        yield Delivered(flight.past(Hop(gateway, "virtual private gateway")), gateway)


def _to_endpoint(inventory: Inventory, flight: Flight, endpoint: str, vpc: str) -> Steps:
    """To a gateway endpoint, which is the way into a service of AWS from this VPC alone (PrivateLink guide, Gateway endpoints)."""
    found = inventory.find(ENDPOINT, endpoint)
    if found is None:
        yield Unknown(f"{endpoint} is not in the estate")
    elif found.data.get("VpcEndpointType") != "Gateway":
        yield Unknown(f"what {endpoint} ({found.data.get('VpcEndpointType')}) does with {flight.packet} is not in the estate")
    elif found.data.get("VpcId") != vpc:
        yield Dropped(f"{endpoint} is not an endpoint of {vpc}")
    elif not inventory.in_vpc(vpc, flight.packet.family, flight.packet.source):
        yield Dropped(f"{endpoint} serves {vpc} alone: {flight.packet}")
    else:
        yield Delivered(flight.past(Hop(endpoint, "gateway endpoint")), endpoint)
