"""Reading EC2's wire JSON member by member: what is not as it should be is a DataError, never a wrong guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, ip_address
from typing import Any

from checks.functions.addresses import read_network
from checks.functions.declare import DataError
from checks.functions.traffic import EVERY_PROTOCOL, ICMP, ICMPV6, TCP, UDP, port_range, protocol_number
from checks.network.packets import EVERYBODY, NOTHING, PORTS, PROTOCOLS, Addresses, PacketSet, Span, addresses, network_span, packets

Wire = Mapping[str, Any]
ANY_PACKET: Mapping[int, PacketSet] = {family: packets(everybody) for family, everybody in EVERYBODY.items()}
Spans = dict[int, list[Span]]
"""Ranges of addresses by family."""


def wire(value: object, what: str) -> Wire:
    if not isinstance(value, Mapping):
        raise DataError(f"{what} is not an object: {value!r}")
    return value


def member(data: object, *path: str) -> Any:
    """A member of a member, None where any of them is absent."""
    for name in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(name)
    return data


def text(data: object, *path: str) -> str:
    """A member that is text; empty where it is absent or something else."""
    value = member(data, *path)
    return value if isinstance(value, str) else ""


def objects(data: object, *path: str) -> list[Wire]:
    """A list of objects; empty where it is absent. Raises DataError where it is something else."""
    value = member(data, *path)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise DataError(f"{path[-1]} is not a list: {value!r}")
    return [wire(one, path[-1]) for one in value]


def texts(data: object, *path: str) -> list[str]:
    """A list of text; empty where it is absent. Raises DataError where it is something else."""
    value = member(data, *path)
    if value is None:
        return []
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise DataError(f"{path[-1]} is not a list of text: {value!r}")
    return list(value)


def known_texts(data: object, *path: str) -> list[str]:
    """The texts of a list, without what is none."""
    value = member(data, *path)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


def known_objects(data: object, *path: str) -> list[Wire]:
    """The objects of a list, without what is none."""
    value = member(data, *path)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def all_objects(data: object, *path: str) -> bool:
    """Whether a member is a list of objects."""
    value = member(data, *path)
    return isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value)


def cidr(value: object) -> tuple[int, Span]:
    """(family, span) of an address or CIDR. Raises DataError."""
    network = read_network(value)
    return (4 if isinstance(network, IPv4Network) else 6), network_span(network)


def cidr_set(values: Iterable[object]) -> dict[int, Addresses]:
    """The addresses of CIDRs, by family. Raises DataError."""
    spans: Spans = {4: [], 6: []}
    for value in values:
        family, span = cidr(value)
        spans[family].append(span)
    return by_family(spans)


def by_family(spans: Spans) -> dict[int, Addresses]:
    return {family: addresses(held) for family, held in spans.items()}


def single(value: object, family: int) -> int:
    """An address of one family as an integer. Raises DataError."""
    try:
        address = ip_address(value) if isinstance(value, str) else None
    except ValueError:
        address = None
    if address is None or address.version != family:
        raise DataError(f"not an IPv{family} address: {value!r}")
    return int(address)


def whole(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise DataError(f"{what} is not a whole number: {value!r}")
    return value


def icmp_span(kind: object, code: object) -> Span:
    """The span of type * 256 + code; -1 is any (EC2 API reference, IpPermission and IcmpTypeCode). Raises DataError."""
    kind, code = whole(kind, "an ICMP type"), whole(code, "an ICMP code")
    if not -1 <= kind <= 255 or not -1 <= code <= 255:
        raise DataError(f"not an ICMP type and code: {kind}, {code}")
    if kind == -1:
        return 0, PORTS
    return (kind * 256, kind * 256 + 255) if code == -1 else (kind * 256 + code, kind * 256 + code)


def permission_traffic(permission: Wire) -> tuple[Span, Span]:
    """(protocols, ports) of an IpPermission: ICMP types and codes stand in FromPort and ToPort; -1 and protocols
    without ports take every port (EC2 API reference, IpPermission). Raises DataError."""
    protocol = protocol_number(permission.get("IpProtocol"))
    if protocol == EVERY_PROTOCOL:
        return (0, PROTOCOLS), (0, PORTS)
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if protocol in {TCP, UDP}:
        return (protocol, protocol), port_range(first, last)
    if protocol in {ICMP, ICMPV6} and (first is not None or last is not None):
        return (protocol, protocol), icmp_span(first, -1 if last is None else last)
    return (protocol, protocol), (0, PORTS)


def entry_traffic(entry: Wire) -> tuple[Span, Span]:
    """(protocols, ports) of a network ACL entry (EC2 API reference, NetworkAclEntry). Raises DataError."""
    protocol = protocol_number(entry.get("Protocol"))
    if protocol == EVERY_PROTOCOL:
        return (0, PROTOCOLS), (0, PORTS)
    if protocol in {TCP, UDP}:
        ports = wire(entry.get("PortRange"), "PortRange")
        return (protocol, protocol), port_range(ports.get("From"), ports.get("To"))
    if protocol in {ICMP, ICMPV6}:
        kinds = wire(entry.get("IcmpTypeCode"), "IcmpTypeCode")
        return (protocol, protocol), icmp_span(kinds.get("Type"), kinds.get("Code"))
    return (protocol, protocol), (0, PORTS)


@lru_cache(1 << 14)
def block_matches(block: str, traffic: tuple[Span, Span]) -> Mapping[int, PacketSet]:
    """Some traffic from or to a CIDR; kept, since many rules say the same. Raises DataError."""
    return matching(cidr_set([block]), traffic)


@lru_cache(1 << 10)
def any_matches(traffic: tuple[Span, Span]) -> Mapping[int, PacketSet]:
    """Some traffic from or to anyone."""
    return matching(EVERYBODY, traffic)


def matching(who: Mapping[int, Addresses], traffic: tuple[Span, Span]) -> dict[int, PacketSet]:
    """Some traffic from or to some addresses, by family."""
    return {family: packets(held, *traffic) if held else NOTHING for family, held in who.items()}


_NAMED = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmpv6"}


def traffic_name(traffic: tuple[Span, Span]) -> str:
    """What rule ids say: `tcp/443`, `udp/1000-2000`, `icmp`, `50`, `all`."""
    (protocol, last), ports = traffic
    if protocol != last:
        return "all"
    name = _NAMED.get(protocol, str(protocol))
    if protocol not in {TCP, UDP}:
        return name if ports == (0, PORTS) else f"{name} {ports[0] >> 8}" + ("" if ports[1] - ports[0] == 255 else f"/{ports[0] & 255}")
    return f"{name}/{ports[0]}" + ("" if ports[0] == ports[1] else f"-{ports[1]}")
