"""Transit gateways: in by the attachment of a VPC, along the route table it is associated with, out by another.

Sources: Transit gateway guide, How transit gateways work (route evaluation order: the most specific route, static before
propagated), VPC attachments (only from zones where the attachment has a subnet), Network ACLs for transit gateways
(the attachment subnet's inbound rules see what instances send, its outbound rules what it sends them; nothing is looked
at between the gateway and instances of the same subnet), Peering attachments, and Security group referencing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checks.model import Resource
from checks.network.packet import Hop, Packet
from checks.network.simulate.aws_filters import INGRESS, network_acl
from checks.network.simulate.aws_flight import Crossing, Delivered, Dropped, Flight, Leaving, Steps, Unknown
from checks.network.simulate.aws_inventory import SUBNET, VPC, Entry, Inventory, contains, prefix_length

GATEWAY, ATTACHMENT = "aws.ec2.transit_gateway", "aws.ec2.transit_gateway_attachment"
VPC_ATTACHMENT, PEERING = "aws.ec2.transit_gateway_vpc_attachment", "aws.ec2.transit_gateway_peering_attachment"
TABLE = "aws.ec2.transit_gateway_route_table"

_ELSEWHERE = {"vpn", "direct-connect-gateway", "connect", "connect-peer", "vpn-concentrator"}


def board(inventory: Inventory, flight: Flight, gateway: str, vpc: str, subnet: Resource) -> Steps:
    """From a subnet into a transit gateway, through the VPC's attachment in the subnet's zone."""
    attachments = list(inventory.where(VPC_ATTACHMENT, TransitGatewayId=gateway, VpcId=vpc))
    if not attachments:
        yield Unknown(f"the attachment of {vpc} to {gateway} is not in the estate")
        return
    for attachment in attachments:
        if attachment.data.get("State") != "available":
            yield Dropped(f"{attachment.id} is {attachment.data.get('State')}")
        elif flight.packet.family == 6 and (attachment.data.get("Options") or {}).get("Ipv6Support") != "enable":
            yield Dropped(f"{attachment.id} does not carry IPv6: {flight.packet}")
        else:
            yield from _board(inventory, flight, gateway, attachment, subnet)


def _board(inventory: Inventory, flight: Flight, gateway: str, attachment: Resource, subnet: Resource) -> Steps:
    feet = [inventory.find(SUBNET, str(one)) for one in attachment.data.get("SubnetIds") or ()]
    if None in feet:
        yield Unknown(f"the subnets of {attachment.id} are not all in the estate")
    zone = subnet.data.get("AvailabilityZone")
    near = [foot for foot in feet if foot is not None and foot.data.get("AvailabilityZone") == zone]
    if not near:
        yield Dropped(f"{attachment.id} has no subnet in the zone of {subnet.id}")
    for foot in near:
        passage = network_acl(inventory, foot.id, INGRESS, flight.packet)
        if isinstance(passage, Dropped | Unknown):
            yield passage
        else:
            yield flight.past(*passage, _hop(attachment.id)).to(Crossing(gateway, attachment.id))


def _hop(attachment: str) -> Hop:
    return Hop(attachment, "transit gateway attachment")


def cross(inventory: Inventory, flight: Flight, place: Crossing) -> Steps:
    """Through a transit gateway by the route table of the attachment that the packet came in by."""
    table_id = _associated(inventory, place)
    if table_id is None and not _associations_read(inventory, place):
        yield Unknown(f"the route table that {place.attachment} is associated with is not in the estate")
        return
    if table_id is None:
        yield Dropped(f"{place.attachment} is associated with no route table of {place.gateway}")
        return
    table = inventory.find(TABLE, table_id)
    if table is None or table.data.get("Routes") is None:
        yield Unknown(f"the routes of {table_id} are not in the estate")
        return
    chosen = _routes_for(inventory, table, flight.packet)
    if isinstance(chosen, Dropped | Unknown):
        yield chosen
        return
    for destination, route in chosen:
        for end in route.get("TransitGatewayAttachments") or ():
            out = str(end["TransitGatewayAttachmentId"])
            hop = Hop(table.id, "transit gateway route table", (f"{table.id} route {destination} -> {out}",))
            yield from _alight(inventory, flight.past(hop), place, out, str(end.get("ResourceType")))


def _associated(inventory: Inventory, place: Crossing) -> str | None:
    for table in inventory.where(TABLE, TransitGatewayId=place.gateway):
        for entry in table.data.get("Associations") or ():
            if entry.get("TransitGatewayAttachmentId") == place.attachment and entry.get("State", "associated") == "associated":
                return table.id
    attachment = inventory.find(ATTACHMENT, place.attachment)
    association = (attachment.data.get("Association") if attachment else None) or {}
    if association.get("State", "associated") == "associated" and association.get("TransitGatewayRouteTableId"):
        return str(association["TransitGatewayRouteTableId"])
    return None


def _associations_read(inventory: Inventory, place: Crossing) -> bool:
    tables = list(inventory.where(TABLE, TransitGatewayId=place.gateway))
    told = bool(tables) and all(one.data.get("Associations") is not None for one in tables)
    return told or inventory.find(ATTACHMENT, place.attachment) is not None


def _routes_for(inventory: Inventory, table: Resource, packet: Packet) -> list[tuple[str, Entry]] | Dropped | Unknown:
    best: tuple[int, bool] | None = None
    chosen: list[tuple[str, Entry]] = []
    for route in table.data["Routes"]:
        for destination in _destinations(inventory, route, packet.family):
            if isinstance(destination, Unknown):
                return Unknown(f"{table.id}: {destination.why}")
            if route.get("State") not in {"active", "blackhole"} or not contains(destination, packet.family, packet.destination):
                continue
            rank = (-prefix_length(destination), route.get("Type") == "propagated")
            if best is None or rank < best:
                best, chosen = rank, []
            if rank == best:
                chosen.append((destination, route))
    if not chosen:
        return Dropped(f"{table.id} has no route for {packet}")
    alive = [(destination, route) for destination, route in chosen if route["State"] == "active"]
    return alive or Dropped(f"the route {chosen[0][0]} of {table.id} is a blackhole")


def _destinations(inventory: Inventory, route: Entry, family: int) -> Iterator[str | Unknown]:
    if route.get("DestinationCidrBlock"):
        yield str(route["DestinationCidrBlock"])
    elif route.get("PrefixListId"):
        cidrs = inventory.prefix_list(str(route["PrefixListId"]), family)
        if cidrs is None:
            yield Unknown(f"the entries of {route['PrefixListId']} are not in the estate")
        else:
            yield from cidrs


def _alight(inventory: Inventory, flight: Flight, place: Crossing, out: str, kind: str) -> Steps:
    """Out of a transit gateway by an attachment."""
    if kind == "vpc":
        yield from _alight_in_vpc(inventory, flight, place, out)
    elif kind in {"peering", "tgw-peering"}:
        yield from _alight_at_peer(inventory, flight, place, out)
    elif kind in _ELSEWHERE:
        yield Delivered(flight.past(_hop(out)), out)
    else:
        yield Unknown(f"what {out} ({kind}) does with {flight.packet} is not followed")


def _alight_in_vpc(inventory: Inventory, flight: Flight, place: Crossing, out: str) -> Steps:
    """Into the subnets of an attachment: the gateway says of none that it is the only one, so each is tried."""
    attachment = inventory.find(VPC_ATTACHMENT, out)
    if attachment is None or inventory.find(VPC, str(attachment.data["VpcId"])) is None:
        yield Delivered(flight.past(_hop(out)), out)
        return
    if attachment.data.get("State") != "available":
        yield Dropped(f"{out} is {attachment.data.get('State')}")
        return
    if flight.packet.family == 6 and (attachment.data.get("Options") or {}).get("Ipv6Support") != "enable":
        yield Dropped(f"{out} does not carry IPv6: {flight.packet}")
        return
    if not _references(inventory, flight, place, out):
        flight = replace(flight, groups=frozenset())
    for foot in attachment.data.get("SubnetIds") or ():
        yield flight.past(_hop(out)).to(Leaving(str(foot)))


def _references(inventory: Inventory, flight: Flight, place: Crossing, out: str) -> bool:
    """Whether security groups are recognised over the gateway: only where it and both attachments say so.

    The attachment of an unread VPC may say so.
    """
    entered = inventory.find(VPC_ATTACHMENT, place.attachment)
    parties = [inventory.find(GATEWAY, place.gateway), inventory.find(VPC_ATTACHMENT, out)]
    if flight.groups is not None or entered is not None:
        parties.append(entered)
    return all(one is not None and (one.data.get("Options") or {}).get("SecurityGroupReferencingSupport") == "enable" for one in parties)


def _alight_at_peer(inventory: Inventory, flight: Flight, place: Crossing, out: str) -> Steps:
    """Over a peering attachment into another transit gateway, or out of sight where nobody read that one."""
    flight = replace(flight, groups=frozenset()).past(_hop(out))
    peering = next((one for one in inventory.all(PEERING) if out in _names(one)), None)
    if peering is None:
        yield Unknown(f"{out} is not in the estate")
        return
    if peering.data.get("State") != "available":
        yield Dropped(f"{out} is {peering.data.get('State')}")
        return
    sides = [str(peering.data[side]["TransitGatewayId"]) for side in ("RequesterTgwInfo", "AccepterTgwInfo")]
    other = next((one for one in sides if one != place.gateway), None)
    if other is None or inventory.find(GATEWAY, other) is None:
        yield Delivered(flight, out)
        return
    entrances = [Crossing(other, name) for name in sorted(_names(peering))]
    yield flight.to(next((one for one in entrances if _associated(inventory, one)), entrances[0]))


def _names(peering: Resource) -> set[str]:
    """Both sides' ids of a peering attachment."""
    names = {peering.id, peering.data.get("TransitGatewayAttachmentId"), peering.data.get("AccepterTransitGatewayAttachmentId")}
    return {str(name) for name in names if name}
