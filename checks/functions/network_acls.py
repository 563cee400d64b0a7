"""Who a network ACL admits: ordered entries, the first that matches a packet decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import pairwise

from checks.functions.addresses import EVERY_ADDRESS, AddressSet, read_network
from checks.functions.declare import DataError, function
from checks.functions.ranges import Range
from checks.functions.traffic import (
    EVERY_PORT,
    EVERY_PROTOCOL,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Traffic,
    asked_traffic,
    port_range,
    protocol_number,
)

_LAST_OCTET = 255


@dataclass(frozen=True, slots=True)
class _Entry:
    """One numbered entry. `points` are ports, or for ICMP type * 256 + code; every other protocol has one point, 0."""

    number: int
    allow: bool
    protocol: int
    points: Range
    addresses: AddressSet
    version: int

    def decides(self, protocol: int, point: int) -> bool:
        return self.protocol == EVERY_PROTOCOL or (self.protocol == protocol and self.points[0] <= point <= self.points[1])


@function(returns="list", entries="list", direction="string", protocol="string", ports="string")
def nacl_cidrs(entries: list[object], direction: str, protocol: str, ports: str) -> list[str]:
    """The CIDRs from which (egress: to which) a network ACL admits at least one of the ports asked for.

    `entries`: Entries as EC2 describes them, in any order: RuleNumber, Egress, Protocol, RuleAction, CidrBlock or
    Ipv6CidrBlock, PortRange {From, To} (TCP and UDP), IcmpTypeCode {Type, Code} (ICMP). `direction`: 'ingress' or
    'egress'. `protocol`: 'tcp', 'udp', 'icmp' (ICMP and ICMPv6) or 'any'. `ports`: '22,3389,8000-8100' or 'any'.

    Exact: for each port the entries are tried by ascending RuleNumber and the first that matches an address decides.
    Returns the fewest CIDRs that make up the answer, IPv4 first, so a hole cut by a deny shows as several CIDRs; compare
    with cidrs_within. ICMP counts where ports is 'any', if some type is admitted; protocols without ports likewise count
    for 'any' protocol.

    DataError: a malformed or incomplete entry, two entries with one RuleNumber, or entries that do not decide every IPv4
    packet (EC2 always lists the final deny, RuleNumber 32767: without it the list is not whole).
    Source: VPC user guide, Network ACLs; EC2 API reference, NetworkAclEntry and CreateNetworkAclEntry.
    """
    if direction not in {"ingress", "egress"}:
        raise DataError(f"direction must be 'ingress' or 'egress', not {direction!r}")
    traffic = asked_traffic(protocol, ports)
    ordered = _ordered(entries, egress=direction == "egress")
    admitted = AddressSet()
    for number, point in _points(ordered, traffic):
        admitted |= _admitted(ordered, number, point)
    return admitted.cidrs()


def _admitted(entries: list[_Entry], protocol: int, point: int) -> AddressSet:
    """The addresses whose first matching entry allows."""
    undecided, admitted = EVERY_ADDRESS, AddressSet()
    for entry in entries:
        if entry.decides(protocol, point):
            if entry.allow:
                admitted |= undecided & entry.addresses
            undecided -= entry.addresses
    return admitted


def _points(entries: list[_Entry], traffic: Traffic) -> Iterator[tuple[int, int]]:
    """One (protocol, point) of every class that no entry tells apart."""
    for protocol in sorted(_protocols(entries, traffic)):
        cuts = {end for entry in entries if entry.protocol == protocol for end in (entry.points[0], entry.points[1] + 1)}
        for first, last in traffic.ports if protocol in {TCP, UDP, ICMP, ICMPV6} else ((0, 0),):
            for point in sorted({first, *(cut for cut in cuts if first < cut <= last)}):
                yield protocol, point


def _protocols(entries: list[_Entry], traffic: Traffic) -> set[int]:
    if traffic.protocols is not None:
        return set(traffic.protocols)
    mentioned = {entry.protocol for entry in entries} - {EVERY_PROTOCOL, ICMP, ICMPV6}
    known = {TCP, UDP, ICMP, ICMPV6}
    # Every protocol that no entry names is decided alike, so one stands for all of them.
    unmentioned = next((number for number in range(_LAST_OCTET + 1) if number not in mentioned | known), None)
    protocols = mentioned | {TCP, UDP} | ({unmentioned} if unmentioned is not None else set())
    return protocols | {ICMP, ICMPV6} if traffic.ports == EVERY_PORT else protocols


def _ordered(entries: list[object], *, egress: bool) -> list[_Entry]:
    read = [_read(entry) for entry in entries if _is_egress(entry) == egress]
    ordered = sorted(read, key=lambda entry: (entry.version, entry.number))
    for before, after in pairwise(ordered):
        if (before.version, before.number) == (after.version, after.number):
            raise DataError(f"two network ACL entries with the number {before.number}")
    if not any(entry.protocol == EVERY_PROTOCOL and entry.addresses.v4 == EVERY_ADDRESS.v4 for entry in ordered):
        raise DataError("network ACL entries without the final one for all traffic from 0.0.0.0/0: the list is not whole")
    return ordered


def _is_egress(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(egress := entry.get("Egress"), bool):
        raise DataError(f"not a network ACL entry: {entry!r}")
    return egress


def _read(entry: object) -> _Entry:
    assert isinstance(entry, dict)
    number, action = entry.get("RuleNumber"), entry.get("RuleAction")
    if not isinstance(number, int) or isinstance(number, bool):
        raise DataError(f"a network ACL entry without RuleNumber: {entry!r}")
    if action not in ("allow", "deny"):  # a tuple: it may be anything, also unhashable
        raise DataError(f"a network ACL entry that neither allows nor denies: {action!r}")
    protocol = protocol_number(entry.get("Protocol"))
    version, addresses = _addresses(entry)
    return _Entry(number, action == "allow", protocol, _entry_points(entry, protocol, version), addresses, version)


def _addresses(entry: Mapping[str, object]) -> tuple[int, AddressSet]:
    v4, v6 = entry.get("CidrBlock"), entry.get("Ipv6CidrBlock")
    if (v4 is None) == (v6 is None):
        raise DataError(f"a network ACL entry needs either CidrBlock or Ipv6CidrBlock: {entry!r}")
    network = read_network(v4 if v6 is None else v6)
    if v6 is None and not isinstance(network, IPv4Network):
        raise DataError(f"an IPv6 range where EC2 writes IPv4: {v4!r}")
    if v4 is None and isinstance(network, IPv4Network):
        raise DataError(f"an IPv4 range where EC2 writes IPv6: {v6!r}")
    return network.version, AddressSet.of([network])


def _entry_points(entry: Mapping[str, object], protocol: int, version: int) -> Range:
    if protocol in {TCP, UDP}:
        ports = entry.get("PortRange")
        if not isinstance(ports, dict):
            raise DataError(f"a TCP or UDP network ACL entry without PortRange: {entry!r}")
        return port_range(ports.get("From"), ports.get("To"))
    # CreateNetworkAclEntry: ICMPv6 with an IPv4 block stands for all types and codes, whatever is written.
    if protocol == ICMP or (protocol == ICMPV6 and version == 6):
        return _icmp_points(entry.get("IcmpTypeCode"))
    return EVERY_PORT[0]


def _icmp_points(written: object) -> Range:
    """Type -1 is every type, code -1 every code of the type."""
    type_, code = (written.get("Type"), written.get("Code")) if isinstance(written, dict) else (None, None)
    for value in (type_, code):
        if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= _LAST_OCTET:
            raise DataError(f"an ICMP network ACL entry without a readable IcmpTypeCode: {written!r}")
    if type_ == -1:
        if code != -1:
            raise DataError(f"all ICMP types with one code: {written!r}")
        return EVERY_PORT[0]
    assert isinstance(type_, int)
    assert isinstance(code, int)
    return (type_ * 256, type_ * 256 + _LAST_OCTET) if code == -1 else (type_ * 256 + code, type_ * 256 + code)
