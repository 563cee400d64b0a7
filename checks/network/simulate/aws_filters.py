"""What lets a packet past: security groups and network ACLs, rule by rule.

Sources: VPC user guide, Security group rules and Network ACLs; EC2 API reference, IpPermission and NetworkAclEntry.
"""

from __future__ import annotations

from collections.abc import Iterator

from checks.model import Resource
from checks.network.packet import ICMP, ICMPV6, PORTED, PROTOCOL_NAMES, Hop, Packet
from checks.network.simulate.aws_flight import Dropped, Unknown
from checks.network.simulate.aws_inventory import GROUP, SUBNET, Entry, Inventory, contains

INGRESS, EGRESS = "ingress", "egress"

Passage = tuple[Hop, ...] | Dropped | Unknown
"""The hops that let a packet on, or why it goes no further."""

_NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
_WITHOUT_GROUPS = {
    "nat_gateway",
    "natGateway",
    "transit_gateway",
    "network_load_balancer",
    "gateway_load_balancer",
    "gateway_load_balancer_endpoint",
}
"""Interface types that may carry no security group, and then are not filtered: NAT gateway basics; Network Load Balancers,
Security groups ("if you don't assign a security group, all client traffic can reach the load balancer listeners")."""


def security_groups(inventory: Inventory, interface: Resource, direction: str, packet: Packet, peers: frozenset[str] | None) -> Passage:
    """Whether any rule of any group of an interface allows a packet.

    `peers`: the groups that a reference may find at the other end, None where that is an interface nobody read. What
    cannot be told counts only where nothing else allows the packet: rules only ever add (Security group rules).
    """
    named = interface.data.get("Groups")
    if not named:
        if named is not None and interface.data.get("InterfaceType") in _WITHOUT_GROUPS:
            return ()
        return Unknown(f"the security groups of {interface.id} are not in the estate")
    unknown = []
    for group_id in (str(one["GroupId"]) for one in named):
        group = inventory.find(GROUP, group_id)
        if group is None:
            unknown.append(f"{group_id} of {interface.id} is not in the estate")
            continue
        permissions = group.data.get("IpPermissions" if direction == INGRESS else "IpPermissionsEgress")
        if permissions is None:
            unknown.append(f"the {direction} rules of {group_id} are not in the estate")
            continue
        for permission in permissions:
            if not _permits(permission, packet):
                continue
            for peer in _peers(inventory, permission, direction, packet, peers):
                if isinstance(peer, Unknown):
                    unknown.append(f"{group_id}: {peer.why}")
                    continue
                return (Hop(group_id, "security group", (f"{group_id} {direction} {_traffic(permission)} {peer}",)),)
    if unknown:
        return Unknown("; ".join(unknown))
    return Dropped(f"no {direction} rule of the security groups of {interface.id} allows {packet}")


def _permits(permission: Entry, packet: Packet) -> bool:
    protocol = str(permission.get("IpProtocol", ""))
    if protocol == "-1":
        return True
    if _number(protocol) != packet.protocol:
        return False
    low, high = permission.get("FromPort"), permission.get("ToPort")
    if packet.protocol in PORTED:
        return low in {None, -1} or int(str(low)) <= packet.destination_port <= int(str(high))
    if packet.protocol in {ICMP, ICMPV6}:
        kind, code = packet.destination_port >> 8, packet.destination_port & 255
        return low in {None, -1, kind} and (low in {None, -1} or high in {None, -1, code})
    return True


def _peers(
    inventory: Inventory, permission: Entry, direction: str, packet: Packet, peers: frozenset[str] | None
) -> Iterator[str | Unknown]:
    """What of a rule names the other end of a packet."""
    address = packet.source if direction == INGRESS else packet.destination
    for entry in permission.get("IpRanges") or ():
        if contains(str(entry["CidrIp"]), packet.family, address):
            yield str(entry["CidrIp"])
    for entry in permission.get("Ipv6Ranges") or ():
        if contains(str(entry["CidrIpv6"]), packet.family, address):
            yield str(entry["CidrIpv6"])
    for entry in permission.get("PrefixListIds") or ():
        cidrs = inventory.prefix_list(str(entry["PrefixListId"]), packet.family)
        if cidrs is None:
            yield Unknown(f"the entries of {entry['PrefixListId']} are not in the estate")
        elif any(contains(cidr, packet.family, address) for cidr in cidrs):
            yield str(entry["PrefixListId"])
    for entry in permission.get("UserIdGroupPairs") or ():
        if peers is None:
            yield Unknown(f"whether the other end has {entry['GroupId']} is not in the estate")
        elif entry["GroupId"] in peers:
            yield str(entry["GroupId"])


def _traffic(permission: Entry) -> str:
    protocol = str(permission["IpProtocol"])
    if protocol == "-1":
        return "all"
    number = _number(protocol)
    name = PROTOCOL_NAMES.get(number, protocol)
    low, high = permission.get("FromPort"), permission.get("ToPort")
    if number in {ICMP, ICMPV6}:
        return name if low in {None, -1} else f"{name}/{low}.{'any' if high in {None, -1} else high}"
    if number not in PORTED or low in {None, -1}:
        return name
    return f"{name}/{low}" if low == high else f"{name}/{low}-{high}"


def network_acl(inventory: Inventory, subnet_id: str, direction: str, packet: Packet) -> Passage:
    """What a subnet's network ACL makes of a packet that crosses the subnet's border: the first entry that matches decides.

    Entries name the source of what comes in and the destination of what goes out (Network ACL rules); no entry, no way.
    """
    subnet = inventory.find(SUBNET, subnet_id)
    if subnet is None:
        return Unknown(f"{subnet_id} is not in the estate")
    acl = inventory.acl_of(subnet)
    if acl is None or acl.data.get("Entries") is None:
        return Unknown(f"the network ACL of {subnet_id} is not in the estate")
    address = packet.source if direction == INGRESS else packet.destination
    for entry in sorted(acl.data["Entries"], key=lambda one: int(one["RuleNumber"])):
        if bool(entry["Egress"]) != (direction == EGRESS) or not _entry_covers(entry, packet, address):
            continue
        if entry["RuleAction"] == "allow":
            return (Hop(acl.id, "network ACL", (f"{acl.id} {direction} rule {entry['RuleNumber']}",)),)
        return Dropped(f"{acl.id} {direction} rule {entry['RuleNumber']} denies {packet}")
    return Dropped(f"no {direction} rule of {acl.id} allows {packet}")


def _entry_covers(entry: Entry, packet: Packet, address: int) -> bool:
    cidr = entry.get("CidrBlock") or entry.get("Ipv6CidrBlock")
    if cidr is None or not contains(str(cidr), packet.family, address):
        return False
    protocol = str(entry["Protocol"])
    if protocol == "-1":
        return True
    if _number(protocol) != packet.protocol:
        return False
    if packet.protocol in PORTED and (ports := entry.get("PortRange")):
        return int(ports["From"]) <= packet.destination_port <= int(ports["To"])
    if packet.protocol in {ICMP, ICMPV6} and (icmp := entry.get("IcmpTypeCode")):
        kind, code = packet.destination_port >> 8, packet.destination_port & 255
        return icmp.get("Type") in {None, -1, kind} and icmp.get("Code") in {None, -1, code}
    return True


def _number(protocol: str) -> int:
    """A protocol's number; -2, which no packet has, for a name nobody knows."""
    return _NUMBERS.get(protocol, int(protocol) if protocol.isdigit() else -2)
