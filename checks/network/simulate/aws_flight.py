"""A packet under way in AWS: where it is, what it has passed, and what a step can make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from checks.network.packet import ICMP, ICMPV6, PORTED, Hop, Packet


@dataclass(frozen=True, slots=True)
class Leaving:
    """On the wire of a subnet, out of an interface or of a transit gateway's foot in it."""

    subnet: str


@dataclass(frozen=True, slots=True)
class Entering:
    """On its way to an address of a VPC; `subnet` is the one it comes out of, None if it comes through a gateway."""

    vpc: str
    subnet: str | None


@dataclass(frozen=True, slots=True)
class Handed:
    """Given to an interface by a route or by a flow that remembers it, whatever the packet's destination."""

    interface: str
    subnet: str | None


@dataclass(frozen=True, slots=True)
class Crossing:
    """Inside a transit gateway, come in by an attachment."""

    gateway: str
    attachment: str


@dataclass(frozen=True, slots=True)
class Online:
    """In the internet."""


Place = Leaving | Entering | Handed | Crossing | Online


@dataclass(frozen=True, slots=True)
class Translation:
    """What a NAT gateway remembers: the packet as it came from inside, and as it went out."""

    gateway: str
    inside: Packet
    outside: Packet


@dataclass(frozen=True, slots=True)
class Flight:
    """A packet at a place.

    `groups` are the security groups that a rule with a reference may recognise in the sender: those of the interface
    whose address is the source, as long as nothing on the way hides it; None where the sender is an interface that
    nobody read. `translations` and `egress_only` are what gateways remember of the connection; `answering` is true for
    the first answer, which uses that memory.
    """

    packet: Packet
    place: Place
    hops: tuple[Hop, ...] = ()
    groups: frozenset[str] | None = frozenset()
    translations: tuple[Translation, ...] = ()
    egress_only: frozenset[str] = frozenset()
    answering: bool = False

    def past(self, *hops: Hop) -> Flight:
        return replace(self, hops=self.hops + hops)

    def to(self, place: Place) -> Flight:
        return replace(self, place=place)


@dataclass(frozen=True, slots=True)
class Delivered:
    """Come out: at an interface, in the internet or at a gateway to another network."""

    flight: Flight
    at: str


@dataclass(frozen=True, slots=True)
class Dropped:
    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    why: str


Step = Flight | Delivered | Dropped | Unknown
Steps = Iterator[Step]

_ANSWERS = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18}, ICMPV6: {128: 129}}
"""Which ICMP type answers which: RFC 792, RFC 950 and RFC 4443. The others report something and have no answer."""


def answer(packet: Packet) -> Packet | None:
    """The first packet of the answer as the receiver sends it, None for an ICMP message that nobody answers."""
    source_port, destination_port = packet.destination_port, packet.source_port
    if packet.protocol in _ANSWERS:
        kind = _ANSWERS[packet.protocol].get(packet.destination_port >> 8)
        if kind is None:
            return None
        source_port, destination_port = 0, kind << 8
    elif packet.protocol not in PORTED:
        source_port, destination_port = 0, 0
    return replace(
        packet,
        source=packet.destination,
        destination=packet.source,
        source_port=source_port,
        destination_port=destination_port,
    )
