"""Where a packet can start: an interface, the internet, a gateway to another network."""

from __future__ import annotations

from dataclasses import replace

from checks.model import Resource
from checks.network.packet import INTERNET, TCP, Hop, Packet
from checks.network.simulate.aws_flight import Crossing, Dropped, Entering, Flight, Online, Steps, Unknown
from checks.network.simulate.aws_gateways import ENDPOINT, VPN_GATEWAY
from checks.network.simulate.aws_internet import is_public, past_the_edge
from checks.network.simulate.aws_inventory import INTERFACE, VPC, Entry, Inventory, contains, holds, prefix_length
from checks.network.simulate.aws_peering import PEERING, from_unread_peer
from checks.network.simulate.aws_subnets import depart
from checks.network.simulate.aws_transit import ATTACHMENT, GATEWAY
from checks.network.simulate.aws_transit import PEERING as TRANSIT_PEERING

CLIENT_VPN = "aws.ec2.client_vpn_endpoint"
CONNECT = "aws.ec2.instance_connect_endpoint"


def start(inventory: Inventory, flight: Flight, at: str) -> Steps:
    """The first steps of a packet at one of: `internet`, eni-, vgw-, tgw-attach-, pcx- (of an unread VPC), and for answers vpce-."""
    if at == INTERNET:
        yield from _from_internet(inventory, flight)
    elif at.startswith("eni-"):
        yield from _from_interface(inventory, flight, at)
    elif at.startswith("vgw-"):
        yield from _from_vpn_gateway(inventory, flight, at)
    elif at.startswith("tgw-attach-"):
        yield from _from_attachment(inventory, flight, at)
    elif at.startswith("pcx-") and (connection := inventory.find(PEERING, at)):
        yield from from_unread_peer(inventory, flight, connection)
    elif at.startswith("vpce-") and (endpoint := inventory.find(ENDPOINT, at)):
        yield from _from_endpoint(flight, endpoint)
    else:
        yield Unknown(f"{at} is not a place in the estate that packets start from")


def _from_interface(inventory: Inventory, flight: Flight, at: str) -> Steps:
    """An interface sends only from its own addresses, unless its source/destination check is off (EC2 API reference, NetworkInterface)."""
    interface = inventory.find(INTERFACE, at)
    if interface is None:
        yield Unknown(f"{at} is not in the estate")
    elif not holds(interface, flight.packet.family, flight.packet.source) and interface.data.get("SourceDestCheck") is not False:
        yield Dropped(f"{at} does not hold the source of {flight.packet}")
    else:
        yield from depart(inventory, interface, flight.past(Hop(at, "interface")))


def _from_internet(inventory: Inventory, flight: Flight) -> Steps:
    packet = flight.packet
    if not is_public(packet.family, packet.source):
        yield Dropped(f"the internet does not carry the source of {packet}")
    elif inventory.holder(packet.family, packet.destination) is None:
        yield Dropped(f"nothing in the estate holds the destination of {packet}")
    else:
        yield flight.past(Hop(INTERNET, INTERNET)).to(Online())


def _from_vpn_gateway(inventory: Inventory, flight: Flight, at: str) -> Steps:
    """A virtual private gateway brings in only what is for the VPC itself (VPN guide, no transit through a VPC)."""
    gateway = inventory.find(VPN_GATEWAY, at)
    if gateway is None:
        yield Unknown(f"{at} is not in the estate")
        return
    vpcs = [one["VpcId"] for one in gateway.data.get("VpcAttachments") or () if one.get("State") == "attached"]
    if not vpcs:
        yield Dropped(f"{at} is attached to no VPC")
    for vpc in vpcs:
        if inventory.find(VPC, str(vpc)) is None:
            yield Unknown(f"{vpc} is not in the estate")
        elif not inventory.in_vpc(str(vpc), flight.packet.family, flight.packet.destination):
            yield Dropped(f"{at} brings in only what is for {vpc}: {flight.packet}")
        else:
            yield from past_the_edge(inventory, flight, gateway, "virtual private gateway", str(vpc))


def _from_attachment(inventory: Inventory, flight: Flight, at: str) -> Steps:
    attachment = inventory.find(ATTACHMENT, at)
    gateway = str(attachment.data["TransitGatewayId"]) if attachment else _gateway_of_peering(inventory, at)
    if gateway is None:
        yield Unknown(f"{at} is not in the estate")
    elif attachment is not None and attachment.data.get("State") != "available":
        yield Dropped(f"{at} is {attachment.data.get('State')}")
    else:
        unread = attachment is not None and attachment.data.get("ResourceType") == "vpc"
        groups = None if unread else flight.groups
        yield replace(flight, groups=groups, place=Crossing(gateway, at)).past(Hop(at, "transit gateway attachment"))


def _gateway_of_peering(inventory: Inventory, at: str) -> str | None:
    """The transit gateway of this estate that a peering attachment leads into."""
    peering = inventory.find(TRANSIT_PEERING, at)
    if peering is None or peering.data.get("State") != "available":
        return None
    sides = [str(peering.data[side]["TransitGatewayId"]) for side in ("RequesterTgwInfo", "AccepterTgwInfo")]
    return next((one for one in sides if inventory.find(GATEWAY, one)), None)


def _from_endpoint(flight: Flight, endpoint: Resource) -> Steps:
    if flight.answering:
        yield flight.past(Hop(endpoint.id, "gateway endpoint")).to(Entering(str(endpoint.data["VpcId"]), None))
    else:
        yield Dropped(f"{endpoint.id} opens no connections: {flight.packet}")


def client_vpn_interfaces(inventory: Inventory, at: str, flight: Flight) -> list[Resource] | Dropped | Unknown:
    """The interfaces through which a client VPN endpoint sends a client's packet on, with their address in the client's place.

    Sources: Client VPN administrator guide, How Client VPN works (network interfaces in the associated subnets, source
    translation to their addresses), Authorization rules, Routes. Which groups a client is in is not looked at.
    """
    endpoint = inventory.find(CLIENT_VPN, at)
    if endpoint is None:
        return Unknown(f"{at} is not in the estate")
    rules, routes = endpoint.data.get("AuthorizationRules"), endpoint.data.get("Routes")
    if rules is None or routes is None:
        return Unknown(f"the authorization rules and routes of {at} are not in the estate")
    if not any(_covers(one, flight) for one in rules):
        return Dropped(f"no authorization rule of {at} covers {flight.packet}")
    ways = [one for one in routes if _covers(one, flight)]
    if not ways:
        return Dropped(f"{at} has no route for {flight.packet}")
    longest = max(prefix_length(str(one["DestinationCidr"])) for one in ways)
    subnets = {one.get("TargetSubnet") for one in ways if prefix_length(str(one["DestinationCidr"])) == longest}
    mentioned = (one for one in inventory.all(INTERFACE) if at in str(one.data.get("Description")))
    found = [one for one in mentioned if one.data.get("SubnetId") in subnets]
    return found or Unknown(f"the network interfaces of {at} are not in the estate")


def _covers(entry: Entry, flight: Flight) -> bool:
    active = (entry.get("Status") or {}).get("Code", "active") == "active"
    return active and contains(str(entry["DestinationCidr"]), flight.packet.family, flight.packet.destination)


def connect_interface(inventory: Inventory, at: str, packet: Packet) -> Resource | Dropped | Unknown:
    """The interface by which an EC2 Instance Connect endpoint sends a packet with its address.

    Source: EC2 user guide, EC2 Instance Connect Endpoint (TCP; from the endpoint's own address unless client addresses are
    preserved, which may be any).
    """
    endpoint = inventory.find(CONNECT, at)
    if endpoint is None:
        return Unknown(f"{at} is not in the estate")
    if str(endpoint.data.get("State", "")).startswith("delete"):
        return Dropped(f"{at} is {endpoint.data['State']}")
    if packet.protocol != TCP:
        return Dropped(f"{at} carries TCP: {packet}")
    if endpoint.data.get("PreserveClientIp") is not False:
        return Unknown(f"which client address {at} preserves is not in the estate")
    for id_ in endpoint.data.get("NetworkInterfaceIds") or ():
        interface = inventory.find(INTERFACE, str(id_))
        if interface is not None and holds(interface, packet.family, packet.source):
            return interface
    return Unknown(f"no interface of {at} in the estate holds the source of {packet}")
