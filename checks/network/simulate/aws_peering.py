"""VPC peering connections: who stands on the other side, and what gets across.

Sources: VPC peering guide, How VPC peering works (active on both sides; no transit: a packet's source must be of the
sending VPC and its destination of the other) and Update your security groups to reference peer security groups (the same
region only).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from checks.model import Resource
from checks.network.packet import Hop
from checks.network.simulate.aws_flight import Delivered, Dropped, Entering, Flight, Steps, Unknown
from checks.network.simulate.aws_inventory import VPC, Entry, Inventory, contains, vpc_cidrs

PEERING = "aws.ec2.vpc_peering_connection"


@dataclass(frozen=True, slots=True)
class Peer:
    """The other side of a peering connection, seen from a VPC."""

    connection: Resource
    vpc: str
    cidrs: tuple[str, ...]
    same_region: bool
    read: bool

    def covers(self, family: int, address: int) -> bool:
        return any(contains(cidr, family, address) for cidr in self.cidrs)


def peers_of(inventory: Inventory, vpc: str) -> Iterator[Peer]:
    """All that stand behind active peering connections of a VPC."""
    for connection in inventory.all(PEERING):
        if (connection.data.get("Status") or {}).get("Code") != "active":
            continue
        requester, accepter = connection.data["RequesterVpcInfo"], connection.data["AccepterVpcInfo"]
        for here, there in ((requester, accepter), (accepter, requester)):
            if here["VpcId"] == vpc:
                yield _peer(inventory, connection, here, there)


def _peer(inventory: Inventory, connection: Resource, here: Entry, there: Entry) -> Peer:
    read = inventory.find(VPC, str(there["VpcId"]))
    cidrs = tuple(vpc_cidrs(read.data)) if read else tuple(_described(there))
    return Peer(connection, str(there["VpcId"]), cidrs, here.get("Region") == there.get("Region"), read is not None)


def _described(side: Entry) -> Iterator[str]:
    """The CIDRs of a side as the connection itself tells them."""
    blocks = {str(one["CidrBlock"]) for one in side.get("CidrBlockSet") or ()}
    if side.get("CidrBlock"):
        blocks.add(str(side["CidrBlock"]))
    yield from sorted(blocks)
    for one in side.get("Ipv6CidrBlockSet") or ():
        yield str(one["Ipv6CidrBlock"])


def across(inventory: Inventory, flight: Flight, connection: str, vpc: str) -> Steps:
    """Over a peering connection out of a VPC."""
    packet = flight.packet
    if inventory.find(PEERING, connection) is None:
        yield Unknown(f"{connection} is not in the estate")
        return
    peer = next((one for one in peers_of(inventory, vpc) if one.connection.id == connection), None)
    if peer is None:
        yield Dropped(f"{connection} is not an active peering of {vpc}")
        return
    if not inventory.in_vpc(vpc, packet.family, packet.source):
        yield Dropped(f"{connection} carries only what comes from {vpc} itself: {packet}")
        return
    if not peer.covers(packet.family, packet.destination):
        yield Dropped(f"{connection} carries only what is for {peer.vpc} itself: {packet}")
        return
    groups = flight.groups if peer.same_region else frozenset()
    moved = replace(flight, groups=groups).past(Hop(connection, "peering connection"))
    yield moved.to(Entering(peer.vpc, None)) if peer.read else Delivered(moved, connection)


def from_unread_peer(inventory: Inventory, flight: Flight, connection: Resource) -> Steps:
    """A packet that comes over a peering connection out of a VPC that nobody read."""
    packet = flight.packet
    for side in ("RequesterVpcInfo", "AccepterVpcInfo"):
        vpc = str(connection.data[side]["VpcId"])
        if inventory.find(VPC, vpc) is None:
            continue
        peer = next((one for one in peers_of(inventory, vpc) if one.connection.id == connection.id), None)
        if peer is None:
            yield Dropped(f"{connection.id} is not an active peering of {vpc}")
        elif peer.read or not peer.covers(packet.family, packet.source) or not inventory.in_vpc(vpc, packet.family, packet.destination):
            yield Dropped(f"{packet} cannot come over {connection.id}")
        else:
            groups = None if peer.same_region else frozenset[str]()
            yield replace(flight, groups=groups).past(Hop(connection.id, "peering connection")).to(Entering(vpc, None))
        return
    yield Unknown(f"neither VPC of {connection.id} is in the estate")
