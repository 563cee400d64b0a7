"""Finding things in AWS wire JSON: who holds an address, which table and which ACL a subnet has.

Ids and addresses are looked up, the rest is searched from top to bottom. Where two accounts list one thing (a shared
subnet, both sides of a peering), the first stands for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import Any, Protocol

from checks.model import Resource

INTERFACE, SUBNET, VPC = "aws.ec2.network_interface", "aws.ec2.subnet", "aws.ec2.vpc"
GROUP, ACL, PREFIX_LIST = "aws.ec2.security_group", "aws.ec2.network_acl", "aws.ec2.managed_prefix_list"
TABLE, INTERNET_GATEWAY, NAT = "aws.ec2.route_table", "aws.ec2.internet_gateway", "aws.ec2.nat_gateway"
ADDRESS = "aws.ec2.address"

Entry = Mapping[str, Any]


class Source(Protocol):
    """Where the resources of an estate come from; `checks.model.Estate` is one."""

    def of(self, type_: str, /) -> Iterable[Resource]: ...


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a public address: the interface or NAT gateway, and the private address that the public one stands for."""

    resource: Resource
    private: int

    @property
    def vpc(self) -> str:
        return str(self.resource.data["VpcId"])

    @property
    def subnet(self) -> str | None:
        return self.resource.data.get("SubnetId")


class Inventory:
    """The estate as the simulator asks it."""

    def __init__(self, estate: Source) -> None:
        self.estate = estate
        self._by_id: dict[str, dict[str, Resource]] = {}

    def all(self, type_: str) -> Iterator[Resource]:
        yield from self.estate.of(type_)
        if type_ == INTERFACE:
            yield from self._of_instances

    @cached_property
    def _of_instances(self) -> tuple[Resource, ...]:
        """The interfaces that only their instances tell of (EC2 API reference, InstanceNetworkInterface)."""
        seen = {one.id for one in self.estate.of(INTERFACE)}
        return tuple(
            Resource(held["NetworkInterfaceId"], INTERFACE, one.account, one.region, {**held, "Attachment": {"InstanceId": one.id}})
            for one in self.estate.of("aws.ec2.instance")
            for held in one.data.get("NetworkInterfaces") or ()
            if isinstance(held, Mapping) and isinstance(held.get("NetworkInterfaceId"), str) and held["NetworkInterfaceId"] not in seen
        )

    def find(self, type_: str, id_: str) -> Resource | None:
        if type_ not in self._by_id:
            self._by_id[type_] = {}
            for one in self.all(type_):
                self._by_id[type_].setdefault(one.id, one)
        return self._by_id[type_].get(id_)

    def where(self, type_: str, **members: Any) -> Iterator[Resource]:
        """The resources whose data has these members with these values."""
        return (one for one in self.all(type_) if all(one.data.get(name) == value for name, value in members.items()))

    def interface_at(self, vpc: str, family: int, address: int) -> Resource | None:
        """The interface of a VPC that holds a private IPv4 or an IPv6 address."""
        held = self._held.get((vpc, family, address))
        return held or next((one for one in self._with_prefixes if one.data["VpcId"] == vpc and holds(one, family, address)), None)

    @cached_property
    def _held(self) -> dict[tuple[str, int, int], Resource]:
        held: dict[tuple[str, int, int], Resource] = {}
        for interface in self._readable:
            for family, text in addresses(interface):
                held.setdefault((str(interface.data["VpcId"]), family, number(text)), interface)
        return held

    @cached_property
    def _readable(self) -> tuple[Resource, ...]:
        """The interfaces that are written as EC2 writes them: one that is not takes no other's packets."""
        return tuple(one for one in self.all(INTERFACE) if _is_readable(one))

    @cached_property
    def _with_prefixes(self) -> tuple[Resource, ...]:
        """The interfaces with delegated prefixes (EC2 user guide, Prefix delegation)."""
        return tuple(one for one in self._readable if one.data.get("Ipv4Prefixes") or one.data.get("Ipv6Prefixes"))

    def nat_at(self, vpc: str, family: int, address: int) -> Resource | None:
        """The NAT gateway of a VPC one of whose private addresses this is."""
        if family != 4:
            return None
        for gateway in self.where(NAT, VpcId=vpc):
            if any(is_address(entry.get("PrivateIp"), address) for entry in gateway.data.get("NatGatewayAddresses") or ()):
                return gateway
        return None

    def holder(self, family: int, public: int) -> Holder | None:
        """Who is reached at an address of the internet: an IPv4 association, or an interface's own IPv6 address."""
        if family == 6:
            return self._public6(public)
        return self._public.get(public)

    def _public6(self, address: int) -> Holder | None:
        held = next((one for (_, family, own), one in self._held.items() if (family, own) == (6, address)), None)
        held = held or next((one for one in self._with_prefixes if holds(one, 6, address)), None)
        return Holder(held, address) if held else None

    @cached_property
    def _public(self) -> dict[int, Holder]:
        public: dict[int, Holder] = {}
        for gateway in self.all(NAT):
            for entry in gateway.data.get("NatGatewayAddresses") or ():
                if entry.get("PublicIp") and entry.get("PrivateIp"):
                    public.setdefault(number(entry["PublicIp"]), Holder(gateway, number(entry["PrivateIp"])))
        for interface in self._readable:
            for private, address in self._associated(interface):
                public.setdefault(address, Holder(interface, private))
        return public

    def public_of(self, vpc: str, private: int) -> int | None:
        """The public IPv4 address that an internet gateway puts in the place of a private one."""
        for gateway in self.where(NAT, VpcId=vpc):
            for entry in gateway.data.get("NatGatewayAddresses") or ():
                if is_address(entry.get("PrivateIp"), private):
                    return number(entry["PublicIp"]) if entry.get("PublicIp") else None
        interface = self.interface_at(vpc, 4, private)
        return dict(self._associated(interface)).get(private) if interface else None

    def _associated(self, interface: Resource) -> Iterator[tuple[int, int]]:
        """Private addresses with their public ones, by the interface's word or by an Elastic IP address's (DescribeAddresses)."""
        yield from self._elastic.get(interface.id, ())
        yield from associations(interface)

    @cached_property
    def _elastic(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = {}
        for one in self.all(ADDRESS):
            interface, private, public = (one.data.get(name) for name in ("NetworkInterfaceId", "PrivateIpAddress", "PublicIp"))
            if interface and private and public:
                found.setdefault(str(interface), []).append((number(str(private)), number(str(public))))
        return found

    def internet_gateway_of(self, vpc: str) -> Resource | None:
        return next((one for one in self.all(INTERNET_GATEWAY) if attached(one, "Attachments", vpc)), None)

    def acl_of(self, subnet: Resource) -> Resource | None:
        """The subnet's network ACL, else its VPC's default one (VPC user guide, Network ACL basics)."""
        for acl in self.all(ACL):
            if any(entry.get("SubnetId") == subnet.id for entry in acl.data.get("Associations") or ()):
                return acl
        return next(self.where(ACL, VpcId=subnet.data["VpcId"], IsDefault=True), None)

    def table_of(self, subnet: Resource) -> Resource | None:
        """The subnet's route table, else its VPC's main one (VPC user guide, Subnet route tables)."""
        for table in self.all(TABLE):
            if any(entry.get("SubnetId") == subnet.id for entry in _associations(table)):
                return table
        for table in self.where(TABLE, VpcId=subnet.data["VpcId"]):
            if any(entry.get("Main") for entry in _associations(table)):
                return table
        return None

    def edge_table_of(self, gateway: str) -> Resource | None:
        """The gateway route table of an internet gateway or virtual private gateway (VPC user guide, Gateway route tables)."""
        tables = self.all(TABLE)
        return next((one for one in tables if any(entry.get("GatewayId") == gateway for entry in _associations(one))), None)

    def prefix_list(self, id_: str, family: int) -> tuple[str, ...] | None:
        """The CIDRs of a prefix list, () for a list of the other family, None where they were not read."""
        found = self.find(PREFIX_LIST, id_)
        if found is None:
            return None
        if found.data.get("AddressFamily") not in {None, f"IPv{family}"}:
            return ()
        entries = found.data.get("Entries")
        return None if entries is None else tuple(str(entry["Cidr"]) for entry in entries)

    def in_vpc(self, vpc: str, family: int, address: int) -> bool:
        found = self.find(VPC, vpc)
        return found is not None and in_cidrs(vpc_cidrs(found.data), family, address)


def _is_readable(interface: Resource) -> bool:
    try:
        list(associations(interface))
        holds(interface, 4, 0)
    except (AttributeError, LookupError, TypeError, ValueError):
        return False
    return "VpcId" in interface.data


def _associations(table: Resource) -> Iterator[Entry]:
    for entry in table.data.get("Associations") or ():
        if (entry.get("AssociationState") or {}).get("State", "associated") == "associated":
            yield entry


def number(text: str) -> int:
    """An address as an integer. ValueError if it is none."""
    return int(ip_address(text))


def is_address(text: str | None, value: int) -> bool:
    return bool(text) and number(str(text)) == value


def contains(cidr: str, family: int, address: int) -> bool:
    network = ip_network(cidr, strict=False)
    return network.version == family and int(network.network_address) <= address <= int(network.broadcast_address)


def in_cidrs(cidrs: Iterable[str], family: int, address: int) -> bool:
    return any(contains(cidr, family, address) for cidr in cidrs)


def prefix_length(cidr: str) -> int:
    return ip_network(cidr, strict=False).prefixlen


def holds(interface: Resource, family: int, address: int) -> bool:
    """Whether an address, or a delegated prefix around it, is assigned to an interface."""
    data = interface.data
    prefixes = [one["Ipv4Prefix"] for one in data.get("Ipv4Prefixes") or ()] + [one["Ipv6Prefix"] for one in data.get("Ipv6Prefixes") or ()]
    own = any(version == family and is_address(text, address) for version, text in addresses(interface))
    return own or in_cidrs(prefixes, family, address)


def addresses(interface: Resource) -> Iterator[tuple[int, str]]:
    """The private IPv4 and the IPv6 addresses of an interface, each with its family."""
    data = interface.data
    for one in (data, *(data.get("PrivateIpAddresses") or ())):
        if one.get("PrivateIpAddress"):
            yield 4, str(one["PrivateIpAddress"])
    for one in data.get("Ipv6Addresses") or ():
        yield 6, str(one["Ipv6Address"])


def associations(interface: Resource) -> Iterator[tuple[int, int]]:
    """Every private IPv4 address of an interface that has a public one, with it."""
    data = interface.data
    entries = data.get("PrivateIpAddresses") or ()
    for entry in entries:
        public = (entry.get("Association") or {}).get("PublicIp")
        if public:
            yield number(entry["PrivateIpAddress"]), number(public)
    public = (data.get("Association") or {}).get("PublicIp")
    if public and data.get("PrivateIpAddress") and not any(entry.get("Association") for entry in entries):
        yield number(data["PrivateIpAddress"]), number(public)


def private_address(interface: Resource, family: int) -> int | None:
    """The primary private IPv4 address of an interface, or its first IPv6 address."""
    data = interface.data
    if family == 4:
        text = data.get("PrivateIpAddress") or next((one["PrivateIpAddress"] for one in data.get("PrivateIpAddresses") or ()), None)
    else:
        text = next((one["Ipv6Address"] for one in data.get("Ipv6Addresses") or ()), None)
    return number(text) if text else None


def group_ids(interface: Resource) -> frozenset[str]:
    return frozenset(str(one["GroupId"]) for one in interface.data.get("Groups") or ())


def attached(gateway: Resource, member: str, vpc: str) -> bool:
    """Whether a gateway is attached to a VPC. An internet gateway's attachment is `available`, the others' `attached`."""
    return any(one.get("VpcId") == vpc and one.get("State") in {"available", "attached"} for one in gateway.data.get(member) or ())


def vpc_cidrs(data: Entry) -> Iterator[str]:
    """The CIDRs of a VPC as DescribeVpcs gives them, IPv4 and IPv6, those being removed left out."""
    found = False
    for entry in data.get("CidrBlockAssociationSet") or ():
        found = True
        if (entry.get("CidrBlockState") or {}).get("State", "associated") == "associated":
            yield str(entry["CidrBlock"])
    if not found and data.get("CidrBlock"):
        yield str(data["CidrBlock"])
    for entry in data.get("Ipv6CidrBlockAssociationSet") or ():
        if (entry.get("Ipv6CidrBlockState") or {}).get("State", "associated") == "associated":
            yield str(entry["Ipv6CidrBlock"])


def in_subnet(subnet: Resource, family: int, address: int) -> bool:
    if family == 4:
        return bool(subnet.data.get("CidrBlock")) and contains(str(subnet.data["CidrBlock"]), 4, address)
    entries = subnet.data.get("Ipv6CidrBlockAssociationSet") or ()
    return any(contains(str(one["Ipv6CidrBlock"]), 6, address) for one in entries)
