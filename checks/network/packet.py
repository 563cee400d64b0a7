"""One concrete packet, and what became of it: what the simulator follows and what a witness is."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
PORTED = frozenset({TCP, UDP})
"""Protocols whose packets carry ports that filters read; the others are matched by number (and ICMP by type and code)."""

PROTOCOL_NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMPV6: "icmpv6"}

INTERNET = "internet"
"""The place of everything with a public address that no estate holds."""


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection. Addresses are integers of one family; an ICMP type and code stand in
    `destination_port` as type * 256 + code, with `source_port` 0; protocols without ports have both ports 0."""

    family: int
    source: int
    destination: int
    protocol: int
    source_port: int
    destination_port: int

    def __str__(self) -> str:
        name = PROTOCOL_NAMES.get(self.protocol, str(self.protocol))
        source, destination = address(self.family, self.source), address(self.family, self.destination)
        if self.protocol not in PORTED:
            kind = f" type {self.destination_port >> 8} code {self.destination_port & 255}" if self.protocol in {ICMP, ICMPV6} else ""
            return f"{name} {source} -> {destination}{kind}"
        if self.family == 6:
            source, destination = f"[{source}]", f"[{destination}]"
        return f"{name} {source}:{self.source_port} -> {destination}:{self.destination_port}"


def address(family: int, value: int) -> str:
    return str(IPv4Address(value) if family == 4 else IPv6Address(value))


@dataclass(frozen=True, slots=True)
class Hop:
    """One thing on a packet's way: a provider's id where it has one, and the rule ids that let the packet on from here."""

    id: str
    kind: str
    allowed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a packet came out: an interface's id, `internet`, or the id of a gateway to another network.

    `arrives` is the packet as the receiver sees it; behind a load balancer that is another one than was sent. `reply`
    says whether an answer to it finds its way back to whoever sent the first packet.
    """

    at: str
    arrives: Packet
    hops: tuple[Hop, ...]
    reply: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """All that became of a packet. `dropped` says where and why it went no further, `unknown` what could not be told."""

    deliveries: tuple[Delivery, ...] = ()
    dropped: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
