"""Short ways to make AWS networks: each function gives a resource as EC2 or Elastic Load Balancing describes it.

Things refer to each other by resource or by id. What is left out is as AWS leaves it: egress rules allow all, a network
ACL without entries of its own allows all, a route table has its VPC's local routes.

    home = vpc("vpc-a", "10.0.0.0/16")
    web = subnet("subnet-web", home, "10.0.1.0/24")
    open_to_all = group("sg-web", home, ingress=[allow("tcp", 443, "0.0.0.0/0")])
    world = World(home, web, open_to_all, acl("acl-a", home), table("rtb-a", home, to("0.0.0.0/0", "igw-a"), main=True),
                  igw("igw-a", home), eni("eni-web", web, "10.0.1.5", open_to_all, public="198.51.100.5"))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from checks.model import Resource
from checks.network.packet import ICMP, ICMPV6, TCP, UDP, Packet, Trace

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
HERE, THERE = "eu-central-1", "eu-west-1"
EVERYWHERE, EVERYWHERE6 = "0.0.0.0/0", "::/0"

Thing = Resource | str


def id_of(thing: Thing) -> str:
    return thing if isinstance(thing, str) else thing.id


def _version(cidr: str) -> int:
    return ip_network(cidr, strict=False).version


class World:
    """An estate of resources alone. Lists of resources are taken apart, so that a function may make several."""

    def __init__(self, *things: Resource | Iterable[Resource]) -> None:
        self.resources: list[Resource] = []
        for thing in things:
            self.resources.extend([thing] if isinstance(thing, Resource) else thing)

    def of(self, type_: str) -> tuple[Resource, ...]:
        return tuple(one for one in self.resources if one.type == type_)

    def but(self, *things: Resource) -> World:
        """With these in the place of what has their type and id, or beside all else."""
        new = {(one.type, one.id) for one in things}
        return World(*(one for one in self.resources if (one.type, one.id) not in new), *things)

    def without(self, *ids: str) -> World:
        return World(*(one for one in self.resources if one.id not in ids))


# Packets


def tcp(source: str, destination: str, port: int, source_port: int = 40000) -> Packet:
    return _packet(TCP, source, destination, source_port, port)


def udp(source: str, destination: str, port: int, source_port: int = 40000) -> Packet:
    return _packet(UDP, source, destination, source_port, port)


def icmp(source: str, destination: str, kind: int = 8, code: int = 0) -> Packet:
    protocol = ICMP if ip_address(source).version == 4 else ICMPV6
    return _packet(protocol, source, destination, 0, kind * 256 + code)


def raw(protocol: int, source: str, destination: str) -> Packet:
    return _packet(protocol, source, destination, 0, 0)


def _packet(protocol: int, source: str, destination: str, source_port: int, destination_port: int) -> Packet:
    left, right = ip_address(source), ip_address(destination)
    return Packet(left.version, int(left), int(right), protocol, source_port, destination_port)


# VPCs, subnets, interfaces


def vpc(id_: str, *cidrs: str, account: str = ACCOUNT, region: str = HERE) -> Resource:
    """`cidrs`: IPv4 and IPv6 blocks; the first IPv4 one is the primary one."""
    four, six = [one for one in cidrs if _version(one) == 4], [one for one in cidrs if _version(one) == 6]
    data = {
        "VpcId": id_,
        "OwnerId": account,
        "State": "available",
        "IsDefault": False,
        "CidrBlock": four[0],
        "CidrBlockAssociationSet": [{"CidrBlock": one, "CidrBlockState": {"State": "associated"}} for one in four],
        "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": one, "Ipv6CidrBlockState": {"State": "associated"}} for one in six],
    }
    return Resource(id_, "aws.ec2.vpc", account, region, data)


def subnet(id_: str, home: Resource, cidr: str, ipv6: str | None = None, *, zone: str = "a") -> Resource:
    data = {
        "SubnetId": id_,
        "VpcId": home.id,
        "OwnerId": home.account,
        "State": "available",
        "AvailabilityZone": home.region + zone,
        "CidrBlock": cidr,
        "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": ipv6, "Ipv6CidrBlockState": {"State": "associated"}}] if ipv6 else [],
    }
    return Resource(id_, "aws.ec2.subnet", home.account, home.region, data)


def eni(
    id_: str,
    home: Resource,
    address: str,
    *groups: Thing,
    public: str | None = None,
    secondary: Sequence[tuple[str, str | None]] = (),
    ipv6: Sequence[str] = (),
    kind: str = "interface",
    check: bool = True,
    instance: str | None = None,
    description: str = "",
    requester: str | None = None,
) -> Resource:
    """An interface in the subnet `home`. `secondary`: further private addresses, each with its public one or None."""
    addresses = [(address, public), *secondary]
    data: dict[str, Any] = {
        "NetworkInterfaceId": id_,
        "OwnerId": home.account,
        "InterfaceType": kind,
        "Description": description,
        "Status": "in-use",
        "VpcId": home.data["VpcId"],
        "SubnetId": home.id,
        "AvailabilityZone": home.data["AvailabilityZone"],
        "SourceDestCheck": check,
        "Groups": [{"GroupId": id_of(one), "GroupName": id_of(one)} for one in groups],
        "PrivateIpAddress": address,
        "PrivateIpAddresses": [
            {"PrivateIpAddress": private, "Primary": private == address} | ({"Association": {"PublicIp": out}} if out else {})
            for private, out in addresses
        ],
        "Ipv6Addresses": [{"Ipv6Address": one} for one in ipv6],
        "RequesterManaged": requester is not None,
    }
    if public:
        data["Association"] = {"PublicIp": public}
    if requester:
        data["RequesterId"] = requester
    if instance:
        data["Attachment"] = {"InstanceId": instance, "DeviceIndex": 0, "Status": "attached"}
    return Resource(id_, "aws.ec2.network_interface", home.account, home.region, data)


# Filters


def allow(protocol: str = "-1", ports: int | tuple[int, int] | None = None, *peers: Thing) -> dict[str, Any]:
    """An IpPermission. `ports`: one port, a range, or for ICMP (type, code). `peers`: CIDRs, pl- ids, groups."""
    permission: dict[str, Any] = {"IpProtocol": protocol, "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
    if ports is not None:
        permission["FromPort"], permission["ToPort"] = (ports, ports) if isinstance(ports, int) else ports
    for peer in map(id_of, peers):
        if peer.startswith("sg-"):
            permission["UserIdGroupPairs"].append({"GroupId": peer, "UserId": ACCOUNT})
        elif peer.startswith("pl-"):
            permission["PrefixListIds"].append({"PrefixListId": peer})
        elif _version(peer) == 4:
            permission["IpRanges"].append({"CidrIp": peer})
        else:
            permission["Ipv6Ranges"].append({"CidrIpv6": peer})
    return permission


ALLOW_ALL = allow("-1", None, EVERYWHERE, EVERYWHERE6)


def group(id_: str, home: Resource, ingress: Sequence[dict[str, Any]] = (), egress: Sequence[dict[str, Any]] = (ALLOW_ALL,)) -> Resource:
    data = {
        "GroupId": id_,
        "GroupName": id_,
        "Description": id_,
        "OwnerId": home.account,
        "VpcId": home.id,
        "IpPermissions": list(ingress),
        "IpPermissionsEgress": list(egress),
    }
    return Resource(id_, "aws.ec2.security_group", home.account, home.region, data)


def entry(
    number: int, action: str, cidr: str = EVERYWHERE, protocol: int = -1, ports: tuple[int, int] | None = None, *, egress: bool = False
) -> dict[str, Any]:
    """A network ACL entry. `ports`: a port range, for ICMP (type, code)."""
    made: dict[str, Any] = {"RuleNumber": number, "RuleAction": action, "Egress": egress, "Protocol": str(protocol)}
    made["CidrBlock" if _version(cidr) == 4 else "Ipv6CidrBlock"] = cidr
    if ports and protocol in {ICMP, ICMPV6}:
        made["IcmpTypeCode"] = {"Type": ports[0], "Code": ports[1]}
    elif ports:
        made["PortRange"] = {"From": ports[0], "To": ports[1]}
    return made


def acl(
    id_: str,
    home: Resource,
    *subnets: Thing,
    ingress: Sequence[dict[str, Any]] | None = None,
    egress: Sequence[dict[str, Any]] | None = None,
) -> Resource:
    """A network ACL, the VPC's default one if no subnets are named. A direction without entries allows all, IPv6 too."""
    entries: list[dict[str, Any]] = []
    for outward, given in ((False, ingress), (True, egress)):
        chosen = [entry(100, "allow"), entry(101, "allow", EVERYWHERE6)] if given is None else given
        entries += [one | {"Egress": outward} for one in (*chosen, entry(32767, "deny"), entry(32768, "deny", EVERYWHERE6))]
    data = {
        "NetworkAclId": id_,
        "OwnerId": home.account,
        "VpcId": home.id,
        "IsDefault": not subnets,
        "Entries": entries,
        "Associations": [{"SubnetId": id_of(one), "NetworkAclId": id_} for one in subnets],
    }
    return Resource(id_, "aws.ec2.network_acl", home.account, home.region, data)


def prefix_list(id_: str, *cidrs: str, family: int = 4, read: bool = True) -> Resource:
    data: dict[str, Any] = {"PrefixListId": id_, "PrefixListName": id_, "AddressFamily": f"IPv{family}", "State": "create-complete"}
    if read:
        data["Entries"] = [{"Cidr": one} for one in cidrs]
    return Resource(id_, "aws.ec2.managed_prefix_list", ACCOUNT, HERE, data)


# Routes and gateways

_ROUTE_MEMBERS = {
    "nat-": "NatGatewayId",
    "tgw-": "TransitGatewayId",
    "pcx-": "VpcPeeringConnectionId",
    "eigw-": "EgressOnlyInternetGatewayId",
    "eni-": "NetworkInterfaceId",
    "lgw-": "LocalGatewayId",
    "cagw-": "CarrierGatewayId",
    "arn:": "CoreNetworkArn",
}


def to(destination: str, target: Thing, *, state: str = "active", propagated: bool = False) -> dict[str, Any]:
    """A route. `destination`: a CIDR or a pl- id; the target's id tells which member names it."""
    member = next((name for prefix, name in _ROUTE_MEMBERS.items() if id_of(target).startswith(prefix)), "GatewayId")
    route = {member: id_of(target), "State": state, "Origin": "EnableVgwRoutePropagation" if propagated else "CreateRoute"}
    if destination.startswith("pl-"):
        return route | {"DestinationPrefixListId": destination}
    return route | {"DestinationCidrBlock" if _version(destination) == 4 else "DestinationIpv6CidrBlock": destination}


def table(
    id_: str, home: Resource, *routes: dict[str, Any], subnets: Sequence[Thing] = (), main: bool = False, gateway: str | None = None
) -> Resource:
    """A route table with the local routes that `routes` does not replace. `gateway`: whose edge it is associated with."""
    blocks = [one["CidrBlock"] for one in home.data["CidrBlockAssociationSet"]]
    blocks += [one["Ipv6CidrBlock"] for one in home.data["Ipv6CidrBlockAssociationSet"]]
    replaced = {one.get("DestinationCidrBlock") or one.get("DestinationIpv6CidrBlock") for one in routes}
    local = [to(one, "local") | {"Origin": "CreateRouteTable"} for one in blocks if one not in replaced]
    associations: list[dict[str, Any]] = [{"SubnetId": id_of(one), "Main": False} for one in subnets]
    associations += [{"Main": True}] if main else []
    associations += [{"GatewayId": gateway, "Main": False}] if gateway else []
    data = {
        "RouteTableId": id_,
        "OwnerId": home.account,
        "VpcId": home.id,
        "Routes": [*local, *routes],
        "Associations": [{"RouteTableId": id_, "AssociationState": {"State": "associated"}} | one for one in associations],
        "PropagatingVgws": [],
    }
    return Resource(id_, "aws.ec2.route_table", home.account, home.region, data)


def igw(id_: str, home: Resource) -> Resource:
    data = {"InternetGatewayId": id_, "OwnerId": home.account, "Attachments": [{"VpcId": home.id, "State": "available"}]}
    return Resource(id_, "aws.ec2.internet_gateway", home.account, home.region, data)


def egress_only(id_: str, home: Resource) -> Resource:
    data = {"EgressOnlyInternetGatewayId": id_, "Attachments": [{"VpcId": home.id, "State": "attached"}]}
    return Resource(id_, "aws.ec2.egress_only_internet_gateway", home.account, home.region, data)


def nat(id_: str, home: Resource, private: str, public: str | None = None) -> Resource:
    """A NAT gateway in the subnet `home`, a private one if it has no public address."""
    address = {"PrivateIp": private, "NetworkInterfaceId": f"eni-of-{id_}", "IsPrimary": True} | ({"PublicIp": public} if public else {})
    data = {
        "NatGatewayId": id_,
        "VpcId": home.data["VpcId"],
        "SubnetId": home.id,
        "State": "available",
        "ConnectivityType": "public" if public else "private",
        "NatGatewayAddresses": [address],
    }
    return Resource(id_, "aws.ec2.nat_gateway", home.account, home.region, data)


def vpn_gateway(id_: str, home: Resource) -> Resource:
    data = {"VpnGatewayId": id_, "State": "available", "Type": "ipsec.1", "VpcAttachments": [{"VpcId": home.id, "State": "attached"}]}
    return Resource(id_, "aws.ec2.vpn_gateway", home.account, home.region, data)


def peering(id_: str, requester: Resource, accepter: Resource, *, status: str = "active") -> Resource:
    def side(one: Resource) -> dict[str, Any]:
        return {
            "VpcId": one.id,
            "OwnerId": one.account,
            "Region": one.region,
            "CidrBlock": one.data["CidrBlock"],
            "CidrBlockSet": [{"CidrBlock": block["CidrBlock"]} for block in one.data["CidrBlockAssociationSet"]],
            "Ipv6CidrBlockSet": [{"Ipv6CidrBlock": block["Ipv6CidrBlock"]} for block in one.data["Ipv6CidrBlockAssociationSet"]],
        }

    data = {
        "VpcPeeringConnectionId": id_,
        "Status": {"Code": status},
        "RequesterVpcInfo": side(requester),
        "AccepterVpcInfo": side(accepter),
    }
    return Resource(id_, "aws.ec2.vpc_peering_connection", requester.account, requester.region, data)


def endpoint(
    id_: str, home: Resource, service: str, *, kind: str = "Interface", interfaces: Sequence[Thing] = (), state: str = "available"
) -> Resource:
    data = {
        "VpcEndpointId": id_,
        "VpcEndpointType": kind,
        "OwnerId": home.account,
        "VpcId": home.id,
        "ServiceName": service,
        "State": state,
        "NetworkInterfaceIds": [id_of(one) for one in interfaces],
    }
    return Resource(id_, "aws.ec2.vpc_endpoint", home.account, home.region, data)


def endpoint_service(id_: str, name: str, *balancers: Resource) -> Resource:
    data = {"ServiceId": id_, "ServiceName": name, "ServiceState": "Available", "NetworkLoadBalancerArns": [one.id for one in balancers]}
    return Resource(id_, "aws.ec2.vpc_endpoint_service", ACCOUNT, HERE, data)


def block_public_access(mode: str, *, exclusions: str = "allowed", account: str = ACCOUNT, region: str = HERE) -> Resource:
    data = {
        "AwsAccountId": account,
        "AwsRegion": region,
        "State": "update-complete",
        "InternetGatewayBlockMode": mode,
        "ExclusionsAllowed": exclusions,
    }
    return Resource(region, "aws.ec2.vpc_block_public_access_options", account, region, data)


def exclusion(id_: str, thing: Resource, mode: str = "allow-bidirectional") -> Resource:
    arn = f"arn:aws:ec2:{thing.region}:{thing.account}:{thing.type.rpartition('.')[2]}/{thing.id}"
    data = {"ExclusionId": id_, "InternetGatewayExclusionMode": mode, "ResourceArn": arn, "State": "create-complete"}
    return Resource(id_, "aws.ec2.vpc_block_public_access_exclusion", thing.account, thing.region, data)


def number_of(address: str) -> int:
    return int(ip_address(address))


def ends(trace: Trace) -> dict[str, bool]:
    """Where a packet was delivered, and whether it is answered from there."""
    return {one.at: one.reply for one in trace.deliveries}
