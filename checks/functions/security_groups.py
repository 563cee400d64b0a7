"""Who a security group admits."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Network
from typing import TypeVar

from checks.functions.addresses import Network, read_network, sorted_cidrs
from checks.functions.declare import DataError, function
from checks.functions.ranges import Range
from checks.functions.traffic import EVERY_PORT, TCP, UDP, asked_traffic, port_range, protocol_number

_Source = TypeVar("_Source")


@function(returns="list", permissions="list", protocol="string", ports="string")
def ingress_cidrs(permissions: list[object], protocol: str, ports: str) -> list[str]:
    """The CIDRs (IPv4 and IPv6) that security group permissions admit for some of the traffic asked for.

    `permissions`: IpPermissions as EC2 describes them, each with IpProtocol, FromPort and ToPort (TCP and UDP), IpRanges
    and Ipv6Ranges; IpPermissionsEgress reads the same way. `protocol`: 'tcp', 'udp', 'icmp' (ICMP and ICMPv6) or 'any'.
    `ports`: '22,3389,8000-8100' or 'any'. Returns each CIDR once, host bits cleared, IPv4 first: ['10.0.0.0/8', '::/0'].

    Protocol -1 admits everything. A protocol other than TCP, UDP, ICMP and ICMPv6 has all ports open, whatever ports are
    written. FromPort and ToPort of ICMP are type and code: ICMP counts where ports is 'any', whatever its type.
    Sources that are prefix lists or other groups are not CIDRs: see ingress_prefix_lists.

    DataError: a permission without IpProtocol, IpRanges or Ipv6Ranges (EC2 writes an empty list, not nothing), a TCP or
    UDP permission without a port range, a malformed port, protocol or CIDR.
    Source: EC2 API reference, IpPermission.
    """

    return list(_remembered(_cidrs, permissions, protocol, ports))


@function(returns="list", permissions="list", protocol="string", ports="string")
def ingress_prefix_lists(permissions: list[object], protocol: str, ports: str) -> list[str]:
    """The ids of the prefix lists that security group permissions admit for some of the traffic asked for.

    Arguments as for ingress_cidrs; each permission must have PrefixListIds. Returns sorted ids, each once: ['pl-0123'].

    DataError: a permission without IpProtocol or PrefixListIds, an entry without PrefixListId, a TCP or UDP permission
    without a port range, a malformed port or protocol.
    Source: EC2 API reference, IpPermission.
    """

    return list(_remembered(_lists, permissions, protocol, ports))


def _cidrs(permissions: list[object], protocol: str, ports: str) -> tuple[str, ...]:
    def sources(permission: Mapping[str, object]) -> list[Network]:
        v4 = [_network(entry, "CidrIp") for entry in _entries(permission, "IpRanges")]
        v6 = [_network(entry, "CidrIpv6") for entry in _entries(permission, "Ipv6Ranges")]
        return [*v4, *v6]

    return tuple(sorted_cidrs(_admitted(permissions, protocol, ports, sources)))


def _lists(permissions: list[object], protocol: str, ports: str) -> tuple[str, ...]:
    def sources(permission: Mapping[str, object]) -> list[str]:
        return [_prefix_list(entry) for entry in _entries(permission, "PrefixListIds")]

    return tuple(sorted(set(_admitted(permissions, protocol, ports, sources))))


_Asked = Callable[[list[object], str, str], tuple[str, ...]]


def _remembered(asked: _Asked, permissions: list[object], protocol: str, ports: str) -> tuple[str, ...]:
    """The answer, which rules ask for again and again about one group: once for each block of addresses that they name. Permissions are
    told apart by their bytes, for `1 == True`."""
    try:
        packed = marshal.dumps(permissions, 2)
    except ValueError:  # what only the runtime writes so
        return asked(permissions, protocol, ports)
    return _packed(asked, packed, protocol, ports)


@lru_cache(maxsize=64)
def _packed(asked: _Asked, packed: bytes, protocol: str, ports: str) -> tuple[str, ...]:
    return asked(marshal.loads(packed), protocol, ports)  # noqa: S302 - what was packed just now


def _admitted(
    permissions: list[object], protocol: str, ports: str, sources: Callable[[Mapping[str, object]], list[_Source]]
) -> Iterator[_Source]:
    """The sources of the permissions that concern the traffic. Every permission is read, so none is malformed."""
    traffic = asked_traffic(protocol, ports)
    for permission in permissions:
        if not isinstance(permission, dict):
            raise DataError(f"not a security group permission: {permission!r}")
        number = protocol_number(permission.get("IpProtocol"))
        read = sources(permission)
        if traffic.includes(number, _ports(permission, number)):
            yield from read


def _ports(permission: Mapping[str, object], protocol: int) -> Range:
    if protocol not in {TCP, UDP}:
        return EVERY_PORT[0]
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if first == last == -1:
        return EVERY_PORT[0]
    return port_range(first, last)


def _entries(permission: Mapping[str, object], member: str) -> list[Mapping[str, object]]:
    entries = permission.get(member)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"a security group permission without a list {member}")
    return entries


def _network(entry: Mapping[str, object], member: str) -> Network:
    text = entry.get(member)
    network = read_network(text)
    if member == "CidrIp" and not isinstance(network, IPv4Network):
        raise DataError(f"an IPv6 range where EC2 writes IPv4: {text!r}")
    if member == "CidrIpv6" and ":" not in str(text):
        raise DataError(f"an IPv4 range where EC2 writes IPv6: {text!r}")
    return network


def _prefix_list(entry: Mapping[str, object]) -> str:
    id_ = entry.get("PrefixListId")
    if not isinstance(id_, str) or not id_:
        raise DataError(f"a prefix list entry without PrefixListId: {entry!r}")
    return id_
